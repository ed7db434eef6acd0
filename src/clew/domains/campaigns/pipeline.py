"""The steps of an analysis, from the record to its campaigns: each takes what the one before gave.

fetch ─► enrich ─► stages (pairs, communities) ─► update. `running` carries them out in one go, an analysis that the
service was asked for node by node, with what each gave put away in between. A run over the whole record goes on from
where the last one ended: it reads the sources that are new or had something new, those that share something rare with
them, and the members of the campaigns of all these; of everything else it remembers what was common. A run over a
part of the record reads that and only adds to campaigns.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import polars as pl
import psycopg

from clew.analysis.coordination import CAMPAIGN, SCHEMA, Analysis, Scores, Stages, background_of
from clew.analysis.coordination.kinds import versions as kind_versions
from clew.domains.campaigns.computing import compute_of
from clew.domains.campaigns.connection import enter_campaigns
from clew.domains.campaigns.decisions import Binding, binding
from clew.domains.campaigns.documenting import keep_enrichment
from clew.domains.campaigns.enrichment import Enrichment
from clew.domains.campaigns.facts import Telling
from clew.domains.campaigns.features import Stretch, enriched, read_sessions
from clew.domains.campaigns.recording import Held, Outcome, Recorder, Run, read_held
from clew.domains.campaigns.reporting import AnalysisReport, AnalysisRequest, Observer
from clew.domains.campaigns.state import (
    Position,
    State,
    held_position,
    new_sources,
    read_state,
    with_addresses,
    write_state,
)
from clew.domains.campaigns.tracking import IDENTITY, Calendar, kept_apart, track
from clew.kernel.errors import ConflictError
from clew.kernel.ids import IdMaker
from clew.kernel.settings import Settings
from clew.ontology.possible_times import MAXIMUM_CLOCK_SKEW
from clew.records import stage

_MOST_ANEW: Final = 0.25
"""Share of all sources from which on it costs less to read everything than to look up each."""

_COUNT: Final = """
SELECT count(*) FROM attack_sessions
WHERE organization_id = %(organization)s AND source_ip <> '0.0.0.0' AND timestamp >= '2000-01-01'
  AND timestamp < %(latest)s
"""
_MEMBERS: Final = """
SELECT host(source_ip) FROM campaign_members
WHERE organization_id = %(organization)s AND campaign_id = %(campaign)s ORDER BY source_ip
"""
_OVERALL: Final = """
SELECT id, confidence::float8, unique_sources, scores FROM campaigns
WHERE organization_id = %(organization)s AND merged_into IS NULL AND NOT is_rejected AND NOT metadata ? 'dissolved_by'
ORDER BY id
"""


class OvertakenError(ConflictError):
    """Another analysis went on from the same place meanwhile: what was read is to be read anew."""

    transient = True


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a run looks at, from one moment of the record.

    `known` is what it builds on, None if it builds on nothing; `seen` names the state of its depth as it was then.
    """

    sessions: pl.DataFrame
    position: Position
    total: int
    known: State | None
    seen: str | None


