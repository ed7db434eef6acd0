"""What an analysis gives back, and what it can be told: plain frozen values, no frames."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from clew.analysis.coordination.background import Background

IndicatorType = Literal["ip", "domain", "hash", "pattern", "behavior"]


class Depth(StrEnum):
    """How much is looked at. Each depth does all that the one before does.

    minimal: values shared outright (files, keys, addresses of files, credentials, commands, clients) and networks.
    standard: adds the order of commands, passwords made alike, timing and targets. The default.
    deep: adds near duplicates of command sets by MinHash, and counts evidence of order only as far as whole sequences
    of commands can be aligned.
    forensic: adds permutation tests of timing, and the explanation of every pair within a community.
    """

    MINIMAL = "minimal"
    STANDARD = "standard"
    DEEP = "deep"
    FORENSIC = "forensic"


@dataclass(frozen=True, slots=True)
class Decisions:
    """What analysts have decided: it holds against whatever the evidence says.

    A rejected group's addresses are never two of one community; a pinned group's are always in the same.
    """

    rejected: tuple[frozenset[str], ...] = ()
    pinned: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True, slots=True)
class Scores:
    """Four summaries of the evidence, each 0–1."""

    temporal: float = 0.0
    behavioral: float = 0.0
    infrastructure: float = 0.0
    geographic: float = 0.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason, of one kind. `refs` are session ids, then values; `text` and values are safe to print."""

    kind: str
    version: str
    score: float
    text: str
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Indicator:
    """Something to look for elsewhere.

    `count`: of an address of a member its sessions, of anything else the members that
    show it; times are those of these sessions.
    """

    type: IndicatorType
    value: str
    confidence: float
    count: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class PairExplanation:
    """Why two sources were thought to act together (forensic depth, or `explain`)."""

    first: str
    second: str
    probability: float
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Community:
    """Sources that act together, by source address; sorted, so that equal findings are equal values."""

    source_ips: tuple[str, ...]
    session_ids: tuple[str, ...]
    confidence: float
    member_confidence: dict[str, float]
    scores: Scores
    evidence: tuple[Evidence, ...]
    indicators: tuple[Indicator, ...]
    first_seen: datetime
    last_seen: datetime
    pairs: tuple[PairExplanation, ...] = ()


@dataclass(frozen=True, slots=True)
class Hub:
    """A value so common that it links nobody, or a source that shares with everybody."""

    kind: str
    value: str
    sources: int
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """How probably two addresses act together, and why."""

    probability: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Analysis:
    """The result of one analysis."""

    confidence: float
    scores: Scores
    communities: tuple[Community, ...]
    suppressed: tuple[Hub, ...]
    sessions: int
    sources: int
    candidate_pairs: int
    versions: dict[str, str]
    background: "Background" = field(repr=False, compare=False)
