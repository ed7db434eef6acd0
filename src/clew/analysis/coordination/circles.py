"""Partners: in every habit's circle of sources each has its neighbours, and of all of them it keeps the best."""

from typing import Final

import numpy as np
import polars as pl

from clew.analysis.coordination.digests import mix

REACH: Final = 12
"""Neighbours to each side in a habit's circle of sources."""
MOST_PARTNERS: Final = 24
"""Partners each source keeps, the most surprising first."""

PARTNERS: Final = pl.Schema({"first": pl.UInt32(), "second": pl.UInt32()})


def placed(linking: pl.DataFrame, digest_of: pl.Series) -> pl.DataFrame:
    """Adds `order`, by which the sources of a habit stand in its circle: another order for every habit."""
    order = mix(digest_of.gather(linking["source"]).to_numpy() ^ linking["habit"].to_numpy(), 11)
    return linking.with_columns(pl.Series("order", order, dtype=pl.UInt64))


def partners(linking: pl.DataFrame, digest_of: pl.Series) -> pl.DataFrame:
    """`first` < `second`: pairs that are among the best of either of their sources, sorted.

    `linking`: source · kind · habit · worth (Int64, so that sums do not depend on their order). `digest_of`: of each
    source.
    """
    pairs = _neighbours(placed(linking, digest_of))
    if not pairs.height:
        return pl.DataFrame(schema=PARTNERS)
    summed = pairs.group_by("first", "second").agg(pl.col("worth").sum())
    ranked = summed.with_columns(ties(summed, digest_of)).sort("worth", "tie", descending=[True, False])
    ranked = ranked.with_columns(
        pl.int_range(pl.len()).over("first").alias("rank_first"),
        pl.int_range(pl.len()).over("second").alias("rank_second"),
    )
    best = ranked.filter(pl.min_horizontal("rank_first", "rank_second") < MOST_PARTNERS)
    return best.select(PARTNERS.names()).sort("first", "second")


def ties(pairs: pl.DataFrame, digest_of: pl.Series) -> pl.Series:
    """What decides between pairs of the same worth: a digest of both of their sources."""
    first, second = (digest_of.gather(pairs[name]).to_numpy() for name in ("first", "second"))
    return pl.Series("tie", mix(first ^ second, 12), dtype=pl.UInt64)


def _neighbours(linking: pl.DataFrame) -> pl.DataFrame:
    """`first`, `second`, `worth` for each habit's neighbours in its circle of sources."""
    circle = linking.sort("kind", "habit", "order", "source")
    if not circle.height:
        return pl.DataFrame(schema={**PARTNERS, "worth": pl.Int64()})
    group = circle.select(pl.struct("kind", "habit").rle_id()).to_series().to_numpy()
    starts = np.flatnonzero(np.diff(group, prepend=np.int64(-1)))
    sizes = np.diff(np.append(starts, len(group)))
    start, size = starts[group], sizes[group]
    place = np.arange(len(group)) - start
    mine, theirs = [], []
    for step in range(1, REACH + 1):
        here = np.flatnonzero(size // 2 >= step)
        mine.append(here)
        theirs.append(start[here] + (place[here] + step) % size[here])
    one, other = np.concatenate(mine), np.concatenate(theirs)
    source, worth = circle["source"].to_numpy(), circle["worth"].to_numpy()
    return pl.DataFrame(
        {
            "first": np.minimum(source[one], source[other]),
            "second": np.maximum(source[one], source[other]),
            "worth": np.minimum(worth[one], worth[other]),
        }
    )
