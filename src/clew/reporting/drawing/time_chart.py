"""Counts over time as stacked bars, plotted by matplotlib."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from clew.reporting.document import Histogram
from clew.reporting.drawing.plot import Canvas, plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH: Final = 1080
HEIGHT: Final = 240
MOST_BARS: Final = 240
"""Bars side by side; a histogram of more bins is drawn with several of them in each bar."""
OTHER: Final = "other"
_FEWEST_BARS: Final = 10  # so wide is the chart at least, or a single bin would fill it
_MOST_SERIES: Final = 6
_RIGHT: Final = 24.0
_TOP: Final = 14.0
_BOTTOM: Final = 44.0
_CHARACTER: Final = 7.0
_FILLED: Final = 0.86  # of a bin's length by its bar
_START: Final = datetime(2001, 1, 1, tzinfo=UTC)
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_LENGTHS: Final = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
}
_FORMATS: Final = {
    "minute": "%Y-%m-%d %H:%M",
    "hour": "%Y-%m-%d %H:%M",
    "day": "%Y-%m-%d",
    "week": "%Y-%m-%d",
    "month": "%Y-%m",
    "year": "%Y",
}
# Of years, months, days, hours, minutes and seconds: how a mark is labelled, and how where the next greater begins.
# Figures alone, because names of months are those of the process's language.
_LABELS: Final = ("%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M", "%S")
_AT_THE_GREATER: Final = ("", "%Y", "%m-%d", "%m-%d", "%H:%M", "%H:%M")


@dataclass(frozen=True, slots=True)
class Stack:
    """A bar: the counts of its bins, one for each series of the legend; `at` is when it starts."""

    at: datetime
    when: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TimeChart:
    """The chart, for an `svg` element of that width and height, with what to say beside it.

    `stacks` are its bars, without the empty ones; `series` the legend, with totals.
    """

    width: int
    height: int
    picture: Markup
    stacks: tuple[Stack, ...]
    series: tuple[tuple[str, int], ...]
    unit: str
    first: datetime
    last: datetime
    peak: int
    peak_at: str


@dataclass(frozen=True, slots=True)
class _Scale:
    """Time cut into slots, each `step` units long and numbered."""

    unit: str
    step: int

    def slot(self, at: datetime) -> int:
        return self._units(at.astimezone(UTC)) // self.step

    def start(self, slot: int) -> datetime:
        """When the slot starts, or the end of the calendar."""
        units = slot * self.step
        try:
            if self.unit == "year":
                return datetime(max(units, 1), 1, 1, tzinfo=UTC)
            if self.unit == "month":
                return datetime(units // 12, units % 12 + 1, 1, tzinfo=UTC)
            return _START + _LENGTHS[self.unit] * units
        except (OverflowError, ValueError):
            return _LAST if units > 0 else _FIRST

    def _units(self, moment: datetime) -> int:
        if self.unit == "year":
            return moment.year
        if self.unit == "month":
            return moment.year * 12 + moment.month - 1
        return (moment - _START) // _LENGTHS[self.unit]


def draw(histogram: Histogram) -> TimeChart:
    """The histogram, which has at least one bin, with its greatest series told apart and the rest as "other"."""
    series = _series(histogram)
    scale = _scale(histogram)
    counted: dict[int, list[int]] = {}
    places = {name: place for place, (name, _) in enumerate(series)}
    for each in histogram.bins:
        counted.setdefault(scale.slot(each.at), [0] * len(series))[places.get(each.series, len(series) - 1)] += (
            each.count
        )
    stacks = {
        slot: Stack(scale.start(slot), f"{scale.start(slot):{_FORMATS[scale.unit]}}", tuple(counts))
        for slot, counts in sorted(counted.items())
    }
    peak = max(stacks.values(), key=lambda stack: sum(stack.counts))
    times = [each.at.astimezone(UTC) for each in histogram.bins]
    return TimeChart(
        WIDTH,
        HEIGHT,
        plot(WIDTH, HEIGHT, partial(_paint, stacks=stacks, scale=scale, names=[name for name, _ in series])),
        tuple(stacks.values()),
        series,
        unit=f"{scale.step:,} {scale.unit}s" if scale.step > 1 else scale.unit,
        first=min(times),
        last=max(times),
        peak=sum(peak.counts),
        peak_at=peak.when,
    )


def _series(histogram: Histogram) -> tuple[tuple[str, int], ...]:
    totals: dict[str, int] = {}
    for each in histogram.bins:
        totals[each.series] = totals.get(each.series, 0) + each.count
    ranked = sorted(totals.items(), key=lambda pair: (-pair[1], pair[0]))
    if len(ranked) <= _MOST_SERIES:
        return tuple(ranked)
    kept = ranked[: _MOST_SERIES - 1]
    return (*kept, (OTHER, sum(totals.values()) - sum(count for _, count in kept)))


def _scale(histogram: Histogram) -> _Scale:
    """The histogram's own bins, or as many of them together as it takes to have no more than MOST_BARS."""
    scale = _Scale(histogram.unit, histogram.step)
    slots = [scale.slot(each.at) for each in histogram.bins]
    span = max(slots) - min(slots) + 1
    # Bars start at multiples of their length, so one more may be needed than the span holds of them.
    together = 1 if span <= MOST_BARS else math.ceil(span / (MOST_BARS - 1))
    return _Scale(histogram.unit, histogram.step * together)


