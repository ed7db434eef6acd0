"""Old days go to files and old points go for good, and one call answers over all of it; deletions reach every tier."""

import pytest

from clew.projections.series.port import SeriesAnswer, SeriesQuery
from clew.records.series.archive import ArchiveDamagedError
from clew.records.series.model import DAY, HOUR, MINUTE, SeriesError
from tests.support.measuring import NOW, TODAY, Desk

pytestmark = pytest.mark.slow  # half a minute of processor time

FIRST = TODAY - 40 * DAY
KEPT = {"raw": 90, "1m": 365, "1h": 1825, "1d": 3650}


@pytest.fixture
def aged(desk: Desk) -> Desk:
    """Forty days of a value every ten minutes, from two hosts; those before the last fourteen in files."""
    for host, factor in (("a", 1.0), ("b", -3.0)):
        times = list(range(FIRST, TODAY + 12 * HOUR, 10 * MINUTE))
        desk.write_values(host, times, [factor * (time // (10 * MINUTE) % 101) for time in times])
    desk.age()
    return desk


def questions(begin: int = FIRST, end: int = TODAY + DAY) -> list[SeriesQuery]:
    names = ("count", "sum", "min", "max", "first", "last", "mean", "stddev", "p90")
    return [
        SeriesQuery("network_traffic", begin, end, every, names, by=("host",))
        for every in (20 * MINUTE, HOUR, DAY, 7 * DAY)
    ] + [SeriesQuery("network_traffic", begin, end, 17 * 60_000_000 + 1, names[:-1], by=("host",))]


def answers(desk: Desk, asked: list[SeriesQuery] | None = None) -> list[SeriesAnswer]:
    return [desk.ask(query) for query in asked or questions()]


def files_of(desk: Desk) -> list[str]:
    place = desk.settings.data_dir / "files" / "series" / desk.tenant.id.hex
    return sorted(path.name for path in place.iterdir()) if place.is_dir() else []


def test_files_answer_what_tables_answered(desk: Desk) -> None:
    for host in ("a", "b"):
        times = list(range(FIRST, TODAY, 10 * MINUTE))
        desk.write_values(host, times, [float(time // MINUTE % 89) for time in times])
    before = answers(desk)
    assert desk.age().archived == 26
    assert len(files_of(desk)) == 52
    assert answers(desk) == before
    assert desk.age().archived == 0
    assert answers(desk) == before
    desk.assert_equal()


def test_late_points_reach_days_that_are_in_files(aged: Desk) -> None:
    late = FIRST + 3 * DAY + 5 * HOUR + MINUTE
    aged.write_values("a", [late, late + 9 * MINUTE], [1000.0, -7.0])  # the second takes the place of one in a file
    day = {"begin": FIRST + 3 * DAY, "end": FIRST + 4 * DAY, "where": (("host", ("a",)),)}
    assert aged.column("count", DAY, **day) == [145]
    assert aged.column("max", DAY, **day) == [1000.0]
    assert aged.column("min", HOUR, **day)[5] == -7.0
    before = answers(aged)
    aged.age()
    assert answers(aged) == before
    aged.assert_equal()


@pytest.mark.parametrize("hours", [(30, 31), (30, 100), (-10, 2000)])
def test_deletions_reach_every_tier(aged: Desk, hours: tuple[int, int]) -> None:
    begin, end = (FIRST + hour * HOUR + 15 * MINUTE for hour in hours)
    later = [
        SeriesQuery("network_traffic", min(end, TODAY) // DAY * DAY + DAY, TODAY + 2 * DAY, every, ("count", "sum"))
        for every in (HOUR, DAY)
    ]
    kept = answers(aged, later)
    assert aged.delete(begin, end, host="a") > 0
    found = aged.ask(SeriesQuery("network_traffic", FIRST, TODAY + DAY, limit=100_000)).lines
    times = {line.tags["host"]: line.times for line in found}
    assert times.get("a", []) == [time for time in times["b"] if not begin <= time < end]
    by_day = SeriesQuery("network_traffic", FIRST, TODAY + DAY, DAY, ("count",), by=("host",))
    counts = {line.tags["host"]: sum(map(int, map(str, line.columns["count"]))) for line in aged.ask(by_day).lines}
    assert counts.get("a", 0) == len(times.get("a", []))
    assert counts["b"] == len(times["b"])
    assert hours[1] > 1000 or answers(aged, later) == kept
    aged.assert_equal()


def with_retention(desk: Desk, **days: int) -> Desk:
    settings = desk.settings.model_copy(update={"series_retention_days": {**KEPT, **days}})
    other = Desk(desk.database, settings)
    other.tenant = desk.tenant
    return other


def test_what_is_too_old_goes_resolution_by_resolution(aged: Desk) -> None:
    hourly = SeriesQuery("network_traffic", FIRST, TODAY + DAY, HOUR, ("count", "sum"), by=("host",))
    minutely = SeriesQuery("network_traffic", FIRST, TODAY + DAY, 10 * MINUTE, ("sum",), by=("host",))
    before = answers(aged, [hourly, minutely])
    shorter = with_retention(aged, raw=20)
    assert shorter.age().expired == 20
    assert [
        len(line.times) for line in aged.ask(SeriesQuery("network_traffic", FIRST, TODAY + DAY, limit=99_999)).lines
    ]
    assert min(aged.ask(SeriesQuery("network_traffic", FIRST, TODAY + DAY)).lines[0].times) == TODAY - 20 * DAY
    assert answers(aged, [hourly, minutely]) == before
    with pytest.raises(SeriesError, match="not kept for so long"):
        aged.ask(SeriesQuery("network_traffic", FIRST, TODAY + DAY, 10 * MINUTE, ("p50",)))
    aged.assert_equal()
    with_retention(aged, raw=20, **{"1m": 10, "1h": 30}).age()
    assert answers(aged, [minutely])[0].lines[0].times[0] == TODAY - 14 * DAY
    assert answers(aged, [hourly])[0].lines[0].times[0] == TODAY - 30 * DAY
    daily = SeriesQuery("network_traffic", FIRST, TODAY + DAY, DAY, ("count", "p50"), by=("host",))
    assert len(aged.ask(daily).lines[0].times) == 41
    with_retention(aged, **{"1d": 5, "1h": 5, "1m": 5, "raw": 5}).age()
    assert aged.ask(daily).lines[0].times[0] == TODAY - 5 * DAY
    aged.assert_equal()


def test_of_rolled_up_hours_and_days_whole_ones_are_deleted(aged: Desk) -> None:
    with_retention(aged, raw=20, **{"1h": 30}).age()
    with pytest.raises(SeriesError, match="cannot be divided"):
        aged.delete(TODAY - 25 * DAY + MINUTE, TODAY - 24 * DAY)
    assert aged.delete(TODAY - 25 * DAY + HOUR, TODAY - 24 * DAY) == 2 * 23
    with pytest.raises(SeriesError, match="cannot be divided"):
        aged.delete(TODAY - 35 * DAY, TODAY - 34 * DAY - HOUR)
    assert aged.delete(TODAY - 35 * DAY, TODAY - 34 * DAY) == 2
    daily = SeriesQuery("network_traffic", FIRST, TODAY + DAY, DAY, ("count",), by=("host",))
    line = aged.ask(daily).lines[0]
    counts = dict(zip(line.times, line.columns["count"], strict=True))
    assert counts[TODAY - 25 * DAY] == 6
    assert TODAY - 35 * DAY not in counts
    aged.assert_equal()


def test_a_file_that_nobody_lists_goes_and_one_that_changed_is_told(aged: Desk) -> None:
    place = aged.settings.data_dir / "files" / "series" / aged.tenant.id.hex
    (place / ".part-killed").write_bytes(b"half")
    (place / f"{'0' * 64}.parquet").write_bytes(b"never listed")
    assert aged.age().swept == 2
    listed = place / files_of(aged)[0]
    content = listed.read_bytes()
    old = SeriesQuery("network_traffic", FIRST, TODAY + DAY, limit=100_000)
    by_minute = SeriesQuery("network_traffic", FIRST, TODAY + DAY, 10 * MINUTE, ("sum",))
    for damaged in (b"", content[:-1], b"\0" * len(content)):
        listed.write_bytes(damaged)
        if len(aged.views) == 1:
            with pytest.raises(ArchiveDamagedError, match="old points of network_traffic"):
                answers(aged, [old, by_minute])
        with pytest.raises(ArchiveDamagedError, match="damaged"):
            aged.verified()
        listed.write_bytes(content)
    assert aged.ask(old).lines
    aged.assert_equal()


def test_today_stays_where_it_is_written(aged: Desk) -> None:
    assert aged.age(NOW + HOUR).archived == 0
