"""Whether what a community's sources fetched, planted or brought is theirs: whoever else has it speaks against.

A host, a file, its address and a key have names that nobody hits upon by chance, unlike commands and passwords, whose
rare ones overlap between strangers. So the sources of an operator are all who have what is the operator's, and they
fetch there and nowhere else. A community that has two thirds of those who fetch from a host, or whose members fetch
from other people's hosts as well, has met at a place that others use. Where such things alone hold a community, and
nothing of another nature falls on the same members (`corroboration`), it is a campaign with the probability of its
verdict times how far it is its own:

    own = max ( have / sources · whole(have) ) · whole(settled),   whole(k) = min(1, k / (WHOLE · members))

`have` members have a thing and `sources` sources in all, the maximum is over what few sources have; `settled` members
have no other such thing of which most holders are elsewhere. So it is a precision times what is wanted of a recall:
copies that are built anew leave a part of the members without the common file, and an address of a campaign is now and
then somebody else's, too.
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

    `linked`: a row for each member and habit, label · source · kind · id · have (members that have the habit) · sources
    (all that have it) · members · rarity · exclusive; `corroborated`: labels.
    """
    rows = linked.filter(pl.col("kind").is_in(OPERATED))
    among = rows.filter("exclusive", pl.col("have") > 1)
    told = among.group_by("label").agg(
        pl.col("members").first(),
        pl.col("source").n_unique().alias("reach"),
        (pl.col("have") / pl.max_horizontal("have", "sources") * _whole("have")).max().alias("own"),
    )
    elsewhere = rows.filter(pl.col("rarity") > 0, 2 * pl.col("have") < pl.col("sources"))
    roving = elsewhere.group_by("label").agg(pl.col("source").n_unique().alias("roving"))
    told = told.join(roving, on="label", how="left").with_columns(pl.col("roving").fill_null(0))
    told = told.with_columns(settled=pl.col("members") - pl.col("roving"))
    resting = told.filter(pl.col("reach") >= _RESTING * pl.col("members"))
    result = np.ones(communities)
    result[resting["label"].to_numpy()] = resting.select(pl.col("own") * _whole("settled")).to_series().to_numpy()
    result[corroborated] = 1.0
    return result


def _whole(members: str) -> pl.Expr:
    """How near so many members come to being all of them (0–1)."""
    return (pl.col(members) / (WHOLE * pl.col("members"))).clip(0.0, 1.0)
