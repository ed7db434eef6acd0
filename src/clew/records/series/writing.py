"""Points in, and out again: what was there in the hours they fall into is read, merged with them, and replaced."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import numpy as np
import psycopg

from clew.records.series.archive import Archive
from clew.records.series.cold import take_out
from clew.records.series.model import COUNTED, DAY, HOUR, Series, SeriesError, moment_at
from clew.records.series.rollups import POINT, Array, ordered_points
from clew.records.series.statements import KNOWN_SERIES, LOCK
from clew.records.series.storage import Storage, among, as_spans, hours_of

AHEAD: Final = DAY
"""How far in the future a point may lie."""

_POINTS_AT_ONCE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class PointBatch:
    """Points as they came: each value's place in `series`, its time (µs) and line; later ones replace earlier ones."""

    series: Sequence[Series]
    place: Array
    time: Array
    value: Array
    line: Array

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is not taken, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Written:
    """What became of values: written (those that replace another or are repeated count, too) or refused."""

    values: int = 0
    series: int = 0
    refused: tuple[Refused, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Limits:
    """Which times are taken: at most `keep_days` days before now, by measurement."""

    now: int
    keep_days: Mapping[str, int]

    def earliest(self, measurement: str) -> int:
        """The first day that is kept."""
        return (self.now - self.keep_days[measurement] * DAY) // DAY * DAY


def write_points(
    connection: psycopg.Connection[Any], organization_id: UUID, archive: Archive, batch: PointBatch, limits: Limits
) -> Written:
    """Write points within the caller's transaction, which belongs to that organization.

    A value for a series and time that has one replaces it. Late points open their hours again, also those in files.
    Points outside the limits are refused, by line.
    """
    connection.execute(LOCK, {"organization": organization_id})
    numbers = np.array([each.number for each in batch.series], np.int64)
    refused: list[Refused] = []
    written = 0
    for measurement in sorted({each.measurement for each in batch.series}):
        if measurement in COUNTED:
            raise SeriesError(f"{measurement} is counted from the record itself", where="measurement")
        own = np.array([each.measurement == measurement for each in batch.series])[batch.place]
        wrong = own & ((batch.time < limits.earliest(measurement)) | (batch.time > limits.now + AHEAD))
        refused += [Refused(line, _why(time, limits)) for line, time in _first_of(batch, wrong)]
        taken = np.flatnonzero(own & ~wrong)
        if not len(taken):
            continue
        storage = Storage(connection, organization_id, measurement, archive)
        used = np.unique(batch.place[taken])
        storage.name(_unknown(storage, [batch.series[place] for place in used.tolist()]))
        for start in range(0, len(taken), _POINTS_AT_ONCE):
            some = taken[start : start + _POINTS_AT_ONCE]
            points = np.empty(len(some), POINT)
            points["series"] = numbers[batch.place[some]]
            points["time"], points["value"] = batch.time[some], batch.value[some] + 0.0  # of two zeros the one
            _merge(storage, points)
        written += len(taken)
    lines = tuple(sorted(refused, key=lambda each: each.line))
    return Written(written, len(set(numbers.tolist())), lines)


def delete_points(storage: Storage, series: Sequence[Series], begin: int, end: int) -> int:
    """Delete the points of series with begin <= time < end, with all that was rolled up from them; how many hours.

    Raises SeriesError where only roll-ups are left of an hour that the span cuts.
    """
    storage.connection.execute(LOCK, {"organization": storage.organization_id})
    numbers = [each.number for each in series]
    if not numbers or begin >= end:
        return 0
    first, last = begin // HOUR * HOUR, -(-end // HOUR) * HOUR
    changed = 0
    for day in _days(storage, first, last, numbers):
        start, stop = max(first, day), min(last, day + DAY)
        points = storage.points(start, stop, numbers)
        left = points[(points["time"] < begin) | (points["time"] >= end)]
        pointed, rolled = hours_of(points), _hours(storage, start, stop, numbers)
        _require_whole(rolled[~among(rolled["series"], rolled["time"], pointed)], begin, end, HOUR)
        touched = np.unique(np.concatenate([pointed, rolled]))
        take_out(storage, day, touched)
        storage.replace(touched, left, removed=True)
        changed += len(touched)
    return changed + _delete_days(storage, numbers, begin, end)


def _merge(storage: Storage, points: Array) -> None:
    touched = hours_of(points)
    storage.replace(touched, ordered_points(np.concatenate([storage.blocks(touched), points])), removed=False)


def _unknown(storage: Storage, series: Sequence[Series]) -> list[Series]:
    asked = {"organization": storage.organization_id, "numbers": [each.number for each in series]}
    known = {number for (number,) in storage.connection.execute(KNOWN_SERIES, asked).fetchall()}
    return [each for each in series if each.number not in known]


def _first_of(batch: PointBatch, wrong: Array) -> list[tuple[int, int]]:
    """Lines with wrong times, each once."""
    found = dict(zip(batch.line[wrong].tolist(), batch.time[wrong].tolist(), strict=True))
    return sorted(found.items())


def _why(time: int, limits: Limits) -> str:
    if time > limits.now + AHEAD:
        return f"{_written(time)} is more than a day ahead"
    return f"{_written(time)} is older than what is kept"


def _written(time: int) -> str:
    try:
        return moment_at(time).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return f"{time} µs"


def _days(storage: Storage, first: int, last: int, numbers: Sequence[int]) -> list[int]:
    """The days of the span that hold anything of these series."""
    return sorted({int(time) for time in storage.days(first // DAY * DAY, last, numbers)["time"]})


def _hours(storage: Storage, start: int, stop: int, numbers: Sequence[int]) -> Array:
    return as_spans(storage.hours(start, stop, numbers))


def _delete_days(storage: Storage, numbers: Sequence[int], begin: int, end: int) -> int:
    """Delete days of which nothing but the day is kept; how many."""
    first, last = begin // DAY * DAY, -(-end // DAY) * DAY
    whole = as_spans(storage.days(first, last, numbers))
    rolled = _hours(storage, first, last, numbers)
    bare = whole[~among(whole["series"], whole["time"], _at_days(rolled))]
    _require_whole(bare, begin, end, DAY)
    if len(bare):
        storage.delete_days(bare)
    return len(bare)


def _at_days(spans: Array) -> Array:
    days = spans.copy()
    days["time"] = spans["time"] // DAY * DAY
    return days


def _require_whole(bare: Array, begin: int, end: int, width: int) -> None:
    cut = bare[(bare["time"] < begin) | (bare["time"] + width > end)]
    if len(cut):
        what = "hour" if width == HOUR else "day"
        raise SeriesError(
            f"of the {what} that begins at {_written(int(cut['time'][0]))} only the roll-up is left, which cannot be "
            "divided",
            where="from, to",
            remedy=f"let the span begin and end with a whole {what}",
        )
