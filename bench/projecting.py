"""What keeping the search view in step costs: at loading, until a change is seen, to rebuild it, and to prove it.

`python -m bench.projecting PLACE ENTITIES CHANGES` is the part that needs a process of its own; it prints one JSON
object.
"""

import json
import statistics
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from bench.generate import Plan, write
from bench.places import ORGANIZATION, record_at, run_module, settings_at
from bench.results import MEBIBYTE, Measure, Result
from bench.tool_outputs import OUTPUTS
from bench.usage import Meter
from clew.kernel.database import Database
from clew.projections.keeping import verify
from clew.projections.projector import Projector
from clew.projections.search.fields import SearchIndex
from clew.projections.search_documents.tables import BY_TABLE, DocumentReader
from clew.projections.search_place import search_view
from clew.projections.search_projection import SearchProjection

_ENTITY_HEAVY: Final = "subfinder"
_ENTITY_ROWS: Final = 200_000
_ENTITIES: Final = 1_000_000
_SECONDS: Final = 20
_TICK_SECONDS: Final = 0.05
_CHANGES_A_SECOND: Final = 1_000
_FILL: Final = """
INSERT INTO entities (organization_id, id, entity_type, name, normalized_name, properties, first_seen, last_seen)
SELECT %(organization)s, gen_random_uuid(),
       (ARRAY['domain', 'ip_address', 'email', 'username'])[1 + n %% 4],
       'name-' || n || '.example', 'name-' || n || '.example',
       jsonb_build_object('title', 'word' || (n %% 1009) || ' word' || (n %% 4999), 'number', n),
       timestamptz '2025-01-01' + n * interval '1 second', timestamptz '2025-02-01' + n * interval '1 second'
FROM generate_series(%(first)s::int, %(last)s::int) AS n
"""
_CHANGE: Final = "UPDATE entities SET risk_score = %s, updated_at = now() WHERE organization_id = %s AND id = ANY(%s)"


