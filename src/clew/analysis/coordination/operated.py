"""Hosts and keys of an operator, however many sources there are: nobody else gains by using them.

What more than a small share of the sources have is taken for public (`weighing`): a kit, a script and a word list are
copied, and then have users who know nothing of one another. A host that files are fetched from and a key that is left
behind serve whoever holds them. Popular ones do occur, and their users come with all kinds of habits. So one that more
sources have than a private thing may is an operator's if something of another nature, a login, a command, a path or a
client, falls on the same sources: each of the two has half of the other's sources. That holds to as many sources as are
counted exactly and as the next run looks up again (`sketches.SKETCH`).
"""

from typing import Final

import polars as pl

from clew.analysis.coordination.dependence import COVERED
from clew.analysis.coordination.kinds import BY_NAME, KINDS
from clew.analysis.coordination.sketches import SKETCH

HELD: Final = tuple(BY_NAME[name].number for name in ("host", "key"))
_OTHERS: Final = tuple(kind.number for kind in KINDS if kind.group in {"credential", "command", "http", "client"})


def with_operated(habits: pl.DataFrame) -> pl.DataFrame:
    """The habits, `exclusive` also where a host or key is an operator's.

    `habits` has at least source · kind · id · sources · rarity · exclusive. Looked at are hosts and keys that are not
    exclusive and that at most 5 % of the sources have (`rarity` above 0), and fewer than SKETCH.
    """
    return habits.with_columns(exclusive=pl.col("exclusive") | pl.col("id").is_in(_operated(habits).implode()))


def _operated(habits: pl.DataFrame) -> pl.Series:
    rows = habits.select("source", "kind", "id", "sources", "rarity", "exclusive")
    rare = (pl.col("rarity") > 0) & (pl.col("sources") < SKETCH)
    held = rows.filter(pl.col("kind").is_in(HELD), ~pl.col("exclusive"), rare)
    if not held.height:
        return held["id"]
    others = rows.filter(pl.col("kind").is_in(_OTHERS), COVERED * pl.col("sources") <= pl.lit(held["sources"].max()))
    both = held.join(others.select("source", "id", "sources"), on="source", suffix="_other")
    counted = both.group_by("id", "id_other").agg(pl.len().alias("have"), pl.col("sources", "sources_other").first())
    larger = pl.max_horizontal("sources", "sources_other")
    return counted.filter(pl.col("have") >= COVERED * larger)["id"].unique()
