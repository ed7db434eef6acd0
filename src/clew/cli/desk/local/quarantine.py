"""Rejected records in the record of this machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from clew.cli.options import Invocation
from clew.cli.session import audited_record, changed_record, opened_record
from clew.ingest.quarantine import RetryReport, retry
from clew.records import acts
from clew.records.held import HeldRecord, drop, list_held, show_held


@dataclass(frozen=True, slots=True)
class LocalQuarantine:
    """See `ports.Quarantine`."""

    call: Invocation

    def held(self, *, reason: str | None, file: str | None, limit: int) -> Sequence[HeldRecord]:
        """Those that wait, oldest first."""
        with opened_record(self.call) as record, record.transaction() as connection:
            return list_held(connection, record.organization_id, reason=reason, file=file, limit=limit)

    def find(self, identifier: UUID) -> HeldRecord:
        """One of them."""
        with opened_record(self.call) as record, record.transaction() as connection:
            held = show_held(connection, record.organization_id, identifier)
            acts.record(connection, acts.Act("quarantine_read", "READ", "quarantine", held.id, held.file))
        return held

    def retry(self, identifiers: Sequence[UUID] | None, *, reason: str | None, file: str | None) -> RetryReport:
        """Read them again."""
        with changed_record(self.call) as record:
            return retry(
                record.database,
                record.settings,
                record.organization_id,
                record.user_id,
                ids=identifiers or None,
                reason=reason,
                file=file,
            )

    def drop(self, identifiers: Sequence[UUID]) -> int:
        """Give them up."""
        with audited_record(self.call) as record, record.transaction() as connection:
            for identifier in identifiers:
                show_held(connection, record.organization_id, identifier)  # a mistyped id drops nothing at all
            return drop(connection, record.organization_id, identifiers)
