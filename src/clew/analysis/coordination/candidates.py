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

from clew.analysis.coordination.compute import LOCAL, Compute
from clew.analysis.coordination.kinds import KINDS
from clew.analysis.coordination.surprise import EXPLAINED, chance
from clew.analysis.coordination.weighing import ALONE

MOST_HABITS: Final = 12
"""Habits of a source that make partners, the rarest first."""
CHANCE_PARTNERS: Final = 7.0
"""Logarithm of the number of partners of a source by chance alone that is put up with for one habit."""

_PARTS: Final = 1_000_000
"""Parts of a nat in which worth is counted."""
_GENERATING: Final = tuple(kind.number for kind in KINDS if kind.generates)


def candidates(habits: pl.DataFrame, digest_of: pl.Series, size: int, compute: Compute = LOCAL) -> pl.DataFrame:
    """`first` < `second`: pairs to compare, sorted. `digest_of`: each source's digest, which decides all choices."""
    return compute.partners(_linking(habits, size), digest_of)


def _linking(habits: pl.DataFrame, size: int) -> pl.DataFrame:
    """The rows of habits that make partners, with what sharing one is worth."""
    p = chance(pl.col("sources"), pl.col("ways"), pl.col("total"))
    worth = habits.filter(pl.col("kind").is_in(_GENERATING)).with_columns(
        (-p.log() - pl.col("ways").cast(pl.Float64).log()).alias("worth")
    )
    worth = worth.filter(pl.col("exclusive"), pl.col("kind").is_in(ALONE) | (pl.col("own") >= EXPLAINED))
    some = worth.filter(pl.col("worth") > max(0.0, float(np.log(max(size, 1))) - CHANCE_PARTNERS))
    rarest = some.sort("source", "sources", "kind", "habit").filter(pl.int_range(pl.len()).over("source") < MOST_HABITS)
    several = rarest.filter(pl.len().over("kind", "habit") > 1)
    return several.select("source", "kind", "habit", (pl.col("worth") * _PARTS).round().cast(pl.Int64).alias("worth"))
