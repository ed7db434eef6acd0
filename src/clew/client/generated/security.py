"""Operations of the API on: security.

Written by `make docs` from the API's description; edit that instead.
"""

from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked


class SecurityOperations(Calls):
    """Operations on: security."""

    def update_password(self, body: models.PasswordChange) -> models.Renewed:
        """Change one's own password.

        Takes the present password. All other sessions end, and this one goes on under a new id.
        """
        return self._transport.fetch_resource(models.Renewed, asked("PUT", "/api/v1/me/password", body=body))

    def get_second_factor(self) -> models.SecondFactorState:
        """Whether a second factor is in force.

        Whether it is, and how many recovery codes are left.
        """
        return self._transport.fetch_resource(models.SecondFactorState, asked("GET", "/api/v1/me/second-factor"))

    def begin_second_factor(self, body: models.PasswordProof) -> models.Enrolment:
        """Begin to set up a second factor.

        Gives the secret for the authenticator. It counts once a code of it was confirmed.
        """
        return self._transport.fetch_resource(models.Enrolment, asked("POST", "/api/v1/me/second-factor", body=body))

    def confirm_second_factor(self, body: models.SecondFactorCode) -> models.Confirmed:
        """Put a second factor in force.

        Takes a code from the device. Every other session ends, because it began without; this one gets a new id.
        """
        return self._transport.fetch_resource(
            models.Confirmed, asked("POST", "/api/v1/me/second-factor/confirm", body=body)
        )

    def remove_second_factor(self, body: models.SecondFactorRemoval) -> None:
        """Remove one's second factor.

        Takes the password and a code; every other session ends. Where one is demanded, the next is set up at once.
        """
        self._transport.send(asked("POST", "/api/v1/me/second-factor/remove", body=body))

    def create_recovery_codes(self, body: models.PasswordProof) -> models.RecoveryCodes:
        """Make new recovery codes.

        Ten codes in place of all that were, shown this once.
        """
        return self._transport.fetch_resource(
            models.RecoveryCodes, asked("POST", "/api/v1/me/recovery-codes", body=body)
        )
