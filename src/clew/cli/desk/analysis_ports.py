"""What commands ask for about analyses that a server or worker does. See `ports`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from threading import Event

    from clew.domains.analyses.reading import AnalysisSession
    from clew.domains.analyses.request import NewAnalysisSession


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
