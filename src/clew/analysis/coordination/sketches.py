"""Which sources have a value, kept small: the 64 of least digest (a KMV sketch), and the count that tells.

These are the functions that a background is counted by, whether in one process or shared out over many: they say the
same of a table however its rows came to stand in it.
"""

from typing import Final

import numpy as np
import polars as pl

SKETCH: Final = 64
POSTINGS: Final = pl.Schema({"kind": pl.UInt8(), "value": pl.UInt64(), "source": pl.UInt64()})

_WHOLE: Final = 2.0**64


def sketched(postings: pl.DataFrame) -> pl.DataFrame:
    """Of each value the sources with the least digests, sorted; every posting once."""
    rows = postings.select(POSTINGS.names()).sort(POSTINGS.names())
    if not rows.height:
        return rows
    kind, value, source = (rows[name].to_numpy() for name in POSTINGS.names())
    begins = _changes(kind, value)
    once = begins.copy()
    once[1:] |= source[1:] != source[:-1]
    if not once.all():
        rows, begins = rows.filter(pl.Series(once)), begins[once]
    starts = np.flatnonzero(begins)
    rank = np.arange(rows.height) - np.repeat(starts, np.diff(np.append(starts, rows.height)))
    return rows.filter(pl.Series(rank < SKETCH))


def counted(postings: pl.DataFrame) -> pl.DataFrame:
    """Kind · value · kept (how many postings) · source (the greatest digest)."""
    return postings.group_by("kind", "value").agg(pl.len().alias("kept"), pl.col("source").max())


def estimated(counts: pl.DataFrame, size: int) -> pl.DataFrame:
    """Kind · value · sources (Float64, whole numbers) of what `counted` gave, at most `size`.

    Exact below 64; beyond, the estimate of a sketch, rounded so that sums do not depend on their order.
    """
    estimate = ((SKETCH - 1) * _WHOLE / (pl.col("source").cast(pl.Float64) + 1)).round()
    count = pl.when(pl.col("kept") < SKETCH).then(pl.col("kept").cast(pl.Float64)).otherwise(estimate)
    return counts.select("kind", "value", count.clip(upper_bound=float(max(size, 1))).alias("sources"))


def starts_of(postings: pl.DataFrame) -> np.ndarray:
    """Rows of sorted postings at which another value begins."""
    return np.flatnonzero(_changes(postings["kind"].to_numpy(), postings["value"].to_numpy()))


def _changes(kind: np.ndarray, value: np.ndarray) -> np.ndarray:
    begins = np.ones(len(kind), dtype=np.bool_)
    begins[1:] = (kind[1:] != kind[:-1]) | (value[1:] != value[:-1])
    return begins
