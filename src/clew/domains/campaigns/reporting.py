"""What an analysis is asked for, and what it reports."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from clew.analysis.coordination import Depth, Scores
from clew.kernel.transactions import TenantContext

Observer = Callable[[str, float], None]
"""Told the name of a step that begins, and how much of the whole is done (0-1)."""


@dataclass(frozen=True, slots=True)
class AnalysisRequest:
    """What is to be analysed: the sessions to which all that is given applies; without any it is the whole record.

    `campaign_id`: the sources that are members of that campaign when the record is read.
    """

    context: TenantContext
    depth: Depth = Depth.STANDARD
    since: datetime | None = None
    until: datetime | None = None
    sensors: tuple[str, ...] | None = None
    analysis_id: UUID | None = None
    source_ips: tuple[str, ...] | None = None
    session_ids: tuple[UUID, ...] | None = None
    campaign_id: UUID | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is about the whole record."""
        limits = (self.since, self.until, self.sensors, self.source_ips, self.session_ids, self.campaign_id)
        return all(limit is None for limit in limits)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        told = {
            "depth": self.depth.value,
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
            "sensors": self.sensors and list(self.sensors),
        }
        if self.source_ips is not None:
            told["source_ips"] = list(self.source_ips)
        if self.session_ids is not None:
            told["session_ids"] = [str(each) for each in self.session_ids]
        if self.campaign_id is not None:
            told["campaign_id"] = str(self.campaign_id)
        return told

    @classmethod
    def of(cls, context: TenantContext, told: Mapping[str, Any], analysis_id: UUID | None = None) -> "AnalysisRequest":
        """What `as_dict` gave, or what a job was told. Raises ValueError for what is none."""

        def some(name: str) -> tuple[Any, ...] | None:
            return None if told.get(name) is None else tuple(told[name])

        identifiers = some("session_ids")
        return cls(
            context,
            Depth(told.get("depth") or Depth.STANDARD),
            _moment(told.get("since")),
            _moment(told.get("until")),
            some("sensors") or None,
            analysis_id,
            some("source_ips"),
            None if identifiers is None else tuple(UUID(str(each)) for each in identifiers),
            None if told.get("campaign_id") is None else UUID(str(told["campaign_id"])),
        )


@dataclass(frozen=True, slots=True)
class AnalysisReport:
    """What came of an analysis. `read`: how many sessions were looked at; `sessions`: how many it speaks of."""

    analysis_id: UUID
    status: str
    sessions: int
    confidence: float
    scores: Scores
    campaigns: tuple[UUID, ...]
    seconds: float
    read: int = 0
    new: int = 0
    changed: int = 0
    suppressed: tuple[dict[str, Any], ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "analysis_id": str(self.analysis_id),
            "status": self.status,
            "sessions": self.sessions,
            "confidence": self.confidence,
            "scores": scores_dict(self.scores),
            "campaigns": [str(each) for each in self.campaigns],
            "seconds": self.seconds,
            "sessions_read": self.read,
            "campaigns_new": self.new,
            "campaigns_changed": self.changed,
            "suppressed": list(self.suppressed),
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> "AnalysisReport":
        """What `as_dict` gave."""
        return cls(
            analysis_id=UUID(told["analysis_id"]),
            status=told["status"],
            sessions=told["sessions"],
            confidence=told["confidence"],
            scores=Scores(**told["scores"]),
            campaigns=tuple(UUID(each) for each in told["campaigns"]),
            seconds=told["seconds"],
            read=told["sessions_read"],
            new=told["campaigns_new"],
            changed=told["campaigns_changed"],
            suppressed=tuple(told["suppressed"]),
        )


def scores_dict(scores: Scores) -> dict[str, float]:
    """The four scores by name."""
    return {name: getattr(scores, name) for name in Scores.__slots__}


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
