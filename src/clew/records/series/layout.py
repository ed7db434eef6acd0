"""How many points, roll-ups or bins of one series lie in one value of the database: little-endian records, in order.

points of an hour    offset in the hour (µs, u4), value (f8)
roll-ups             time (µs, i8) and the other fields of ROLLUP but the series
bins                 time (i8), key (i4), count (i8)
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from clew.records.series.model import HOUR
from clew.records.series.rollups import BIN, POINT, ROLLUP, Array


def _without_series(kind: "np.dtype[Any]") -> "np.dtype[Any]":
    return np.dtype([(name, kind[name]) for name in kind.names or () if name != "series"])


_POINT: Final = np.dtype([("offset", "<u4"), ("value", "<f8")])
_ROLLUP: Final = _without_series(ROLLUP)
_BIN: Final = _without_series(BIN)

Piece = tuple[int, int, bytes]
"""Series, start of the stretch, and what lies in it."""


def pack_points(points: Array) -> Iterator[Piece]:
    """Ordered points, by series and hour."""
    packed = np.empty(len(points), _POINT)
    packed["offset"], packed["value"] = points["time"] % HOUR, points["value"]
    yield from _pieces(points["series"], points["time"] // HOUR * HOUR, packed)


def pack_rollups(rollups: Array, width: int) -> Iterator[Piece]:
    """Roll-ups ordered by series and time, by series and stretch of `width`."""
    yield from _pieces(rollups["series"], rollups["time"] // width * width, _narrowed(rollups, _ROLLUP))


def pack_bins(bins: Array, width: int) -> Iterator[Piece]:
    """Bins ordered by series and time, by series and stretch of `width`."""
    yield from _pieces(bins["series"], bins["time"] // width * width, _narrowed(bins, _BIN))


def unpack_points(pieces: Sequence[Piece]) -> Array:
    """The points of several pieces, one after the other."""
    read, series, start = _read(pieces, _POINT)
    points = np.empty(len(read), POINT)
    points["series"], points["time"], points["value"] = series, start + read["offset"], read["value"]
    return points


def unpack_rollups(pieces: Sequence[Piece]) -> Array:
    """The roll-ups of several pieces."""
    return _widened(pieces, _ROLLUP, ROLLUP)


def unpack_bins(pieces: Sequence[Piece]) -> Array:
    """The bins of several pieces."""
    return _widened(pieces, _BIN, BIN)


def _pieces(series: Array, start: Array, packed: Array) -> Iterator[Piece]:
    if not len(packed):
        return
    changes = np.flatnonzero((series[1:] != series[:-1]) | (start[1:] != start[:-1])) + 1
    begins = np.concatenate(([0], changes))
    ends = np.append(changes, len(packed)) * packed.itemsize
    whole = packed.tobytes()
    rows = zip(
        series[begins].tolist(), start[begins].tolist(), (begins * packed.itemsize).tolist(), ends.tolist(), strict=True
    )
    for number, when, begin, end in rows:
        yield number, when, whole[begin:end]


def _narrowed(rows: Array, kind: "np.dtype[Any]") -> Array:
    packed = np.empty(len(rows), kind)
    for name in kind.names or ():
        packed[name] = rows[name]
    return packed


def _widened(pieces: Sequence[Piece], kind: "np.dtype[Any]", wide: "np.dtype[Any]") -> Array:
    read, series, _ = _read(pieces, kind)
    rows = np.empty(len(read), wide)
    rows["series"] = series
    for name in kind.names or ():
        rows[name] = read[name]
    return rows


def _read(pieces: Sequence[Piece], kind: "np.dtype[Any]") -> tuple[Array, Array, Array]:
    read = np.frombuffer(b"".join(piece for _, _, piece in pieces), kind)
    lengths = [len(piece) // kind.itemsize for _, _, piece in pieces]
    series = np.repeat(np.array([number for number, _, _ in pieces], np.int64), lengths)
    start = np.repeat(np.array([when for _, when, _ in pieces], np.int64), lengths)
    return read, series, start
