"""One analysis from the record to its campaigns, in one go.

What a run finds is written in one transaction, which also says that it is completed. A run that dies leaves a row that
says it is at work, which the next one corrects: whoever holds the lock of analyses knows that no other is alive.
"""

import time
from collections.abc import Sized
from dataclasses import replace
from datetime import datetime
from threading import Event
from typing import Any, Final, Protocol
from uuid import UUID

import orjson
import psycopg

from clew.analysis.coordination import Analysis, AnalysisCancelledError, Scores
from clew.domains.campaigns import statements
from clew.domains.campaigns.connection import only_analysis, working_connection
from clew.domains.campaigns.documenting import Found, document_of
from clew.domains.campaigns.live import told_live
from clew.domains.campaigns.pipeline import OvertakenError, Pipeline
from clew.domains.campaigns.reporting import AnalysisReport, AnalysisRequest, Observer, scores_dict
from clew.ingest.service import make_partitions_ahead
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.errors import ClewError
from clew.kernel.ids import IdMaker, new_id
from clew.records.acts import Act, record

MOST_ROUNDS: Final = 10
"""How often a run reads anew because another one ended meanwhile, before it gives way."""


def run_analysis(
    database: Database,
    request: AnalysisRequest,
    *,
    observe: Observer = lambda _step, _done: None,
    stop: Event | None = None,
    clock: Clock = system_clock,
    ids: IdMaker = new_id,
) -> AnalysisReport:
    """Analyse, and track campaigns. Cancelled by `stop`, at the next step, with nothing written but that it was.

    Raises ConflictError while another analysis of the organization runs.
    """
    now, analysis_id = clock(), request.analysis_id or ids()
    with (
        database_errors(database.address),
        working_connection(database, request.context) as connection,
        only_analysis(connection, request.context.organization_id),
        told_live(database.settings, request.context.organization_id, analysis_id, now, observe) as observe_live,
    ):
        make_partitions_ahead(connection, database.settings.partitions_ahead_months)
        named = replace(request, analysis_id=analysis_id)
        stopped = (stop or Event()).is_set
        pipeline = Pipeline(
            connection, database.settings, named, analysis_id=analysis_id, now=now, ids=ids, observe=observe_live,
            stopped=stopped,
        )  # fmt: skip
        return _Running(connection, pipeline, named, analysis_id, now, stop or Event()).run()


def fail_the_dead(connection: psycopg.Connection[Any], organization_id: UUID) -> None:
    """Say of analyses that were left at work by processes that died that they failed. Takes the lock's holder."""
    connection.execute(statements.FAIL_THE_DEAD, {"organization": organization_id})


def save_result(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    report: AnalysisReport,
    *,
    breakdown: dict[str, Any],
    enrichment: dict[str, Any],
    steps: dict[str, Any],
    found: Found,
    tools: dict[str, Any] | None = None,
) -> None:
    """Write what an analysis came to, once: what is there of it stays."""
    parameters = {
        "organization": organization_id,
        "analysis": report.analysis_id,
        "breakdown": orjson.dumps(breakdown).decode(),
        "enrichment": orjson.dumps(enrichment).decode(),
        "steps": orjson.dumps(steps).decode(),
        "tools": orjson.dumps(tools or {}).decode(),
    }
    told = scores_dict(report.scores) | document_of(organization_id, found, report)
    connection.execute(statements.SAVE_RESULT, parameters | told)


class Counted(Protocol):
    """What an analysis found, as far as its result counts it."""

    @property
    def communities(self) -> Sized:
        """The communities."""

    @property
    def versions(self) -> dict[str, str]:
        """Of each kind of evidence."""

    @property
    def candidate_pairs(self) -> int:
        """Pairs that were weighed."""

    @property
    def sources(self) -> int:
        """Sources that were looked at."""


