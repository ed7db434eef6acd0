"""The organization that is worked in, in the record of this machine."""

from dataclasses import dataclass

from clew.cli.options import Invocation
from clew.cli.session import audited_record, opened_record
from clew.domains.analyses import service
from clew.domains.identity.service import Organization


@dataclass(frozen=True, slots=True)
class LocalOrganizations:
    """See `ports.Organizations`."""

    call: Invocation

    def own(self) -> Organization:
        """The one that the call names."""
        with opened_record(self.call) as record:
            return record.organization

    def webhook_secret(self) -> service.WebhookSecret:
        """What is known of it."""
        with opened_record(self.call) as record, record.transaction() as connection:
            return service.read_secret(connection, record.organization_id, service.sealer_of(record.settings))

    def renew_webhook_secret(self) -> str:
        """A new one."""
        with audited_record(self.call) as record, record.transaction() as connection:
            return service.renew_secret(connection, record.organization_id, service.sealer_of(record.settings))

    def remove_webhook_secret(self) -> None:
        """Keep none."""
        with audited_record(self.call) as record, record.transaction() as connection:
            service.remove_secrets(connection, record.organization_id)
