"""Which pairs of sources are worth comparing: a number that grows no faster than the number of sources.

A habit that links makes partners of the sources that have it: all of them up to 25, and beyond that each with 24
others, chosen by digest anew for every habit, so that members of a group that share several things meet each
other more often than strangers.
What a habit is worth has to exceed what chance makes of so many sources, so that a source has a bounded
number of partners by chance; and of its partners it keeps the best. Habits too common to say anything are hubs.
"""

from typing import Final

import numpy as np
import polars as pl

from clew.analysis.coordination.digests import mix
from clew.analysis.coordination.kinds import KINDS
from clew.analysis.coordination.surprise import EXPLAINED, chance
from clew.analysis.coordination.weighing import ALONE

REACH: Final = 12
"""Neighbours to each side in a habit's circle of sources."""
MOST_PARTNERS: Final = 24
"""Partners each source keeps, the most surprising first."""
MOST_HABITS: Final = 12
"""Habits of a source that make partners, the rarest first."""
CHANCE_PARTNERS: Final = 7.0
"""Logarithm of the number of partners of a source by chance alone that is put up with for one habit."""

_GENERATING: Final = tuple(kind.number for kind in KINDS if kind.generates)


def candidates(habits: pl.DataFrame, digest_of: pl.Series, size: int) -> pl.DataFrame:
    """`first` < `second`: pairs to compare, sorted. `digest_of`: each source's digest, which decides all choices."""
    linking = _linking(habits, size)
    pairs = _circles(linking, digest_of)
    if not pairs.height:
        return pairs.select("first", "second")
    summed = pairs.group_by("first", "second", "kind").agg(pl.col("worth").sum())
    summed = summed.group_by("first", "second").agg(pl.col("worth").sum())
    return _best(summed, digest_of).sort("first", "second")


def _linking(habits: pl.DataFrame, size: int) -> pl.DataFrame:
    """The rows of habits that make partners, with what sharing one is worth."""
    p = chance(pl.col("sources"), pl.col("ways"), pl.col("total"))
    worth = habits.filter(pl.col("kind").is_in(_GENERATING)).with_columns(
        (-p.log() - pl.col("ways").cast(pl.Float64).log()).alias("worth")
    )
    worth = worth.filter(pl.col("exclusive"), pl.col("kind").is_in(ALONE) | (pl.col("own") >= EXPLAINED))
    some = worth.filter(pl.col("worth") > max(0.0, float(np.log(max(size, 1))) - CHANCE_PARTNERS))
    rarest = some.sort("source", "sources", "kind", "habit").filter(pl.int_range(pl.len()).over("source") < MOST_HABITS)
    return rarest.filter(pl.len().over("kind", "habit") > 1)


def _circles(linking: pl.DataFrame, digest_of: pl.Series) -> pl.DataFrame:
    """`first`, `second`, `kind`, `worth` for each habit's neighbours in its circle of sources."""
    order = mix(digest_of.to_numpy()[linking["source"].to_numpy()] ^ linking["habit"].to_numpy(), 11)
    circle = linking.with_columns(pl.Series("order", order)).sort("kind", "habit", "order", "source")
    if not circle.height:
        return pl.DataFrame(schema={"first": pl.UInt32, "second": pl.UInt32, "kind": pl.UInt8, "worth": pl.Float64})
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
            "kind": circle["kind"].to_numpy()[one],
            "worth": np.minimum(worth[one], worth[other]),
        }
    )


def _best(pairs: pl.DataFrame, digest_of: pl.Series) -> pl.DataFrame:
    """Pairs that are among the best of either of their sources."""
    digest = digest_of.to_numpy()
    tie = mix(digest[pairs["first"].to_numpy()] ^ digest[pairs["second"].to_numpy()], 12)
    ranked = pairs.with_columns(pl.Series("tie", tie)).sort(pl.col("worth").round(6), "tie", descending=[True, False])
    ranked = ranked.with_columns(
        pl.int_range(pl.len()).over("first").alias("rank_first"),
        pl.int_range(pl.len()).over("second").alias("rank_second"),
    )
    return ranked.filter(pl.min_horizontal("rank_first", "rank_second") < MOST_PARTNERS).select("first", "second")
