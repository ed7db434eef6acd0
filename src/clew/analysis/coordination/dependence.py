"""Explaining away: how much of a rare habit's rarity is left once a commoner habit of all its holders is known.

Who gets to the end of a public word list shares its last words with the few others who get there; that is rare among
all sources and nothing special among users of the list. So for a rare habit `h` with `n` sources the *ground* is
looked for: the rarest habit that at least COVERED of its holders have as well and that has at least STEP times as many
sources. Given the ground, another of its sources has `h` with probability n / n(ground), and what is surprising about
sharing `h` is

    own = ln ( n(ground) / n )

(all sources are the ground where there is no other). Of a chain of habits, each the ground of the next, only the steps
count, and a public list has no steep one. This is the conditional in place of the marginal probability, the first term
of a Chow-Liu tree (Chow and Liu 1968) over habits, with the direction fixed from the commoner to the rarer.
"""

from typing import Final

import numpy as np
import polars as pl

from clew.analysis.coordination.digests import mix
from clew.analysis.coordination.kinds import BY_NAME

GROUNDS: Final = tuple(
    BY_NAME[name].number
    for name in ("download", "payload", "url", "host", "key", "literal", "credential", "command", "http")
)
"""Kinds that explain. A client is a library and explains no word list; a password, how it is made, and an order of
commands are parts of what they would explain."""

HOLDERS: Final = 10
"""Holders of a habit that are asked, chosen by digest."""
ASKED: Final = 96
"""Habits of each holder that are looked at, chosen by digest so that two holders are asked for the same."""
COVERED: Final = 0.5
STEP: Final = 1.4
CHAIN: Final = 4
"""Grounds of grounds that are followed."""

_WORD: Final = 2**32
"""Two numbers of habits are counted as one: a key of one column costs a third of one of two."""
_HOLDERS_AT_ONCE: Final = 100_000
"""Holders, about, whose habits are held in memory together."""


def own(habits: pl.DataFrame, digest_of: np.ndarray, rare: float, size: int) -> pl.DataFrame:
    """`id` · `own` (nats) of the habits that are exclusive or of at most `rare` sources.

    `habits`: source · kind · id · habit · sources · exclusive. `digest_of`: of each source.
    """
    rows = habits.select("source", "id", "habit", "sources", "exclusive")
    digest = digest_of[rows["source"].to_numpy()] ^ rows["habit"].to_numpy()
    rows = rows.with_columns(pl.Series("order", mix(digest, 31)), pl.Series("salt", mix(rows["habit"].to_numpy(), 32)))
    few = _least(rows.filter((pl.col("sources") <= rare) | pl.col("exclusive")), "id", ["order", "source"], HOLDERS)
    holders = few.select("id", "source", "sources", pl.len().over("id").alias("asked")).filter(pl.col("asked") > 1)
    asked = rows.filter(habits["kind"].is_in(GROUNDS)).join(holders, on="source", how="semi")
    grounds = _least(asked, "source", ["salt"], ASKED)
    sizes = rows.select(pl.col("id").alias("ground"), pl.col("sources").alias("of")).unique("ground")
    covering = _covering(holders, grounds).join(sizes, on="ground")
    least = covering.sort("of", "ground").group_by("id", maintain_order=True).agg(pl.col("ground", "of").first())
    found = holders.group_by("id").agg(pl.col("sources").first()).join(least, on="id", how="left")
    steps = found.select(
        "id", "ground", (pl.col("of").fill_null(float(size)) / pl.col("sources")).log().clip(0.0).alias("own")
    )
    for _ in range(CHAIN):
        below = steps.select(pl.col("id").alias("ground"), pl.col("own").alias("below"))
        steps = steps.join(below, on="ground", how="left").select(
            "id", "ground", pl.max_horizontal("own", "below").alias("own")
        )
    return steps.select("id", "own")


def _covering(holders: pl.DataFrame, grounds: pl.DataFrame) -> pl.DataFrame:
    """`id` · `ground`: the commoner habits that enough of a habit's holders have as well."""
    offered = grounds.select("source", pl.col("id").cast(pl.UInt64).alias("ground"), pl.col("sources").alias("of"))
    both = (pl.col("id").cast(pl.UInt64) * _WORD + pl.col("ground")).alias("both")
    parts = 1 + holders.height // _HOLDERS_AT_ONCE
    found = []
    for part in range(parts):
        mine = holders.filter(pl.col("id") % parts == part)
        pairs = mine.join(offered, on="source").filter(pl.col("of") >= STEP * pl.col("sources"))
        counted = pairs.select(both).group_by("both").len("have")
        names = [(pl.col("both") // _WORD).alias("id"), (pl.col("both") % _WORD).alias("ground")]
        counted = counted.select(*(name.cast(pl.UInt32) for name in names), "have")
        enough = counted.join(mine.select("id", "asked").unique("id"), on="id")
        found.append(enough.filter(pl.col("have") >= COVERED * pl.col("asked")).select("id", "ground"))
    return pl.concat(found)


def _least(rows: pl.DataFrame, group: str, order: list[str], most: int) -> pl.DataFrame:
    """Of each group the rows that come first: only those of groups that are larger are put in order."""
    large = pl.len().over(group) > most
    ranked = rows.filter(large).sort(group, *order).filter(pl.int_range(pl.len()).over(group) < most)
    return pl.concat([rows.filter(~large), ranked])
