"""Which campaign a community is: the rule `identity-v1` by which campaigns stay themselves over time. Pure.

A community and a known campaign are kin by the share of members, `|C ∩ K| / min(|C|, |K|)`, or by the share of rare
evidence (files, hosts and patterns that few others have), counted alike, if it is a file or at least two values. From
`KINSHIP` on the community continues the campaign. Kin by members go before kin by evidence, the closest first; of
equals the campaign seen earlier, then the lower id: so the outcome does not depend on the order of communities.

- A campaign that is kin to nothing continues nothing: a community without kin is a new campaign.
- Where one community is kin to several campaigns, it continues the closest; another is merged into that one if most of
  its members are in the community and nothing else continues it.
- Where several communities are kin to one campaign, the closest continues it; another is a new one, split from it.
- What is kin to a rejected campaign is none.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from clew.analysis.coordination import Community, Indicator

IDENTITY: Final = "identity-v1"
KINSHIP: Final = 0.3
MERGING: Final = 0.5
RARE_TYPES: Final = frozenset({"hash", "domain", "pattern"})

Trait = tuple[str, str]
"""Type and value of an indicator."""


@dataclass(frozen=True, slots=True)
class Known:
    """A campaign as far as its identity is concerned."""

    id: UUID
    first_seen: datetime
    members: frozenset[str]
    traits: frozenset[Trait] = frozenset()
    is_rejected: bool = False


@dataclass(frozen=True, slots=True)
class Track:
    """What becomes of one community: it continues `campaign`, or (None) is new; and what it takes in or comes from."""

    community: Community
    campaign: UUID | None
    merged: tuple[UUID, ...] = ()
    split_from: UUID | None = None


@dataclass(frozen=True, slots=True)
class Tracked:
    """What becomes of all communities; those that are kin to a rejected campaign are only counted."""

    tracks: tuple[Track, ...]
    rejected: int = 0


class Split(NamedTuple):
    """A decision that the sources of one side never act together with those of the other."""

    stays: frozenset[str]
    leaves: frozenset[str]


class _Kinship(NamedTuple):
    degree: float
    community: int
    campaign: Known
    by_members: float


def track(communities: Sequence[Community], known: Iterable[Known]) -> Tracked:
    """Follow known campaigns into the communities of a run."""
    ordered = sorted(communities, key=lambda each: each.source_ips)
    kin = sorted(
        _kinships(ordered, list(known)),
        key=lambda each: (
            -(each.by_members if each.by_members >= KINSHIP else 0.0),
            -each.degree,
            each.campaign.first_seen,
            each.campaign.id,
            each.community,
        ),
    )
    continued: dict[int, Known] = {}
    taken: set[UUID] = set()
    for each in kin:
        if each.community not in continued and (each.campaign.is_rejected or each.campaign.id not in taken):
            continued[each.community] = each.campaign
            taken.add(each.campaign.id)
    merged, split = _merges(kin, continued, taken), _splits(kin, continued)
    tracks = [
        Track(community, continued[number].id, tuple(sorted(merged.get(number, ()))))
        if number in continued
        else Track(community, None, (), split.get(number))
        for number, community in enumerate(ordered)
        if number not in continued or not continued[number].is_rejected
    ]
    return Tracked(tuple(tracks), len(ordered) - len(tracks))


def _kinships(communities: Sequence[Community], known: Sequence[Known]) -> Iterable[_Kinship]:
    """Every pair that is kin; only pairs that share something are looked at."""
    holders: dict[str | Trait, list[int]] = {}
    for number, campaign in enumerate(known):
        for held in _held(campaign.members, campaign.traits):
            holders.setdefault(held, []).append(number)
    for place, community in enumerate(communities):
        traits = rare_traits(community.indicators)
        members = frozenset(community.source_ips)
        near = {number for held in _held(members, traits) for number in holders.get(held, ())}
        for number in near:
            campaign = known[number]
            by_members = _share(members, campaign.members)
            degree = max(by_members, _share_of_traits(traits, campaign.traits))
            if degree >= KINSHIP:
                yield _Kinship(degree, place, campaign, by_members)


def _held(members: frozenset[str], traits: frozenset[Trait]) -> Iterator[str | Trait]:
    yield from members
    yield from traits


def rare_traits(indicators: Iterable[Indicator]) -> frozenset[Trait]:
    """The indicators by which a campaign is known again."""
    return frozenset((each.type, each.value) for each in indicators if each.type in RARE_TYPES)


def _share(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / min(len(one), len(other)) if one and other else 0.0


def _share_of_traits(one: frozenset[Trait], other: frozenset[Trait]) -> float:
    shared = one & other
    enough = len(shared) > 1 or any(kind == "hash" for kind, _ in shared)
    return len(shared) / min(len(one), len(other)) if enough else 0.0


def _merges(kin: Sequence[_Kinship], continued: Mapping[int, Known], taken: set[UUID]) -> dict[int, set[UUID]]:
    merged: dict[int, set[UUID]] = {}
    gone = set(taken)
    for each in kin:
        host = continued.get(each.community)
        joins = each.by_members > MERGING and not each.campaign.is_rejected
        if host is not None and not host.is_rejected and joins and each.campaign.id not in gone:
            merged.setdefault(each.community, set()).add(each.campaign.id)
            gone.add(each.campaign.id)
    return merged


def _splits(kin: Sequence[_Kinship], continued: Mapping[int, Known]) -> dict[int, UUID]:
    split: dict[int, UUID] = {}
    for each in kin:
        if each.community not in continued and each.by_members >= KINSHIP:
            split.setdefault(each.community, each.campaign.id)
    return split


def kept_apart(communities: Iterable[Community], splits: Sequence[Split]) -> list[Community]:
    """Communities of which none holds sources from both sides of a split: those that leave are one of their own."""
    parts = list(communities)
    for split in splits:
        parts = [part for whole in parts for part in _parted(whole, split)]
    return parts


def _parted(community: Community, split: Split) -> list[Community]:
    members = frozenset(community.source_ips)
    leaving = members & split.leaves
    if not leaving or not members & split.stays:
        return [community]
    return [part for some in (members - leaving, leaving) if (part := _restricted(community, some)) is not None]


def _restricted(community: Community, members: frozenset[str]) -> Community | None:
    """The community of those members; None for fewer than two. What they share is told as it was of the whole."""
    if len(members) < 2:
        return None
    return replace(
        community,
        source_ips=tuple(sorted(members)),
        member_confidence={address: community.member_confidence[address] for address in sorted(members)},
        indicators=tuple(each for each in community.indicators if each.type != "ip" or each.value in members),
        session_ids=(),
    )


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a campaign counts as dormant and as concluded, by the time of the newest session that is known."""

    newest: datetime
    dormant: timedelta = field(default=timedelta(days=7))
    concluded: timedelta = field(default=timedelta(days=30))

    def status(self, last_seen: datetime, *, is_pinned: bool) -> str:
        """active, dormant, concluded; a pinned one that is quiet is still monitored."""
        quiet = self.newest - last_seen
        if quiet < self.dormant:
            return "active"
        if is_pinned:
            return "monitoring"
        return "dormant" if quiet < self.concluded else "concluded"
