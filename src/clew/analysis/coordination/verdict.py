"""Whether a community is a campaign: a second, small logistic model over the community as a whole.

Pairs alone cannot tell three strangers who found the same file from thirty members of a group: in a long tail of rare
habits, a few sources always meet by chance. Size, how many independent reasons there are and how rare the habits are
tell that apart. `model` holds the constants.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from clew.analysis.coordination import model
from clew.analysis.coordination.features import breadth_columns, surprise_columns
from clew.analysis.coordination.fusion import LEAST_SIZE, logistic
from clew.analysis.coordination.kinds import BY_NAME

LEAST: Final = 0.5
"""Communities less probable than this are not reported."""

TERMS: Final = (
    "members", "many members", "surety", "reasons", "nats", "exclusive", "cohesion", "high cohesion", "meetings", "high meetings", "known", "size",
)  # fmt: skip
_SEVERAL: Final = 6
_LARGE: Final = 40
_SHARPNESS: Final = 4
_TIMES: Final = tuple(BY_NAME[name].number for name in ("moment", "cadence"))


def cohesions(members: Sequence[Sequence[int]], habits: pl.DataFrame, size: int) -> np.ndarray:
    """How well one habit alone tells each community from everybody else: of what it does, and of when (rows × 2).

    The largest own · F⁴ over the habits, where F is the harmonic mean of the share of the community that has the
    habit and of the share of those who have it that are in the community, and `own` what is surprising about it beyond
    its ground (`dependence`; of times beyond their number).
    """
    label = np.repeat(np.arange(len(members)), [len(some) for some in members])
    sources = np.concatenate([np.asarray(some, dtype=np.uint32) for some in members]) if members else label
    inside = pl.DataFrame({"source": sources, "label": label}, schema={"source": pl.UInt32, "label": pl.UInt32})
    of = inside.group_by("label").agg(pl.len().alias("members"))
    timed = pl.col("kind").is_in(_TIMES)
    own = pl.when(timed).then((size / pl.col("sources")).log()).otherwise(pl.col("own"))
    held = habits.filter(pl.col("exclusive")).join(inside, on="source").group_by("label", "id").agg(
        pl.len().alias("have"), pl.col("sources").first(), own.first().alias("own"), timed.first().alias("timed")
    )
    f = (2 * pl.col("have") / (pl.col("sources").clip(pl.col("have")) + pl.col("members"))).alias("f")
    best = held.filter(pl.col("have") > 1).join(of, on="label").group_by("label", "timed").agg(
        (pl.col("own") * f**_SHARPNESS).max().alias("best")
    )
    result = np.zeros((len(members), 2))
    result[best["label"].to_numpy(), best["timed"].to_numpy().astype(int)] = best["best"].to_numpy()
    return result


def terms(
    members: int, confidences: list[float], inside: pl.DataFrame, size: int, cohesion: tuple[float, float]
) -> np.ndarray:
    """The terms of one community: `inside` are the scored pairs among its members, `size` all sources known."""
    surety = float(np.clip(np.mean(confidences), 0.01, 0.999))
    reasons, nats, exclusive, known = 0.0, 0.0, 0.0, 0.0
    if inside.height:
        means = inside.select(pl.all().mean()).row(0, named=True)
        reasons = float(means["reasons"])
        nats = sum(min(float(means[name]), 10.0) for name in surprise_columns())
        exclusive = sum(float(means[name]) for name in breadth_columns() if name.endswith("exclusive"))
        known = sum(float(means[name]) for name in breadth_columns() if name.endswith("known"))
    return np.array([
        np.log(min(members, _SEVERAL) / 3), np.log(np.clip(members, _SEVERAL, _LARGE) / _SEVERAL), np.log(surety / (1 - surety)), reasons, nats / 10, exclusive,
        *(part for each in cohesion for part in (min(each, 1.2), float(np.clip(each - 1.2, 0.0, 2.0)))),
        known, np.log(max(size, LEAST_SIZE) / 1000),
    ])  # fmt: skip


def probability(values: np.ndarray) -> float:
    """Probability that a community of these terms is a campaign."""
    weights = np.array([model.VERDICT.get(name, 0.0) for name in TERMS])
    return float(logistic(np.asarray(model.VERDICT_INTERCEPT + values @ weights)))
