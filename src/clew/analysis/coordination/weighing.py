"""What each value is worth: how common it is, and which values are one habit.

Values that nearly the same sources have (a list tried from top to bottom, the ten commands of one script) are one
*habit*: sharing all of them says once what sharing one says. Habits are found by MinHash of the sources that have a
value (`minhash`), and joined by union-find; a habit is as common as its most common value, but for lists of logins, in
which what is known everywhere does not count beside what is not.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
import rustworkx as rx

from clew.analysis.coordination.background import Background
from clew.analysis.coordination.commonplace import commonplace
from clew.analysis.coordination.compute import LOCAL, Compute
from clew.analysis.coordination.dependence import own
from clew.analysis.coordination.kinds import BY_NAME, KINDS
from clew.analysis.coordination.neighbours import CROWDS, crowds
from clew.analysis.coordination.operated import with_operated

LINKING_SHARE: Final = 0.25
"""Values that more than this share of all sources have link nobody (and of more than LINKING_LEAST sources)."""
LINKING_LEAST: Final = 8

PACE_SHARE: Final = 0.01
"""Least share of sources that keep a pace: paces are not in backgrounds, as parts of a log do not show them."""

PUBLIC: Final = 3.0
"""Negative logarithm of the share of sources (5 %) from which on a habit is not rare at all."""

EXCLUSIVE_SHARE: Final = 0.015
EXCLUSIVE_ROOT: Final = 0.6
EXCLUSIVE_LEAST: Final = 24
EXCLUSIVE_MOST: Final = 0.125
"""A habit of at most this share of sources, or this many times the root of their number, or, in small records, this
many if they are not more than an eighth of all, is exclusive: public tools have more users."""
LEAST_SIZE: Final = 200
"""Sources below which a record counts as if it had so many: smaller worlds were not fitted, and show less."""
SLACK: Final = 1.4
"""Times the sources of an exclusive habit that a habit may have to be the foot of a chain of grounds."""

ALONE: Final = tuple(BY_NAME[name].number for name in ("moment", "cadence", "prefix", "asn", "country", "target"))
"""Kinds whose values are never one habit: times are what they are, and a source has one network."""
_IDENTIFYING: Final = tuple(BY_NAME[name].number for name in ("client", "fingerprint"))
"""Kinds with a small vocabulary: there are dozens of libraries, not one for every attacker. So what a small record
shows of them is what there is, and it does not count as a larger one."""
FEW: Final = 30
"""Sources up to which a habit says something however few sources there are."""


_LISTED: Final = tuple(BY_NAME[name].number for name in ("credential", "secret"))
"""Kinds whose habits are lists, each value of which somebody chose."""


@dataclass(frozen=True)
class Weighed:
    """What `weigh` gives.

    `habits`: source · kind · habit · values (how many of its values the source has) · session · sources (how many
    sources have the habit) · mine (values of that kind the source has) · ways (the same, a habit counted once) · total
    (of `mine` over all sources, at least their number). Values that only one source has, and those of
    hubs, are counted but are not rows. `rarity`: nats beyond PUBLIC; `exclusive`: whether few sources have it.

    `values`: kind · value · habit · sources. `hubs`: kind · value · sources. `crowded`: as `neighbours.CROWDS`.
    """

    habits: pl.DataFrame
    values: pl.DataFrame
    hubs: pl.DataFrame
    size: int
    seen: int
    """Sources there are; `size` is never below LEAST_SIZE."""
    partial: bool = False
    """Whether sources that have the same may lie outside what is looked at."""
    crowded: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CROWDS))

    @cached_property
    def telling(self) -> pl.DataFrame:
        """The habits that say something about a pair: not those of more than 5 % of the sources, which are the most.

        Of clients and of what is never one habit all: that two sources have the same says little, that they have not
        does.
        """
        always = pl.col("kind").is_in([*ALONE, *_IDENTIFYING])
        return self.habits.filter(always | (pl.col("rarity") > 0) | (pl.col("sources") <= FEW))


def weigh(
    traits: pl.DataFrame,
    glossary: pl.DataFrame,
    background: Background,
    digest_of: pl.Series,
    compute: Compute = LOCAL,
) -> Weighed:
    """Weights of what pairs are compared by; the background must hold the observed traits already."""
    size = max(background.size, LEAST_SIZE)
    few = min(EXCLUSIVE_LEAST, EXCLUSIVE_MOST * background.size)
    rare = max(EXCLUSIVE_SHARE * size, EXCLUSIVE_ROOT * size**0.5, few)
    paces = traits.filter(pl.col("kind") == BY_NAME["cadence"].number).group_by("kind", "value")
    kept = paces.agg(pl.max_horizontal(pl.len().cast(pl.Float64), pl.lit(PACE_SHARE * size)).alias("sources"))
    counts = pl.concat([background.counts(compute), kept])
    of_kind = _of_kind(float(background.size), float(size))
    totals = counts.group_by("kind").agg(pl.col("sources").sum().alias("total"))
    totals = totals.with_columns(pl.max_horizontal("total", of_kind).alias("total"))
    seen = traits.select("kind", "value").unique().join(counts, on=["kind", "value"])
    values = _floored(seen, glossary, size).filter(pl.col("sources") > 1)
    common = pl.col("sources") > max(LINKING_SHARE * background.size, LINKING_LEAST)
    hubs = values.filter(common).drop("counted").sort("kind", "value")
    values = _habits(values.filter(~common), background, compute)
    ids = values.select("kind", "habit").unique().sort("kind", "habit").with_row_index("id", offset=1)
    mine = traits.group_by("source", "kind").agg(pl.len().alias("mine"))
    habits = (
        traits.join(values, on=["kind", "value"])
        .group_by("source", "kind", "habit")
        .agg(pl.len().alias("values"), pl.col("session").min(), pl.col("sources").max())
        .join(mine, on=["source", "kind"])
        .join(totals, on="kind")
        .with_columns(
            (pl.col("mine") - (pl.col("values").cast(pl.Int64) - 1).sum().over("source", "kind")).alias("ways")
        )
        .with_columns(
            (-(pl.col("sources") / of_kind).log() - PUBLIC).clip(0.0).alias("rarity"),
            (pl.col("sources") <= _of_kind(rare * background.size / size, rare)).alias("exclusive"),
        )
        .join(ids, on=["kind", "habit"])
        .sort("source", "kind", "habit")
    )
    habits = _with_own(with_operated(habits), digest_of.to_numpy(), rare, size)
    return Weighed(habits, values, hubs, size, background.size, crowded=crowds(habits, traits, counts, background.size))


def _with_own(habits: pl.DataFrame, digest_of: np.ndarray, rare: float, size: int) -> pl.DataFrame:
    """Adds `own`: what is left of a rare habit's rarity given what else its sources have (`dependence`)."""
    grounds = habits.filter(~pl.col("kind").is_in(ALONE))
    left = own(grounds, digest_of, SLACK * rare, size)
    return habits.join(left, on="id", how="left", maintain_order="left").with_columns(pl.col("own").fill_null(0.0))


