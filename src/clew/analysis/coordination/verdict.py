"""Whether a community is a campaign: a second, small logistic model over the community as a whole.

Pairs alone cannot tell three strangers who found the same file from thirty members of a group: in a long tail of rare
habits, a few sources always meet by chance. Size, how many independent reasons there are and how rare the habits are
tell that apart. `model` holds the constants.
"""

from typing import Final

import numpy as np
import polars as pl

from clew.analysis.coordination import model
from clew.analysis.coordination.features import breadth_columns, surprise_columns
from clew.analysis.coordination.fusion import logistic

LEAST: Final = 0.5
"""Communities less probable than this are not reported."""

TERMS: Final = ("members", "surety", "reasons", "nats", "exclusive", "size")
_LARGE: Final = 40


def terms(members: int, confidences: list[float], inside: pl.DataFrame, size: int) -> np.ndarray:
    """The terms of one community: `inside` are the scored pairs among its members, `size` all sources known."""
    surety = float(np.clip(np.mean(confidences), 0.01, 0.999))
    reasons, nats, exclusive = 0.0, 0.0, 0.0
    if inside.height:
        means = inside.select(pl.all().mean()).row(0, named=True)
        reasons = float(means["reasons"])
        nats = sum(min(float(means[name]), 10.0) for name in surprise_columns())
        exclusive = sum(float(means[name]) for name in breadth_columns() if name.endswith("exclusive"))
    return np.array([
        np.log(min(members, _LARGE) / 3), np.log(surety / (1 - surety)), reasons, nats / 10, exclusive,
        np.log(max(size, 2) / 1000),
    ])  # fmt: skip


def probability(values: np.ndarray) -> float:
    """Probability that a community of these terms is a campaign."""
    weights = np.array([model.VERDICT.get(name, 0.0) for name in TERMS])
    return float(logistic(np.asarray(model.VERDICT_INTERCEPT + values @ weights)))
