"""Analyses as a service: from POST to result, and how many a process does a minute, beside the bare analysis.

The baselines of the same run: the bare analysis of the same sessions (read, weighed, told; nothing kept), and what
`clew analyze` does with them in one go (campaigns written, nothing resumable).
"""

import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx2

from bench.generate import Plan, write
from bench.places import ORGANIZATION, USER, record_at
from bench.results import Measure, Result
from bench.serving import caller_key, served
from clew.analysis.coordination import Depth, analyze
from clew.domains.analyses.assessing import Writer
from clew.domains.analyses.service import NewAnalysisSession, start
from clew.domains.analyses.workflow import Workflow
from clew.domains.campaigns.connection import working_connection
from clew.domains.campaigns.enrichment import Enrichment
from clew.domains.campaigns.features import Stretch, read_features
from clew.domains.campaigns.reporting import AnalysisRequest
from clew.domains.campaigns.running import run_analysis
from clew.ingest.service import IngestRequest, ingest
from clew.kernel.database import Database, TenantContext
from clew.kernel.outbound import Outbound

SESSIONS: Final = 1_000
_EVENTS: Final = 60_000
_ANALYSES: Final = 40
_BASELINE: Final = 10
_POSTS: Final = 10
_CONTEXT: Final = TenantContext(ORGANIZATION, USER)
_PATIENCE_SECONDS: Final = 60.0


def analyses(place: Path, _events: int) -> Result:
    """A thousand sessions: POST to result with a worker that rests, and with none yet; analyses a minute."""
    log = place / "cowrie.json"
    write(Plan(_EVENTS), log)
    with record_at(place) as database:
        ingest(database, database.settings, IngestRequest(ORGANIZATION, USER, (log,)))
        parts = _parts(database)
        _whole(database)  # what is common in the record is known from here on
        bare, direct, service = _in_turns(database, parts)
        key = caller_key(database)
        with (
            served(place) as (_, address),
            httpx2.Client(base_url=address, headers={"X-API-Key": key}) as to,
        ):
            cold = _posted(to, parts[0])
            warm = [_posted(to, parts[number % len(parts)]) for number in range(_POSTS)]
    return Result(
        "analyses",
        f"analyses of {SESSIONS:,} sessions each, of a record of {_EVENTS:,} events",
        (
            Measure("POST to result, median", statistics.median(warm), "s", most=2),
            Measure("POST to result, slowest", max(warm), "s"),
            Measure("POST to result, the first of a server", cold, "s"),
            Measure("one process, one after the other", 60 / statistics.mean(service), "a minute", least=100),
            Measure("in one go, without nodes (`clew analyze`)", 60 / statistics.mean(direct), "a minute"),
            Measure("bare analysis, nothing kept", 60 / statistics.mean(bare), "a minute"),
            Measure("time of the service / in one go", statistics.mean(service) / statistics.mean(direct)),
            Measure("time of the service / bare", statistics.mean(service) / statistics.mean(bare)),
        ),
    )


def _parts(database: Database) -> list[tuple[UUID, ...]]:
    """Ids of sessions, a thousand in a row of time each."""
    with database.transaction(_CONTEXT) as connection:
        rows = connection.exec_driver_sql("SELECT id FROM attack_sessions ORDER BY timestamp, id").scalars().all()
    whole = [tuple(rows[place : place + SESSIONS]) for place in range(0, len(rows), SESSIONS)]
    return [part for part in whole if len(part) == SESSIONS]


def _whole(database: Database) -> None:
    run_analysis(database, AnalysisRequest(_CONTEXT))


def _in_turns(database: Database, parts: Sequence[tuple[UUID, ...]]) -> tuple[list[float], list[float], list[float]]:
    """Seconds of each, one kind after the other: what else the machine does falls on all alike."""
    workflow = Workflow(database, Writer())
    bare, direct, service = [], [], []
    _serviced(workflow, database, parts[0])  # loads what only the first one loads
    for number in range(_ANALYSES):
        part = parts[number % len(parts)]
        if number % (_ANALYSES // _BASELINE) == 0:
            bare.append(_timed(lambda part=part: _bare(database, part)))  # type: ignore[misc]
            request = AnalysisRequest(_CONTEXT, session_ids=part)
            direct.append(_timed(lambda request=request: run_analysis(database, request)))  # type: ignore[misc]
        service.append(_timed(lambda part=part: _serviced(workflow, database, part)))  # type: ignore[misc]
    return bare, direct, service


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _bare(database: Database, part: tuple[UUID, ...]) -> None:
    with working_connection(database, _CONTEXT) as connection:
        latest = datetime(2100, 1, 1, tzinfo=UTC)
        stretch = Stretch(session_ids=part)
        sessions = read_features(connection, ORGANIZATION, stretch, latest, Enrichment.of(database.settings))
    analyze(sessions, depth=Depth.STANDARD)


def _serviced(workflow: Workflow, database: Database, part: tuple[UUID, ...]) -> None:
    with database.transaction(_CONTEXT) as connection:
        made = start(connection, _CONTEXT, NewAnalysisSession(session_ids=part), outbound=Outbound())
    over = workflow.run(_CONTEXT, made)
    if over.status != "completed":
        raise RuntimeError(f"an analysis is {over.status}: {over.document}")


def _posted(to: httpx2.Client, part: tuple[UUID, ...]) -> float:
    """Seconds from sending a request to having its result."""
    began = time.perf_counter()
    asked: dict[str, Any] = {"session_ids": [str(each) for each in part]}
    place = to.post("/api/v1/analyses", json=asked).raise_for_status().headers["Location"]
    while time.perf_counter() - began < _PATIENCE_SECONDS:
        found = to.get(place).raise_for_status().json()
        if found["status"] in {"completed", "failed", "cancelled"}:
            if found["status"] != "completed":
                raise RuntimeError(f"an analysis is {found['status']}: {found['result']}")
            return time.perf_counter() - began
        time.sleep(0.02)
    raise TimeoutError(f"no result of {place}")
