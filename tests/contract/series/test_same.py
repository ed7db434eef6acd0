"""What PostgreSQL and InfluxDB answer to the same question is the same, to the bit."""

import csv
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clew.kernel.database import Database
from clew.projections.series.port import FILLS, SeriesQuery
from clew.records.series.model import DAY, HOUR, MINUTE, SECOND, microseconds
from tests.contract.series.test_asking import some_points, write
from tests.engines.influxdb import shared_influx
from tests.engines.marks import ON_INFLUXDB
from tests.support.measuring import TODAY, Desk

pytestmark = ON_INFLUXDB[0].marks
NAMES = ("count", "sum", "mean", "min", "max", "first", "last", "stddev", "p0", "p50", "p99")
EVERY = (7 * SECOND, MINUTE, 10 * MINUTE, HOUR, DAY, 7 * DAY)


@pytest.fixture
def both(series_database: Database) -> tuple[Desk, Desk]:
    """The same organization, read from PostgreSQL and from InfluxDB."""
    here = Desk(series_database, series_database.settings)
    there = Desk(series_database, shared_influx().settings(series_database.settings))
    there.tenant = here.tenant
    return here, there


def assert_same(both: tuple[Desk, Desk], begin: int, end: int, every: int, fill: str) -> None:
    here, there = both
    for by in ((), ("host",)):
        query = SeriesQuery("network_traffic", begin, end, every, NAMES, by=by, fill=fill)
        told, also = here.ask(query), there.ask(query)
        assert told.lines
        assert repr(told) == repr(also)


def test_answers_are_the_same(both: tuple[Desk, Desk]) -> None:
    for number in range(4):
        write(both[0], f"h{number}", some_points(number, 800))
    both[0].delete(TODAY - DAY, TODAY - DAY + 5 * HOUR, host="h1")
    for every, fill in zip(EVERY, (*FILLS, "none"), strict=True):
        assert_same(both, TODAY - 2 * DAY, TODAY + DAY, max(every, MINUTE) if fill != "none" else every, fill)


def real_values(archive: Path) -> Iterator[tuple[str, list[int], list[float]]]:
    """Host, times and values of the first real series."""
    with tarfile.open(archive) as files:
        names = [each for each in files.getmembers() if each.name.endswith(".csv")][:5]
        for member in names:
            content = files.extractfile(member)
            assert content is not None
            rows = list(csv.DictReader(content.read().decode().splitlines()))
            times = [microseconds(datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC)) for row in rows]
            yield Path(member.name).stem, times, [float(row["value"]) for row in rows]


def test_answers_to_real_series_are_the_same(both: tuple[Desk, Desk], realdata: Path) -> None:
    spans = []
    for host, times, values in real_values(realdata / "timeseries" / "nab-aws-and-traffic.tar.gz"):
        written = both[0].write_values(host, times, values, now=max(times))
        assert (written.values, written.refused) == (len(times), ())
        spans.append((min(times), max(times)))
    begin, end = min(span[0] for span in spans), max(span[1] for span in spans)
    for every in (10 * MINUTE, HOUR, DAY):
        assert_same(both, begin, end, every, "none")
    both[1].assert_equal()
