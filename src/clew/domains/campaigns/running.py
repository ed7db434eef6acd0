"""One analysis from the record to its campaigns.

A run over the whole record goes on from where the last one ended: it reads the sources that are new or had something
new, those that share something rare with them, and the members of the campaigns of all these; of everything else it
remembers what was common. A run over a stretch of time, or of some sensors, reads that and only adds to campaigns.

What a run finds is written in one transaction, which also says that it is completed. A run that dies leaves a row that
says it is at work, which the next one corrects: whoever holds the lock of analyses knows that no other is alive.
"""

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Event
from typing import Any, Final
from uuid import UUID

import orjson
import polars as pl
import psycopg

from clew.analysis.coordination import (
    CAMPAIGN,
    SCHEMA,
    Analysis,
    AnalysisCancelledError,
    Background,
    Scores,
    analyze,
    background_of,
)
from clew.analysis.coordination.kinds import versions as kind_versions
from clew.domains.campaigns import statements
from clew.domains.campaigns.computing import compute_of
from clew.domains.campaigns.connection import enter_campaigns, only_analysis, working_connection
from clew.domains.campaigns.decisions import Binding, binding
from clew.domains.campaigns.enrichment import Enrichment
from clew.domains.campaigns.facts import Telling
from clew.domains.campaigns.features import Stretch, read_features
from clew.domains.campaigns.live import told_live
from clew.domains.campaigns.recording import Held, Outcome, Recorder, Run, read_held
from clew.domains.campaigns.reporting import AnalysisReport, AnalysisRequest, Observer, scores_dict
from clew.domains.campaigns.state import Position, State, new_sources, read_state, with_addresses, write_state
from clew.domains.campaigns.tracking import IDENTITY, Calendar, kept_apart, track
from clew.ingest.service import make_partitions_ahead
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.errors import ClewError
from clew.kernel.ids import IdMaker, new_id
from clew.ontology.possible_times import MAXIMUM_CLOCK_SKEW
from clew.records.acts import Act, record

_MOST_ANEW: Final = 0.25
"""Share of all sources from which on it costs less to read everything than to look up each."""

_COUNT: Final = """
SELECT count(*) FROM attack_sessions
WHERE organization_id = %(organization)s AND source_ip <> '0.0.0.0' AND timestamp >= '2000-01-01'
  AND timestamp < %(latest)s
"""
_OVERALL: Final = """
SELECT id, confidence::float8, unique_sources, scores FROM campaigns
WHERE organization_id = %(organization)s AND merged_into IS NULL AND NOT is_rejected AND NOT metadata ? 'dissolved_by'
ORDER BY id
"""


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
        return _Running(connection, database, named, observe_live, stop or Event(), now, ids).run()


def fail_the_dead(connection: psycopg.Connection[Any], organization_id: UUID) -> None:
    """Say of analyses that were left at work by processes that died that they failed. Takes the lock's holder."""
    connection.execute(statements.FAIL_THE_DEAD, {"organization": organization_id})


@dataclass(frozen=True, slots=True)
class _Material:
    """What a run looks at, and from which moment of the record."""

    sessions: pl.DataFrame
    background: Background | None
    addresses: pl.DataFrame | None
    position: Position
    total: int


