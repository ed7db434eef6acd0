"""Cases in the record of a server."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from clew.cli.desk.remote.connection import connected, shaped
from clew.cli.options import Invocation
from clew.client import Client, models
from clew.domains.investigations.cases import Investigation
from clew.domains.investigations.overview import Overview
from clew.domains.investigations.targets import Target
from clew.kernel.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class RemoteCases:
    """See `ports.Cases`."""

    call: Invocation

    def open(
        self, name: str, *, description: str | None, kind: str, priority: str, lawful_basis: str | None
    ) -> Investigation:
        """A new case."""
        # Which types and priorities there are is for the server to say, as it is for the record here.
        wanted = models.NewInvestigation(
            name=name,
            description=description,
            investigation_type=cast("Any", kind),
            priority=cast("Any", priority),
            lawful_basis=lawful_basis,
        )
        with connected(self.call) as client:
            return shaped(client.create_investigation(wanted), Investigation)

    def all(self) -> Sequence[Investigation]:
        """Every case, the newest first."""
        with connected(self.call) as client:
            return [shaped(each, Investigation) for each in client.iterate_investigations(limit=200)]

    def overview(self, case: str) -> Overview:
        """A case, its files, and what they told."""
        with connected(self.call) as client:
            return shaped(client.get_investigation_overview(case_id(client, case)), Overview)

    def add_target(self, case: str, value: str, kind: str | None) -> Target:
        """The value as a target of the case."""
        with connected(self.call) as client:
            wanted = models.NewTarget(value=value, target_type=cast("Any", kind))
            made = client.add_target(case_id(client, case), wanted)
        return shaped(made, Target, added=made.was_made)


def case_id(client: Client, name_or_id: str) -> UUID:
    """The id of the case of that id or name. Raises NotFoundError."""
    wanted = " ".join(name_or_id.split())
    try:
        return client.get_investigation(UUID(wanted)).id
    except (ValueError, NotFoundError):
        pass  # a name may look like an id
    for each in client.iterate_investigations(limit=200):
        if each.name == wanted:
            return each.id
    raise NotFoundError(f"no case {wanted!r}", remedy="`clew case list` lists them")
