"""How indices that are only added to grow old: by steps that every edition of every engine knows.

Engines have schedulers for that, but not the same ones, and 7.10 without a licence has none. What has to be done next
is worked out from what the engine says of an index, so a step that was cut off is done again, and one that was done is
not.

Tiers: hot is written to, until it is a week old or 50 GB large; warm has one shard and one segment; cold cannot be
written to; in the end an index is deleted, or archived as a snapshot first. Ages count from when an index was last
written to as the newest of its series. Of what the projector fills only attacks age so, and are never deleted by age:
the view is what the record says.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

_GIBIBYTE: Final = 1 << 30


class Step(StrEnum):
    """What is done to an index, in this order."""

    ROLLOVER = "rollover"
    SHRINK = "shrink"
    MERGE = "forcemerge"
    READ_ONLY = "read_only"
    ARCHIVE = "archive"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Policy:
    """When what is done. Without rollover_days the series begins an index a day by itself.

    end_days: None for what is deleted when it has become empty only. archive: in the end a snapshot is taken, before
    the index is deleted. most_segments: with more an index is merged, to one.
    """

    name: str
    rollover_days: int | None
    rollover_bytes: int | None
    warm_days: int
    cold_days: int
    end_days: int | None
    archive: bool = False
    most_segments: int = 1

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


ATTACK_POLICY: Final = Policy("dshield_attack_policy", 7, 50 * _GIBIBYTE, 7, 30, 90)
# Documents of warm indices still change now and then, which begins new segments: not each is worth merging all of them.
VIEW_POLICY: Final = replace(ATTACK_POLICY, end_days=None, most_segments=8)
DAILY_POLICY: Final = Policy("daily_log_policy", None, None, 7, 30, 365, archive=True)


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """An index of a series as the engine describes it. closed_at: when the next one of the series began, if it did."""

    name: str
    created_at: datetime
    closed_at: datetime | None
    bytes: int
    documents: int
    shards: int
    segments: int
    read_only: bool


def next_step(facts: IndexFacts, policy: Policy, now: datetime) -> Step | None:
    """What is to be done to an index now, if anything. `segments` counts those of all its shards."""
    if facts.closed_at is None and policy.rollover_days is not None:
        old = now - facts.created_at >= timedelta(days=policy.rollover_days)
        large = policy.rollover_bytes is not None and facts.bytes >= policy.rollover_bytes
        return Step.ROLLOVER if facts.documents and (old or large) else None
    age = now - (facts.closed_at or facts.created_at)
    if policy.end_days is None and not facts.documents:
        return Step.DELETE
    if policy.end_days is not None and age >= timedelta(days=policy.end_days):
        return Step.ARCHIVE if policy.archive else Step.DELETE
    if age >= timedelta(days=policy.warm_days):
        if facts.shards > 1:
            return Step.SHRINK
        if facts.segments > policy.most_segments:
            return Step.MERGE
    if age >= timedelta(days=policy.cold_days) and not facts.read_only:
        return Step.READ_ONLY
    return None


def closed_at(series: Sequence[tuple[str, datetime]]) -> dict[str, datetime | None]:
    """When each index of a series (name and creation) stopped being the newest; None for the newest."""
    ordered = sorted(series, key=lambda each: each[1])
    following = [created for _, created in ordered[1:]]
    return dict(zip([name for name, _ in ordered], [*following, None], strict=True))
