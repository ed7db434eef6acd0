"""Whether a community's members are active together more than their own rhythms explain: a permutation test.

Each member's moments of becoming active are moved by one offset, around the whole time that was looked at: so everyone
keeps the own rhythm, and only what ties members to each other is lost. The p-value is (1 + as many meetings as seen) /
(1 + permutations) (Phipson and Smyth 2010), never 0.
"""

from typing import Final

import numpy as np
import polars as pl

from clew.analysis.coordination.explanation import strength
from clew.analysis.coordination.findings import Evidence
from clew.analysis.coordination.timing import SLICE_SECONDS, onsets

PERMUTATIONS: Final = 199
VERSION: Final = "permutation-v1"


def together(sessions: pl.DataFrame, seconds: float) -> tuple[int, float]:
    """Meetings of members (pairs active in the same three minutes), and the p-value. `sessions` are the members'."""
    moments = onsets(sessions).sort("source", "slice")
    member = moments["source"].rle_id().to_numpy()
    slices = moments["slice"].to_numpy()
    if not len(slices):
        return 0, 1.0
    length = max(int(seconds // SLICE_SECONDS), 1)
    base = slices - slices.min()
    seen = _meetings(base % length)
    random = np.random.default_rng(int(slices.sum()) % 2**32)
    more = sum(
        _meetings((base + random.integers(0, length, member[-1] + 1)[member]) % length) >= seen
        for _ in range(PERMUTATIONS)
    )
    return seen, (1 + more) / (1 + PERMUTATIONS)


def tested(sessions: pl.DataFrame, seconds: float) -> Evidence:
    """The test as evidence: it scores by how small the p-value is."""
    meetings, p = together(sessions, seconds)
    say = (
        f"members became active together {meetings} times; moving each member's times at random did as well in "
        f"{p:.1%} of {PERMUTATIONS + 1} cases"
    )
    return Evidence("permutation", VERSION, strength(max(-float(np.log(p)) - 1, 0.0)), say)


def _meetings(slices: np.ndarray) -> int:
    counts = np.unique(slices, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())
