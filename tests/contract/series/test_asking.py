"""Answers beside what plain arithmetic says of the same points."""

import math
import random
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest

from clew.projections.series.port import SeriesQuery
from clew.records.series.model import DAY, HOUR, MINUTE, SECOND, SeriesError
from clew.records.series.rollups import ACCURACY
from tests.support.measuring import TODAY, Desk

EVERY = [10 * SECOND, MINUTE, 5 * MINUTE, HOUR, 6 * HOUR, DAY, 2 * DAY]
Points = list[tuple[int, float]]


def some_points(seed: int, count: int = 3_000) -> Points:
    chance = random.Random(seed)
    times = sorted({TODAY - 2 * DAY + chance.randrange(3 * DAY) for _ in range(count)})
    return [(time, chance.choice((1, -1)) * chance.lognormvariate(2, 2)) for time in times]


def by_bucket(points: Points, every: int) -> dict[int, Points]:
    found: dict[int, Points] = defaultdict(list)
    for time, value in sorted(points):
        found[time // every * every].append((time, value))
    return dict(sorted(found.items()))


def write(desk: Desk, host: str, points: Points) -> None:
    assert not desk.write_values(host, [time for time, _ in points], [value for _, value in points]).refused


@pytest.mark.parametrize("every", EVERY)
def test_aggregates_are_those_of_the_points(desk: Desk, every: int) -> None:
    ours, theirs = some_points(1), some_points(2)
    write(desk, "a", ours)
    write(desk, "b", theirs)
    names = ("count", "sum", "mean", "min", "max", "first", "last", "stddev")
    query = SeriesQuery("network_traffic", TODAY - 2 * DAY, TODAY + DAY, every, names, by=("host",))
    lines = {line.tags["host"]: line for line in desk.ask(query).lines}
    for host, points in (("a", ours), ("b", theirs)):
        expected = by_bucket(points, every)
        assert lines[host].times == list(expected)
        for place, bucket in enumerate(expected.values()):
            values = [value for _, value in bucket]
            told = {name: column[place] for name, column in lines[host].columns.items()}
            assert told["count"] == len(values)
            assert (told["min"], told["max"]) == (min(values), max(values))
            assert (told["first"], told["last"]) == (values[0], values[-1])
            assert told["sum"] == pytest.approx(math.fsum(values), rel=1e-12)
            assert told["mean"] == pytest.approx(np.mean(values), rel=1e-12)
            assert told["stddev"] == pytest.approx(np.std(values), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("percent", [0.0, 50.0, 95.0, 99.9, 100.0])
def test_percentiles_are_within_their_bound_and_exact_below_an_hour(desk: Desk, every: int, percent: float) -> None:
    points = some_points(3)
    write(desk, "a", points)
    name = f"p{percent:g}"
    (line,) = desk.ask(SeriesQuery("network_traffic", TODAY - 2 * DAY, TODAY + DAY, every, (name,))).lines
    for told, bucket in zip(line.columns[name], by_bucket(points, every).values(), strict=True):
        values = sorted(value for _, value in bucket)
        exact = values[math.floor(percent / 100 * (len(values) - 1))]
        if every % HOUR:
            assert told == exact
        else:
            assert told == pytest.approx(exact, rel=ACCURACY)


@pytest.mark.parametrize("every", [HOUR, DAY, None])
def test_percentiles_alone_are_those_told_beside_others(desk: Desk, every: int | None) -> None:
    write(desk, "a", some_points(6, 200))
    write(desk, "b", some_points(7, 20))
    percentiles = ("p50", "p99")
    for fill in ("none", "null") if every is not None else ("none",):
        for where in ((), (("host", ("b",)),)):
            span = ("network_traffic", TODAY - 3 * DAY, TODAY + 2 * DAY, every)
            alone = desk.ask(SeriesQuery(*span, percentiles, by=("host",), where=where, fill=fill))
            beside = desk.ask(SeriesQuery(*span, ("count", *percentiles), by=("host",), where=where, fill=fill))
            assert [line.times for line in alone.lines] == [line.times for line in beside.lines]
            assert (len(alone.lines), alone.resolution) == (1 if where else 2, beside.resolution)
            for one, other in zip(alone.lines, beside.lines, strict=True):
                assert one.columns == {name: other.columns[name] for name in percentiles}


def test_several_series_are_put_together_or_kept_apart(desk: Desk) -> None:
    write(desk, "a", [(TODAY, 1.0), (TODAY + HOUR, 2.0)])
    write(desk, "b", [(TODAY, 10.0), (TODAY + 1, 20.0)])
    assert desk.column("sum") == [31.0, 2.0]
    assert desk.column("last") == [20.0, 2.0]
    assert desk.column("first") in ([1.0, 2.0], [10.0, 2.0])  # both at the same time: that of the lower number
    assert desk.column("sum", where=(("host", ("b",)),)) == [30.0]
    query = SeriesQuery("network_traffic", TODAY, TODAY + DAY, DAY, ("mean",), by=("host", "none"))
    told = {(line.tags["host"], line.tags["none"]): line.columns["mean"] for line in desk.ask(query).lines}
    assert told == {("a", ""): [1.5], ("b", ""): [15.0]}


def test_without_a_stretch_aggregates_are_of_the_whole_span(desk: Desk) -> None:
    points = some_points(4)
    write(desk, "a", points)
    inside = [value for time, value in points if TODAY + 17 <= time < TODAY + 5 * HOUR + 3]
    assert desk.column("count", None, begin=TODAY + 17, end=TODAY + 5 * HOUR + 3) == [len(inside)]
    assert desk.column("max", None, begin=TODAY + 17, end=TODAY + 5 * HOUR + 3) == [max(inside)]
    assert desk.column("count", None, begin=TODAY - 2 * DAY, end=TODAY + DAY) == [len(points)]


@pytest.mark.parametrize(
    ("fill", "expected"),
    [
        ("none", [4.0, 10.0]),
        ("null", [None, 4.0, None, None, 10.0, None]),
        ("zero", [0.0, 4.0, 0.0, 0.0, 10.0, 0.0]),
        ("previous", [None, 4.0, 4.0, 4.0, 10.0, 10.0]),
        ("linear", [None, 4.0, 6.0, 8.0, 10.0, None]),
    ],
)
def test_gaps_are_filled_as_asked(desk: Desk, fill: str, expected: list[float | None]) -> None:
    write(desk, "a", [(TODAY + HOUR, 4.0), (TODAY + 4 * HOUR, 10.0)])
    assert desk.column("mean", begin=TODAY, end=TODAY + 6 * HOUR, fill=fill) == expected


def test_points_are_given_up_to_a_limit_the_earliest_first(desk: Desk) -> None:
    points = some_points(5, 50)
    write(desk, "a", points[::2])
    write(desk, "b", points[1::2])
    answer = desk.ask(SeriesQuery("network_traffic", TODAY - 2 * DAY, TODAY + DAY, limit=20))
    assert answer.truncated
    assert sorted(time for line in answer.lines for time in line.times) == [time for time, _ in points[:20]]
    for line in answer.lines:
        assert all(one < other for one, other in pairwise(line.times))


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"measurement": 'x"; DROP DATABASE "clew'}, "measurement"),
        ({"begin": TODAY, "end": TODAY}, "from, to"),
        ({"every": -5}, "every"),
        ({"aggregates": ("median",)}, "aggregate"),
        ({"aggregates": ("p101",)}, "aggregate"),
        ({"aggregates": ("p1e5",)}, "aggregate"),
        ({"by": ("host\" OR '1'='1",)}, "tag"),
        ({"where": (("a b", ("x",)),)}, "tag"),
        ({"fields": ("v) FROM x--",)}, "field"),
        ({"fill": "guess", "every": HOUR}, "fill"),
        ({"every": 1, "aggregates": ("mean",)}, "every"),
    ],
)
def test_questions_that_cannot_be_answered_say_which_part(desk: Desk, given: dict[str, object], part: str) -> None:
    write(desk, "a", [(TODAY, 1.0)])
    asked = {"measurement": "network_traffic", "begin": TODAY, "end": TODAY + DAY, **given}
    with pytest.raises(SeriesError) as refused:
        desk.ask(SeriesQuery(**asked))  # type: ignore[arg-type]
    assert refused.value.where == part
