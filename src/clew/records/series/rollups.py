"""Roll-ups: what is kept of the points of a minute, an hour, a day, so that those of several can be put together.

Numbers of points, sums, least and greatest, first and last with their times, and the sum of squared deviations from
the mean, which merges without losing digits (Chan, Golub and LeVeque 1979). Percentiles come from counts of points by
bins that grow by a fixed ratio (DDSketch: Masson, Rim and Lee, VLDB 2019): a value is told with a relative error of at
most ACCURACY, and bins merge by adding. Everything is worked out in the order of time and series, so the same points
give the same bits, wherever they are kept.
"""

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from clew.records.series.model import DAY, HOUR, MINUTE

ACCURACY: Final = 0.01
_RATIO: Final = math.log((1 + ACCURACY) / (1 - ACCURACY))
_OFFSET: Final = 1 << 20  # keys of values over and under zero lie on both sides of it, far from each other
_SMALLEST: Final = 1e-300
_DENSE: Final = 1 << 20  # so many places are counted at without sorting

Array = npt.NDArray[Any]

POINT: Final = np.dtype([("series", "<i8"), ("time", "<i8"), ("value", "<f8")])
ROLLUP: Final = np.dtype(
    [
        ("series", "<i8"),
        ("time", "<i8"),
        ("count", "<i8"),
        ("sum", "<f8"),
        ("least", "<f8"),
        ("greatest", "<f8"),
        ("first", "<f8"),
        ("last", "<f8"),
        ("first_at", "<i8"),
        ("last_at", "<i8"),
        ("deviations", "<f8"),
    ]
)
BIN: Final = np.dtype([("series", "<i8"), ("time", "<i8"), ("key", "<i4"), ("count", "<i8")])
WIDTHS: Final = {"1m": MINUTE, "1h": HOUR, "1d": DAY}


def ordered_points(points: Array) -> Array:
    """By series and time; of those with both the same the one that came last."""
    if not len(points):
        return points
    order = np.lexsort((np.arange(len(points)), points["time"], points["series"]))
    sorted_points = points[order]
    later = (sorted_points["series"][1:] != sorted_points["series"][:-1]) | (
        sorted_points["time"][1:] != sorted_points["time"][:-1]
    )
    kept: Array = sorted_points[np.append(later, True)]
    return kept


def roll_up(points: Array, width: int) -> Array:
    """Roll-ups of ordered points (POINT), one for each series and stretch of `width` that has any (ROLLUP)."""
    if not len(points):
        return np.empty(0, ROLLUP)
    slot = points["time"] // width * width
    starts = _starts(points["series"], slot)
    ends = np.append(starts[1:], len(points)) - 1
    value = points["value"]
    made = np.empty(len(starts), ROLLUP)
    made["series"], made["time"] = points["series"][starts], slot[starts]
    made["count"] = ends - starts + 1
    made["sum"] = np.add.reduceat(value, starts)
    made["least"], made["greatest"] = np.minimum.reduceat(value, starts), np.maximum.reduceat(value, starts)
    made["first"], made["last"] = value[starts], value[ends]
    made["first_at"], made["last_at"] = points["time"][starts], points["time"][ends]
    away = value - np.repeat(made["sum"] / made["count"], made["count"])
    made["deviations"] = np.add.reduceat(away * away, starts)
    return made


def merge(rollups: Array, group: Array, slot: Array) -> tuple[Array, Array]:
    """Roll-ups of each group and slot: one row each, ordered by both, and the group of each row.

    `series` of what is given back is 0 where several were merged; `time` is the slot.
    """
    if not len(rollups):
        return np.empty(0, ROLLUP), np.empty(0, np.int64)
    order = np.lexsort((rollups["series"], rollups["time"], slot, group))
    parts, group, slot = rollups[order], group[order], slot[order]
    starts = _starts(group, slot)
    made = np.empty(len(starts), ROLLUP)
    lengths = np.diff(np.append(starts, len(parts)))
    made["time"] = slot[starts]
    same = np.minimum.reduceat(parts["series"], starts) == np.maximum.reduceat(parts["series"], starts)
    made["series"] = np.where(same, parts["series"][starts], 0)
    made["count"] = np.add.reduceat(parts["count"], starts)
    made["sum"] = np.add.reduceat(parts["sum"], starts)
    made["least"] = np.minimum.reduceat(parts["least"], starts)
    made["greatest"] = np.maximum.reduceat(parts["greatest"], starts)
    made["first_at"] = np.minimum.reduceat(parts["first_at"], starts)
    made["last_at"] = np.maximum.reduceat(parts["last_at"], starts)
    made["first"] = _at(parts, "first", starts, lengths, made["first_at"])
    made["last"] = _at(parts, "last", starts, lengths, made["last_at"])
    away = parts["sum"] / parts["count"] - np.repeat(made["sum"] / made["count"], lengths)
    within = np.add.reduceat(parts["deviations"], starts)
    made["deviations"] = within + np.add.reduceat(parts["count"] * away * away, starts)
    return made, group[starts]


def bins_of(points: Array, width: int) -> Array:
    """How many of the points of each series and stretch lie in each bin (BIN), ordered."""
    if not len(points):
        return np.empty(0, BIN)
    slots = points["time"] // width * width
    return _counted(points["series"], slots, keys_of(points["value"]), np.ones(len(points), np.int64))


