"""Operations of the API on: sign-in.

Written by `make docs` from the API's description; edit that instead.
"""

from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked


class SignInOperations(Calls):
    """Operations on: sign-in."""

    def sign_in(self, body: models.Credentials) -> models.Entered:
        """Sign in, by cookie.

        Begins a session and gives its cookie. A session that the browser brought along is ended, never taken over.
        """
        return self._transport.fetch_resource(models.Entered, asked("POST", "/api/v1/sign-in", body=body))

    def get_session(self) -> models.Caller:
        """Who is calling.

        Who the caller is, what they may do, and with a cookie the proof that unsafe requests need.
        """
        return self._transport.fetch_resource(models.Caller, asked("GET", "/api/v1/session"))

    def sign_out(self) -> None:
        """Sign out.

        Ends the session, and with it its access and refresh tokens, at once.
        """
        self._transport.send(asked("DELETE", "/api/v1/session"))

    def create_tokens(self, body: models.Credentials) -> models.Tokens:
        """Sign in, by tokens.

        Begins a session and hands out its access and refresh token, for programs that people use.

        403 where the installation takes no password for tokens (`api_tokens_by_password`): use API keys.
        """
        return self._transport.fetch_resource(models.Tokens, asked("POST", "/api/v1/tokens", body=body))

    def refresh_tokens(self, body: models.Refresh) -> models.Tokens:
        """Exchange a refresh token.

        The next tokens. One that comes a second time was stolen, by whom is unknown: its session ends.
        """
        return self._transport.fetch_resource(models.Tokens, asked("POST", "/api/v1/tokens/refresh", body=body))

    def get_keys(self) -> models.JsonWebKeys:
        """Public keys of access tokens.

        For whoever checks access tokens elsewhere. The next key is shown before it signs anything.
        """
        return self._transport.fetch_resource(models.JsonWebKeys, asked("GET", "/.well-known/jwks.json"))
