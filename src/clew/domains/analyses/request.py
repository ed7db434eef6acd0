"""What an analysis is asked for. Loads nothing: the command line hands it on to a server."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

USUAL: Final = 5


@dataclass(frozen=True, slots=True)
class NewAnalysisSession:
    """What is asked for: the sessions to which all that is given applies (AnalysisRequest); `campaign` by name or id.

    Of an organization's analyses those of higher `priority` (1 to 10) go first. `callback_url` is told of the end.
    """

    depth: str = "standard"
    since: datetime | None = None
    until: datetime | None = None
    sensors: tuple[str, ...] | None = None
    source_ips: tuple[str, ...] | None = None
    session_ids: tuple[UUID, ...] | None = None
    campaign: str | None = None
    priority: int = USUAL
    callback_url: str | None = None