def breakdown_of(analysis: Counted) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a result tells of the evidence, and of the work."""
    breakdown = {"communities": len(analysis.communities), "versions": analysis.versions}
    return breakdown, {"candidate_pairs": analysis.candidate_pairs, "sources": analysis.sources}


class _Running:
    """One run at work."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        pipeline: Pipeline,
        request: AnalysisRequest,
        analysis_id: UUID,
        now: datetime,
        stop: Event,
    ) -> None:
        self._connection = connection
        self._pipeline = pipeline
        self._request = request
        self._organization_id = request.context.organization_id
        self._stop = stop
        self._now = now
        self._id = analysis_id
        self._started = time.monotonic()

    def run(self) -> AnalysisReport:
        self._begin()
        try:
            return self._rounds()
        except AnalysisCancelledError:
            return self._cancelled()
        except BaseException as error:
            self._end("failed", None, {"error": _told(error)})
            raise

    def _begin(self) -> None:
        with self._connection.transaction():
            fail_the_dead(self._connection, self._organization_id)
            self._execute(
                statements.BEGIN_ANALYSIS,
                user=self._request.context.user_id,
                depth=self._request.depth.value,
                metadata=orjson.dumps({"request": self._request.as_dict()}).decode(),
            )
            asked = self._request.as_dict()
            record(self._connection, Act("analysis_started", "EXECUTE", "analysis", self._id, request=asked))

    def _rounds(self) -> AnalysisReport:
        for _ in range(MOST_ROUNDS - 1):
            try:
                return self._round()
            except OvertakenError:
                continue
        return self._round()

    def _round(self) -> AnalysisReport:
        fetched = self._pipeline.enrich(self._pipeline.fetch())
        self._check()
        stages = self._pipeline.stages(fetched)
        analysis = stages.tell(stages.weigh())
        self._check()
        with self._connection.transaction():
            report, _ = self._pipeline.update(fetched, analysis)
            report = replace(report, seconds=round(time.monotonic() - self._started, 3))
            self._end_within(report, analysis)
        return report

    def _check(self) -> None:
        if self._stop.is_set():
            raise AnalysisCancelledError

    def _end_within(self, report: AnalysisReport, analysis: Analysis) -> None:
        breakdown, steps = breakdown_of(analysis)
        tables = {"tables": [path.name for path in self._pipeline.enrichment.tables]}
        save_result(
            self._connection,
            self._organization_id,
            report,
            breakdown=breakdown,
            enrichment=tables,
            steps=steps,
            found=analysis,
        )
        document = report.as_dict()
        self._execute(
            statements.END_ANALYSIS,
            status="completed",
            seconds=report.seconds,
            confidence=report.confidence,
            assessment=orjson.dumps(document).decode(),
        )
        told = {name: document[name] for name in ("sessions", "confidence", "campaigns_new", "campaigns_changed")}
        record(self._connection, Act("analysis_completed", "EXECUTE", "analysis", self._id, response=told))

    def _cancelled(self) -> AnalysisReport:
        seconds = round(time.monotonic() - self._started, 3)
        self._end("cancelled", seconds, {})
        return AnalysisReport(self._id, "cancelled", 0, 0.0, Scores(), (), seconds)

    def _end(self, status: str, seconds: float | None, assessment: dict[str, Any]) -> None:
        if self._connection.closed:
            return  # the next run says that this one failed
        with self._connection.transaction():
            self._execute(
                statements.END_ANALYSIS,
                status=status,
                seconds=seconds,
                confidence=None,
                assessment=orjson.dumps(assessment).decode(),
            )
            act = Act(f"analysis_{status}", "EXECUTE", "analysis", self._id, success=status != "failed")
            record(self._connection, act)

    def _execute(self, statement: str, **parameters: Any) -> psycopg.Cursor[Any]:
        common = {"organization": self._organization_id, "analysis": self._id, "id": self._id, "now": self._now}
        return self._connection.execute(statement, common | parameters)


def _told(error: BaseException) -> str:
    return error.message if isinstance(error, ClewError) else type(error).__name__
