"""Pairs scored: what the analysis asks again and again, for pairs it chose and for pairs it wants to check."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from clew.analysis.coordination import fusion, neighbours
from clew.analysis.coordination.features import Times, breadth_columns, surprise_columns, tabulate
from clew.analysis.coordination.sequences import agreement
from clew.analysis.coordination.surprise import shared, surprises
from clew.analysis.coordination.weighing import Weighed

_PAIRS_AT_ONCE = 200_000


@dataclass(frozen=True, slots=True)
class Scorer:
    """Scores pairs of sources by their positions."""

    weighed: Weighed
    times: Times
    sequences: pl.DataFrame | None = None
    """`session`, `steps`: where given, evidence of order counts as far as whole sequences agree (deep analysis)."""
    source_of: pl.Series | None = None
    """Source of each session, for `sequences`."""

    def features(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """The features of pairs (`first` < `second`), a row each, in their order."""
        found = surprises(shared(pairs, self.weighed.telling))
        table = tabulate(pairs, found, self.weighed.habits, self.times)
        table = table.with_columns(neighbours.of_pairs(table, self.weighed.crowded))
        if self.sequences is None or self.source_of is None or not table.height:
            return table
        return table.with_columns(pl.col("sequence") * agreement(table, self.sequences, self.source_of))

    def score(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """The pairs with `probability` and all features, in their order; memory is bounded by the batch."""
        batches = []
        for start in range(0, max(pairs.height, 1), _PAIRS_AT_ONCE):
            features = self.features(pairs.slice(start, _PAIRS_AT_ONCE))
            probability = fusion.probabilities(features, self.weighed.size)
            batches.append(features.with_columns(pl.Series("probability", probability, dtype=pl.Float64)))
        return pl.concat(batches)


def pairs_of(first: np.ndarray, second: np.ndarray) -> pl.DataFrame:
    """A frame of distinct pairs, the smaller position first, sorted."""
    frame = pl.DataFrame(
        {
            "first": np.minimum(first, second).astype(np.uint32),
            "second": np.maximum(first, second).astype(np.uint32),
        }
    )
    return frame.filter(pl.col("first") != pl.col("second")).unique().sort("first", "second")


def no_scores() -> pl.DataFrame:
    """A frame as `Scorer.score` gives it, without rows."""
    integers: dict[str, pl.DataType] = {"first": pl.UInt32(), "second": pl.UInt32()}
    floats: dict[str, pl.DataType] = dict.fromkeys(
        [*surprise_columns(), *breadth_columns(), "differs", "reasons", "neighbours", "probability"], pl.Float64()
    )
    return pl.DataFrame(schema=integers | floats)
