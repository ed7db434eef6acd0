"""Nothing of another organization is answered, changed or deleted, whatever names and values are written or asked."""

from clew.projections.series.port import SeriesQuery
from clew.records.series.model import DAY
from tests.support.measuring import TODAY, Desk

HOSTILE = (
    "x' OR '1'='1",
    'x" OR "1"="1',
    "x'; DROP DATABASE clew_state; --",
    "\\",
    "\\'",
    "back\\slash\\",
    "a,organization=00000000-0000-4000-8000-000000000009",
    "a\\,organization=b",
    "= ,=",
    "/.*/",
    "$organization",
    "Größe 東京 \N{GRINNING FACE}",
    "a value=1 1",
)


def escaped(value: str) -> str:
    return value.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")


def written(desk: Desk, factor: float) -> None:
    for place, value in enumerate(HOSTILE):
        assert not desk.write_values(value, [TODAY + place], [factor * (place + 1)]).refused


def test_hostile_values_are_values(desk: Desk) -> None:
    written(desk, 1.0)
    for place, value in enumerate(HOSTILE):
        query = SeriesQuery("network_traffic", TODAY, TODAY + DAY, where=(("host", (value,)),))
        (line,) = desk.ask(query).lines
        assert line.tags == {"host": value}
        assert line.columns == {"value": [place + 1.0]}
    by_host = SeriesQuery("network_traffic", TODAY, TODAY + DAY, DAY, ("sum",), by=("host",))
    assert {line.tags["host"] for line in desk.ask(by_host).lines} == set(HOSTILE)
    desk.assert_equal()


def test_organizations_do_not_meet(desk: Desk) -> None:
    other = Desk(desk.database, desk.settings)
    written(desk, 1.0)
    written(other, 100.0)
    everything = SeriesQuery("network_traffic", TODAY, TODAY + DAY, DAY, ("count", "sum"))
    total = sum(range(1, len(HOSTILE) + 1))
    assert desk.ask(everything).lines[0].columns == {"count": [len(HOSTILE)], "sum": [float(total)]}
    assert other.ask(everything).lines[0].columns == {"count": [len(HOSTILE)], "sum": [100.0 * total]}
    for value in HOSTILE:
        assert desk.delete(TODAY, TODAY + DAY, host=value) == 1
    assert desk.ask(everything).lines == []
    assert other.ask(everything).lines[0].columns == {"count": [len(HOSTILE)], "sum": [100.0 * total]}
    desk.assert_equal()


def test_an_organization_without_series_is_answered_nothing(desk: Desk) -> None:
    other = Desk(desk.database, desk.settings)
    written(other, 1.0)
    assert desk.ask(SeriesQuery("network_traffic", TODAY, TODAY + DAY)).lines == []
    assert desk.ask(SeriesQuery("network_traffic", TODAY, TODAY + DAY, DAY, ("sum",), fill="zero")).lines == []
