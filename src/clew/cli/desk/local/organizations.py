"""The organization that is worked in, in the record of this machine."""

from dataclasses import dataclass

from clew.cli.options import Invocation
from clew.cli.session import opened_record
from clew.domains.identity.service import Organization


@dataclass(frozen=True, slots=True)
class LocalOrganizations:
    """See `ports.Organizations`."""

    call: Invocation

    def own(self) -> Organization:
        """The one that the call names."""
        with opened_record(self.call) as record:
            return record.organization
