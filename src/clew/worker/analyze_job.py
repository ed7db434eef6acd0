"""Jobs of the kind `analyze`: find which sources act together, node by node, going on where an attempt before ended.

Their parameters are {analysis_session_id}, or, of schedules, {depth, since, until, sensors …}: such a job is its own
analysis. However an attempt ends, the analysis ends with the last one.
"""

import threading
from typing import TYPE_CHECKING, Final
from uuid import UUID

from clew.domains.identity.service import operator_of
from clew.domains.jobs.claims import Advance
from clew.domains.jobs.service import Job, find_job
from clew.kernel.cache.port import Cache
from clew.kernel.database import Database
from clew.kernel.errors import ClewError, ConfigurationError, DatabaseUnavailableError
from clew.kernel.transactions import TenantContext
from clew.worker.work import Handler, Outcome, Work

if TYPE_CHECKING:
    from clew.domains.analyses.workflow import Workflow


class Analyzing:
    """Does them. It remembers what a language model answered, for as long as its process lives or in Redis."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._cache: Cache | None = None

    def run(self, work: Work) -> Outcome:
        """Analyse. Raises what `Workflow.run` raises but for StoppedError."""
        from clew.domains.analyses.workbench import StoppedError  # noqa: PLC0415 - what analyses need is loaded here

        context = TenantContext(work.organization_id, work.user_id or _operator(work))
        identifier = _analysis(work, context)
        workflow = self._workflow(work.database)

        def observe(step: str, done: float) -> None:
            work.observe(Advance(step, records_done=round(100 * done), records_total=100))

        try:
            over = workflow.run(context, identifier, observe=observe, stop=work.stop)
        except StoppedError as error:
            return self._stopped(work, workflow, context, identifier, error.why)
        except DatabaseUnavailableError:
            raise
        except Exception as error:
            if not (isinstance(error, ClewError) and error.transient and _is_tried_again(work)):
                workflow.fail(context, identifier, error)
            raise
        return Outcome(over.document, finished=over.status == "completed")

    def _stopped(self, work: Work, workflow: "Workflow", context: TenantContext, identifier: UUID, why: str) -> Outcome:
        from clew.domains.analyses.workflow import TooLongError  # noqa: PLC0415

        if why == "too_long":
            seconds = work.database.settings.analysis_timeout_seconds
            late = TooLongError(
                f"the analysis took longer than {seconds} seconds",
                where=f"analysis {identifier}",
                remedy="ask for less, or raise analysis_timeout_seconds",
            )
            workflow.fail(context, identifier, late)
            raise late
        job = _job(work)
        if job is not None and job.cancel_requested_at is not None:
            workflow.fail(context, identifier, InterruptedError(), status="cancelled")
        result = {"analysis_id": str(identifier), "status": "cancelled", "campaigns": []}
        return Outcome(result, finished=False)

    def _workflow(self, database: Database) -> "Workflow":
        from clew.domains.analyses.assessing import Writer  # noqa: PLC0415
        from clew.domains.analyses.costs import note_cost  # noqa: PLC0415
        from clew.domains.analyses.language_model import LanguageModel  # noqa: PLC0415
        from clew.domains.analyses.workflow import Workflow  # noqa: PLC0415

        model = LanguageModel.of(database.settings)
        cache = None if model is None else self._opened_cache(database)
        writer = Writer(model, cache, lambda where, user, answer: note_cost(database, where, user, answer))
        return Workflow(database, writer)

    def _opened_cache(self, database: Database) -> Cache | None:
        from clew.kernel.cache.opening import opened_cache  # noqa: PLC0415

        with self._guard:
            if self._cache is None:
                try:
                    self._cache = opened_cache(database.settings).__enter__()  # for the life of the process
                except ConfigurationError:  # away, or not for us: models are asked again
                    return None
            return self._cache


def prepare() -> None:
    """Load what an analysis needs; most of it is LangGraph's, and takes longer than a small analysis."""
    import langgraph.graph  # noqa: F401, PLC0415

    from clew.domains.analyses import checkpoints, costs, language_model, workflow  # noqa: F401, PLC0415


ANALYZE: Final = Handler("analyze", Analyzing().run, prepare)


def _analysis(work: Work, context: TenantContext) -> UUID:
    told = work.parameters.get("analysis_session_id")
    if told is not None:
        return UUID(told)
    from clew.domains.analyses.service import adopt  # noqa: PLC0415

    with work.database.transaction(context) as connection:
        return adopt(connection, context, work.job_id, work.parameters)


def _operator(work: Work) -> UUID:
    """For whom a job is done whose user was removed since."""
    with work.database.transaction(work.context) as connection:
        return operator_of(connection, work.organization_id)


def _job(work: Work) -> Job | None:
    with work.database.transaction(work.context) as connection:
        try:
            return find_job(connection, work.organization_id, work.job_id)
        except ClewError:
            return None


def _is_tried_again(work: Work) -> bool:
    job = _job(work)
    return job is not None and work.attempt < job.max_attempts
