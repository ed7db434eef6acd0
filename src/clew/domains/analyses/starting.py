"""How work on an analysis begins, the first time and again."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg

from clew.domains.analyses.workbench import Subject
from clew.domains.campaigns.service import AnalysisRequest
from clew.kernel.clock import Clock
from clew.kernel.errors import NotFoundError
from clew.kernel.transactions import TenantContext
from clew.records.acts import Act, record

_LOCKED: Final = """
SELECT status, created_at, started_at, metadata -> 'request', job_id, final_assessment FROM analysis_sessions
WHERE organization_id = %(organization)s AND id = %(id)s FOR UPDATE
"""
# One that failed or was cancelled begins anew when its job is tried again.
_BEGIN: Final = """
UPDATE analysis_sessions
SET status = 'processing', started_at = CASE WHEN status = 'processing' THEN started_at ELSE %(now)s END,
    completed_at = NULL, processing_time_seconds = NULL, final_assessment = '{}', updated_at = now()
WHERE organization_id = %(organization)s AND created_at = %(created)s AND id = %(id)s
RETURNING started_at
"""


@dataclass(frozen=True, slots=True)
class Over:
    """How an analysis ended: completed, failed or cancelled, and what came of it."""

    status: str
    document: dict[str, Any]


def begin(
    connection: psycopg.Connection[Any], context: TenantContext, analysis_id: UUID, *, clock: Clock
) -> Subject | Over:
    """What is to be analysed, from now on `processing`; how it ended, if it is completed. Raises NotFoundError."""
    named = {"organization": context.organization_id, "id": analysis_id}
    with connection.transaction():
        row = connection.execute(_LOCKED, named).fetchone()
        if row is None:
            raise _unknown(analysis_id)
        status, created_at, _, request, job_id, document = row
        if status == "completed":
            return Over(status, document)
        begun = connection.execute(_BEGIN, named | {"created": created_at, "now": clock()}).fetchone()
        if begun is None:
            raise _unknown(analysis_id)
        if status != "processing":
            record(connection, Act("analysis_started", "EXECUTE", "analysis", analysis_id, request=request or {}))
    asked = AnalysisRequest.of(context, request or {}, analysis_id)
    return Subject(analysis_id, created_at, begun[0], asked, job_id)


def outcome(connection: psycopg.Connection[Any], organization_id: UUID, analysis_id: UUID) -> Over:
    """How an analysis stands, which is over. Raises NotFoundError."""
    with connection.transaction():
        row = connection.execute(_LOCKED, {"organization": organization_id, "id": analysis_id}).fetchone()
    if row is None:
        raise _unknown(analysis_id)
    return Over(row[0], row[5])


def _unknown(analysis_id: UUID) -> NotFoundError:
    return NotFoundError(f"no analysis {analysis_id}", remedy="it was deleted meanwhile; nothing need be done")
