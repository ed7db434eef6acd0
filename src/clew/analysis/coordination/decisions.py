"""What analysts decided, held against what the evidence says."""

from typing import NamedTuple

import polars as pl

from clew.analysis.coordination.communities import LEAST_MEMBERS, Part
from clew.analysis.coordination.findings import Decisions


class Decided(NamedTuple):
    """Decisions by positions of sources; addresses that are not among the sessions are left out."""

    rejected: tuple[frozenset[int], ...]
    pinned: tuple[frozenset[int], ...]


def positions(addresses: pl.Series, decisions: Decisions) -> Decided:
    """Decisions by position among the sorted addresses."""
    named = {address for group in (*decisions.rejected, *decisions.pinned) for address in group}
    place = {address: index for index, address in enumerate(addresses) if address in named} if named else {}

    def known(groups: tuple[frozenset[str], ...]) -> tuple[frozenset[int], ...]:
        found = (frozenset(place[address] for address in group if address in place) for group in groups)
        return tuple(sorted((group for group in found if len(group) > 1), key=sorted))

    return Decided(known(decisions.rejected), known(decisions.pinned))


def without_rejected(pairs: pl.DataFrame, addresses: pl.Series, decisions: Decisions) -> pl.DataFrame:
    """Candidate pairs without those of one rejected group."""
    for group in positions(addresses, decisions).rejected:
        members = sorted(group)
        pairs = pairs.filter(~(pl.col("first").is_in(members) & pl.col("second").is_in(members)))
    return pairs


def enforce(parts: list[Part], decided: Decided) -> list[Part]:
    """Communities as decided: pinned groups joined, and of each rejected group at most one member in a community."""
    confidences = [dict(part.confidence) for part in parts]
    for group in decided.pinned:
        touched = [confidence for confidence in confidences if group & confidence.keys()]
        joined = {member: surety for confidence in touched for member, surety in confidence.items()}
        joined |= dict.fromkeys(group, 1.0)
        confidences = [confidence for confidence in confidences if not group & confidence.keys()] + [joined]
    pinned = frozenset().union(*decided.pinned)
    for group in decided.rejected:
        for confidence in confidences:
            together = sorted(
                group & confidence.keys(), key=lambda member: (member not in pinned, -confidence[member], member)
            )
            for member in together[1:]:
                del confidence[member]
    kept = [
        Part(tuple(sorted(confidence)), confidence)
        for confidence in confidences
        if len(confidence) >= LEAST_MEMBERS or confidence.keys() & pinned
    ]
    return sorted(kept, key=lambda part: (-len(part.members), part.members))
