"""From the evidence of a pair to a probability: an additive logistic model with constants that were fitted beforehand.

Each kind enters as four straight pieces (up to 3, 6, 10 and 24 nats) with weights that are never negative, so that more
evidence never makes a pair less probable and every part of the sum can be told on its own. `model` holds the constants
and says how they came about.
"""

from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl

from clew.analysis.coordination import model
from clew.analysis.coordination.features import breadth_columns, surprise_columns
from clew.analysis.coordination.neighbours import TRUST

KNOTS: Final = (0.0, 3.0, 6.0, 10.0, 24.0)
"""Nats between which a kind's weight is the same."""
COUNTS: Final = (0.0, 1.0, 2.0, 3.0, 5.0)
"""The same for the logarithms of how many rare values are shared."""

RARITIES: Final = (0.0, 0.8, 1.5, 2.2, 4.0)
"""The same for the rarity of the rarest value: 2.2 %, 1.1 % and 0.55 % of the sources."""
COMPANY: Final = (0.0, 0.7, 1.2, 2.3)
"""The same for the company: from four sources, and from seven."""


def terms() -> list[str]:
    """Names of the model's terms, in the order of `design`."""
    names = [part for name in surprise_columns() for part in pieces(name)]
    names += [f"{name} {count:g}" for name in breadth_columns() for count in knots_of(name)[:-1]]
    return [*names, "differs", "two reasons", "three reasons", "four reasons", "size"]


def pieces(name: str) -> list[str]:
    """Names of the terms of one kind, e.g. `key 3`: from 3 nats on."""
    return [f"{name} {knot:.0f}" for knot in KNOTS[:-1]]


def knots_of(name: str) -> tuple[float, ...]:
    """The knots of a column of breadth."""
    return RARITIES if name.endswith("rarest") else COMPANY if name.endswith("company") else COUNTS


def design(features: pl.DataFrame, size: int) -> np.ndarray:
    """The model's terms for each pair (rows × terms); `size` is `Weighed.size`."""
    columns = []
    for name in surprise_columns():
        nats = features[name].to_numpy()
        columns += _parts(nats, KNOTS)
    reasons = features["reasons"].to_numpy()
    for name in breadth_columns():
        columns += _parts(features[name].to_numpy(), knots_of(name))
    columns.append(features["differs"].to_numpy())
    columns += [(reasons >= 2).astype(float), (reasons >= 3).astype(float), (reasons >= 4).astype(float)]
    columns.append(np.full(features.height, np.log(size / 1000)))
    return np.column_stack(columns) if features.height else np.zeros((0, len(terms())))


def _parts(numbers: np.ndarray, knots: tuple[float, ...]) -> list[np.ndarray]:
    """How much of each piece between two knots a number fills (0–1)."""
    return [np.clip(numbers - low, 0, high - low) / (high - low) for low, high in pairwise(knots)]


def weights() -> np.ndarray:
    """The model's weights in the order of `terms`."""
    return np.array([model.WEIGHTS.get(name, 0.0) for name in terms()])


def probabilities(features: pl.DataFrame, size: int) -> np.ndarray:
    """Probability that each pair of sources acts together."""
    odds = np.full(features.height, model.INTERCEPT + model.WEIGHTS.get("size", 0.0) * np.log(size / 1000))
    for name in surprise_columns():
        _add(odds, features[name], pieces(name), KNOTS)
    for name in breadth_columns():
        knots = knots_of(name)
        _add(odds, features[name], [f"{name} {count:g}" for count in knots[:-1]], knots)
    odds += model.WEIGHTS.get("differs", 0.0) * features["differs"].to_numpy()
    reasons = features["reasons"].to_numpy()
    for least, name in ((2, "two reasons"), (3, "three reasons"), (4, "four reasons")):
        odds += model.WEIGHTS.get(name, 0.0) * (reasons >= least)
    return logistic(odds + TRUST * features["neighbours"].to_numpy())


def _add(odds: np.ndarray, column: pl.Series, names: list[str], knots: tuple[float, ...]) -> None:
    """Add what the pieces of a column weigh, those of no weight not looked at: most of `terms` are such."""
    for name, (low, high) in zip(names, pairwise(knots), strict=True):
        weight = model.WEIGHTS.get(name, 0.0)
        if weight:
            odds += weight / (high - low) * np.clip(column.to_numpy() - low, 0, high - low)


def logistic(odds: np.ndarray) -> np.ndarray:
    """Probability from log-odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -40, 40))))
