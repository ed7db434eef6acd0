"""What deep analysis adds to commands: near duplicates by MinHash, and whether the order really agrees.

MinHash with LSH (Broder 1997; Leskovec, Rajaraman and Ullman, ch. 3) over the canonical commands of a source proposes
pairs that share no single rare habit. The longest common subsequence of what two sources typed then says how much of
the shared evidence on order holds along whole sessions, instead of between neighbours only.
"""

from typing import Final

import numpy as np
import polars as pl

from clew.analysis.coordination.compute import LOCAL, Compute
from clew.analysis.coordination.kinds import BY_NAME

LONGEST: Final = 48
MOST_ALIGNED: Final = 50_000
"""Pairs that are aligned, those with most evidence of order first."""


def near_duplicates(traits: pl.DataFrame, common: pl.DataFrame, compute: Compute = LOCAL) -> pl.DataFrame:
    """Habit rows (source · bucket) of sources whose commands but the common ones are nearly the same."""
    commands = traits.filter(pl.col("kind") == BY_NAME["command"].number).join(common, on=["kind", "value"], how="anti")
    return compute.buckets(commands.select("source", "value"))


def agreement(pairs: pl.DataFrame, sequences: pl.DataFrame, sources: pl.Series) -> pl.Series:
    """Longest common subsequence of two sources' longest sessions over the shorter one's length (0–1), for each pair.

    `sequences`: session · steps; `sources`: source of each session. Pairs beyond MOST_ALIGNED, and those of which one
    has typed nothing, count as agreeing: nothing speaks against them.
    """
    longest = (
        sequences.with_columns(sources.gather(sequences["session"]).alias("source"))
        .sort(pl.col("steps").list.len(), "session", descending=[True, False])
        .unique("source", keep="first", maintain_order=True)
        .select("source", pl.col("steps").list.head(LONGEST))
    )
    steps = dict(longest.iter_rows())
    order = np.argsort(-pairs["sequence"].to_numpy(), kind="stable")[:MOST_ALIGNED]
    result = np.ones(pairs.height)
    first, second, nats = pairs["first"].to_list(), pairs["second"].to_list(), pairs["sequence"].to_list()
    for row in order.tolist():
        one, other = steps.get(first[row]), steps.get(second[row])
        if nats[row] > 0 and one and other:
            result[row] = common_length(one, other) / min(len(one), len(other))
    return pl.Series("agreement", result)


def common_length(one: list[int], other: list[int]) -> int:
    """Length of the longest common subsequence (Hirschberg's row by row form)."""
    row = [0] * (len(other) + 1)
    for step in one:
        before = 0
        for place, theirs in enumerate(other, start=1):
            kept = row[place]
            row[place] = before + 1 if step == theirs else max(row[place], row[place - 1])
            before = kept
    return row[-1]
