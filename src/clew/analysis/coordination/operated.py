"""Hosts and keys of an operator, however many sources there are: nobody else gains by using them.

What more than a small share of the sources have is taken for public (`weighing`), because a kit, a script and a word list
are copied, and then have users who know nothing of one another. A host that files are fetched from and a key that is
left behind serve whoever holds them. Popular ones do occur, and their users come with all kinds of habits. So one that
more sources have than a private thing may is an operator's if something of another nature, a login, a command, a path
or a client, falls on the same sources: each of the two has half of the other's sources.
"""

from typing import Final

import polars as pl

from clew.analysis.coordination.dependence import COVERED
from clew.analysis.coordination.kinds import BY_NAME, KINDS

HELD: Final = tuple(BY_NAME[name].number for name in ("host", "key"))
_OTHERS: Final = tuple(kind.number for kind in KINDS if kind.group in {"credential", "command", "http", "client"})


def operated(habits: pl.DataFrame) -> pl.DataFrame:
    """`id` of the hosts and keys that are not exclusive, not common, and fall on the sources of something else.

    `habits`: source · kind · id · sources · rarity · exclusive.
    """
    rows = habits.select("source", "kind", "id", "sources", "rarity", "exclusive")
    held = rows.filter(pl.col("kind").is_in(HELD), ~pl.col("exclusive"), pl.col("rarity") > 0)
    if not held.height:
        return held.select("id")
    others = rows.filter(pl.col("kind").is_in(_OTHERS), pl.col("sources") <= held["sources"].max() / COVERED)
    both = held.join(others.select("source", "id", "sources"), on="source", suffix="_other")
    counted = both.group_by("id", "id_other").agg(pl.len().alias("have"), pl.col("sources", "sources_other").first())
    larger = pl.max_horizontal("sources", "sources_other")
    return counted.filter(pl.col("have") >= COVERED * larger).select("id").unique("id").sort("id")
