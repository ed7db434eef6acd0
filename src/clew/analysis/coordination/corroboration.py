"""What a small record takes on trust: that what few of its sources share would be rare among more of them.

A record of fewer than `weighing.LEAST_SIZE` sources counts as one of so many, because by their shares alone three of
thirty who share a file are a tenth of everybody, and no campaign could be told in such a record. That makes whatever is
shared rarer by ln(LEAST_SIZE / sources) for each of two sources. Where two things of different nature fall on the same
sources, that they do is surprising at any size (a file and the commands that fetch it are one nature). Where one does,
a file that everybody has or a key of a public kit, the record cannot tell, and these nats are taken off again. In a
record of LEAST_SIZE sources or more there are none.

The same question is asked of a small community in a record of any size: see `verdict.terms`.
"""

from typing import Final

import numpy as np
import polars as pl

from clew.analysis.coordination.dependence import COVERED
from clew.analysis.coordination.features import BROAD
from clew.analysis.coordination.kinds import BY_NAME, KINDS

SIDES: Final = 2
"""Sources of a pair, for each of which the record is taken to be larger."""

TIMES: Final = tuple(BY_NAME[name].number for name in ("moment", "cadence"))
_PARTS_OF_A_LOGIN: Final = ("secret", "template")
_GROUP_OF: Final = {
    kind.number: "artefact" if kind.group == "command" else kind.group
    for kind in KINDS
    if kind.group in {*BROAD, "timing", "network"} and kind.name not in _PARTS_OF_A_LOGIN
}


def on_trust(held: pl.DataFrame, communities: int, size: int, seen: int) -> np.ndarray:
    """Nats that each community owes to the size the record is taken to have.

    `held`: label · kind · have (members that have a habit) · sources (all that have it) · members; `size`: as
    `Weighed.size`, `seen`: sources there are.
    """
    result = np.full(communities, SIDES * np.log(size / max(seen, 1)) if size > seen else 0.0)
    result[corroborated(held)] = 0.0
    return result


def corroborated(held: pl.DataFrame) -> np.ndarray:
    """Labels of the communities that habits of two groups hold together, or two moments at which they became active.

    A habit holds a community together if at least COVERED of its members have it, and of those who have it at least
    COVERED are members.
    """
    holds = pl.col("have") >= COVERED * pl.max_horizontal("members", "sources")
    group = pl.col("kind").replace_strict(_GROUP_OF, default=None, return_dtype=pl.String)
    binding = held.filter(holds).with_columns(group.alias("group")).drop_nulls("group")
    counted = binding.group_by("label").agg(
        pl.col("group").n_unique().alias("groups"), pl.col("kind").is_in(TIMES).sum().alias("times")
    )
    return counted.filter((pl.col("groups") >= 2) | (pl.col("times") >= 2))["label"].to_numpy()
