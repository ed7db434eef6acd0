"""Series in an InfluxDB to which the worst is done while the record changes: equal in the end, and soon."""

import contextlib
from collections.abc import Iterator

import pytest

from clew.projections.series_influx_projection import SeriesInfluxProjection
from clew.records.series.model import series_of
from tests.engines.influxdb import InfluxServer, influx_server
from tests.engines.marks import ON_INFLUXDB
from tests.faults import harness
from tests.faults.harness import survive
from tests.faults.proxy import FaultyWire
from tests.faults.stream import Changes
from tests.support.projecting import Place, new_place

pytestmark = [pytest.mark.same_everywhere, pytest.mark.timeout(600)]

_ID = (
    "(lpad(to_hex(n::bigint), 16, '0') || lpad(to_hex("
    "(extract(epoch FROM date_trunc('day', now()))::bigint / 3600)), 16, '0'))::uuid"
)
# A point at the beginning of the hour: four bytes of offset, and the value's eight, the lowest first.
_POINT = (
    "'\\x00000000'::bytea || (SELECT string_agg(substr(float8send({}::float8), i, 1), ''::bytea ORDER BY i DESC)"
    " FROM generate_series(1, 8) AS i)"
)
BLOCKS = Changes(
    f"""
INSERT INTO series_blocks (organization_id, id, hour, series, measurement, count, points)
SELECT %(organization)s, {_ID}, date_trunc('day', now()), n, 'network_traffic', 1, {_POINT.format("n")}
FROM generate_series(%(first)s::int, %(last)s::int) AS n
""",
    f"""
UPDATE series_blocks SET points = {_POINT.format("(series * 1000 + %(score)s::int)")}, updated_at = now()
WHERE organization_id = %(organization)s AND series BETWEEN %(first)s::int AND %(last)s::int
""",
    """
DELETE FROM series_blocks WHERE organization_id = %(organization)s AND series = %(first)s::int
""",
)
_ANSWER = b'{"error":"engine: open /var/lib/influxdb/wal: read-only file system"}'
READ_ONLY = (
    b"HTTP/1.1 500 Internal Server Error\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: "
    + str(len(_ANSWER)).encode()
    + b"\r\n\r\n"
    + _ANSWER
)


@contextlib.contextmanager
def another_password(stage: harness.Stage) -> Iterator[None]:
    assert isinstance(stage.node, InfluxServer)
    right = stage.node.password
    _set_password(stage.node, "anotherone")
    yield
    _set_password(stage.node, right)


def _set_password(server: InfluxServer, password: str) -> None:
    server.query(f"SET PASSWORD FOR \"clew\" = '{password}'")
    server.password = password


FAULTS: dict[str, tuple[float, harness.Fault]] = {
    **harness.FAULTS,
    "read-only": (15.0, lambda stage: stage.wire.answering(READ_ONLY)),
    "another password": (15.0, another_password),
}


@pytest.fixture
def stage() -> Iterator[harness.Stage]:
    with influx_server() as server, FaultyWire(server.port) as wire, new_place() as place:
        settings = server.settings(place.database.settings, port=wire.port, timeout=5)
        place.projection = SeriesInfluxProjection(settings)
        name_series(place)
        yield harness.Stage(place, server, wire)


def name_series(place: Place) -> None:
    """Two thousand series whose numbers are their places."""
    series = series_of("network_traffic", "bytes", {})
    with place.writing() as connection:
        connection.execute(
            "INSERT INTO series (organization_id, number, measurement, field, tags)"
            " SELECT %s, n, %s, %s, jsonb_build_object('host', 'h' || n) FROM generate_series(1, 2000) AS n",
            (place.tenant.id, series.measurement, series.field),
        )


@pytest.mark.parametrize("fault", [pytest.param(name, marks=ON_INFLUXDB[0].marks) for name in FAULTS])
def test_whatever_is_done_to_influxdb_it_ends_equal_with_the_record(stage: harness.Stage, fault: str) -> None:
    seconds, does = FAULTS[fault]
    survive(stage, seconds, does, BLOCKS)
