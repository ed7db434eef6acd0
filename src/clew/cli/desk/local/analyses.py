"""Analyses in the record of this machine: asked for here, done by a server or worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import Final
from uuid import UUID

from clew.cli.options import Invocation
from clew.cli.progress import stepped
from clew.cli.session import audited_record, opened_record
from clew.domains.analyses import service
from clew.kernel.errors import InputError
from clew.kernel.outbound import Outbound
from clew.kernel.transactions import TenantContext
from clew.records.paging import PageRequest

_PAUSE_SECONDS: Final = 0.3


@dataclass(frozen=True, slots=True)
class LocalAnalyses:
    """See `analysis_ports.Analyses`."""

    call: Invocation

    def start(self, asked: service.NewAnalysisSession) -> service.AnalysisSession:
        """Have one done."""
        with audited_record(self.call) as record, record.transaction() as connection:
            context = TenantContext(record.organization_id, record.user_id)
            made = service.start(connection, context, asked, outbound=Outbound.of(record.settings))
            return service.find_session(connection, record.organization_id, made)

    def find(self, identifier: UUID) -> service.AnalysisSession:
        """One with its steps."""
        with opened_record(self.call) as record, record.transaction() as connection:
            return service.find_session(connection, record.organization_id, identifier)

    def all(self, *, status: str | None, limit: int) -> Sequence[service.AnalysisSession]:
        """The newest first."""
        if status is not None and status not in service.STATES:
            remedy = f"write one of {', '.join(service.STATES)}"
            raise InputError(f"{status!r} is no state of an analysis", where="status", remedy=remedy)
        with opened_record(self.call) as record, record.transaction() as connection:
            page = service.page_of_sessions(connection, record.organization_id, PageRequest(limit=limit), status=status)
        return page.items

    def cancel(self, identifier: UUID) -> service.AnalysisSession:
        """End it."""
        with audited_record(self.call) as record, record.transaction() as connection:
            service.cancel(connection, record.organization_id, identifier)
            return service.find_session(connection, record.organization_id, identifier)

    def wait(self, identifier: UUID, stop: Event) -> service.AnalysisSession:
        """It when it is over."""
        with opened_record(self.call) as record, stepped() as observe:
            while True:
                with record.transaction() as connection:
                    found = service.find_session(connection, record.organization_id, identifier)
                if found.is_over or stop.wait(_PAUSE_SECONDS):
                    return found
                observe(found.current_step or "waiting", found.progress or 0.0)
