"""Series: points in and questions answered, beside bare COPY and SQL, and beside InfluxDB's own client.

Bare COPY takes the same values into a table without an index or a roll-up, the least that PostgreSQL could do; bare SQL
groups them by hour from an index by series and time. The bare client is the `influxdb` package with lines that are
ready-made. `python -m bench.series PLACE HOSTS` is the part that needs a process of its own; it prints one JSON object.
"""

import contextlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import influxdb  # type: ignore[import-untyped]
import numpy as np
import polars as pl
import psycopg

from bench.places import ORGANIZATION, record_at, run_module
from bench.results import Measure, Result
from clew.kernel.database import Database, TenantContext
from clew.kernel.settings import Settings
from clew.projections.projector import Projector
from clew.projections.series import service
from clew.projections.series.influx.lines import heads, point_lines
from clew.projections.series.port import SeriesQuery
from clew.projections.series_influx_projection import SeriesInfluxProjection
from clew.records.series.model import DAY, HOUR, MINUTE, series_of
from clew.records.series.rollups import POINT, Array
from clew.records.series.writing import PointBatch
from tests.engines.influxdb import InfluxServer, influx_server

_HOSTS: Final = 2
_DAYS: Final = 365
_TURNS: Final = 15
_AT_ONCE_DAYS: Final = 30
MEASUREMENT: Final = "network_traffic"
_BARE: Final = "CREATE TABLE bare_points (series bigint, time bigint, value double precision)"
_BARE_INDEX: Final = "CREATE INDEX ON bare_points (series, time)"
_BARE_MONTH: Final = """
SELECT time / 3600000000, avg(value), max(value) FROM bare_points
WHERE series = ANY(%s) AND time >= %s AND time < %s GROUP BY 1
"""


