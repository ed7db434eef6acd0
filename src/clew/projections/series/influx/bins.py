"""Bins of roll-ups as short text, which is what a question for percentiles waits for. Worked out by columns.

A row's bins are unsigned LEB128 numbers in base64: how many bins, then of each its key's distance from the one before
it (of the first the key itself, in zigzag), doubled, and odd if it counts more than one; then what those count.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Final

import numpy as np

from clew.records.series.rollups import BIN, Array

_MOST_BYTES: Final = 9  # of a number: 63 bits


def texts_of(bins: Array) -> tuple[Array, list[str]]:
    """Where in the bins (BIN, ordered by series, time and key) a row's begin, and the text of each row."""
    if not len(bins):
        return np.empty(0, np.int64), []
    first = np.append([True], (bins["series"][1:] != bins["series"][:-1]) | (bins["time"][1:] != bins["time"][:-1]))
    starts = np.flatnonzero(first)
    lengths = np.diff(np.append(starts, len(bins)))
    key, several = bins["key"].astype(np.int64), bins["count"] > 1
    distance = np.diff(key, prepend=0)
    distance[starts] = key[starts] << 1 ^ key[starts] >> 63
    counted = np.add.reduceat(several.astype(np.int64), starts)
    sizes = 1 + lengths + counted
    begins = np.cumsum(sizes) - sizes
    numbers = np.empty(int(sizes.sum()), np.int64)
    numbers[begins] = lengths
    numbers[np.repeat(begins + 1 - starts, lengths) + np.arange(len(bins))] = distance << 1 | several
    before = np.cumsum(counted) - counted
    numbers[np.repeat(begins + 1 + lengths - before, counted) + np.arange(int(counted.sum()))] = bins["count"][several]
    packed, ends = _packed(numbers, begins + sizes - 1)
    return starts, [b64encode(packed[start:end]).decode() for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def bins_in(rows: Sequence[tuple[int, int, str | None]]) -> Array:
    """The bins (BIN) of rows of series, time and text. What is no such text, as somebody else may write, has none."""
    pieces = [(series, time, piece) for series, time, text in rows if (piece := _decoded(text))]
    if not pieces:
        return np.empty(0, BIN)
    octets = np.frombuffer(b"".join(piece for _, _, piece in pieces), np.uint8)
    last = octets < 0x80
    numbers = _unpacked(octets, last)
    before: Array = np.cumsum(last) - last  # numbers that end before an octet
    offsets = np.cumsum([0, *(len(piece) for _, _, piece in pieces[:-1])])
    begins: Array = before[offsets]
    sizes = np.diff(np.append(begins, len(numbers)))
    lengths = numbers[begins]
    sound = (lengths > 0) & (lengths < sizes)
    lengths = np.where(sound, lengths, 0)
    told = _ranges(begins + 1, lengths)
    heads = numbers[told]
    row = np.repeat(np.arange(len(pieces)), lengths)
    several = (heads & 1).astype(bool)
    sound &= np.bincount(row, several, len(pieces)).astype(np.int64) == sizes - 1 - lengths
    kept = sound[row]
    row, heads, several, lengths = row[kept], heads[kept], several[kept], np.where(sound, lengths, 0)
    made = np.empty(len(heads), BIN)
    series, time = (np.array([piece[place] for piece in pieces], np.int64) for place in (0, 1))
    made["series"], made["time"] = series[row], time[row]
    made["key"] = _keys(heads >> 1, lengths)
    made["count"] = 1
    made["count"][several] = numbers[_ranges(begins + 1 + lengths, np.where(sound, sizes - 1 - lengths, 0))]
    return made


def _keys(distances: Array, lengths: Array) -> Array:
    """From zigzag and distances back to keys, for each row of so many."""
    lengths = lengths[lengths > 0]
    starts = np.cumsum(lengths) - lengths
    steps = distances.copy()
    steps[starts] = distances[starts] >> 1 ^ -(distances[starts] & 1)
    running = np.cumsum(steps)
    keys: Array = running - np.repeat(running[starts] - steps[starts], lengths)
    return keys


def _packed(numbers: Array, lasts: Array) -> tuple[bytes, list[int]]:
    """The octets of numbers, and where those of the numbers at `lasts` end."""
    sizes = np.ones(len(numbers), np.int64)
    for size in range(1, _MOST_BYTES):
        sizes += numbers >> (7 * size) > 0
    ends = np.cumsum(sizes)
    octets = np.empty(int(ends[-1]), np.uint8)
    for place in range(int(sizes.max())):
        some = sizes > place
        more = (sizes[some] > place + 1) << 7
        octets[(ends - sizes)[some] + place] = numbers[some] >> (7 * place) & 0x7F | more
    return octets.tobytes(), ends[lasts].tolist()


def _unpacked(octets: Array, last: Array) -> Array:
    """The numbers that octets are, the last of each being marked."""
    starts = np.append(0, np.flatnonzero(last)[:-1] + 1)
    sizes = np.diff(np.append(starts, len(octets)))
    place = np.minimum(np.arange(len(octets)) - np.repeat(starts, sizes), _MOST_BYTES - 1)
    numbers: Array = np.add.reduceat((octets & 0x7F).astype(np.int64) << 7 * place, starts)
    return numbers


def _ranges(starts: Array, lengths: Array) -> Array:
    """The places start, start + 1 … of each start and length, one after the other."""
    before = np.cumsum(lengths) - lengths
    places: Array = np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))
    return places


def _decoded(text: str | None) -> bytes:
    """The octets of a text that ends with a whole number."""
    try:
        found = b64decode(text or "", validate=True)
    except ValueError:
        return b""
    return found if found and found[-1] < 0x80 else b""
