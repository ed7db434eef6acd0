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

KEY: Final = ("first", "second", "kind")
SUMMED: Final = ("breadth", "exclusive", "own", "known")
GREATEST: Final = ("rarity", "company")


def chance(sources: pl.Expr, larger: pl.Expr, total: pl.Expr) -> pl.Expr:
    """The probability `p` that a source with that many habits has one that so many sources have."""
    return (1 - (-(sources * larger / total)).exp()).clip(1e-12, 1.0)


def shared(pairs: pl.DataFrame, habits: pl.DataFrame) -> pl.DataFrame:
    """What pairs (`first` < `second`, positions of sources) share: one row per pair and habit.

    Columns: pair (row in `pairs`), first, second, kind, habit, values (of it that the one with fewer has), sources,
    smaller, larger, total, rarity, exclusive, own, first_session, second_session, p.
    """
    wanted = ["source", "kind", "id", "habit", "values", "session", "sources", "ways", "total", "rarity", "exclusive",
              "own"]  # fmt: skip
    mine = (
        pairs.select("first", "second")
        .with_row_index("pair")
        .join(habits.select(wanted), left_on="first", right_on="source")
    )
    theirs = habits.select("source", "id", "values", "session", "ways")
    both = mine.join(theirs, left_on=["second", "id"], right_on=["source", "id"], suffix="_other")
    larger, smaller = pl.max_horizontal("ways", "ways_other"), pl.min_horizontal("ways", "ways_other")
    return both.select(
        "pair",
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
    `exclusive` (values shared that few sources have), `own` and `known` of them (`dependence`), `rarity` (the largest)
    and `company`. The habits of a pair and kind are gone through together, the rarest of all first, so that there are
    as many steps as the most that any pair shares.
    """
    ranked = _ranked(found)
    if not ranked.height:
        return ranked.select(*KEY, *(pl.lit(0.0).alias(name) for name in (*SUMMED, *GREATEST, "surprise")))
    begins = ranked.select((pl.struct("pair", "kind").rle_id().diff() != 0).fill_null(value=True))
    starts = np.flatnonzero(begins.to_series().to_numpy())
    told = (
        ranked[starts]
        .select(KEY)
        .with_columns(pl.Series(name, values) for name, values in _gone_through(ranked, starts).items())
    )
    return told.filter(pl.col("surprise") > 0)


def _ranked(found: pl.DataFrame) -> pl.DataFrame:
    """The shared habits of each pair and kind, the least probable first, with what each adds."""
    wanted = ("pair", *KEY, "p", "habit", "smaller", "values", "rarity", "exclusive", "own", "sources")
    values, rarity, exclusive = pl.col("values"), pl.col("rarity"), pl.col("exclusive")
    return (
        found.select(wanted)
        .sort("pair", "kind", "p", "habit")
        .with_columns(
            (values * exclusive).cast(pl.Float64).alias("exclusive"),
            (values * rarity).alias("breadth"),
            (values * exclusive * _unexplained()).alias("own"),
            (values * rarity * (1 - _unexplained() * exclusive)).alias("known"),
            (_company() * exclusive * _unexplained()).alias("company"),
        )
    )


def _gone_through(ranked: pl.DataFrame, starts: np.ndarray) -> dict[str, np.ndarray]:
    """Sums, maxima and surprise of each group of rows from `starts` on: all first rows in one step, and so on."""
    sizes = np.minimum(np.diff(np.append(starts, ranked.height)), MOST_SHARED)
    said = {name: ranked[name].to_numpy() for name in (*SUMMED, *GREATEST)}
    nats, smaller = -np.log(ranked["p"].to_numpy()), ranked["smaller"].cast(pl.Float64).to_numpy()
    total = {name: values[starts].astype(float) for name, values in said.items()}
    tail, best = np.zeros(len(starts)), np.zeros(len(starts))
    for j in range(1, int(sizes.max()) + 1):
        here = np.flatnonzero(sizes >= j)
        row = starts[here] + j - 1
        tail[here] += nats[row] - np.log(np.maximum(smaller[row] - j + 1, 1.0)) + np.log(j)
        best[here] = np.maximum(best[here], tail[here])
        if j > 1:
            for name in SUMMED:
                total[name][here] += said[name][row]
            for name in GREATEST:
                total[name][here] = np.maximum(total[name][here], said[name][row])
    return total | {"surprise": np.minimum(best, CEILING)}


def _unexplained() -> pl.Expr:
    """0–1: how far a habit's rarity is its own."""
    return ((pl.col("own") - EXPLAINED) / (UNEXPLAINED - EXPLAINED)).clip(0.0, 1.0)


def _company() -> pl.Expr:
    """Logarithm of how many times two sources have a habit, at most ten times."""
    return (pl.col("sources") / 2).clip(1.0, 10.0).log()