def series(place: Path, events: int) -> Result:
    """Two hosts for a year by the minute, 1.05 million values; more of a larger number of events, one for 500,000."""
    hosts = max(_HOSTS, events // 500_000)
    (found,) = run_module("bench.series", [str(place / "series"), str(hosts)])
    measures = [
        Measure("bare COPY, no index, no roll-up", found["bare_copy"], "values/s"),
        Measure("written, with roll-ups", found["written"], "values/s", least=200_000),
        Measure("written / bare COPY", found["written"] / found["bare_copy"]),
        Measure("of live values: 10 hosts, each second, by batches of a minute", found["trickle"], "values/s"),
        Measure("to files", found["archived"], "values/s"),
        Measure("a month by hour, bare SQL, p95", found["bare_month"], "ms"),
        Measure("bare client, ready-made lines", found["bare_influx"], "values/s"),
        Measure("copied to InfluxDB, with roll-ups", found["copied"], "values/s"),
        Measure("a month by hour, bare InfluxQL, p95", found["bare_influx_month"], "ms"),
    ]
    for name, most in (("a month by hour", 50.0), ("a year by day over all tiers", 200.0)):
        for where in ("postgresql", "influxdb"):
            own = found[where][name]
            measures.append(Measure(f"{name}, mean and max, {where}, p95", own["mean"], "ms", most=most))
            measures.append(Measure(f"{name}, p95 of the values, {where}, p95", own["p95"], "ms", most=most))
    about = f"{hosts} hosts, a value a minute for a year; embedded PostgreSQL, InfluxDB 1.x, both beside the program"
    return Result("series", about, tuple(measures))


def main(arguments: list[str]) -> None:
    """Measure in this process."""
    place, hosts = Path(arguments[0]), int(arguments[1])
    place.mkdir()
    now = int(time.time() * 1_000_000) // DAY * DAY
    found: dict[str, Any] = {}
    with record_at(place) as database, influx_server() as server:
        settings = server.settings(database.settings, timeout=120).model_copy(
            update={"series_retention_days": {"raw": 400}}
        )
        found["written"] = _written(database, settings, hosts, now)
        found["trickle"] = _trickle(database, settings, now)
        found["archived"] = _archived(database, settings, hosts, now)
        found |= _bare(database, hosts, now)
        found["postgresql"] = _asked(database, settings.model_copy(update={"influxdb_url": None}), now)
        began = time.perf_counter()
        with Projector(database, [SeriesInfluxProjection(settings)]) as projector:
            projector.rebuild("series_influxdb", "measured")
        found["copied"] = hosts * _DAYS * 1440 / (time.perf_counter() - began)
        found |= _bare_influx(server, hosts, now)
        found["influxdb"] = _asked(database, settings, now)
    print(json.dumps(found), flush=True)


def _batches(hosts: int, now: int) -> Iterator[PointBatch]:
    """A year's values, some weeks at once, as they come: minute after minute, each of every host."""
    chance = np.random.default_rng(7)
    listed = tuple(series_of(MEASUREMENT, "bytes", {"host": f"h{number}"}) for number in range(hosts))
    for first in range(now - _DAYS * DAY, now, _AT_ONCE_DAYS * DAY):
        minutes = np.arange(first, min(first + _AT_ONCE_DAYS * DAY, now), MINUTE)
        times = np.repeat(minutes, hosts)
        place = np.tile(np.arange(hosts), len(minutes))
        yield PointBatch(listed, place, times, chance.lognormal(8, 2, len(times)), np.arange(len(times)))


def _written(database: Database, settings: Settings, hosts: int, now: int) -> float:
    spent, values = 0.0, 0
    for batch in _batches(hosts, now):
        began = time.perf_counter()
        with database.transaction(TenantContext(ORGANIZATION)) as connection:
            written = service.write(connection, settings, ORGANIZATION, batch, now)
        spent += time.perf_counter() - began
        values += written.values
    return values / spent


def _trickle(database: Database, settings: Settings, now: int) -> float:
    """An hour of values by the second, a minute's at once: what is there of the hour is read and written again."""
    listed = tuple(series_of("system_metrics", "cpu", {"host": f"h{number}"}) for number in range(10))
    began = time.perf_counter()
    for minute in range(60):
        times = np.repeat(np.arange(now + minute * MINUTE, now + (minute + 1) * MINUTE, 1_000_000), 10)
        batch = PointBatch(listed, np.tile(np.arange(10), 60), times, np.arange(600.0), np.arange(600))
        with database.transaction(TenantContext(ORGANIZATION)) as connection:
            service.write(connection, settings, ORGANIZATION, batch, now + HOUR)
    return 36_000 / (time.perf_counter() - began)


def _archived(database: Database, settings: Settings, hosts: int, now: int) -> float:
    began = time.perf_counter()
    done = service.let_age(lambda: database.transaction(TenantContext(ORGANIZATION)), settings, ORGANIZATION, now)
    return done.archived * hosts * 1440 / (time.perf_counter() - began)


def _bare(database: Database, hosts: int, now: int) -> dict[str, float]:
    """The same values by COPY into a bare table, and a month of them by SQL."""
    spent, values = 0.0, 0
    with database.admin_engine().begin() as connection:
        driver = connection.connection.driver_connection
        if not isinstance(driver, psycopg.Connection):
            raise TypeError("not psycopg")
        driver.execute(_BARE)
        for batch in _batches(hosts, now):
            content = _csv(_points(batch))
            began = time.perf_counter()
            with driver.cursor() as cursor, cursor.copy("COPY bare_points FROM STDIN (FORMAT csv)") as target:
                target.write(content)
            spent += time.perf_counter() - began
            values += len(batch)
        driver.execute(_BARE_INDEX)
        driver.execute("ANALYZE bare_points")
        numbers = [each.number for each in batch.series]
        asked = (numbers, now - 30 * DAY, now)
        month = _p95(lambda: driver.execute(_BARE_MONTH, asked).fetchall())
    return {"bare_copy": values / spent, "bare_month": month}


def _bare_influx(server: InfluxServer, hosts: int, now: int) -> dict[str, float]:
    """The same values by the client, and a month of them by InfluxQL."""
    client = influxdb.InfluxDBClient("127.0.0.1", server.port, "clew", server.password, database="bare", timeout=120)
    client.create_database("bare")
    spent, values = 0.0, 0
    for batch in _batches(hosts, now):
        lines = point_lines(_points(batch), heads(ORGANIZATION, batch.series)).decode().splitlines()
        began = time.perf_counter()
        client.write_points(lines, time_precision="u", protocol="line", batch_size=50_000)
        spent += time.perf_counter() - began
        values += len(batch)
    asked = (
        f"SELECT MEAN(value), MAX(value) FROM {MEASUREMENT} WHERE time >= {now - 30 * DAY}u AND time < {now}u"  # noqa: S608  numbers of ours
        " GROUP BY time(1h)"
    )
    month = _p95(lambda: client.query(asked))
    client.close()
    return {"bare_influx": values / spent, "bare_influx_month": month}


def _asked(database: Database, settings: Settings, now: int) -> dict[str, dict[str, float]]:
    questions = {"a month by hour": (30, HOUR), "a year by day over all tiers": (_DAYS, DAY)}
    found: dict[str, dict[str, float]] = {}
    for name, (days, every) in questions.items():
        for label, aggregates in (("mean", ("mean", "max")), ("p95", ("p95",))):
            query = SeriesQuery(MEASUREMENT, now - days * DAY, now, every, aggregates)
            found.setdefault(name, {})[label] = _p95(partial(_ask, database, settings, query))
    return found


def _ask(database: Database, settings: Settings, query: SeriesQuery) -> None:
    with database.transaction(TenantContext(ORGANIZATION), reading=True) as connection:
        (line,) = service.ask(connection, settings, ORGANIZATION, query).lines
    if len(line.times) != (query.end - query.begin) // (query.every or 1):
        raise RuntimeError("the answer lacks something")


def _p95(work: Callable[[], object]) -> float:
    """95th percentile of some turns, in milliseconds, after one that is not measured."""
    work()
    spent = []
    for _ in range(_TURNS):
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return statistics.quantiles(spent, n=20)[-1] * 1000


def _points(batch: PointBatch) -> Array:
    points = np.empty(len(batch), POINT)
    points["series"] = np.array([each.number for each in batch.series])[batch.place]
    points["time"], points["value"] = batch.time, batch.value
    return points


def _csv(points: Array) -> bytes:
    frame = pl.DataFrame({name: np.ascontiguousarray(points[name]) for name in ("series", "time", "value")})
    return frame.write_csv(None, include_header=False).encode()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main(sys.argv[1:])
