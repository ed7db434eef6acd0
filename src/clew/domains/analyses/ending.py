"""How an analysis ends: completed, failed or cancelled, once, and with it its callback is enqueued.

Everything works in the caller's transaction, on a connection of the organization. What was put away for nodes to come
goes with the end.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

import orjson
import psycopg

from clew.domains.campaigns.service import AnalysisReport, breakdown_of, save_result
from clew.domains.jobs.service import NewJob, enqueue_for
from clew.kernel.errors import ClewError
from clew.kernel.ids import IdMaker, new_id
from clew.kernel.stored_text import storable_json
from clew.records.acts import Act, record

if TYPE_CHECKING:
    from clew.domains.analyses.workbench import Workbench

CALLBACK: Final = "analysis_callback"
CALLBACK_ATTEMPTS: Final = 8
"""Pauses of about 5, 10, 20 … 320 seconds lie between them: ten minutes in all."""

_COMPLETE: Final = """
UPDATE analysis_sessions
SET status = 'completed', completed_at = clock_timestamp(), processing_time_seconds = %(seconds)s,
    coordination_confidence = %(confidence)s, final_assessment = %(assessment)s, updated_at = now()
WHERE organization_id = %(organization)s AND id = %(id)s AND status = 'processing'
RETURNING callback_url, user_id, priority
"""
_END: Final = """
UPDATE analysis_sessions
SET status = %(status)s, completed_at = clock_timestamp(), final_assessment = %(assessment)s, updated_at = now(),
    processing_time_seconds = extract(epoch FROM clock_timestamp() - coalesce(started_at, clock_timestamp()))
WHERE organization_id = %(organization)s AND id = %(id)s AND status IN ('queued', 'processing')
RETURNING callback_url, user_id, priority
"""
_CALL_BACK: Final = """
INSERT INTO analysis_callbacks AS known (organization_id, id, analysis_session_id, url, job_id)
VALUES (%(organization)s, %(id)s, %(analysis)s, %(url)s, %(job)s)
ON CONFLICT (organization_id, analysis_session_id) DO UPDATE
SET id = excluded.id, url = excluded.url, job_id = excluded.job_id, status = 'pending', attempts = 0,
    response_status = NULL, reason = NULL, sending_since = NULL, delivered_at = NULL, updated_at = now()
"""
_FORGET: Final = tuple(
    f"DELETE FROM {table} WHERE organization_id = %(organization)s AND thread_id = %(id)s::text"  # noqa: S608 - these
    for table in ("checkpoints", "checkpoint_blobs", "checkpoint_writes")
)
_DROP: Final = """
DELETE FROM analysis_intermediates WHERE organization_id = %(organization)s AND analysis_session_id = %(id)s
"""


class _Ended(NamedTuple):
    callback_url: str | None
    user_id: UUID | None
    priority: int


def complete(
    bench: "Workbench", report: AnalysisReport, assessment: Mapping[str, Any], intelligence: list[Mapping[str, Any]]
) -> bool:
    """Write the result and that the analysis is completed; False, and nothing, if it is over already."""
    document = report.as_dict() | {"assessment": assessment}
    common = {"organization": bench.organization_id, "id": report.analysis_id}
    row = bench.connection.execute(
        _COMPLETE,
        common
        | {
            "seconds": report.seconds,
            "confidence": report.confidence,
            "assessment": orjson.dumps(storable_json(document)).decode(),
        },
    ).fetchone()
    if row is None:
        return False
    breakdown, steps = breakdown_of(bench.findings())
    tables = {"tables": [path.name for path in bench.pipeline.enrichment.tables], "intelligence": intelligence}
    save_result(
        bench.connection,
        bench.organization_id,
        report,
        breakdown=breakdown,
        enrichment=storable_json(tables),
        steps=steps,
        found=bench.findings(),
        tools={"assessment": {name: assessment[name] for name in ("written_by", "prompt_version", "fallback_reason")}},
    )
    told = {name: document[name] for name in ("sessions", "confidence", "campaigns_new", "campaigns_changed")}
    record(bench.connection, Act("analysis_completed", "EXECUTE", "analysis", report.analysis_id, response=told))
    _call_back(bench.connection, bench.organization_id, report.analysis_id, _Ended(*row), bench.ids)
    return True


def end(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    analysis_id: UUID,
    status: str,
    reason: Mapping[str, Any],
    *,
    ids: IdMaker = new_id,
) -> bool:
    """Say that an analysis failed or was cancelled, and why ({error, code}); False, and nothing, if it is over."""
    common = {"organization": organization_id, "id": analysis_id}
    assessment = orjson.dumps(storable_json(dict(reason))).decode()
    row = connection.execute(_END, common | {"status": status, "assessment": assessment}).fetchone()
    if row is None:
        return False
    for statement in (*_FORGET, _DROP):
        connection.execute(statement, common)
    message = str(reason.get("error")) if status == "failed" else None
    act = Act(
        f"analysis_{status}", "EXECUTE", "analysis", analysis_id, success=status != "failed", error_message=message
    )
    record(connection, act)
    _call_back(connection, organization_id, analysis_id, _Ended(*row), ids)
    return True


def told(error: BaseException) -> dict[str, Any]:
    """Why an analysis failed, as its row keeps it. What nobody expected is not told beyond its name."""
    if isinstance(error, ClewError):
        return {"error": error.message, "code": error.code, "where": error.where, "remedy": error.remedy}
    return {"error": f"an unexpected {type(error).__name__}", "code": "unexpected", "remedy": "see the server's log"}


def _call_back(
    connection: psycopg.Connection[Any], organization_id: UUID, analysis_id: UUID, ended: _Ended, ids: IdMaker
) -> None:
    if ended.callback_url is None:
        return
    job = NewJob(
        CALLBACK,
        {"analysis_session_id": str(analysis_id)},
        priority=ended.priority,
        max_attempts=CALLBACK_ATTEMPTS,
    )
    job_id = enqueue_for(connection, organization_id, ended.user_id, job, ids=ids)
    row = {"organization": organization_id, "id": ids(), "analysis": analysis_id, "job": job_id}
    connection.execute(_CALL_BACK, row | {"url": ended.callback_url})
