"""Cases in the record of this machine."""

from collections.abc import Sequence
from dataclasses import dataclass

from clew.cli.options import Invocation
from clew.cli.session import changed_record, opened_record
from clew.domains.investigations import service
from clew.domains.investigations.cases import Investigation
from clew.domains.investigations.overview import Overview, investigation_overview
from clew.domains.investigations.targets import Target
from clew.records import acts


@dataclass(frozen=True, slots=True)
class LocalCases:
    """See `ports.Cases`."""

    call: Invocation

    def open(
        self, name: str, *, description: str | None, kind: str, priority: str, lawful_basis: str | None
    ) -> Investigation:
        """A new case."""
        with changed_record(self.call) as record, record.transaction() as connection:
            return service.create_investigation(
                connection,
                record.organization_id,
                name,
                description=description,
                investigation_type=kind,
                priority=priority,
                owner_id=record.user_id,
                lawful_basis=lawful_basis,
            )

    def all(self) -> Sequence[Investigation]:
        """Every case, the newest first."""
        with opened_record(self.call) as record, record.transaction() as connection:
            return service.list_investigations(connection, record.organization_id)

    def overview(self, case: str) -> Overview:
        """A case, its files, and what they told."""
        with opened_record(self.call) as record, record.transaction() as connection:
            found = service.find_investigation(connection, record.organization_id, case)
            overview = investigation_overview(connection, record.organization_id, found.id)
            acts.record(connection, acts.Act("investigation_read", "READ", "investigation", found.id, found.name))
        return overview

    def add_target(self, case: str, value: str, kind: str | None) -> Target:
        """The value as a target of the case."""
        with changed_record(self.call) as record, record.transaction() as connection:
            found = service.find_investigation(connection, record.organization_id, case)
            return service.add_target(connection, record.organization_id, found.id, value, kind)
