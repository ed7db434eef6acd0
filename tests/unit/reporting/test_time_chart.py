"""The charts over time show the counts they are given, whatever these are and whatever the series are called."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clew.reporting.document import Bin, Histogram
from clew.reporting.drawing import time_chart
from tests.unit.reporting.example_report import NOON

UNITS = ("minute", "hour", "day", "week", "month", "year")
BASE = time_chart.HEIGHT - 44.0


def elements(chart: time_chart.TimeChart) -> Iterator[ET.Element]:
    yield from ET.fromstring(f"<svg>{chart.picture}</svg>")


def bars(chart: time_chart.TimeChart) -> dict[str, tuple[float, float, float, float]]:
    """Left, right, bottom and top of each bar, by its title."""
    found = {}
    for each in elements(chart):
        if re.fullmatch(r"s\d", each.get("class", "")):
            corners = [float(number) for number in re.findall(r"[\d.]+", each.get("d", ""))]
            across, down = corners[::2], corners[1::2]
            title = each.find("title")
            assert title is not None
            found[title.text or ""] = (min(across), max(across), max(down), min(down))
    return found


def labels(chart: time_chart.TimeChart, anchor: str) -> list[str]:
    return [each.text or "" for each in elements(chart) if each.get("class") == f"axis {anchor}"]


def test_bars_have_the_heights_of_their_counts() -> None:
    bins = (Bin(NOON, "cowrie", 30), Bin(NOON, "dionaea", 10), Bin(NOON + timedelta(hours=3), "cowrie", 20))
    chart = time_chart.draw(Histogram("hour", 1, bins))
    drawn = bars(chart)
    first, above, later = (
        drawn[f"2025-03-09 {said}"] for said in ("12:00: 30 cowrie", "12:00: 10 dionaea", "15:00: 20 cowrie")
    )
    assert len(drawn) == 3
    assert first[2] == later[2] == BASE
    unit = (first[2] - first[3]) / 30
    assert above[2] == first[3]
    assert above[2] - above[3] == pytest.approx(10 * unit, abs=0.02)
    assert later[2] - later[3] == pytest.approx(20 * unit, abs=0.02)
    assert chart.series == (("cowrie", 50), ("dionaea", 10))
    assert [(stack.when, stack.counts) for stack in chart.stacks] == [
        ("2025-03-09 12:00", (30, 10)),
        ("2025-03-09 15:00", (20, 0)),
    ]
    assert (chart.peak, chart.peak_at) == (40, "2025-03-09 12:00")


def test_bars_stand_where_their_time_is() -> None:
    bins = tuple(Bin(NOON + timedelta(hours=n), "x", 1) for n in (0, 1, 2, 20))
    lefts = [left for left, *_ in bars(time_chart.draw(Histogram("hour", 1, bins))).values()]
    hour = lefts[1] - lefts[0]
    assert lefts[2] - lefts[1] == pytest.approx(hour, abs=0.05)
    assert lefts[3] - lefts[2] == pytest.approx(18 * hour, abs=0.2)


def test_a_single_bin_does_not_fill_the_chart() -> None:
    ((left, right, _, _),) = bars(time_chart.draw(Histogram("minute", 1, (Bin(NOON, "x", 1),)))).values()
    assert 40 < right - left < time_chart.WIDTH / 8
    assert left > time_chart.WIDTH / 4


def test_many_series_become_other_and_none_is_lost() -> None:
    bins = tuple(Bin(NOON, f"tool{n}", n) for n in range(1, 12))
    chart = time_chart.draw(Histogram("minute", 5, bins))
    assert chart.series[-1] == (time_chart.OTHER, 1 + 2 + 3 + 4 + 5 + 6)
    assert sum(count for _, count in chart.series) == sum(each.count for each in bins)
    assert chart.unit == "5 minutes"


@pytest.mark.parametrize(("unit", "first"), [("month", "2023"), ("year", "2024")])
def test_calendar_units_are_labelled_by_the_calendar(unit: str, first: str) -> None:
    step = 1 if unit == "month" else 12
    bins = tuple(Bin(datetime(2023 + n * step // 12, n * step % 12 + 1, 1, tzinfo=UTC), "x", 1) for n in range(14))
    chart = time_chart.draw(Histogram(unit, 1, bins))
    assert [stack.at for stack in chart.stacks] == [each.at for each in bins]
    said = [each for each in labels(chart, "middle") if each]
    assert first in said
    assert said == sorted(said)


@given(st.integers(0, 10**15))
@settings(deadline=None, max_examples=10)
def test_ticks_are_few_round_and_reach_the_top(greatest: int) -> None:
    chart = time_chart.draw(Histogram("day", 1, (Bin(NOON, "x", greatest),)))
    ticks = [int(text.replace(",", "")) for text in labels(chart, "end") if "-" not in text]
    assert ticks[0] == 0
    assert 2 <= len(ticks) <= 6
    assert ticks[-1] >= max(1, greatest)
    assert {later - earlier for earlier, later in pairwise(ticks)} == {ticks[1]}
    assert str(ticks[1]).rstrip("0") in {"1", "2", "5"}


moments = st.datetimes(timezones=st.just(UTC))


@given(st.sampled_from(UNITS), st.lists(st.tuples(moments, st.integers(1, 10**9)), min_size=1, max_size=6))
@settings(deadline=None, max_examples=15)
def test_any_times_can_be_drawn_and_nothing_is_outside_or_lost(unit: str, counted: list[tuple[datetime, int]]) -> None:
    chart = time_chart.draw(Histogram(unit, 1, tuple(Bin(at, "x", count) for at, count in counted)))
    assert sum(sum(stack.counts) for stack in chart.stacks) == sum(count for _, count in counted)
    for left, right, bottom, top in bars(chart).values():
        assert 50 <= left <= right <= time_chart.WIDTH
        assert 0 <= top <= bottom == BASE
    for each in elements(chart):
        if each.tag == "text":
            assert 0 <= float(each.attrib["x"]) <= time_chart.WIDTH
            assert 0 <= float(each.attrib["y"]) <= time_chart.HEIGHT


def test_a_huge_histogram_costs_no_more_than_a_great_one() -> None:
    bins = tuple(Bin(NOON + timedelta(minutes=n), f"s{n % 40}", 1) for n in range(200_000))
    started = time.process_time()
    chart = time_chart.draw(Histogram("minute", 1, bins))
    assert time.process_time() - started < 20
    assert len(chart.stacks) <= time_chart.MOST_BARS
    assert len(chart.picture) < 400_000
    assert sum(count for _, count in chart.series) == len(bins)
    assert chart.unit == "837 minutes"


@pytest.mark.parametrize(
    "text",
    [
        "$\\frac{1}{2}$",
        "$",
        "</title></svg><script>x</script>",
        "\u5bc6\u7801 \u0645\u0631",
        "a\x00\u202eb",
        "x" * 10**6,
    ],
)
def test_a_series_may_be_called_anything(text: str) -> None:
    chart = time_chart.draw(Histogram("hour", 1, (Bin(NOON, text, 3),)))
    (title,) = bars(chart)
    assert len(title) <= 400
    assert title.startswith("2025-03-09 12:00: 3 ")
    if text.isprintable() and len(text) < 100:
        assert title.endswith(text)
    assert {each.tag for each in ET.fromstring(f"<svg>{chart.picture}</svg>").iter()} == {
        "svg",
        "path",
        "text",
        "title",
    }
    assert not re.search(r"[\x00\u202e]", chart.picture)


def test_equal_histograms_give_equal_pictures() -> None:
    bins = tuple(Bin(NOON + timedelta(hours=n % 7), "abc"[n % 3], n + 1) for n in range(21))
    one, other = (time_chart.draw(Histogram("hour", 1, bins)) for _ in range(2))
    assert one == other
