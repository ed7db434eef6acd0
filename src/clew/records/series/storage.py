"""One measurement of one organization, in the database and, for old days, in files: read as arrays.

Every method works within the caller's transaction, whose role decides what may be written. A block in the database
takes precedence over what a file says of the same series and hour; blocks are read before the list of files, so that
a day that is moved to a file meanwhile is seen once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import numpy as np
import psycopg
from psycopg.types.json import Jsonb

from clew.records.series import layout
from clew.records.series.archive import Archive, Archived
from clew.records.series.layout import Piece
from clew.records.series.model import DAY, HOUR, MINUTE, Series, moment_at
from clew.records.series.rollups import (
    POINT,
    ROLLUP,
    Array,
    bins_of,
    merge,
    merge_bins,
    ordered_points,
    roll_up,
)
from clew.records.series.statements import (
    ARCHIVES,
    BLOCKS_IN,
    BLOCKS_OF,
    DAYS_IN,
    DAYS_OF,
    DELETE_BLOCKS,
    DELETE_DAYS,
    ENSURE_PARTITIONS,
    MERGE_BLOCKS,
    MERGE_DAYS,
    NAME_SERIES,
    SERIES_OF,
    STAGE_BLOCKS,
    STAGE_DAYS,
)

Connection = psycopg.Connection[Any]
SPAN: Final = np.dtype([("series", "<i8"), ("time", "<i8")])
_STAGES: Final = {"stage_series_blocks": STAGE_BLOCKS, "stage_series_days": STAGE_DAYS}


@dataclass(frozen=True, slots=True)
class Storage:
    """See the module. `derived`: whether this measurement is counted from the record's events."""

    connection: Connection
    organization_id: UUID
    measurement: str
    archive: Archive
    derived: bool = False
    _common: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        common = {"organization": self.organization_id, "measurement": self.measurement, "derived": self.derived}
        object.__setattr__(self, "_common", common)

    def series(self) -> list[Series]:
        """Every series that ever had a point, by field and tags."""
        rows = self._rows(SERIES_OF)
        found = [Series(self.measurement, name, tuple(sorted(tags.items())), number) for number, name, tags in rows]
        return sorted(found, key=lambda each: (each.field, each.tags))

    def name(self, series: Iterable[Series]) -> None:
        """Make series known; those that are stay as they are."""
        listed = sorted(set(series), key=lambda each: each.number)
        with self.connection.cursor() as cursor:
            rows = [
                {**self._common, "id": each.id, "number": each.number, "field": each.field, "tags": _json(each.tags)}
                for each in listed
            ]
            cursor.executemany(NAME_SERIES, rows)

    def points(self, begin: int, end: int, series: Sequence[int] | None = None) -> Array:
        """Ordered points with begin <= time < end (POINT)."""
        blocks = self._blocks("points", begin, end, series)
        hot = layout.unpack_points([piece for piece in blocks if piece[2]])
        cold = self._cold("raw", begin, end, series, blocks)
        return ordered_points(_within(np.concatenate([cold, hot]) if len(cold) else hot, begin, end))

    def minutes(self, begin: int, end: int, series: Sequence[int] | None = None) -> Array:
        """Ordered roll-ups by the minute: those that are kept, and of other hours those of their points."""
        kept = self._blocks("minutes", begin, end, series)
        stored = layout.unpack_rollups([piece for piece in kept if piece[2]])
        without = _spans((number, hour) for number, hour, piece in kept if not piece)
        parts = [stored]
        if len(without):
            points = self._blocks("points", begin, end, series)
            raw = layout.unpack_points([piece for piece in points if piece[2]])
            raw = ordered_points(raw[among(raw["series"], raw["time"] // HOUR * HOUR, without)])
            parts.append(roll_up(raw, MINUTE))
        parts.append(self._cold("1m", begin, end, series, kept))
        return _ordered(_within(np.concatenate(parts), begin, end))

    def hours(self, begin: int, end: int, series: Sequence[int] | None = None) -> Array:
        """Ordered roll-ups by the hour."""
        return _ordered(_within(layout.unpack_rollups(self._days("hours", begin, end, series)), begin, end))

    def days(self, begin: int, end: int, series: Sequence[int] | None = None) -> Array:
        """Ordered roll-ups by the day."""
        return _ordered(_within(layout.unpack_rollups(self._days("whole", begin, end, series)), begin, end))

    def bins(self, width: int, begin: int, end: int, series: Sequence[int] | None = None) -> Array:
        """The bins of every hour or day, as `width` says."""
        column = "hour_bins" if width == HOUR else "whole_bins"
        return _within(layout.unpack_bins(self._days(column, begin, end, series)), begin, end)

    def blocks(self, spans: Array) -> Array:
        """The points of these series and hours (SPAN), wherever they lie, ordered."""
        hot, missing = self._hot(spans)
        return ordered_points(np.concatenate([self._of_files("raw", missing), hot]))

    def minute_blocks(self, spans: Array) -> Array:
        """The roll-ups by the minute of these series and hours, wherever they lie, ordered."""
        hot, missing = self._hot(spans)
        return _ordered(np.concatenate([self._of_files("1m", missing), roll_up(ordered_points(hot), MINUTE)]))

    def day_rows(self, spans: Array) -> tuple[Array, Array, Array, Array]:
        """Hours, their bins, days, their bins, of these series and days (SPAN)."""
        rows = self._rows(DAYS_OF, series=spans["series"].tolist(), days=_moments(spans["time"]))
        columns = [[(number, day, row[column]) for number, day, *row in rows] for column in range(4)]
        return (
            _ordered(layout.unpack_rollups(columns[0])),
            layout.unpack_bins(columns[1]),
            _ordered(layout.unpack_rollups(columns[2])),
            layout.unpack_bins(columns[3]),
        )

    def delete_days(self, spans: Array) -> None:
        """Delete the roll-ups of these series and days."""
        gone = {"series": spans["series"].tolist(), "days": _moments(spans["time"])}
        self.connection.execute(DELETE_DAYS, self._common | gone)

    def archived(self, resolution: str, begin: int, end: int) -> list[Archived]:
        """The files of days that overlap the span."""
        rows = self._rows(ARCHIVES, resolution=resolution, begin=moment_at(begin // DAY * DAY), end=moment_at(end))
        return [Archived(self.organization_id, self.measurement, *row) for row in rows]

    def replace(self, touched: Array, points: Array, *, removed: bool) -> None:
        """Make ordered points all there is in the touched hours (SPAN, unique), and their roll-ups what they then are.

        removed: whether points that were there may be gone.
        """
        if not len(touched):
            return
        hours, bins = roll_up(points, HOUR), bins_of(points, HOUR)
        self._store_blocks(touched, points, removed=removed)
        self.replace_hours(touched, hours, bins, removed=removed)

    def replace_hours(self, touched: Array, hours: Array, bins: Array, *, removed: bool) -> None:
        """Make these all there is of roll-ups in the touched hours, and the days what they then are."""
        days = np.unique(_spans(zip(touched["series"].tolist(), (touched["time"] // DAY * DAY).tolist(), strict=True)))
        old, old_bins, _, _ = self.day_rows(days)
        old = old[~among(old["series"], old["time"], touched)]
        old_bins = old_bins[~among(old_bins["series"], old_bins["time"], touched)]
        hours = _ordered(np.concatenate([old, hours]))
        bins = np.concatenate([old_bins, bins])
        bins = bins[np.lexsort((bins["key"], bins["time"], bins["series"]))]
        self._store_days(days, hours, bins, removed=removed)

    def _store_blocks(self, touched: Array, points: Array, *, removed: bool) -> None:
        minutes = {(number, hour): piece for number, hour, piece in layout.pack_rollups(roll_up(points, MINUTE), HOUR)}
        rows = []
        for number, hour, piece in layout.pack_points(points):
            packed = minutes[number, hour]
            rows.append((number, hour, len(piece) // 12, piece, packed if len(packed) < len(piece) else None))
        months = {moment_at(hour).date().replace(day=1) for _, hour, *_ in rows}
        self.connection.execute(ENSURE_PARTITIONS, {"months": sorted(months)})
        self._stage("stage_series_blocks", ("int8", "int8", "int4", "bytea", "bytea"), rows)
        self.connection.execute(MERGE_BLOCKS, {**self._common, "removed": removed})
        emptied = touched[~among(touched["series"], touched["time"], _spans((row[0], row[1]) for row in rows))]
        if len(emptied):
            gone = {"series": emptied["series"].tolist(), "hours": _moments(emptied["time"])}
            self.connection.execute(DELETE_BLOCKS, self._common | gone)

    def _store_days(self, days: Array, hours: Array, bins: Array, *, removed: bool) -> None:
        whole, _ = merge(hours, hours["series"], hours["time"] // DAY * DAY)
        whole_bins = merge_bins(bins, bins["series"], bins["time"] // DAY * DAY)
        packed = [
            dict(_by_span(layout.pack_rollups(hours, DAY))),
            dict(_by_span(layout.pack_bins(bins, DAY))),
            dict(_by_span(layout.pack_rollups(whole, DAY))),
            dict(_by_span(layout.pack_bins(whole_bins, DAY))),
        ]
        rows = [(*span, *(column[span] for column in packed)) for span in packed[0]]
        self._stage("stage_series_days", ("int8", "int8", "bytea", "bytea", "bytea", "bytea"), rows)
        self.connection.execute(MERGE_DAYS, {**self._common, "removed": removed})
        emptied = days[~among(days["series"], days["time"], _spans(packed[0]))]
        if len(emptied):
            self.delete_days(emptied)

    def _stage(self, stage: str, types: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
        self.connection.execute(_STAGES[stage])
        self.connection.execute(f"DELETE FROM {stage}")  # noqa: S608  one of two names above
        with (
            self.connection.cursor() as cursor,
            cursor.copy(f"COPY {stage} FROM STDIN (FORMAT binary)") as target,
        ):
            target.set_types(list(types))
            for row in rows:
                target.write_row(row)

    def _blocks(self, column: str, begin: int, end: int, series: Sequence[int] | None) -> list[Piece]:
        """Every block of the span, with nothing in the third place where it has no such column."""
        asked = {"begin": moment_at(begin // HOUR * HOUR), "end": moment_at(end), "series": series}
        return [(number, hour, packed or b"") for number, hour, packed in self._rows(BLOCKS_IN[column], **asked)]

    def _days(self, column: str, begin: int, end: int, series: Sequence[int] | None) -> list[Piece]:
        asked = {"begin": moment_at(begin // DAY * DAY), "end": moment_at(end), "series": series}
        return [(number, day, packed) for number, day, packed in self._rows(DAYS_IN[column], **asked) if packed]

    def _cold(
        self, resolution: str, begin: int, end: int, series: Sequence[int] | None, blocks: Sequence[Piece]
    ) -> Array:
        files = self.archived(resolution, begin, end)
        rows = self.archive.read(files, begin, end, series, resolution=resolution)
        hot = _spans((number, hour) for number, hour, _ in blocks)
        return rows[~among(rows["series"], rows["time"] // HOUR * HOUR, hot)]

    def _hot(self, spans: Array) -> tuple[Array, Array]:
        """The points of blocks in the database, and the spans that have none there."""
        if not len(spans):
            return np.empty(0, POINT), spans
        rows = self._rows(BLOCKS_OF, series=spans["series"].tolist(), hours=_moments(spans["time"]))
        found = _spans((number, hour) for number, hour, _ in rows)
        return layout.unpack_points(rows), spans[~among(spans["series"], spans["time"], found)]

    def _of_files(self, resolution: str, spans: Array) -> Array:
        if not len(spans):
            return np.empty(0, POINT if resolution == "raw" else ROLLUP)
        begin, end = int(spans["time"].min()), int(spans["time"].max()) + HOUR
        wanted = {int(time) // DAY * DAY for time in spans["time"]}
        files = [each for each in self.archived(resolution, begin, end) if each.day in wanted]
        rows = self.archive.read(files, begin, end, set(spans["series"].tolist()), resolution=resolution)
        return rows[among(rows["series"], rows["time"] // HOUR * HOUR, spans)]

    def _rows(self, statement: str, **parameters: Any) -> list[Any]:
        with self.connection.cursor(binary=True) as cursor:
            return cursor.execute(statement, self._common | parameters).fetchall()


def among(series: Array, time: Array, spans: Array) -> Array:
    """Which rows are of one of these series and times (SPAN)."""
    if not len(series) or not len(spans):
        return np.zeros(len(series), bool)
    numbers, number = np.unique(spans["series"], return_inverse=True)
    moments, moment = np.unique(spans["time"], return_inverse=True)
    # Of each row, its place among the numbers and moments there are, and whether it is really one of them.
    at_number = np.minimum(np.searchsorted(numbers, series), len(numbers) - 1)
    at_moment = np.minimum(np.searchsorted(moments, time), len(moments) - 1)
    found: Array = np.isin(at_number * len(moments) + at_moment, number * len(moments) + moment)
    found &= (numbers[at_number] == series) & (moments[at_moment] == time)
    return found


def hours_of(points: Array) -> Array:
    """The series and hours of points (SPAN), each once, ordered."""
    series, time = points["series"], points["time"] // HOUR * HOUR
    if not ((series[1:] > series[:-1]) | ((series[1:] == series[:-1]) & (time[1:] >= time[:-1]))).all():
        order = np.lexsort((time, series))
        series, time = series[order], time[order]
    first = np.ones(len(series), bool)
    first[1:] = (series[1:] != series[:-1]) | (time[1:] != time[:-1])
    hours = np.empty(np.count_nonzero(first), SPAN)
    hours["series"], hours["time"] = series[first], time[first]
    return hours


def as_spans(rows: Array) -> Array:
    """The series and times of rows as an array of SPAN."""
    spans = np.empty(len(rows), SPAN)
    for name in ("series", "time"):
        spans[name] = rows[name]
    return spans


def _spans(pairs: Iterable[tuple[int, int]]) -> Array:
    return np.array(list(pairs), SPAN)


def _by_span(pieces: Iterable[Piece]) -> Iterator[tuple[tuple[int, int], bytes]]:
    for number, start, piece in pieces:
        yield (number, start), piece


def _within(rows: Array, begin: int, end: int) -> Array:
    return rows[(rows["time"] >= begin) & (rows["time"] < end)]


def _ordered(rows: Array) -> Array:
    return rows[np.lexsort((rows["time"], rows["series"]))]


def _moments(times: Array) -> list[Any]:
    return [moment_at(time) for time in times.tolist()]


def _json(tags: Iterable[tuple[str, str]]) -> Any:
    return Jsonb(dict(tags))
