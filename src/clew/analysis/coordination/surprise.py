r"""How surprising it is that two sources share what they share, for every kind that is a set of values.

Let `n` be the number of sources that have a habit, `M` the sum of `n` over all habits of the kind (at least the
number of sources, so that a kind few sources show at all is not thought to be theirs by necessity), and `m ≤ m'` how
many habits of the kind the two sources have (values that are one habit count once). A source that draws `m'` habits at
random has a given one with probability

    p = 1 − exp(−n m' / M)

The sharing of the `j` rarest of the shared habits, among `m` that could be shared, has a probability of at most

    C(m, j) · p₁ · … · p_j

the union bound on the tail of the binomial, and so of the hypergeometric distribution (Hoeffding 1963). The surprise
is the largest negative logarithm over `j`, in nats, never below 0. The binomial is what keeps a source that has tried
everything from being like everybody; `p` what keeps `uname -a` from saying anything.
"""

from typing import Final

import numpy as np
import polars as pl

MOST_SHARED: Final = 64
"""Shared habits of one kind that are looked at, the rarest first."""
CEILING: Final = 30.0
"""Nats beyond which more is not surer."""

EXPLAINED: Final = 0.5
"""Nats beyond its ground below which a habit is no news; it is all its own from UNEXPLAINED."""
UNEXPLAINED: Final = 2.5

_FACTORIALS: Final = pl.Series("factorial", np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, MOST_SHARED + 1)))]))


def chance(sources: pl.Expr, larger: pl.Expr, total: pl.Expr) -> pl.Expr:
    """The probability `p` that a source with that many habits has one that so many sources have."""
    return (1 - (-(sources * larger / total)).exp()).clip(1e-12, 1.0)


def shared(pairs: pl.DataFrame, habits: pl.DataFrame) -> pl.DataFrame:
    """What pairs (`first` < `second`, positions of sources) share: one row per pair and habit.

    Columns: first, second, kind, habit, values (of it that the one with fewer has), sources, smaller, larger, total,
    rarity, exclusive, first_session, second_session, p.
    """
    wanted = ["source", "kind", "id", "habit", "values", "session", "sources", "ways", "total", "rarity", "exclusive",
              "own"]  # fmt: skip
    mine = pairs.select("first", "second").join(habits.select(wanted), left_on="first", right_on="source")
    theirs = habits.select("source", "id", "values", "session", "ways")
    both = mine.join(theirs, left_on=["second", "id"], right_on=["source", "id"], suffix="_other")
    larger, smaller = pl.max_horizontal("ways", "ways_other"), pl.min_horizontal("ways", "ways_other")
    return both.select(
        "first",
        "second",
        "kind",
        "habit",
        pl.min_horizontal("values", "values_other").alias("values"),
        "sources",
        smaller.alias("smaller"),
        larger.alias("larger"),
        "total",
        "rarity",
        "exclusive",
        "own",
        pl.col("session").alias("first_session"),
        pl.col("session_other").alias("second_session"),
        chance(pl.col("sources"), larger, pl.col("total")).alias("p"),
    )


def surprises(found: pl.DataFrame) -> pl.DataFrame:
    """How surprising what pairs share is, for each kind.

    `first`, `second`, `kind`, `surprise` (nats), `breadth` (values shared, each times its rarity),
    `exclusive` (values shared that few sources have), `rarest` (the largest rarity).
    """
    key = ["first", "second", "kind"]
    wanted = [*key, "p", "habit", "smaller", "values", "rarity", "exclusive", "own", "sources"]
    ranked = found.select(wanted).sort(*key, "p", "habit")
    ranked = ranked.with_columns(pl.int_range(1, pl.len() + 1).over(key).alias("j"))
    ranked = ranked.filter(pl.col("j") <= MOST_SHARED)
    j, smaller = pl.col("j"), pl.col("smaller").cast(pl.Float64)
    ways = (smaller - j + 1).clip(1.0).log().cum_sum().over(key) - pl.Series(_FACTORIALS).gather(ranked["j"])
    tail = ranked.with_columns((-pl.col("p").log()).cum_sum().over(key).sub(ways).alias("surprise"))
    return (
        tail.group_by(key, maintain_order=True)
        .agg(
            pl.col("surprise").max().clip(0.0, CEILING),
            (pl.col("values") * pl.col("rarity")).sum().alias("breadth"),
            (pl.col("values") * pl.col("exclusive")).sum().alias("exclusive"),
            pl.col("rarity").max().alias("rarest"),
            (pl.col("values") * pl.col("exclusive") * _unexplained()).sum().alias("own"),
            (pl.col("values") * pl.col("rarity") * (1 - _unexplained() * pl.col("exclusive"))).sum().alias("known"),
            (_company() * pl.col("exclusive") * _unexplained()).max().alias("company"),
        )
        .filter(pl.col("surprise") > 0)
    )


def _unexplained() -> pl.Expr:
    """0–1: how far a habit's rarity is its own."""
    return ((pl.col("own") - EXPLAINED) / (UNEXPLAINED - EXPLAINED)).clip(0.0, 1.0)


def _company() -> pl.Expr:
    """Logarithm of how many times two sources have a habit, at most ten times."""
    return (pl.col("sources") / 2).clip(1.0, 10.0).log()