def _of_kind(identifying: float, others: float) -> pl.Expr:
    """One number for the kinds that identify clients, another for all others."""
    return pl.when(pl.col("kind").is_in(_IDENTIFYING)).then(identifying).otherwise(others)


def _floored(counts: pl.DataFrame, glossary: pl.DataFrame, size: int) -> pl.DataFrame:
    """Counts, at least what is common everywhere; `counted` is what there are."""
    known = counts.join(commonplace(glossary), on=["kind", "value"], how="left")
    floor = pl.when(pl.col("sources") > 1).then(pl.col("share").fill_null(0.0) * size).otherwise(0.0)
    return known.select(
        "kind", "value", pl.max_horizontal("sources", floor).alias("sources"), pl.col("sources").alias("counted")
    )


def _habits(values: pl.DataFrame, background: Background, compute: Compute) -> pl.DataFrame:
    """Adds `habit`: the least value of those that go together; `sources` becomes the habit's, `counted` goes.

    A list of logins is as common as the record says, unless it holds nothing but what everybody knows: the one known
    login in it makes the others no commoner.
    """
    dependent = values.filter(~pl.col("kind").is_in(ALONE), pl.col("sources") >= 2)
    postings = background.postings.join(dependent, on=["kind", "value"], how="semi")
    edges = compute.alike(postings)
    nodes = pl.concat([edges.select("kind", "value"), edges.select("kind", value="first")]).unique()
    nodes = nodes.sort("kind", "value").with_row_index("node")
    ends = edges.join(nodes, on=["kind", "value"]).join(
        nodes.select("kind", first="value", other="node"), on=["kind", "first"]
    )
    graph = rx.PyGraph(multigraph=False)
    graph.add_nodes_from(range(nodes.height))
    graph.add_edges_from_no_data(list(ends.select("other", "node").iter_rows()))
    part = np.arange(nodes.height)
    for members in rx.connected_components(graph):
        part[list(members)] = min(members)
    habit = nodes.select("kind", "value", nodes["value"].gather(part).alias("habit"))
    joined = values.join(habit, on=["kind", "value"], how="left").with_columns(
        pl.col("habit").fill_null(pl.col("value"))
    )
    known = pl.col("sources") > pl.col("counted")
    listed = pl.col("kind").is_in(_LISTED) & ~known.all().over("kind", "habit")
    return joined.with_columns(
        pl.when(listed).then("counted").otherwise("sources").max().over("kind", "habit").alias("sources")
    ).drop("counted")


def linking_kinds(names: tuple[str, ...]) -> tuple[int, ...]:
    """Numbers of the kinds named."""
    return tuple(kind.number for kind in KINDS if kind.name in names)