def _paint(canvas: Canvas, stacks: dict[int, Stack], scale: _Scale, names: Sequence[str]) -> None:
    from matplotlib.dates import date2num  # noqa: PLC0415  see plotting_library.library
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    heights = [sum(stack.counts) for stack in stacks.values()]
    rows = [
        int(tick) for tick in MaxNLocator(nbins=4, steps=[1, 2, 5, 10], integer=True).tick_values(0, max(1, *heights))
    ]
    left = max(58.0, 18 + _CHARACTER * len(f"{rows[-1]:,}"))
    box = (left / WIDTH, _BOTTOM / HEIGHT, (WIDTH - left - _RIGHT) / WIDTH, (HEIGHT - _TOP - _BOTTOM) / HEIGHT)
    axes = canvas.figure.add_axes(box)
    around = max(0, _FEWEST_BARS - (max(stacks) - min(stacks) + 1))
    begin, end = (scale.start(slot) for slot in (min(stacks) - around // 2, max(stacks) + 1 + -(-around // 2)))
    axes.set_xlim(date2num(begin), date2num(end))
    axes.set_ylim(rows[0], rows[-1])
    axes.set_axisbelow(True)  # rules behind bars
    _rows(canvas, axes, rows)
    _columns(canvas, axes)
    for at, side, place in ((begin, "left", 0.0), (end, "right", 1.0)):
        edge = axes.annotate(
            f"{at:{_FORMATS[scale.unit]}}", (place, 0), (0, 6 - _BOTTOM), "axes fraction", "offset points", ha=side
        )
        canvas.show(edge, "axis")
    for slot, stack in stacks.items():
        _bars(canvas, axes, stack, (scale.start(slot + 1) - stack.at) / _DAY, names)
    canvas.show(axes.spines["bottom"], "base")


def _bars(canvas: Canvas, axes: "Axes", stack: Stack, length: float, names: Sequence[str]) -> None:
    from matplotlib.dates import date2num  # noqa: PLC0415
    from matplotlib.patches import Rectangle  # noqa: PLC0415

    start, below = date2num(stack.at) + length * (1 - _FILLED) / 2, 0
    for place, count in enumerate(stack.counts):
        if count:
            bar = Rectangle((start, below), length * _FILLED, count, clip_on=False)
            # Added as bars, each would have the limits of the axes worked out once more: half of the whole time.
            canvas.show(axes.add_artist(bar), f"s{place}", title=f"{stack.when}: {count:,} {names[place]}")
            below += count


def _rows(canvas: Canvas, axes: "Axes", ticks: Sequence[int]) -> None:
    axes.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.tick_params("y", length=0, pad=8)
    for tick in axes.yaxis.get_major_ticks():
        tick.gridline.set(visible=True, clip_on=False)
        canvas.show(tick.gridline, "rule")
        canvas.show(tick.label1, "axis")


def _columns(canvas: Canvas, axes: "Axes") -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter  # noqa: PLC0415

    locator = AutoDateLocator(minticks=5, tz=UTC)
    formatter = ConciseDateFormatter(locator, tz=UTC, formats=list(_LABELS), zero_formats=list(_AT_THE_GREATER))
    locator.set_axis(axes.xaxis)
    first, last = axes.get_xlim()
    ticks = [float(tick) for tick in locator() if first <= tick <= last]  # another would stretch the axis
    labels = formatter.format_ticks(ticks)
    axes.set_xticks(ticks, labels)
    axes.tick_params("x", length=5, pad=6)
    for tick in axes.xaxis.get_major_ticks():
        canvas.show(tick.tick1line, "base")
        canvas.show(tick.label1, "axis")
