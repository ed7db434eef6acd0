"""The port of time series: what is asked, what is answered, and what an adapter must give for it.

An adapter gives points and roll-ups as they are kept; which of them a question needs, how they are put together, and
how gaps are filled is one code for all (clew.projections.series.answering), so that answers cannot differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from clew.records.series.rollups import Array

AGGREGATES: Final = ("count", "sum", "mean", "min", "max", "first", "last", "stddev")
"""Besides these, pN is the Nth percentile, such as p95 or p99.9."""

FILLS: Final = ("none", "null", "zero", "previous", "linear")


@dataclass(frozen=True, slots=True)
class SeriesQuery:
    """A question about one measurement.

    begin, end, every: microseconds; points with begin <= time < end, by stretches of `every` that begin at multiples of
    it since 1970; the span is widened to whole stretches. Without `every`, aggregates are of the whole span; without
    aggregates either, the points themselves are given, `limit` at most. where: tag and the values it may have.
    """

    measurement: str
    begin: int
    end: int
    every: int | None = None
    aggregates: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    fill: str = "none"
    limit: int = 10_000


@dataclass(frozen=True, slots=True)
class Line:
    """What is answered for one field and one set of values of the tags asked for; each column as long as `times`."""

    field: str
    tags: dict[str, str]
    times: list[int]
    columns: dict[str, list[float | int | None]]


@dataclass(frozen=True, slots=True)
class SeriesAnswer:
    """The answer: its span as widened, which resolution it was worked out from, and whether points were left out."""

    measurement: str
    begin: int
    end: int
    resolution: str
    lines: list[Line] = field(default_factory=list)
    truncated: bool = False


class SeriesSource(Protocol):
    """One measurement of one organization, as it is kept: arrays ordered by series and time.

    Each method takes a span (begin <= time < end, µs) and the numbers of the series wanted, None for all.
    """

    def points(self, begin: int, end: int, series: Sequence[int] | None = None) -> Array:
        """Points (POINT)."""

    def minutes(self, begin: int, end: int, series: Sequence[int] | None = None) -> Array:
        """Roll-ups by the minute (ROLLUP)."""

    def hours(self, begin: int, end: int, series: Sequence[int] | None = None) -> Array:
        """Roll-ups by the hour."""

    def days(self, begin: int, end: int, series: Sequence[int] | None = None) -> Array:
        """Roll-ups by the day."""

    def bins(self, width: int, begin: int, end: int, series: Sequence[int] | None = None) -> Array:
        """Bins (BIN) of every hour or day, as `width` says."""
