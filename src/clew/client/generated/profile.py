"""Operations of the API on: profile.

Written by `make docs` from the API's description; edit that instead.
"""

from uuid import UUID

from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked, path_of


class ProfileOperations(Calls):
    """Operations on: profile."""

    def get_profile(self) -> models.Profile:
        """One's own account.

        The caller's account, with its ETag.
        """
        return self._transport.fetch_resource(models.Profile, asked("GET", "/api/v1/me"))

    def update_profile(self, body: models.ProfileChange, *, if_match: str | None = None) -> models.Profile:
        """Change one's own account.

        Changes what is given. Another e-mail address takes the password and is unverified until its link comes back.
        """
        return self._transport.fetch_resource(
            models.Profile, asked("PATCH", "/api/v1/me", body=body, if_match=if_match)
        )

    def request_email_verification(self) -> None:
        """Send a verification link.

        Sends a link to the caller's own address.
        """
        self._transport.send(asked("POST", "/api/v1/me/email-verification"))

    def list_own_sessions(self) -> models.SessionPage:
        """One's own sessions.

        Every live session of the caller, newest first.
        """
        return self._transport.fetch(models.SessionPage, asked("GET", "/api/v1/me/sessions"))

    def revoke_own_session(self, session_id: UUID, body: models.PasswordProof) -> None:
        """End one's own session.

        Ends one of the caller's sessions. Takes the password; to end the one that this comes in, sign out.
        """
        self._transport.send(
            asked("POST", path_of("/api/v1/me/sessions/{session_id}/end", session_id=session_id), body=body)
        )

    def revoke_other_sessions(self, body: models.PasswordProof) -> None:
        """End all one's other sessions.

        Ends every session of the caller but the one this request came in. Takes the password.

        Whoever found a session open must not lock its owner out with it.
        """
        self._transport.send(asked("POST", "/api/v1/me/sessions/end-others", body=body))

    def get_settings(self) -> models.Settings:
        """One's own settings.

        Everything the caller set, with its ETag.
        """
        return self._transport.fetch_resource(models.Settings, asked("GET", "/api/v1/me/settings"))

    def set_setting(self, key: str, body: models.SettingValue) -> None:
        """Set one of one's own settings.

        Sets one key.
        """
        self._transport.send(asked("PUT", path_of("/api/v1/me/settings/{key}", key=key), body=body))

    def remove_setting(self, key: str) -> None:
        """Forget one of one's own settings.

        Forgets one key.
        """
        self._transport.send(asked("DELETE", path_of("/api/v1/me/settings/{key}", key=key)))
