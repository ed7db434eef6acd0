"""What is cached of analyses and campaigns is made before anybody asks: when they change, and the newest at the start.

So are the newest whenever all that was cached was forgotten. A change is told once what was cached is forgotten, so
what is made here is what there is now; what is forgotten while it is made is not kept, as with whoever asks
(`kernel.cache.remembering`). Of several processes that share a cache one makes it.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import sqlalchemy as sa

from clew.api.cached import NotOverError, analysis_body, campaign_body
from clew.domains.analyses import reading as analyses
from clew.domains.campaigns import reading as campaigns
from clew.kernel.cache.keys import ANALYSIS, CAMPAIGN
from clew.kernel.database import Database
from clew.kernel.errors import NotFoundError
from clew.kernel.roles import PROJECTOR
from clew.kernel.transactions import TenantContext
from clew.records.paging import PageRequest

if TYPE_CHECKING:
    from clew.api.serving import Serving

MOST_DUE: Final = 64
"""Further ones push out the oldest: whoever asks for that one waits for it."""
_PAUSE_SECONDS: Final = 1.0  # a row that changes often is made once in this time
_ORGANIZATIONS: Final = sa.text("SELECT id FROM organizations ORDER BY created_at DESC LIMIT :most")


@dataclass(frozen=True, slots=True)
class _Kind:
    key: Callable[[UUID, UUID], str]
    lifetime: timedelta
    make: Callable[[Database, TenantContext, UUID], bytes]


_KINDS: Final = {
    "analyses": _Kind(
        lambda organization, row: ANALYSIS.key(organization_id=organization, session_id=row),
        ANALYSIS.span,
        analysis_body,
    ),
    "campaigns": _Kind(
        lambda organization, row: CAMPAIGN.key(organization_id=organization, campaign_id=row),
        CAMPAIGN.span,
        campaign_body,
    ),
}


class Warmer:
    """Makes what it is told of, while `run` lasts."""

    def __init__(self, serving: "Serving") -> None:
        self._serving = serving
        self._lock = threading.Lock()
        self._due: dict[tuple[str, UUID, UUID], None] = {}
        self._begun = False

    def note(self, organization_id: UUID, topic: str, row: str | None, change: str) -> None:
        """A row of that topic changed. Returns at once, and passes over what is not cached."""
        if topic not in _KINDS or row is None or change == "deleted":
            return
        try:
            due = (topic, organization_id, UUID(row))
        except ValueError:  # whoever may connect to the database may notify
            return
        with self._lock:
            self._due.pop(due, None)
            self._due[due] = None
            if len(self._due) > MOST_DUE:
                del self._due[next(iter(self._due))]

    def begin_anew(self) -> None:
        """What was cached may be forgotten: the newest are made again."""
        self._begun = False

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. Raises DatabaseUnavailableError; may be called again then."""
        self.begin_anew()  # what was due is lost where this is called again
        while not stop.wait(_PAUSE_SECONDS):
            if not self._serving.memo.trusted:
                continue
            if not self._begun:
                self._begun = True  # before it is looked: what is forgotten meanwhile lets it be looked again
                self._note_newest()
            with self._lock:
                due, self._due = self._due, {}
            for topic, organization_id, row in due:
                if stop.is_set():
                    return
                if not self._warm(_KINDS[topic], TenantContext(organization_id), row):
                    self.note(organization_id, topic, str(row), "updated")

    def _warm(self, kind: _Kind, context: TenantContext, row: UUID) -> bool:
        """False while changes are not heard."""

        def make() -> bytes:
            return kind.make(self._serving.database, context, row)

        try:
            return self._serving.memo.warm(kind.key(context.organization_id, row), kind.lifetime, make)
        except (NotOverError, NotFoundError):
            return True  # it is told again when it is over, or has gone meanwhile

    def _note_newest(self) -> None:
        database = self._serving.database
        with database.transaction(None, PROJECTOR, reading=True) as connection:
            organizations = connection.execute(_ORGANIZATIONS, {"most": MOST_DUE // 2}).scalars().all()
        for organization_id in organizations:
            request = PageRequest(limit=MOST_DUE // 2 // len(organizations))
            with database.transaction(TenantContext(organization_id), reading=True) as connection:
                sessions = analyses.page_of_sessions(connection, organization_id, request).items
                found = campaigns.page_of_campaigns(
                    connection, organization_id, campaigns.CampaignFilter(), request
                ).items
            for topic, rows in (("analyses", sessions), ("campaigns", found)):
                for each in rows:
                    self.note(organization_id, topic, str(each.id), "updated")