class _Running:
    """One run at work."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        database: Database,
        request: AnalysisRequest,
        observe: Observer,
        stop: Event,
        now: datetime,
        ids: IdMaker,
    ) -> None:
        self._connection = connection
        self._settings = database.settings
        self._request = request
        self._organization_id = request.context.organization_id
        self._observe = observe
        self._stop = stop
        self._now = now
        self._latest = now + MAXIMUM_CLOCK_SKEW
        self._ids = ids
        self._id = request.analysis_id or ids()
        self._enrichment = Enrichment.of(database.settings)
        self._versions = kind_versions() | {"identity": IDENTITY}
        self._started = time.monotonic()

    def run(self) -> AnalysisReport:
        self._begin()
        try:
            material, bound = self._read()
            self._check()
            analysis = analyze(
                material.sessions,
                depth=self._request.depth,
                background=material.background,
                decisions=bound.analysis,
                observe=lambda step, done: self._observe(step, 0.3 + 0.6 * done),
                cancelled=self._stop.is_set,
                compute=compute_of(self._settings, material.sessions.height),
            )
            self._check()
            self._observe("recording campaigns", 0.95)
            return self._write(material, analysis)
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

    def _check(self) -> None:
        if self._stop.is_set():
            raise AnalysisCancelledError

    def _read(self) -> tuple[_Material, Binding]:
        """All that the run looks at, from one moment of the record."""
        self._observe("reading the record", 0.0)
        with self._connection.transaction():
            self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            bound = binding(self._connection, self._organization_id)
            position = Position.now(self._connection)
            depth = self._request.depth.value
            state = read_state(self._connection, self._organization_id, depth, self._versions, position.epoch)
            if not self._request.is_whole:
                stretch = Stretch(self._request.since, self._request.until, self._request.sensors)
                sessions = self._features(stretch)
                background = state.background if state else None
                return _Material(sessions, background, None, position, sessions.height), bound
            total = self._execute(_COUNT, latest=self._latest).fetchone()
            count = int(total[0]) if total else 0
            if state is not None:
                fresh = self._what_is_new(state)
                if fresh is not None:
                    return _Material(fresh, state.background, state.addresses, position, count), bound
            return _Material(self._features(Stretch()), None, None, position, count), bound

    def _what_is_new(self, state: State) -> pl.DataFrame | None:
        """The sessions that new events may change something about; None where that is nearly everything."""
        fresh = new_sources(self._connection, self._organization_id, state.position)
        most = max(1_000, int(_MOST_ANEW * state.addresses.height))
        if len(fresh) > most:
            return None
        if not fresh:
            return pl.DataFrame(schema=SCHEMA)
        first = self._features(Stretch(addresses=sorted(fresh)))
        near = fresh | state.sharing(background_of(first))
        for held in read_held(self._connection, self._organization_id):
            if held.known.members & near:
                near |= held.known.members
        if len(near) > most:
            return None
        return pl.concat([first, self._features(Stretch(addresses=sorted(near - fresh)))])

    def _features(self, stretch: Stretch) -> pl.DataFrame:
        if stretch.addresses is not None and not stretch.addresses:
            return pl.DataFrame(schema=SCHEMA)
        return read_features(
            self._connection,
            self._organization_id,
            stretch,
            self._latest,
            self._enrichment,
            self._stop.is_set,
        )

    def _write(self, material: _Material, analysis: Analysis) -> AnalysisReport:
        with self._connection.transaction():
            enter_campaigns(self._connection, self._organization_id)
            bound = binding(self._connection, self._organization_id)  # decided while the run was at it: holds as well
            held = read_held(self._connection, self._organization_id)
            outcome = self._recorded(material, analysis, bound, held)
            report = self._reported(material, analysis, outcome)
            if self._request.is_whole:
                self._keep_state(material, analysis)
            self._end_within(report, analysis)
        return report

    def _recorded(self, material: _Material, analysis: Analysis, bound: Binding, held: list[Held]) -> Outcome:
        pinned = frozenset().union(*bound.analysis.pinned)
        parts = kept_apart(analysis.communities, bound.splits)
        born = [each for each in parts if each.confidence >= CAMPAIGN or pinned & frozenset(each.source_ips)]
        newest = max(
            [each.last_seen for each in held] + ([] if material.sessions.is_empty() else [_newest(material.sessions)]),
            default=self._now,
        )
        calendar = Calendar(
            newest,
            timedelta(days=self._settings.campaign_dormant_days),
            timedelta(days=self._settings.campaign_concluded_days),
        )
        run = Run(self._id, self._organization_id, self._now, CAMPAIGN, self._request.is_whole, calendar)
        recorder = Recorder(self._connection, run, material.sessions, held, self._ids)
        outcome = recorder.record(track(born, [each.known for each in held]))
        telling = Telling(
            self._connection,
            self._organization_id,
            self._request.context.user_id,
            self._ids(),
            self._now,
            {"analysis_id": str(self._id), "versions": analysis.versions},
        )
        telling.enter(outcome.facts)
        return outcome

    def _reported(self, material: _Material, analysis: Analysis, outcome: Outcome) -> AnalysisReport:
        confidence, scores, campaigns = analysis.confidence, analysis.scores, tuple(outcome.found)
        if self._request.is_whole:
            confidence, scores, campaigns = self._overall()
        return AnalysisReport(
            analysis_id=self._id,
            status="completed",
            sessions=material.total,
            confidence=confidence,
            scores=scores,
            campaigns=campaigns,
            seconds=round(time.monotonic() - self._started, 3),
            read=material.sessions.height,
            new=outcome.new,
            changed=outcome.changed,
            suppressed=tuple(
                {"kind": hub.kind, "value": hub.value, "sources": hub.sources, "reason": hub.reason}
                for hub in analysis.suppressed
            ),
        )

    def _overall(self) -> tuple[float, Scores, tuple[UUID, ...]]:
        """Confidence and scores of all campaigns, weighed by their sources, whichever run found them."""
        rows = self._execute(_OVERALL).fetchall()
        weight = sum(sources for _, _, sources, _ in rows)
        if not weight:
            return 0.0, Scores(), ()

        def mean(numbers: list[float]) -> float:
            weighed = sum(number * float(row[2]) for number, row in zip(numbers, rows, strict=True))
            return float(round(weighed / weight, 4))

        named = {name: mean([row[3].get(name, 0.0) for row in rows]) for name in Scores.__slots__}
        return mean([row[1] for row in rows]), Scores(**named), tuple(row[0] for row in rows)

    def _keep_state(self, material: _Material, analysis: Analysis) -> None:
        addresses = with_addresses(material.addresses, material.sessions["source_ip"].unique())
        state = State(material.position, analysis.background, addresses)
        write_state(
            self._connection,
            self._organization_id,
            self._request.depth.value,
            state,
            self._versions,
            material.total,
            None if material.sessions.is_empty() else _newest(material.sessions),
        )

    def _end_within(self, report: AnalysisReport, analysis: Analysis) -> None:
        scores = scores_dict(report.scores)
        self._execute(
            statements.SAVE_RESULT,
            breakdown=orjson.dumps({"communities": len(analysis.communities), "versions": analysis.versions}).decode(),
            **scores,
            enrichment=orjson.dumps({"tables": [path.name for path in self._enrichment.tables]}).decode(),
            steps=orjson.dumps({"candidate_pairs": analysis.candidate_pairs, "sources": analysis.sources}).decode(),
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


def _newest(sessions: pl.DataFrame) -> datetime:
    newest = sessions["started_at"].max()
    if not isinstance(newest, datetime):
        raise TypeError("sessions have starts")
    return newest


def _told(error: BaseException) -> str:
    return error.message if isinstance(error, ClewError) else type(error).__name__
