"""The organization that a key belongs to."""

from dataclasses import dataclass

from clew.cli.desk.remote.connection import connected, shaped
from clew.cli.options import Invocation
from clew.domains.identity.service import Organization


@dataclass(frozen=True, slots=True)
class RemoteOrganizations:
    """See `ports.Organizations`."""

    call: Invocation

    def own(self) -> Organization:
        """It."""
        with connected(self.call) as client:
            return shaped(client.get_organization(), Organization)
