"""Analyses as they are shown: how far, by which steps, with which result, and whether their callback was taken."""

from dataclasses import dataclass
from datetime import datetime
from operator import eq
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.domains.analyses.steps import Step, steps_of
from clew.domains.analyses.tables import analysis_callbacks
from clew.domains.campaigns.tables import ANALYSIS_STATES, analysis_sessions
from clew.domains.jobs.tables import jobs
from clew.kernel.errors import NotFoundError
from clew.records.paging import Listing, Page, PageRequest, given, read_page

OVER: Final = frozenset({"completed", "failed", "cancelled"})
STATES: Final = ANALYSIS_STATES


@dataclass(frozen=True, slots=True)
class Callback:
    """What became of telling the end of an analysis to the address that it named."""

    id: UUID
    url: str
    status: str
    attempts: int
    response_status: int | None
    reason: str | None
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class AnalysisSession:
    """An analysis. `current_step` and `progress` (0-1) are of one that is worked on."""

    id: UUID
    status: str
    analysis_depth: str
    priority: int
    user_id: UUID | None
    job_id: UUID | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    seconds: float | None
    confidence: float | None
    callback_url: str | None
    request: dict[str, Any]
    result: dict[str, Any]
    current_step: str | None = None
    progress: float | None = None
    steps: tuple[Step, ...] = ()
    callback: Callback | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be done, unless somebody has it retried."""
        return self.status in OVER


_COLUMNS: Final = (
    analysis_sessions.c.id,
    analysis_sessions.c.status,
    analysis_sessions.c.analysis_depth,
    analysis_sessions.c.priority,
    analysis_sessions.c.user_id,
    analysis_sessions.c.job_id,
    analysis_sessions.c.created_at,
    analysis_sessions.c.started_at,
    analysis_sessions.c.completed_at,
    sa.cast(analysis_sessions.c.processing_time_seconds, sa.Double).label("seconds"),
    sa.cast(analysis_sessions.c.coordination_confidence, sa.Double).label("confidence"),
    analysis_sessions.c.callback_url,
    sa.func.coalesce(analysis_sessions.c.metadata["request"], sa.text("'{}'::jsonb")).label("request"),
    analysis_sessions.c.final_assessment.label("result"),
)
_LISTING: Final = Listing(
    "analyses",
    analysis_sessions,
    _COLUMNS,
    {"created_at": (analysis_sessions.c.created_at, analysis_sessions.c.id)},
    "-created_at",
)


def page_of_sessions(
    connection: sa.Connection, organization_id: UUID, request: PageRequest, *, status: str | None = None
) -> Page[AnalysisSession]:
    """One page of analyses, the newest first, without steps and callbacks."""
    walked = [*given((analysis_sessions.c.status, eq, status))]
    return read_page(connection, _LISTING, organization_id, request, filters=status, walked=walked).mapped(_session)


def find_session(connection: sa.Connection, organization_id: UUID, analysis_id: UUID) -> AnalysisSession:
    """One analysis with all that is known of it. Raises NotFoundError."""
    query = sa.select(*_COLUMNS).where(
        analysis_sessions.c.organization_id == organization_id, analysis_sessions.c.id == analysis_id
    )
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"no analysis {analysis_id}", remedy="take the id from the list of analyses")
    steps = tuple(steps_of(connection, organization_id, analysis_id))
    told: dict[str, Any] = {"steps": steps, "callback": _callback(connection, organization_id, analysis_id)}
    if row["status"] == "processing" and row["job_id"] is not None:
        told |= _progress(connection, organization_id, row["job_id"], steps)
    return _session(row, **told)


def _session(row: sa.RowMapping, **told: Any) -> AnalysisSession:
    return AnalysisSession(**{column.name: row[column.name] for column in _COLUMNS}, **told)


def _callback(connection: sa.Connection, organization_id: UUID, analysis_id: UUID) -> Callback | None:
    table = analysis_callbacks.c
    query = sa.select(*(table[name] for name in Callback.__slots__)).where(
        table.organization_id == organization_id, table.analysis_session_id == analysis_id
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Callback(*row)


def _progress(
    connection: sa.Connection, organization_id: UUID, job_id: UUID, steps: tuple[Step, ...]
) -> dict[str, Any]:
    query = sa.select(jobs.c.records_done, jobs.c.records_total).where(
        jobs.c.organization_id == organization_id, jobs.c.id == job_id
    )
    row = connection.execute(query).one_or_none()
    share = None if row is None or not row.records_total else round(row.records_done / row.records_total, 3)
    running = [step.step for step in steps if step.status == "running"]
    return {"current_step": running[-1] if running else None, "progress": share}
