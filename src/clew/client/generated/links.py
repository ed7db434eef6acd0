"""Operations of the API on: links.

Written by `make docs` from the API's description; edit that instead.
"""

from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked


class LinksOperations(Calls):
    """Operations on: links."""

    def request_reset(self, body: models.ResetRequest) -> None:
        """Ask for a reset link.

        Sends a link if the address is somebody's. The answer is the same at once, whether it is or not.
        """
        self._transport.send(asked("POST", "/api/v1/password-resets", body=body))

    def confirm_reset(self, body: models.Reset) -> None:
        """Choose a new password.

        Takes the link's token. Every session ends; the second factor stays.
        """
        self._transport.send(asked("POST", "/api/v1/password-resets/confirm", body=body))

    def confirm_email(self, body: models.Verification) -> None:
        """Verify an address.

        Takes the link's token, which only the mailbox's owner has.
        """
        self._transport.send(asked("POST", "/api/v1/email-verifications/confirm", body=body))

    def accept(self, body: models.Acceptance) -> models.Profile:
        """Accept an invitation.

        Makes an account of the role that was offered. It signs in like any other afterwards.
        """
        return self._transport.fetch_resource(models.Profile, asked("POST", "/api/v1/invitations/accept", body=body))
