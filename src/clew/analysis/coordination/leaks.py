"""Whether what a community's sources fetched from, planted or brought is theirs: whoever else has it speaks against.

A host, a file, its address and a key have names that nobody hits upon by chance, unlike commands and passwords, whose
rare ones overlap between strangers. So the sources of an operator are all who have the operator's own, and a community
that has two thirds of those who fetch from a host has met at a place that others use too. Where such things alone hold a
community, nothing of another nature falls on the same members (`corroboration`), it is a campaign with the probability
of its verdict times how far the best of them is its own:

    own = have / sources · min(1, have / (WHOLE · members))

`have` members have it, `sources` sources in all. It is a precision times what is wanted of the recall, as copies that are
built anew leave a part of the members without the common file.
"""

from typing import Final

import numpy as np
import polars as pl

from clew.analysis.coordination.kinds import BY_NAME

OPERATED: Final = tuple(BY_NAME[name].number for name in ("download", "url", "host", "key"))
"""Kinds of which each value is somebody's."""
WHOLE: Final = 2 / 3
"""Share of the members that may be all of them."""
_RESTING: Final = 0.5
"""Share of the members which such things link, from which on the community rests on them."""


def own(linked: pl.DataFrame, communities: int, corroborated: np.ndarray) -> np.ndarray:
    """How far what holds each community together is its own (0–1); 1 for those which other things hold together.

    `linked`: label · source · kind · id · have (members that have the habit) · sources (all that have it) · members, a
    row for each member and exclusive habit that more than one member has; `corroborated`: labels.
    """
    rows = linked.filter(pl.col("kind").is_in(OPERATED))
    whole = (pl.col("have") / (WHOLE * pl.col("members"))).clip(0.0, 1.0)
    told = rows.group_by("label").agg(
        (pl.col("source").n_unique() / pl.col("members").first()).alias("reach"),
        (pl.col("have") / pl.max_horizontal("have", "sources") * whole).max().alias("own"),
    )
    resting = told.filter(pl.col("reach") >= _RESTING)
    result = np.ones(communities)
    result[resting["label"].to_numpy()] = resting["own"].to_numpy()
    result[corroborated] = 1.0
    return result
