"""Pairs as rows of numbers: the surprise of each kind, what time adds, what speaks against, how many groups agree."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from clew.analysis.coordination.kinds import BY_NAME, KINDS, SPAN_KINDS, Group
from clew.analysis.coordination.surprise import CEILING

PAIRED: Final = tuple(kind for kind in KINDS if kind.name != "encounter")
"""Kinds that are scored; `encounter` only makes candidates, its moments are scored one by one."""

GROUPS: Final = tuple(dict.fromkeys(kind.group for kind in PAIRED))
CORROBORATING: Final = 3.0
"""Nats from which a group counts as a reason of its own."""

SUMMED: Final = ("breadth", "exclusive", "own", "known")
LARGEST: Final = ("rarest", "company")

_SAID: Final = {
    "surprise": "", "breadth": " breadth", "exclusive": " exclusive", "own": " own", "known": " known",
    "rarity": " rarest", "company": " company",
}  # fmt: skip
"""Columns of `surprises`, and how those of a kind that hold them end."""

_WITHOUT_OWN_REASON: Final = ("geography", "network", "target")
_HANDOVER_SECONDS: Final = 6 * 3600


BROAD: Final[tuple[Group, ...]] = ("artefact", "credential", "command", "client", "http")
"""Groups of which it counts how many rare values are shared, beyond what the rarest say."""


def breadth_columns() -> list[str]:
    """Three columns for each of BROAD.

    Logarithms of one more than its rare values shared, each times its rarity, and than those that few sources have;
    and the rarity of the rarest (nats beyond 5 % of the sources).
    """
    return [f"{group} {what}" for group in BROAD for what in (*SUMMED, *LARGEST)]


def surprise_columns() -> list[str]:
    """One column of nats for each kind, sets first."""
    return [kind.name for kind in PAIRED] + list(SPAN_KINDS)


@dataclass(frozen=True, slots=True)
class Times:
    """First and last second of each source by position, and how many sources came in how many seconds in all."""

    first: np.ndarray
    last: np.ndarray
    sources: int
    seconds: float


def tabulate(pairs: pl.DataFrame, surprises: pl.DataFrame, habits: pl.DataFrame, times: Times) -> pl.DataFrame:
    """Features of pairs.

    `first`, `second`, a column for each kind (nats, 0 where nothing is shared), the breadth of some groups,
    `differs`, `reasons`.
    """
    wide = pairs.select("first", "second").with_columns(_spread(pairs, surprises))
    wide = _timed(wide, times).with_columns(
        *(_sum(group, what).log1p().alias(f"{group} {what}") for group in BROAD for what in SUMMED if what != "own"),
        *(_own(group).log1p().alias(f"{group} own") for group in BROAD),
        *(pl.max_horizontal(_names(group, what)).alias(f"{group} {what}") for group in BROAD for what in LARGEST),
    )
    wide = wide.with_columns(_differs(wide, habits, len(times.first)))
    groups = [_reason(group) for group in GROUPS if group not in _WITHOUT_OWN_REASON]
    return wide.with_columns(pl.sum_horizontal(groups).cast(pl.Float64).alias("reasons")).select(
        "first", "second", *surprise_columns(), *breadth_columns(), "differs", "reasons"
    )


def _spread(pairs: pl.DataFrame, surprises: pl.DataFrame) -> list[pl.Series]:
    """A column of the pairs for each kind and each thing said of it, 0 where nothing is shared.

    Rows are put where they belong in one go: a join for each kind takes longer than all else where pairs are few.
    """
    keys = pairs.select("first", "second").with_row_index("pair")
    found = surprises.join(keys, on=["first", "second"])
    place = np.full(max(kind.number for kind in KINDS) + 1, -1)
    place[[kind.number for kind in PAIRED]] = np.arange(len(PAIRED))
    kinds, rows = place[found["kind"].to_numpy()], found["pair"].to_numpy()
    scored = kinds >= 0
    columns = []
    for what, suffix in _SAID.items():
        table = np.zeros((len(PAIRED), pairs.height))
        table[kinds[scored], rows[scored]] = found[what].to_numpy()[scored]
        columns += [pl.Series(kind.name + suffix, table[number]) for number, kind in enumerate(PAIRED)]
    return columns


def _sum(group: str, what: str) -> pl.Expr:
    return pl.sum_horizontal(_names(group, what))


def _own(group: str) -> pl.Expr:
    """Values of which neither is known from elsewhere, less as more is shared that is."""
    own, known = _sum(group, "own"), _sum(group, "known")
    return (own * own / (own + known)).fill_nan(0.0)


def _names(group: str, what: str) -> list[str]:
    return [f"{kind.name} {what}" for kind in PAIRED if kind.group == group]


def _reason(group: str) -> pl.Expr:
    names = [kind.name for kind in PAIRED if kind.group == group]
    return (pl.max_horizontal(names) > CORROBORATING).cast(pl.Int8)


def _timed(wide: pl.DataFrame, times: Times) -> pl.DataFrame:
    """Adds what first and last sightings say.

    `debut`: how unlikely it is that the first and last sightings of two sources lie as close as they do.
    `handover`: how unlikely that one begins as soon after the other's end, where they do not overlap.
    """
    begin, end, whole = times.first, times.last, times.seconds
    one, other = wide["first"].to_numpy(), wide["second"].to_numpy()
    apart = np.abs(begin[one] - begin[other]) + np.abs(end[one] - end[other])
    debut = -np.log(np.clip(2 * (apart + 60) / whole, 1e-9, 1.0))
    gap = np.maximum(begin[one], begin[other]) - np.minimum(end[one], end[other])
    rate = times.sources / whole
    near = (gap > 0) & (gap < _HANDOVER_SECONDS)
    handover = np.where(near, -np.log(np.clip(1 - np.exp(-2 * rate * np.maximum(gap, 1)), 1e-9, 1.0)), 0.0)
    return wide.with_columns(
        pl.Series("debut", np.clip(debut, 0, CEILING)), pl.Series("handover", np.clip(handover, 0, CEILING))
    )


def _differs(wide: pl.DataFrame, habits: pl.DataFrame, sources: int) -> pl.Series:
    """1 where both sources are known by clients or fingerprints and share none of them."""
    known = np.zeros(sources, dtype=np.bool_)
    numbers = [BY_NAME["client"].number, BY_NAME["fingerprint"].number]
    with_client = habits.filter(pl.col("kind").is_in(numbers))["source"].unique().to_numpy()
    known[with_client] = True
    both = known[wide["first"].to_numpy()] & known[wide["second"].to_numpy()]
    shares = wide.select((pl.col("client") > 0) | (pl.col("fingerprint") > 0)).to_series().to_numpy()
    return pl.Series("differs", (both & ~shares).astype(np.float64))
