"""What an analysis is asked for, and what it reports."""

from collections.abc import Callable
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
    """What is to be analysed. `since`, `until` and `sensors` make it a stretch; without any it is the whole record."""

    context: TenantContext
    depth: Depth = Depth.STANDARD
    since: datetime | None = None
    until: datetime | None = None
    sensors: tuple[str, ...] | None = None
    analysis_id: UUID | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is about the whole record."""
        return self.since is None and self.until is None and self.sensors is None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "depth": self.depth.value,
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
            "sensors": self.sensors and list(self.sensors),
        }


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


def scores_dict(scores: Scores) -> dict[str, float]:
    """The four scores by name."""
    return {name: getattr(scores, name) for name in Scores.__slots__}
