"""Jobs in the record of this machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from clew.cli.options import Invocation
from clew.cli.session import audited_record, opened_record
from clew.domains.jobs import service
from clew.domains.jobs.service import Job


@dataclass(frozen=True, slots=True)
class LocalJobs:
    """See `ports.Jobs`."""

    call: Invocation

    def all(self, *, status: str | None, kind: str | None, limit: int) -> Sequence[Job]:
        """Jobs, newest first."""
        with opened_record(self.call) as record, record.transaction() as connection:
            return service.list_jobs(connection, record.organization_id, status=status, kind=kind, limit=limit)

    def find(self, identifier: UUID) -> Job:
        """One of them."""
        with opened_record(self.call) as record, record.transaction() as connection:
            return service.find_job(connection, record.organization_id, identifier)

    def cancel(self, identifier: UUID) -> Job:
        """End it."""
        with audited_record(self.call) as record, record.transaction() as connection:
            return service.cancel_job(connection, record.organization_id, identifier)

    def retry(self, identifier: UUID) -> Job:
        """Have it done again."""
        with audited_record(self.call) as record, record.transaction() as connection:
            return service.retry_job(connection, record.organization_id, identifier)
