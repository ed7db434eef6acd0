"""From a question to its answer: which roll-ups serve it, how they merge, how gaps are filled. Knows no engine."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from clew.projections.series.port import AGGREGATES, FILLS, Line, SeriesAnswer, SeriesQuery, SeriesSource
from clew.records.series.model import DAY, HOUR, MINUTE, Series, SeriesError, require_measurement, require_name
from clew.records.series.rollups import Array, exact_quantiles, merge, merge_bins, quantiles, roll_up

MOST_BUCKETS: Final = 200_000
MOST_POINTS: Final = 5_000_000
_PERCENTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d{1,4})?|100)")


def answer(query: SeriesQuery, catalogue: Sequence[Series], source: SeriesSource) -> SeriesAnswer:
    """The answer of a source whose series are those of the catalogue. Raises SeriesError."""
    _require(query)
    chosen = [each for each in catalogue if _is_wanted(query, each)]
    if not query.aggregates and query.every is None:
        return _points(query, chosen, source)
    query = _widened(query)
    groups = sorted({_group(query, each) for each in chosen})
    if not groups:
        return SeriesAnswer(query.measurement, query.begin, query.end, "raw")
    width = query.every or query.end - query.begin
    if len(groups) * ((query.end - query.begin) // width) > MOST_BUCKETS:
        raise SeriesError(
            f"more than {MOST_BUCKETS:,} values would be answered", where="every", remedy="ask for longer stretches"
        )
    return _Aggregation(query, chosen, groups, source, len(chosen) == len(catalogue)).answer()


class _Aggregation:
    """Works one answer out."""

    def __init__(
        self,
        query: SeriesQuery,
        chosen: Sequence[Series],
        groups: list[tuple[str, ...]],
        source: SeriesSource,
        all_of_them: bool,  # noqa: FBT001  within this module
    ) -> None:
        self._query, self._source, self._groups = query, source, groups
        place = {group: number for number, group in enumerate(groups)}
        pairs = sorted((each.number, place[_group(query, each)]) for each in chosen)
        self._numbers = np.array([number for number, _ in pairs], np.int64)
        self._places = np.array([place for _, place in pairs], np.int64)
        self._wanted = None if all_of_them else self._numbers.tolist()
        self._width = query.every or max(query.end - query.begin, 1)
        self._aligned = query.every or np.gcd(query.begin, query.end)
        self._kept_points: Array | None = None
        self._kept_bins: Array | None = None

    def answer(self) -> SeriesAnswer:
        query = self._query
        if self._aligned % HOUR == 0 and query.aggregates and all(name[0] == "p" for name in query.aggregates):
            # Bins say everything: roll-ups need not be read.
            resolution, merged = "1d" if self._aligned % DAY == 0 else "1h", None
            group, times, _ = quantiles(self._bins(), 0.5)
        else:
            resolution, rollups = self._rollups()
            merged, group = merge(rollups, self._group_of(rollups["series"]), self._slot_of(rollups["time"]))
            times = merged["time"]
        percentiles = {name: self._percentile(name, times, group) for name in query.aggregates if name[0] == "p"}
        lines = []
        for place, (name, *values) in enumerate(self._groups):
            own = group == place
            if query.fill == "none" and not own.any():
                continue
            columns = {each: column[own] for each, column in percentiles.items()}
            if merged is not None:
                others = (each for each in query.aggregates or ("mean",) if each not in percentiles)
                columns |= {each: _column(merged[own], each) for each in others}
            ordered = {each: columns[each] for each in query.aggregates or ("mean",)}
            times_of, filled = _filled(query, self._width, times[own], ordered)
            lines.append(Line(name, dict(zip(query.by, values, strict=True)), times_of, filled))
        return SeriesAnswer(query.measurement, query.begin, query.end, resolution, lines)

    def _rollups(self) -> tuple[str, Array]:
        span = (self._query.begin, self._query.end, self._wanted)
        if self._aligned % DAY == 0:
            return "1d", self._only(self._source.days(*span))
        if self._aligned % HOUR == 0:
            return "1h", self._only(self._source.hours(*span))
        if self._aligned % MINUTE == 0:
            return "1m", self._only(self._source.minutes(*span))
        points = self._points()
        if self._query.every is None:
            return "raw", roll_up(points, DAY)
        return "raw", roll_up(points, self._query.every)

    def _bins(self) -> Array:
        """Those of each group and stretch, read once."""
        if self._kept_bins is None:
            width = DAY if self._aligned % DAY == 0 else HOUR
            bins = self._only(self._source.bins(width, self._query.begin, self._query.end, self._wanted))
            self._kept_bins = merge_bins(bins, self._group_of(bins["series"]), self._slot_of(bins["time"]))
        return self._kept_bins

    def _percentile(self, name: str, times: Array, groups: Array) -> Array:
        """The percentile of each group and stretch."""
        quantile = float(name[1:]) / 100
        if self._aligned % HOUR == 0:
            group, slot, value = quantiles(self._bins(), quantile)
        else:
            points = self._points()
            group, slot = self._group_of(points["series"]), self._slot_of(points["time"])
            group, slot, value = exact_quantiles(group, slot, points["value"], quantile)
        if not (np.array_equal(group, groups) and np.array_equal(slot, times)):
            raise SeriesError(
                "percentiles of stretches that are no whole hours are worked out from points, which are not kept "
                "for so long",
                where="aggregate",
                remedy="ask by whole hours or days, or for a later span",
            )
        return value

    def _points(self) -> Array:
        if self._kept_points is None:
            points = self._only(self._source.points(self._query.begin, self._query.end, self._wanted))
            if len(points) > MOST_POINTS:
                raise SeriesError(
                    f"more than {MOST_POINTS:,} points would be read",
                    where="every",
                    remedy="ask for whole minutes, hours or days, which roll-ups answer, or for a shorter span",
                )
            self._kept_points = points
        return self._kept_points

    def _only(self, rows: Array) -> Array:
        """Without series that are not in the catalogue: named after it was read."""
        if not len(rows):
            return rows
        place = np.minimum(np.searchsorted(self._numbers, rows["series"]), len(self._numbers) - 1)
        known: Array = rows[self._numbers[place] == rows["series"]]
        return known

    def _group_of(self, series: Array) -> Array:
        found: Array = self._places[np.searchsorted(self._numbers, series)]
        return found

    def _slot_of(self, time: Array) -> Array:
        if self._query.every is None:
            return np.full(len(time), self._query.begin, np.int64)
        slot: Array = time // self._width * self._width
        return slot


def _require(query: SeriesQuery) -> None:
    require_measurement(query.measurement)
    for name in (*query.by, *(tag for tag, _ in query.where)):
        require_name(name, "tag")
    for name in query.fields:
        require_name(name, "field")
    if query.begin >= query.end:
        raise SeriesError("the span ends before it begins", where="from, to")
    if query.every is not None and query.every < 1:
        raise SeriesError("a stretch has some length", where="every")
    if query.fill not in FILLS:
        raise SeriesError(f"gaps cannot be filled with {query.fill[:20]!r}", where="fill", remedy=", ".join(FILLS))
    for name in query.aggregates:
        if name not in AGGREGATES and _PERCENTILE.fullmatch(name) is None:
            raise SeriesError(
                f"{name[:20]!r} is not known", where="aggregate", remedy=f"{', '.join(AGGREGATES)}, and p0 to p100"
            )


def _is_wanted(query: SeriesQuery, series: Series) -> bool:
    tags = dict(series.tags)
    return (not query.fields or series.field in query.fields) and all(
        tags.get(tag) in values for tag, values in query.where
    )


def _group(query: SeriesQuery, series: Series) -> tuple[str, ...]:
    tags = dict(series.tags)
    return series.field, *(tags.get(tag, "") for tag in query.by)


def _widened(query: SeriesQuery) -> SeriesQuery:
    if query.every is None:
        return query
    begin, end = query.begin // query.every * query.every, -(-query.end // query.every) * query.every
    return SeriesQuery(
        query.measurement, begin, end, query.every, query.aggregates, query.fields, query.by, query.where, query.fill
    )


def _points(query: SeriesQuery, chosen: Sequence[Series], source: SeriesSource) -> SeriesAnswer:
    rows = source.points(query.begin, query.end, [each.number for each in chosen])
    earliest = rows[np.lexsort((rows["series"], rows["time"]))][: query.limit]
    lines = []
    for each in chosen:
        own = earliest[earliest["series"] == each.number]
        if len(own):
            lines.append(Line(each.field, dict(each.tags), own["time"].tolist(), {"value": own["value"].tolist()}))
    return SeriesAnswer(query.measurement, query.begin, query.end, "raw", lines, len(rows) > query.limit)


def _column(rows: Array, aggregate: str) -> Array:
    if aggregate == "mean":
        return np.asarray(rows["sum"] / rows["count"])
    if aggregate == "stddev":
        return np.asarray(np.sqrt(rows["deviations"] / rows["count"]))
    found: Array = rows[{"min": "least", "max": "greatest"}.get(aggregate, aggregate)]
    return found


def _filled(
    query: SeriesQuery, width: int, times: Array, columns: dict[str, Array]
) -> tuple[list[int], dict[str, list[float | int | None]]]:
    """The buckets that a group has or, filled, all of the span."""
    if query.fill == "none":
        return times.tolist(), {name: column.tolist() for name, column in columns.items()}
    grid = np.arange(query.begin, query.end, width)
    place = (times - query.begin) // width
    return grid.tolist(), {name: _fill(query.fill, len(grid), place, column) for name, column in columns.items()}


def _fill(how: str, length: int, place: Array, column: Array) -> list[float | int | None]:
    known = np.zeros(length, bool)
    known[place] = True
    values = np.zeros(length, column.dtype)
    values[place] = column
    if how == "zero":
        return list(values.tolist())
    if how == "previous":
        latest = np.maximum.accumulate(np.where(known, np.arange(length), -1))
        values, known = values[latest], latest >= 0
    elif how == "linear" and len(place):
        values = np.interp(np.arange(length), place, column)
        known = (np.arange(length) >= place[0]) & (np.arange(length) <= place[-1])
    return [value if there else None for value, there in zip(values.tolist(), known.tolist(), strict=True)]
