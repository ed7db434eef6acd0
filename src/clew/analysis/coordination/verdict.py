"""Whether a community is a campaign: a second, small logistic model over the community as a whole.

Pairs alone cannot tell three strangers who found the same file from thirty members of a group: in a long tail of rare
habits, a few sources always meet by chance. Size, how many independent reasons there are and how rare the habits are
tell that apart. `model` holds the constants.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from clew.analysis.coordination import leaks, model
from clew.analysis.coordination.corroboration import TIMES, corroborated, on_trust
from clew.analysis.coordination.dependence import COVERED, GROUNDS, STEP
from clew.analysis.coordination.features import breadth_columns, surprise_columns
from clew.analysis.coordination.fusion import logistic
from clew.analysis.coordination.neighbours import lifts
from clew.analysis.coordination.weighing import Weighed

LEAST: Final = 0.5
"""Communities less probable than this are not reported."""
CAMPAIGN: Final = 0.9
"""Confidence from which on a community is a campaign; chosen on seeds that nothing is reported on."""

TERMS: Final = (
    "members", "many members", "surety", "reasons", "nats", "exclusive", "apart", "far apart", "meetings",
    "high meetings", "many far apart", "known", "size",
)  # fmt: skip
_SEVERAL: Final = 6
_LARGE: Final = 40
_SOME: Final = 10
_SHARPNESS: Final = 4


def cohesions(members: Sequence[Sequence[int]], weighed: Weighed) -> np.ndarray:
    """How far each community stands apart, how well one moment alone tells it, and what else holds it (rows × 5).

    Apart: ln(n / members), where `n` is the number of sources of the rarest habit that at least COVERED of the members
    have and that has at least STEP times as many sources as there are members; all sources where there is none. The
    heavy users of a public tool are a part of its users, whatever else they share. (Explaining away as in
    `dependence`, of the community as a whole.) Where a habit is crowded into the networks of half of the members, it
    counts as far as it is commoner there than everywhere (`neighbours`): users of a tool are not neighbours by chance.

    Meetings: the largest ln(size / n) · F⁴ over moments and paces, where F is the harmonic mean of the share of the
    community that has it and of the share of those who have it that are in the community.

    On trust: the nats that it owes to the size a small record is taken to have (`corroboration`).

    Corroborated: 1 where things of different nature fall on the same members (`corroboration`), else 0.

    Own: how far the files, hosts and keys that hold it together are its own, 1 where others do (`leaks`).
    """
    habits, size = weighed.habits, weighed.size
    label = np.repeat(np.arange(len(members)), [len(some) for some in members])
    sources = np.concatenate([np.asarray(some, dtype=np.uint32) for some in members]) if members else label
    inside = pl.DataFrame({"source": sources, "label": label}, schema={"source": pl.UInt32, "label": pl.UInt32})
    of = inside.group_by("label").agg(pl.len().alias("members"))
    mine = habits.join(inside, on="source")
    all_held = (
        mine.group_by("label", "kind", "id")
        .agg(pl.len().alias("have"), pl.col("sources", "own").first())
        .join(of, on="label")
    )
    held = all_held.filter(pl.col("have") > 1)
    count = pl.col("members").cast(pl.Float64)
    grounds = held.filter(
        pl.col("kind").is_in(GROUNDS), pl.col("have") >= COVERED * count, pl.col("sources") >= STEP * count
    )
    apart = grounds.group_by("label").agg(
        pl.max_horizontal((pl.col("sources") / count).log(), "own").min().alias("best")
    )
    f = 2 * pl.col("have") / (pl.max_horizontal("sources", "have") + count)
    meetings = (
        held.filter(pl.col("kind").is_in(TIMES))
        .group_by("label")
        .agg(((size / pl.col("sources")).log() * f**_SHARPNESS).max().alias("best"))
    )
    result = np.zeros((len(members), 5))
    result[:, 0] = np.log(size / np.array([max(len(some), 1) for some in members]))
    for column, best in enumerate((apart, meetings)):
        result[best["label"].to_numpy(), column] = best["best"].to_numpy()
    lifted = lifts(weighed.crowded, inside, size, COVERED)
    result[lifted["label"].to_numpy(), 0] = np.maximum(result[lifted["label"].to_numpy(), 0], lifted["lift"].to_numpy())
    result[:, 2] = on_trust(held, len(members), size, weighed.seen)
    result[corroborated(held), 3] = 1.0
    linked = mine.select("label", "source", "kind", "id", "rarity", "exclusive").join(
        all_held.select("label", "kind", "id", "have", "sources", "members"), on=["label", "kind", "id"]
    )
    if weighed.partial:  # who has it outside is not looked at, member or not
        linked = linked.drop("sources").join(habits.group_by("id").len("sources"), on="id")
    result[:, 4] = leaks.own(linked, len(members), np.flatnonzero(result[:, 3]))
    return result


def terms(
    members: int, confidences: list[float], inside: pl.DataFrame, size: int, cohesion: Sequence[float] | np.ndarray
) -> np.ndarray:
    """The terms of one community.

    `many far apart` is the product of size and distance: chance makes groups of three or four that stand far apart,
    and the heavy users of a tool are many who do not; together they say more than each for itself.

    `surety` is the log-odds of the mean pair, which is as sure for three strangers with one file as for thirty sources:
    all pairs of a small community rest on the one coincidence. So where nothing of another nature corroborates it, and
    fewer than _SEVERAL are in it, it counts on the scale of `members`: nothing at three, 0.4 at four, 0.7 at five.

    `inside` are the scored pairs among its members, `size` is `Weighed.size`, `cohesion` its row of `cohesions`.
    """
    mean = float(np.clip(np.mean(confidences), 0.01, 0.999))
    few = np.log(min(members, _SEVERAL) / 3)
    surety = np.log(mean / (1 - mean))
    if surety > 0 and not cohesion[3]:
        surety *= few / np.log(_SEVERAL / 3)
    reasons, nats, exclusive, known = 0.0, 0.0, 0.0, 0.0
    if inside.height:
        means = inside.select(pl.all().mean()).row(0, named=True)
        reasons = float(means["reasons"])
        nats = sum(min(float(means[name]), 10.0) for name in surprise_columns())
        exclusive = sum(float(means[name]) for name in breadth_columns() if name.endswith("exclusive"))
        known = sum(float(means[name]) for name in breadth_columns() if name.endswith("known"))
    return np.array([
        few, np.log(np.clip(members, _SEVERAL, _LARGE) / _SEVERAL),
        surety, reasons, nats / 10, exclusive,
        *(part for each in cohesion[:2] for part in (min(each, 1.2), float(np.clip(each - 1.2, 0.0, 2.0)))),
        np.log(np.clip(members, 3, _SOME) / 3) * np.clip(cohesion[0] - 1.2, 0.0, 2.0), known, np.log(size / 1000),
    ])  # fmt: skip


def probability(values: np.ndarray, trust: float = 0.0, own: float = 1.0) -> float:
    """Probability that a community of these terms is a campaign.

    Less the nats that are taken on `trust`, times how far it is its `own`.
    """
    weights = np.array([model.VERDICT.get(name, 0.0) for name in TERMS])
    return float(own) * float(logistic(np.asarray(model.VERDICT_INTERCEPT + values @ weights - trust)))
