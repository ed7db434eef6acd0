"""Jobs of the kind `analyze`: find which sources act together, as `clew analyze` does.

Its parameters are {depth, since, until, sensors}; all but the first may be null. What an attempt that died had found is
not kept, so a job can be done again however it ended. While another analysis of the organization runs, it waits.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from clew.analysis.coordination import Depth
from clew.domains.campaigns.reporting import AnalysisRequest
from clew.domains.campaigns.running import run_analysis
from clew.domains.identity.service import operator_of
from clew.domains.jobs.claims import Advance
from clew.kernel.transactions import TenantContext
from clew.worker.work import Handler, Outcome, Work


def run(work: Work) -> Outcome:
    """Analyse. Raises what `run_analysis` raises."""
    asked = work.parameters
    request = AnalysisRequest(
        TenantContext(work.organization_id, work.user_id or _operator(work)),
        Depth(asked.get("depth") or Depth.STANDARD),
        _moment(asked.get("since")),
        _moment(asked.get("until")),
        tuple(asked["sensors"]) if asked.get("sensors") else None,
    )
    report = run_analysis(
        work.database,
        request,
        observe=lambda step, done: work.observe(Advance(step, records_done=round(100 * done), records_total=100)),
        stop=work.stop,
    )
    return Outcome(report.as_dict(), finished=report.status == "completed")


ANALYZE: Final = Handler("analyze", run)


def _operator(work: Work) -> UUID:
    """For whom a job is done whose user was removed since."""
    with work.database.transaction(work.context) as connection:
        return operator_of(connection, work.organization_id)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
