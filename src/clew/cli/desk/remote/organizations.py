"""The organization that a key belongs to."""

from dataclasses import dataclass

from clew.cli.desk.remote.connection import connected, shaped
from clew.cli.options import Invocation
from clew.domains.analyses.webhook_secrets import WebhookSecret
from clew.domains.identity.service import Organization


@dataclass(frozen=True, slots=True)
class RemoteOrganizations:
    """See `ports.Organizations`."""

    call: Invocation

    def own(self) -> Organization:
        """It."""
        with connected(self.call) as client:
            return shaped(client.get_organization(), Organization)

    def webhook_secret(self) -> WebhookSecret:
        """What is known of it."""
        with connected(self.call) as client:
            return shaped(client.get_webhook_secret(), WebhookSecret)

    def renew_webhook_secret(self) -> str:
        """A new one."""
        with connected(self.call) as client:
            return client.renew_webhook_secret().secret

    def remove_webhook_secret(self) -> None:
        """Keep none."""
        with connected(self.call) as client:
            client.remove_webhook_secret()
