"""Neighbours: a rare habit crowded into one network is more surprising than each pair of its sources says.

Two guessers in one /24 who try the same rare list are weighed as two; nine of ten addresses of a /24 who do are not
thirty-six such pairs, but one thing that chance does not make. So for every network (prefix or autonomous system) of
`n` sources and every rare habit that `k ≥ 3` of them have, with a share `p` of all sources, the tail of the binomial is
bounded as everywhere here (Hoeffding 1963), and paid for is how many networks and habits were looked at (Bonferroni):

    nats = −ln [ C(n, k) · p^k ] − ln (networks · habits)

This is a scan statistic over networks (Kulldorff 1997) with the simplest bound in place of a simulation. It takes the
customers of a network to choose their tools one by one, which customers of one reseller may not do; so the log-odds of
a pair rise by half of it, by TRUST · MOST at most.
"""

from typing import Final

import numpy as np
import polars as pl

from clew.analysis.coordination.kinds import BY_NAME, KINDS

NETWORKS: Final = tuple(BY_NAME[name].number for name in ("prefix", "asn"))
CROWDING: Final = tuple(
    kind.number for kind in KINDS if kind.group in {"artefact", "credential", "command", "http"} and kind.generates
)
"""Kinds that are looked at: what a source does. A client is a library."""
LEAST: Final = 3
TRUST: Final = 0.5
MOST: Final = 10.0
"""Nats beyond which more is not surer."""

CROWDS: Final = pl.Schema(
    {
        "source": pl.UInt32(), "id": pl.UInt32(), "kind": pl.UInt8(), "habit": pl.UInt64(), "session": pl.UInt32(),
        "network_kind": pl.UInt8(), "network": pl.UInt64(), "crowd": pl.UInt32(), "inside": pl.Float64(),
        "sources": pl.Float64(), "nats": pl.Float64(),
    }
)  # fmt: skip


def crowds(habits: pl.DataFrame, traits: pl.DataFrame, counts: pl.DataFrame, size: int) -> pl.DataFrame:
    """The sources of crowded habits, one row for each source and habit with the network that says most: CROWDS.

    `habits` as `Weighed.habits`; `traits`: source · kind · value; `counts`: kind · value · sources of the background;
    `size`: how many sources there are.
    """
    networks = traits.filter(pl.col("kind").is_in(NETWORKS)).join(counts, on=["kind", "value"])
    networks = networks.filter(pl.col("sources") >= LEAST).select(
        "source", network_kind="kind", network="value", inside="sources"
    )
    rare = habits.filter(pl.col("kind").is_in(CROWDING), pl.col("exclusive"), pl.col("sources") >= LEAST)
    places, looked_at = networks.select("network_kind", "network").n_unique(), rare["id"].n_unique()
    if not places or not looked_at:
        return pl.DataFrame(schema=CROWDS)
    held = rare.select("source", "id", "kind", "habit", "session", "sources").join(networks, on="source")
    crowd = held.group_by("network_kind", "network", "id").agg(
        pl.len().alias("crowd"), pl.col("inside", "sources").first()
    )
    crowd = crowd.filter(pl.col("crowd") >= LEAST)
    nats = _nats(crowd, size) - np.log(places * looked_at)
    crowd = crowd.with_columns(pl.Series("nats", np.clip(nats, 0.0, MOST))).filter(pl.col("nats") > 0)
    mine = held.drop("sources", "inside").join(crowd, on=["network_kind", "network", "id"])
    best = mine.sort("source", "id", "nats", "network_kind", descending=[False, False, True, False])
    return best.unique(["source", "id"], keep="first", maintain_order=True).select(
        pl.col(name).cast(kind) for name, kind in CROWDS.items()
    )


def _nats(crowd: pl.DataFrame, size: int) -> np.ndarray:
    """−ln [ C(n, k) · p^k ] of each row."""
    k, n = crowd["crowd"].cast(pl.Float64).to_numpy(), crowd["inside"].to_numpy()
    n = np.maximum(n, k)
    table = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, int(n.max(initial=1)) + 2)))])
    ways = table[n.astype(int)] - table[k.astype(int)] - table[(n - k).astype(int)]
    share = np.clip(crowd["sources"].to_numpy() / size, 0.0, 1.0)
    return np.asarray(-(ways + k * np.log(share)))


def of_pairs(pairs: pl.DataFrame, crowded: pl.DataFrame) -> pl.Series:
    """Nats of each pair (`first`, `second`): of the habit crowded around both that says most, the lesser; else 0."""
    some = crowded.select("source", "id", "nats")
    both = (
        pairs.select("first", "second")
        .join(some, left_on="first", right_on="source")
        .join(some, left_on=["second", "id"], right_on=["source", "id"], suffix="_other")
        .group_by("first", "second")
        .agg(pl.min_horizontal("nats", "nats_other").max().alias("neighbours"))
    )
    joined = pairs.select("first", "second").join(both, on=["first", "second"], how="left", maintain_order="left")
    return joined["neighbours"].fill_null(0.0)


def lifts(crowded: pl.DataFrame, inside: pl.DataFrame, size: int, share: float) -> pl.DataFrame:
    """`label` · `lift`: how much commoner a community's crowded habit is in its networks than everywhere (nats).

    `inside`: source · label. Counted is a habit crowded around at least `share` of the members; the largest holds.
    """
    of = inside.group_by("label").agg(pl.len().alias("members"))
    held = (
        crowded.join(inside, on="source")
        .group_by("label", "id")
        .agg(
            pl.len().alias("have"),
            (pl.col("crowd") / pl.max_horizontal("inside", "crowd") * size / pl.col("sources"))
            .log()
            .mean()
            .alias("lift"),
        )
        .join(of, on="label")
        .filter(pl.col("have") >= share * pl.col("members"))
    )
    return held.group_by("label").agg(pl.col("lift").max())