def feed(place: Path, events: int) -> Result:
    """Loads with and without the view; then a million entities rebuilt, verified and changed."""
    log = place / "cowrie.json"
    write(Plan(events), log)
    file_name, output = OUTPUTS[_ENTITY_HEAVY]
    rows = place / file_name
    with rows.open("wb") as file:
        file.writelines(output(_ENTITY_ROWS))
    loads = {
        (kind, search): _load(place / f"{kind}-{search}", path, search)
        for search in ("none", "tantivy")
        for kind, path in (("events", log), ("entities", rows))
    }
    speed = {key: load.speed for key, load in loads.items()}
    kept = {kind: speed[kind, "tantivy"] / speed[kind, "none"] for kind in ("events", "entities")}
    followed = {kind: loads[kind, "tantivy"].until_followed / speed[kind, "none"] for kind in ("events", "entities")}
    (rest,) = run_module("bench.projecting", [str(place / "rest"), str(_ENTITIES), str(_CHANGES_A_SECOND)])
    return Result(
        "feed",
        f"{events:,} events, {_ENTITY_ROWS:,} rows of {_ENTITY_HEAVY}, {_ENTITIES:,} entities",
        (
            Measure("event-heavy load without the view", speed["events", "none"], "events/s"),
            Measure("event-heavy load with the view", speed["events", "tantivy"], "events/s"),
            Measure("with / without", kept["events"], least=0.9),
            Measure("the same, until the view has all", followed["events"]),
            Measure("entity-heavy load without the view", speed["entities", "none"], "rows/s"),
            Measure("entity-heavy load with the view", speed["entities", "tantivy"], "rows/s"),
            Measure("with / without, entity-heavy", kept["entities"], least=0.6),
            Measure("the same, until the view has all", followed["entities"]),
            Measure("commit to visible, median", rest["visible_median"], "s"),
            Measure("commit to visible, p95", rest["visible_p95"], "s", most=1),
            Measure("reading a million entities (baseline)", rest["read_seconds"], "s"),
            Measure("rebuild of a million entities", rest["rebuild_seconds"], "s", most=60),
            Measure("rebuild / reading", rest["rebuild_seconds"] / rest["read_seconds"]),
            Measure("verify of a million entities", rest["verify_seconds"], "s", most=30),
            Measure("peak memory of the program", rest["peak_bytes"] / MEBIBYTE, "MiB", most=700),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Load:
    """Rows a second: of the load, and until the view had taken over all of it."""

    speed: float
    until_followed: float


def _load(place: Path, path: Path, search: str) -> _Load:
    place.mkdir()
    (load,) = run_module("bench.product", [str(place), str(path)], {"CLEW_SEARCH": search})
    read, seconds = float(load["read"]), float(load["seconds"])
    return _Load(read / seconds, read / (seconds + load["following_seconds"]))


def main(arguments: list[str]) -> None:
    """Measure what needs a large record, in this process."""
    place, entities, rate = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    place.mkdir(exist_ok=True)
    settings = settings_at(place).model_copy(update={"search": "tantivy"})
    with record_at(place) as database:
        if database.embedded is None:
            raise LookupError("the benchmark's record is kept by the embedded server")
        fill(database, entities)
        projection = SearchProjection(search_view(settings))
        with Meter(database.embedded.ensure_running().pid) as meter:
            found = _timed(database, projection)
        found |= visible(database, projection, rate)
    print(json.dumps({**found, "peak_bytes": meter.usage.program_peak_bytes}), flush=True)


def fill(database: Database, entities: int) -> None:
    """Entities of the first organization, put into the record by plain SQL."""
    with _tenant(database) as connection:
        for first in range(1, entities + 1, 50_000):
            last = min(first + 49_999, entities)
            connection.execute(_FILL, {"organization": ORGANIZATION, "first": first, "last": last})
    with database.admin_engine().connect() as connection:
        connection.connection.commit()
        driver = connection.connection.driver_connection
        if isinstance(driver, psycopg.Connection):
            driver.autocommit = True
            driver.execute("VACUUM ANALYZE entities")


def _timed(database: Database, projection: SearchProjection) -> dict[str, float]:
    with Projector(database, [projection]) as projector:
        began = time.perf_counter()
        with projector.moment():
            reader = DocumentReader(projector.connection)
            sum(len(batch) for batch in reader.all(BY_TABLE["entities"], ORGANIZATION))
        read = time.perf_counter()
        projector.rebuild(projection.name, "measured")
        rebuilt = time.perf_counter()
        verified = verify(projector, projection.name)
        done = time.perf_counter()
    if not verified.equal:
        raise RuntimeError(f"the rebuilt view differs: {verified.as_dict()}")
    return {"read_seconds": read - began, "rebuild_seconds": rebuilt - read, "verify_seconds": done - rebuilt}


def visible(database: Database, projection: SearchProjection, rate: int) -> dict[str, float]:
    """How long after its commit a change is found by a reader, while a follower projects."""
    stop = threading.Event()
    follower = threading.Thread(target=_follow, args=(database, projection, stop), daemon=True)
    follower.start()
    waits: list[float] = []
    watched: dict[str, tuple[int, float]] = {}
    with _tenant(database) as connection:
        rows = connection.execute("SELECT id FROM entities LIMIT %s", (rate * _SECONDS,)).fetchall()
        ids = [identifier for (identifier,) in rows]
        each = int(rate * _TICK_SECONDS)
        began = time.perf_counter()
        for tick in range(int(_SECONDS / _TICK_SECONDS)):
            some = ids[tick * each : (tick + 1) * each]
            score = 1 + tick % 99
            connection.execute(_CHANGE, (score, ORGANIZATION, some))
            watched[str(some[0])] = (score, time.perf_counter())
            _look(projection, watched, waits)
            time.sleep(max(0.0, began + (tick + 1) * _TICK_SECONDS - time.perf_counter()))
        until = time.perf_counter() + 10
        while watched and time.perf_counter() < until:
            _look(projection, watched, waits)
            time.sleep(0.01)
    stop.set()
    follower.join()
    if watched:
        raise RuntimeError(f"{len(watched)} changes were never seen")
    waits.sort()
    return {"visible_median": statistics.median(waits), "visible_p95": waits[int(len(waits) * 0.95)]}


def _follow(database: Database, projection: SearchProjection, stop: threading.Event) -> None:
    with Projector(database, [projection]) as projector:
        projector.follow(stop)


def _look(projection: SearchProjection, watched: dict[str, tuple[int, float]], waits: list[float]) -> None:
    with projection.view.reader() as reader:
        found = reader.get(ORGANIZATION, SearchIndex.ENTITIES, list(watched))
    now = time.perf_counter()
    for identifier, document in found.items():
        score, committed = watched[identifier]
        if document.get("risk_score") == score:
            waits.append(now - committed)
            del watched[identifier]


def _tenant(database: Database) -> "psycopg.Connection[Any]":
    connection = database.connect_raw()
    connection.autocommit = True
    connection.execute("SELECT set_config('app.current_organization_id', %s, false)", (str(ORGANIZATION),))
    return connection


if __name__ == "__main__":
    main(sys.argv[1:])
