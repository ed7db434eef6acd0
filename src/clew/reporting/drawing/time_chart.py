"""Counts over time as stacked bars."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from clew.reporting.document import Histogram

WIDTH: Final = 1080
HEIGHT: Final = 230
_LEFT: Final = 58.0
_RIGHT: Final = 24.0
_TOP: Final = 14.0
_BOTTOM: Final = 34.0
_WIDEST_BAR: Final = 80.0
_MOST_SERIES: Final = 6
_MOST_LABELS: Final = 8
OTHER: Final = "other"
_LENGTHS: Final = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
}
_FORMATS: Final = {
    "minute": "%m-%d %H:%M",
    "hour": "%m-%d %H:%M",
    "day": "%Y-%m-%d",
    "week": "%Y-%m-%d",
    "month": "%Y-%m",
    "year": "%Y",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One series in one bin; `series` is its place in the legend."""

    x: float
    y: float
    width: float
    height: float
    series: int
    title: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class TimeChart:
    """The chart in units of its own, about a pixel each."""

    width: int
    height: int
    left: float
    right: float
    base: float
    bars: tuple[Bar, ...]
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    series: tuple[tuple[str, int], ...]
    unit: str
    first: datetime
    last: datetime
    peak: int
    peak_at: str


def draw(histogram: Histogram) -> TimeChart:
    """The histogram, which has at least one bin, with its greatest series told apart and the rest as "other"."""
    totals: dict[str, int] = {}
    for each in histogram.bins:
        totals[each.series] = totals.get(each.series, 0) + each.count
    series = _series(totals)
    slots = [_slot(each.at, histogram) for each in histogram.bins]
    first, count = min(slots), max(slots) - min(slots) + 1
    stacks = _stacks(histogram, slots, [name for name, _ in series])
    peak_slot = max(stacks, key=lambda slot: (sum(stacks[slot]), -slot))
    ticks = nice_ticks(sum(stacks[peak_slot]))
    width = (WIDTH - _LEFT - _RIGHT) / count
    starts = {slot: each.at.astimezone(UTC) for slot, each in zip(slots, histogram.bins, strict=True)}
    scale = (HEIGHT - _TOP - _BOTTOM) / ticks[-1]
    base = HEIGHT - _BOTTOM
    bars = [
        bar
        for slot in sorted(stacks)
        for bar in _bars(
            stacks[slot], _LEFT + (slot - first) * width, width, base, scale, starts[slot], histogram, series
        )
    ]
    times = [each.at.astimezone(UTC) for each in histogram.bins]
    return TimeChart(
        WIDTH, HEIGHT, _LEFT, WIDTH - _RIGHT, base, tuple(bars),
        rows=tuple(Tick(round(base - tick * scale, 1), f"{tick:,}") for tick in ticks),
        columns=_columns(histogram, min(times), count, width),
        series=series,
        unit=f"{histogram.step} {histogram.unit}s" if histogram.step > 1 else histogram.unit,
        first=min(times),
        last=max(times),
        peak=sum(stacks[peak_slot]),
        peak_at=f"{starts[peak_slot]:{_FORMATS[histogram.unit]}}",
    )  # fmt: skip


def nice_ticks(greatest: int) -> list[int]:
    """From 0 in equal steps of 1, 2 or 5 times a power of ten, at most five of them, up to `greatest` or more."""
    rough = max(1, greatest) / 4
    power = 10 ** math.floor(math.log10(rough)) if rough >= 1 else 1
    step = next(int(power * factor) for factor in (1, 2, 5, 10) if power * factor >= rough)
    return list(range(0, (-(-max(1, greatest) // step)) * step + 1, step))


def _series(totals: dict[str, int]) -> tuple[tuple[str, int], ...]:
    ranked = sorted(totals.items(), key=lambda pair: (-pair[1], pair[0]))
    if len(ranked) <= _MOST_SERIES:
        return tuple(ranked)
    kept = ranked[: _MOST_SERIES - 1]
    return (*kept, (OTHER, sum(totals.values()) - sum(count for _, count in kept)))


def _stacks(histogram: Histogram, slots: Sequence[int], names: Sequence[str]) -> dict[int, list[int]]:
    stacks: dict[int, list[int]] = {}
    for slot, each in zip(slots, histogram.bins, strict=True):
        place = names.index(each.series) if each.series in names else len(names) - 1
        stacks.setdefault(slot, [0] * len(names))[place] += each.count
    return stacks


def _bars(
    stack: Sequence[int],
    x: float,
    width: float,
    base: float,
    scale: float,
    start: datetime,
    histogram: Histogram,
    series: Sequence[tuple[str, int]],
) -> list[Bar]:
    tops = [0]
    for count in stack:
        tops.append(tops[-1] + count)
    drawn = min(width - min(2.0, width / 5), _WIDEST_BAR)
    when = f"{start:{_FORMATS[histogram.unit]}}"
    return [
        Bar(
            round(x + (width - drawn) / 2, 2),
            round(base - top * scale, 2),
            round(drawn, 2),
            round((top - below) * scale, 2),
            place,
            f"{when}: {top - below:,} {series[place][0]}",
        )
        for place, (below, top) in enumerate(pairwise(tops))
        if top > below
    ]


def _slot(at: datetime, histogram: Histogram) -> int:
    moment = at.astimezone(UTC)
    if histogram.unit == "year":
        return moment.year
    if histogram.unit == "month":
        return moment.year * 12 + moment.month - 1
    return (moment - datetime(2001, 1, 1, tzinfo=UTC)) // (_LENGTHS[histogram.unit] * histogram.step)


def _columns(histogram: Histogram, first: datetime, count: int, width: float) -> tuple[Tick, ...]:
    every = max(1, math.ceil(count / _MOST_LABELS))
    return tuple(
        Tick(round(_LEFT + (slot + 0.5) * width, 1), f"{_moment(histogram, first, slot):{_FORMATS[histogram.unit]}}")
        for slot in range(0, count, every)
    )


def _moment(histogram: Histogram, first: datetime, slots: int) -> datetime:
    if histogram.unit == "year":
        return first.replace(year=first.year + slots)
    if histogram.unit == "month":
        months = first.year * 12 + first.month - 1 + slots
        return first.replace(year=months // 12, month=months % 12 + 1)
    return first + _LENGTHS[histogram.unit] * histogram.step * slots
