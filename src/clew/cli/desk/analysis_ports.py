"""What commands ask for about analyses and campaigns. See `ports`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from datetime import datetime
    from threading import Event

    from clew.domains.analyses.reading import AnalysisSession
    from clew.domains.analyses.request import NewAnalysisSession
    from clew.domains.campaigns.reading import Campaign, CampaignDetails


class Analyses(Protocol):
    """Analyses that a server or worker does."""

    def start(self, asked: "NewAnalysisSession") -> "AnalysisSession":
        """Have one done. Raises InputError, NotFoundError for its campaign, LimitError."""

    def find(self, identifier: UUID) -> "AnalysisSession":
        """One with its steps. Raises NotFoundError."""

    def all(self, *, status: str | None, limit: int) -> "Sequence[AnalysisSession]":
        """The newest first, at most `limit`."""

    def cancel(self, identifier: UUID) -> "AnalysisSession":
        """End it. Raises NotFoundError, ConflictError."""

    def wait(self, identifier: UUID, stop: "Event") -> "AnalysisSession":
        """It when it is over, or as it stands when `stop` is set; with progress. Raises NotFoundError."""


@dataclass(frozen=True, slots=True)
class Analysing:
    """What is to be analysed; without times and sensors the whole record, from where the last analysis ended."""

    since: "datetime | None" = None
    until: "datetime | None" = None
    depth: str = "standard"
    sensors: tuple[str, ...] | None = None


class Campaigns(Protocol):
    """Analyses of attack sessions, and the campaigns that they find, by name or id."""

    def analyze(self, asked: Analysing, stop: "Event") -> dict[str, Any]:
        """Analyse, with progress on the terminal; what came of it, for JSON. Raises ConflictError."""

    def all(self, *, status: str | None, everything: bool) -> "Sequence[Campaign]":
        """Campaigns, the one seen last first; `everything`: also those that were rejected, merged or dissolved."""

    def details(self, campaign: str) -> "CampaignDetails":
        """One with all that it rests on. Raises NotFoundError."""

    def explain(self, first: str, second: str) -> dict[str, Any]:
        """Why two addresses are thought to act together, for JSON. Raises NotFoundError, InputError."""

    def decide(self, campaign: str, decision: "Decision") -> "Sequence[Campaign]":
        """Decide about one; those that it concerned, it first. Raises NotFoundError, ConflictError, InputError."""

    def export(self, campaigns: Sequence[str], form: str, sink: Callable[[str], object]) -> None:
        """Give them (all, if none is named) to the sink as csv or json. Raises NotFoundError, InputError."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision: pin, reject, undo, merge (with `parts`), split (`parts` off), rename or attribute (to `name`)."""

    kind: str
    parts: tuple[str, ...] = ()
    name: str | None = None
