"""What may be said of an analysis: counts, times, scores and names, apart from how it is said.

Everything that a text says comes from here. Values that attackers or peers chose (hosts, names of malware, names of
networks) are kept apart as such: they may be quoted, and are never read as anything else.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from clew.analysis.coordination import CAMPAIGN, Community
from clew.analysis.coordination.kinds import BY_NAME
from clew.domains.analyses.findings import Findings
from clew.domains.analyses.intelligence import Intelligence
from clew.domains.campaigns.service import AnalysisRequest

MOST_GROUPS: Final = 10
"""Groups that a text speaks of one by one, the surest and largest; the rest is counted."""
MOST_VALUES: Final = 5
MOST_TECHNIQUES: Final = 8


@dataclass(frozen=True, slots=True)
class Reason:
    """A kind of evidence, in words of the product, and how strong it is (0-1)."""

    kind: str
    says: str
    score: float


@dataclass(frozen=True, slots=True)
class TechniqueFact:
    """An ATT&CK technique, and by how many commands it was told."""

    id: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class KnownFact:
    """That an indicator points at something that the record has a name for. The name is its teller's, not ours."""

    indicator: str
    kind: str
    name: str
    described: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Sources that act together. Values are samples, the counts are not."""

    number: int
    sources: int
    sessions: int
    confidence: float
    first_seen: datetime
    last_seen: datetime
    scores: dict[str, float]
    reasons: tuple[Reason, ...]
    addresses: tuple[str, ...]
    domains: tuple[str, ...]
    hashes: tuple[str, ...]
    counts: dict[str, int]
    techniques: tuple[TechniqueFact, ...]
    countries: tuple[str, ...]
    networks: tuple[tuple[str, int], ...]
    feeds: tuple[tuple[str, int], ...]
    known: tuple[KnownFact, ...]

    @property
    def is_campaign(self) -> bool:
        """Whether it is sure enough to be kept as a campaign."""
        return self.confidence >= CAMPAIGN


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one analysis. `campaigns` counts the groups that are sure enough; `groups` are the first of all."""

    depth: str
    whole: bool
    sessions: int
    sources: int
    campaigns: int
    communities: int
    suppressed: int
    earliest: datetime | None
    latest: datetime | None
    groups: tuple[Group, ...]


def facts_of(
    request: AnalysisRequest, findings: Findings, known: Sequence[Intelligence], *, sessions: pl.DataFrame
) -> Facts:
    """What may be said. `known` is of each community, in their order."""
    both = sorted(
        zip(findings.communities, known, strict=True),
        key=lambda each: (-each[0].confidence, -len(each[0].source_ips), each[0].source_ips),
    )
    return Facts(
        depth=request.depth.value,
        whole=request.is_whole,
        sessions=sessions.height,
        sources=findings.sources,
        campaigns=sum(each.confidence >= CAMPAIGN for each in findings.communities),
        communities=len(findings.communities),
        suppressed=len(findings.suppressed),
        earliest=_moment(sessions["started_at"].min()),
        latest=_moment(sessions["started_at"].max()),
        groups=tuple(_group(number, *each) for number, each in enumerate(both[:MOST_GROUPS], 1)),
    )


def _group(number: int, community: Community, known: Intelligence) -> Group:
    indicators = sorted(community.indicators, key=lambda each: (-each.confidence, -each.count, each.value))

    def values(kind: str) -> tuple[str, ...]:
        return tuple(each.value for each in indicators if each.type == kind)[:MOST_VALUES]

    scores = community.scores
    return Group(
        number=number,
        sources=len(community.source_ips),
        sessions=len(community.session_ids),
        confidence=community.confidence,
        first_seen=community.first_seen,
        last_seen=community.last_seen,
        scores={name: getattr(scores, name) for name in scores.__slots__},
        reasons=_reasons(community),
        addresses=community.source_ips[:MOST_VALUES],
        domains=values("domain"),
        hashes=values("hash"),
        counts=dict(Counter(each.type for each in indicators)),
        techniques=_techniques(known),
        countries=known.countries[:MOST_VALUES],
        networks=known.networks[:MOST_VALUES],
        feeds=known.feeds[:MOST_VALUES],
        known=tuple(
            KnownFact(each.indicator, each.kind, each.name, each.described) for each in known.known[:MOST_VALUES]
        ),
    )


def _reasons(community: Community) -> tuple[Reason, ...]:
    strongest: dict[str, float] = {}
    for each in community.evidence:
        strongest[each.kind] = max(strongest.get(each.kind, 0.0), each.score)
    named = [
        Reason(kind, BY_NAME[kind].says, score) for kind, score in strongest.items() if kind in BY_NAME and score > 0
    ]
    return tuple(sorted(named, key=lambda each: (-each.score, each.kind))[:MOST_VALUES])


def _techniques(known: Intelligence) -> tuple[TechniqueFact, ...]:
    counts: dict[tuple[str, str], int] = {}
    for each in known.techniques:
        key = each.id, each.name
        counts[key] = max(counts.get(key, 0), each.count)
    most = sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:MOST_TECHNIQUES]
    return tuple(TechniqueFact(identifier, name, count) for (identifier, name), count in most)


def _moment(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None
