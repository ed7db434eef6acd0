"""What is written is there, once; what comes late or again takes its place; what cannot be is told."""

import random

from clew.projections.series.port import SeriesQuery
from clew.records.series.model import DAY, HOUR, MINUTE, SECOND
from tests.support.measuring import NOW, TODAY, Desk


def points_of(desk: Desk, begin: int = TODAY, end: int = TODAY + DAY) -> dict[int, float | int | None]:
    lines = desk.ask(SeriesQuery("network_traffic", begin, end, limit=100_000)).lines
    assert len(lines) <= 1
    return dict(zip(lines[0].times, lines[0].columns["value"], strict=True)) if lines else {}


def test_points_come_back_as_they_were(desk: Desk) -> None:
    values = [0.1, -2.5, 1e-300, 1e99, 3.0, 0.0, -0.0, 1 / 3]
    times = [TODAY + place * 7 * MINUTE + place for place in range(len(values))]
    written = desk.write_values("a", times, values)
    assert (written.values, written.refused) == (8, ())
    assert points_of(desk) == dict(zip(times, values, strict=True))
    desk.assert_equal()


def test_a_point_for_the_same_series_and_time_replaces_the_one_that_was_there(desk: Desk) -> None:
    desk.write_values("a", [TODAY, TODAY + 1, TODAY], [1.0, 2.0, 3.0])
    assert points_of(desk) == {TODAY: 3.0, TODAY + 1: 2.0}
    desk.write_values("a", [TODAY + 1], [5.0])
    assert points_of(desk) == {TODAY: 3.0, TODAY + 1: 5.0}
    assert desk.column("sum", DAY) == [8.0]
    desk.write_values("a", [TODAY + 1], [5.0])
    assert desk.column("count", DAY) == [2]
    desk.assert_equal()


def test_late_points_open_their_buckets_again(desk: Desk) -> None:
    times = [TODAY - 3 * DAY + place * MINUTE for place in range(4 * 1440)]
    random.Random(7).shuffle(times)
    for start in range(0, len(times), 500):
        some = times[start : start + 500]
        desk.write_values("a", some, [float(time // MINUTE % 97) for time in some])
        if start % 2_000 == 0:
            desk.follow()
    by_day = {"begin": TODAY - 3 * DAY, "end": TODAY + DAY}
    assert desk.column("count", DAY, **by_day) == [1440] * 4
    assert desk.column("count", HOUR, **by_day) == [60] * 96
    expected = [float(sum(time // MINUTE % 97 for time in times if time // HOUR == hour // HOUR)) for hour in hours()]
    assert desk.column("sum", HOUR, **by_day) == expected
    desk.assert_equal()


def hours() -> range:
    return range(TODAY - 3 * DAY, TODAY + DAY, HOUR)


def test_fields_and_tags_make_series_of_their_own(desk: Desk) -> None:
    written = desk.write(
        [
            f"system_metrics,host=a,disk=x cpu=0.5,load=3i {TODAY}",
            f"system_metrics,host=a cpu=0.25,busy=true {TODAY}",
            f"system_metrics,disk=x,host=a cpu=0.75 {TODAY}",
        ]
    )
    assert (written.values, written.refused) == (5, ())
    lines = desk.ask(SeriesQuery("system_metrics", TODAY, TODAY + 1)).lines
    told = {(line.field, *sorted(line.tags.items())): line.columns["value"] for line in lines}
    assert told == {
        ("cpu", ("disk", "x"), ("host", "a")): [0.75],
        ("load", ("disk", "x"), ("host", "a")): [3.0],
        ("cpu", ("host", "a")): [0.25],
        ("busy", ("host", "a")): [1.0],
    }


def test_times_that_cannot_be_are_refused_by_line(desk: Desk) -> None:
    written = desk.write(
        [
            f"system_metrics cpu=1 {NOW}",
            f"system_metrics cpu=1 {NOW - 4000 * DAY}",
            f"system_metrics cpu=1 {NOW + 2 * DAY}",
            f"system_metrics cpu=1 {NOW - SECOND}",
        ]
    )
    assert written.values == 2
    assert [each.line for each in written.refused] == [2, 3]
    assert "older than what is kept" in written.refused[0].reason
    assert "more than a day ahead" in written.refused[1].reason


def test_a_thousand_series_of_one_point_each(desk: Desk) -> None:
    desk.write([f"network_traffic,host=h{number} bytes={number} {TODAY + number}" for number in range(1000)])
    (line,) = desk.ask(SeriesQuery("network_traffic", TODAY, TODAY + DAY, DAY, ("count", "sum", "max"))).lines
    assert line.columns == {"count": [1000], "sum": [499_500.0], "max": [999.0]}
    chosen = tuple(f"h{number}" for number in range(0, 1000, 3))
    query = SeriesQuery("network_traffic", TODAY, TODAY + DAY, DAY, ("count",), where=(("host", chosen),))
    assert desk.ask(query).lines[0].columns == {"count": [334]}
    desk.assert_equal()