def merge_bins(bins: Array, group: Array, slot: Array) -> Array:
    """The bins of each group (now `series`) and slot (now `time`)."""
    if not len(bins):
        return bins
    return _counted(group, slot, bins["key"], bins["count"])


def keys_of(value: Array) -> Array:
    """The bin of each value."""
    size = np.abs(value)
    counted = size >= _SMALLEST
    steps = np.ceil(np.log(np.where(counted, size, 1.0)) / _RATIO).astype(np.int64)
    key = np.where(value > 0, _OFFSET + steps, -_OFFSET - steps)
    return np.where(counted, key, 0).astype(np.int32)


def value_of(key: Array) -> Array:
    """The value that a bin stands for: within ACCURACY of all that are counted there."""
    steps = np.abs(key.astype(np.float64)) - _OFFSET
    size = 2 * np.exp(np.where(key == 0, 0.0, steps) * _RATIO) / (math.exp(_RATIO) + 1)
    return np.where(key == 0, 0.0, np.sign(key) * size)


def quantiles(bins: Array, quantile: float) -> tuple[Array, Array, Array]:
    """Group, slot and estimated quantile (0 to 1) of each group and slot: that of rank floor(q·(n−1)), from 0."""
    if not len(bins):
        nothing = np.empty(0, np.int64)
        return nothing, nothing, np.empty(0, np.float64)
    starts = _starts(bins["series"], bins["time"])
    lengths = np.diff(np.append(starts, len(bins)))
    total = np.add.reduceat(bins["count"], starts)
    rank = np.floor(quantile * (total - 1)).astype(np.int64)
    running = np.cumsum(bins["count"])
    before = np.append(0, running)[starts]
    reached = running - np.repeat(before, lengths) > np.repeat(rank, lengths)
    place = np.where(reached, np.arange(len(bins)), len(bins))
    found = np.minimum.reduceat(place, starts)
    return bins["series"][starts], bins["time"][starts], value_of(bins["key"][found])


def exact_quantiles(group: Array, slot: Array, value: Array, quantile: float) -> tuple[Array, Array, Array]:
    """The same from the points themselves, without an error."""
    if not len(value):
        return group, slot, value
    order = np.lexsort((value, slot, group))
    starts = _starts(group[order], slot[order])
    lengths = np.diff(np.append(starts, len(value)))
    rank = np.floor(quantile * (lengths - 1)).astype(np.int64)
    return group[order][starts], slot[order][starts], value[order][starts + rank]


def _at(parts: Array, name: str, starts: Array, lengths: Array, when: Array) -> Array:
    """The value of the part whose time is that of the whole; of several the one of the lowest series."""
    hit = parts[f"{name}_at"] == np.repeat(when, lengths)
    place = np.where(hit, parts["series"], np.iinfo(np.int64).max)
    lowest = np.repeat(np.minimum.reduceat(place, starts), lengths)
    chosen = np.where(hit & (place == lowest), np.arange(len(parts)), len(parts))
    found: Array = parts[name][np.minimum.reduceat(chosen, starts)]
    return found


def _counted(group: Array, slot: Array, key: Array, count: Array) -> Array:
    """The sum of counts by group, slot and key, ordered."""
    runs = _starts(group, slot)
    order = np.lexsort((slot[runs], group[runs]))
    whole = runs[order]
    cells = _starts(group[whole], slot[whole])
    cell = np.empty(len(runs), np.int64)
    cell[order] = np.repeat(np.arange(len(cells)), np.diff(np.append(cells, len(runs))))
    ranks, keys = _ranked(key)
    place = np.repeat(cell * len(keys), np.diff(np.append(runs, len(group)))) + ranks
    places, counts = _summed(place, count, len(cells) * len(keys))
    made = np.empty(len(places), BIN)
    row = whole[cells][places // len(keys)]
    made["series"], made["time"] = group[row], slot[row]
    made["key"], made["count"] = keys[places % len(keys)], counts
    return made


def _summed(place: Array, count: Array, places: int) -> tuple[Array, Array]:
    """The places that anything is counted at, ordered, and the sum of counts at each."""
    if places <= max(_DENSE, 4 * len(place)) and int(count.sum()) < 1 << 53:  # whole numbers that a float holds
        sums = np.bincount(place, count, places)
        found = np.flatnonzero(np.bincount(place, minlength=places))
        return found, sums[found].astype(np.int64)
    order = np.argsort(place, kind="stable")
    ordered = place[order]
    starts = _starts(ordered)
    return ordered[starts], np.add.reduceat(count[order], starts)


def _ranked(key: Array) -> tuple[Array, Array]:
    """The rank of each key among those that occur, and those, ordered."""
    lowest = int(key.min())
    offset = key - lowest
    occurs = np.zeros(int(offset.max()) + 1, bool)
    occurs[offset] = True
    return (np.cumsum(occurs) - 1)[offset], (np.flatnonzero(occurs) + lowest).astype(np.int32)


def _starts(*columns: Array) -> Array:
    """Where a new run of equal rows begins, columns being ordered."""
    changes = np.zeros(len(columns[0]), bool)
    changes[0] = True
    for column in columns:
        changes[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changes)