class Pipeline:
    """The steps, for one analysis on one connection of the organization (see `working_connection`)."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        settings: Settings,
        request: AnalysisRequest,
        *,
        analysis_id: UUID,
        now: datetime,
        ids: IdMaker,
        observe: Observer,
        stopped: Callable[[], bool],
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._request = request
        self._organization_id = request.context.organization_id
        self._id = analysis_id
        self._now = now
        self._latest = now + MAXIMUM_CLOCK_SKEW
        self._ids = ids
        self._observe = observe
        self._stopped = stopped
        self._versions = kind_versions() | {"identity": IDENTITY}
        self.enrichment = Enrichment.of(settings)

    def fetch(self) -> Fetched:
        """Read what is to be analysed, all of it from one moment of the record."""
        self._observe("reading the record", 0.0)
        depth = self._request.depth.value
        with self._connection.transaction():
            self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            position = Position.now(self._connection)
            seen = held_position(self._connection, self._organization_id, depth)
            state = read_state(self._connection, self._organization_id, depth, self._versions, position.epoch)
            if not self._request.is_whole:
                sessions = self._sessions(self._stretch())
                known = None if state is None else replace(state, addresses=None)
                return Fetched(sessions, position, sessions.height, known, seen)
            total = self._execute(_COUNT, latest=self._latest).fetchone()
            count = int(total[0]) if total else 0
            if state is not None:
                fresh = self._what_is_new(state)
                if fresh is not None:
                    return Fetched(fresh, position, count, state, seen)
            return Fetched(self._sessions(Stretch()), position, count, None, seen)

    def fetched_before(
        self, sessions: pl.DataFrame, *, total: int, position: str, built: bool, seen: str | None
    ) -> Fetched:
        """What `fetch` gave, of what was put away of it; `built`: it built on the state of its depth.

        Raises OvertakenError if that state is no longer there.
        """
        depth, place = self._request.depth.value, Position.parse(position)
        if not built:
            return Fetched(sessions, place, total, None, seen)
        state = read_state(self._connection, self._organization_id, depth, self._versions, place.epoch)
        if state is None or held_position(self._connection, self._organization_id, depth) != seen:
            raise _overtaken()
        known = state if self._request.is_whole else replace(state, addresses=None)
        return Fetched(sessions, place, total, known, seen)

    def enrich(self, fetched: Fetched) -> Fetched:
        """The same with what local tables say of the sources."""
        return replace(fetched, sessions=enriched(fetched.sessions, self.enrichment))

    def stages(self, fetched: Fetched) -> Stages:
        """The analysis proper, bound by what analysts have decided so far. Its steps raise AnalysisCancelledError."""
        return Stages(
            fetched.sessions,
            self._request.depth,
            fetched.known.background if fetched.known else None,
            binding(self._connection, self._organization_id).analysis,
            observe=lambda step, done: self._observe(step, 0.3 + 0.6 * done),
            cancelled=self._stopped,
            compute=compute_of(self._settings, fetched.sessions.height),
            partial=not self._request.is_whole,
        )

    def update(self, fetched: Fetched, analysis: Analysis) -> tuple[AnalysisReport, Outcome]:
        """Write what became of campaigns, in the caller's transaction, which nobody else changes them beside.

        The report has no `seconds` yet. Raises OvertakenError if another run over the whole record ended meanwhile.
        """
        self._observe("recording campaigns", 0.95)
        enter_campaigns(self._connection, self._organization_id)
        if self._request.is_whole:
            depth = self._request.depth.value
            if held_position(self._connection, self._organization_id, depth) != fetched.seen:
                raise _overtaken()
        bound = binding(self._connection, self._organization_id)  # decided while the run was at it: holds as well
        held = read_held(self._connection, self._organization_id)
        outcome = self._recorded(fetched, analysis, bound, held)
        if self._request.is_whole:
            self._keep_state(fetched, analysis)
        keep_enrichment(self._connection, self._organization_id, fetched.sessions, self.enrichment)
        return self._reported(fetched, analysis, outcome), outcome

    def _stretch(self) -> Stretch:
        request = self._request
        addresses = None if request.source_ips is None else sorted(set(request.source_ips))
        if request.campaign_id is not None:
            rows = self._execute(_MEMBERS, campaign=request.campaign_id).fetchall()
            members = {address for (address,) in rows}
            addresses = sorted(members if addresses is None else members & set(addresses))
        return Stretch(request.since, request.until, request.sensors, addresses, request.session_ids)

    def _what_is_new(self, state: State) -> pl.DataFrame | None:
        """The sessions that new events may change something about; None where that is nearly everything."""
        fresh = new_sources(self._connection, self._organization_id, state.position)
        most = max(1_000, int(_MOST_ANEW * (0 if state.addresses is None else state.addresses.height)))
        if len(fresh) > most:
            return None
        if not fresh:
            return pl.DataFrame(schema=SCHEMA)
        first = self._sessions(Stretch(addresses=sorted(fresh)))
        near = fresh | state.sharing(background_of(first))
        for held in read_held(self._connection, self._organization_id):
            if held.known.members & near:
                near |= held.known.members
        if len(near) > most:
            return None
        return pl.concat([first, self._sessions(Stretch(addresses=sorted(near - fresh)))])

    def _sessions(self, stretch: Stretch) -> pl.DataFrame:
        if stretch.addresses is not None and not stretch.addresses:
            return pl.DataFrame(schema=SCHEMA)
        return read_sessions(self._connection, self._organization_id, stretch, self._latest, self._stopped)

    def _recorded(self, fetched: Fetched, analysis: Analysis, bound: Binding, held: list[Held]) -> Outcome:
        pinned = frozenset().union(*bound.analysis.pinned)
        parts = kept_apart(analysis.communities, bound.splits)
        born = [each for each in parts if each.confidence >= CAMPAIGN or pinned & frozenset(each.source_ips)]
        newest = max(
            [each.last_seen for each in held] + ([] if fetched.sessions.is_empty() else [_newest(fetched.sessions)]),
            default=self._now,
        )
        calendar = Calendar(
            newest,
            timedelta(days=self._settings.campaign_dormant_days),
            timedelta(days=self._settings.campaign_concluded_days),
        )
        run = Run(self._id, self._organization_id, self._now, CAMPAIGN, self._request.is_whole, calendar)
        recorder = Recorder(self._connection, run, fetched.sessions, held, self._ids)
        outcome = recorder.record(track(born, [each.known for each in held]))
        telling = Telling(
            self._connection,
            self._organization_id,
            self._request.context.user_id,
            self._ids(),
            self._now,
            {"analysis_id": str(self._id), "versions": analysis.versions},
        )
        if outcome.facts:  # most analyses tell nothing new, and making the loader's stages takes longer than they do
            stage.create_stages(self._connection, for_loads=False)
            telling.enter(outcome.facts)
        return outcome

    def _reported(self, fetched: Fetched, analysis: Analysis, outcome: Outcome) -> AnalysisReport:
        confidence, scores, campaigns = analysis.confidence, analysis.scores, tuple(outcome.found)
        if self._request.is_whole:
            confidence, scores, campaigns = self._overall()
        return AnalysisReport(
            analysis_id=self._id,
            status="completed",
            sessions=fetched.total,
            confidence=confidence,
            scores=scores,
            campaigns=campaigns,
            seconds=0.0,
            read=fetched.sessions.height,
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

    def _keep_state(self, fetched: Fetched, analysis: Analysis) -> None:
        known = fetched.known.addresses if fetched.known else None
        addresses = with_addresses(known, fetched.sessions["source_ip"].unique())
        state = State(fetched.position, analysis.background, addresses)
        write_state(
            self._connection,
            self._organization_id,
            self._request.depth.value,
            state,
            self._versions,
            fetched.total,
            None if fetched.sessions.is_empty() else _newest(fetched.sessions),
        )

    def _execute(self, statement: str, **parameters: Any) -> psycopg.Cursor[Any]:
        return self._connection.execute(statement, {"organization": self._organization_id} | parameters)


def _overtaken() -> OvertakenError:
    return OvertakenError(
        "another analysis of the whole record ended meanwhile", remedy="nothing need be done: it begins anew"
    )


def _newest(sessions: pl.DataFrame) -> datetime:
    newest = sessions["started_at"].max()
    if not isinstance(newest, datetime):
        raise TypeError("sessions have starts")
    return newest
