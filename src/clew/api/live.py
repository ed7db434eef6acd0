"""Live events: what changed, as the database tells it, handed on to whoever follows.

An event says that a row of some topic was created, updated or deleted, and which: whoever wants more asks for it, with
their own rights. Events are numbered within an epoch, which lasts as long as nothing can have been missed; who comes
back with the id of the last event gets what came since, or is told to look at everything anew (`reset`).
"""

import asyncio
import contextlib
import secrets
import threading
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson

from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.errors import LimitError

TOPICS: Final = {
    "analyses": "analysis:read",
    "campaigns": "analysis:read",
    "investigations": "investigation:read",
    "jobs": "job:read",
    "uploads": "ingest:write",
}
"""What can be followed, each with the permission that it needs."""
ACCESS: Final = "access"  # rights of somebody in the organization changed: nothing to be shown to anybody
REMEMBERED: Final = 2000
WAITING: Final = 256
MOST_PER_USER: Final = 20
_LISTEN_SECONDS: Final = 0.5
_RETRY_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Event:
    """One change. `reset`: what came before is not known."""

    id: str
    topic: str
    change: str
    row: str | None = None

    @property
    def text(self) -> bytes:
        """As it is sent (text/event-stream)."""
        row = {} if self.row is None else {"id": self.row}
        data = orjson.dumps({"topic": self.topic, "change": self.change, **row})
        return b"id: %b\nevent: %b\ndata: %b\n\n" % (self.id.encode(), self.topic.encode(), data)


class Subscription:
    """What one reader has not been sent yet: bounded, so that a slow reader costs nothing but its own events."""

    def __init__(self, organization_id: UUID, user_id: UUID, topics: Collection[str]) -> None:
        self.organization_id = organization_id
        self.user_id = user_id
        self.topics = frozenset(topics)
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._guard = threading.Lock()
        self._waiting: deque[Event] = deque()
        self._access_changed = False

    def give(self, event: Event) -> None:
        """Hand an event over, from any thread."""
        with self._guard:
            if len(self._waiting) >= WAITING or event.change == "reset":
                self._waiting.clear()
                event = Event(event.id, "reset", "reset")
            self._waiting.append(event)
        self._wake()

    def tell_access_changed(self) -> None:
        """Somebody's rights changed, perhaps this reader's."""
        self._access_changed = True
        self._wake()

    async def wait(self, seconds: float) -> None:
        """Until there is something to take, or so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    def take(self) -> tuple[list[Event], bool]:
        """What came since, and whether rights may have changed."""
        self._news.clear()
        with self._guard:
            events = list(self._waiting)
            self._waiting.clear()
            changed, self._access_changed = self._access_changed, False
        return events, changed

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody reads any more
            self._loop.call_soon_threadsafe(self._news.set)


class Hub:
    """Hands events to the subscriptions of this process. `follow` feeds it from the database."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._subscriptions: set[Subscription] = set()
        self._history: deque[tuple[int, UUID, Event]] = deque(maxlen=REMEMBERED)
        self._number = 0
        self._epoch = secrets.token_hex(4)

    @contextlib.contextmanager
    def subscribed(
        self, organization_id: UUID, user_id: UUID, topics: Collection[str], after: str | None
    ) -> Iterator[Subscription]:
        """Follow topics of an organization while the block lasts, from behind the event `after` on, or from now on.

        Raises LimitError if this user follows too often at once.
        """
        made = Subscription(organization_id, user_id, topics)
        with self._guard:
            if sum(each.user_id == user_id for each in self._subscriptions) >= MOST_PER_USER:
                raise LimitError(
                    f"one user follows events {MOST_PER_USER} times at once at most",
                    retry_after=_RETRY_SECONDS,
                    where="events",
                    remedy="end another stream first",
                )
            self._subscriptions.add(made)
            for event in self._missed(made, after):
                made.give(event)
        try:
            yield made
        finally:
            with self._guard:
                self._subscriptions.discard(made)

    def publish(self, organization_id: UUID, topic: str, row: str | None, change: str) -> None:
        """Tell of a change."""
        with self._guard:
            concerned = [each for each in self._subscriptions if each.organization_id == organization_id]
            if topic == ACCESS:
                for each in concerned:
                    each.tell_access_changed()
                return
            self._number += 1
            event = Event(self._id(self._number), topic, change, row)
            self._history.append((self._number, organization_id, event))
            for each in concerned:
                if topic in each.topics:
                    each.give(event)

    def reset(self) -> None:
        """Events may have been missed: a new epoch begins, and every reader is told to look anew."""
        with self._guard:
            self._epoch = secrets.token_hex(4)
            self._number = 0
            self._history.clear()
            for each in self._subscriptions:
                each.give(Event(self._id(0), "reset", "reset"))
                each.tell_access_changed()

    def follow(self, database: Database, stop: threading.Event) -> None:
        """Publish what the database tells, until `stop` is set. Raises DatabaseUnavailableError."""
        with database_errors(database.address), database.connect_raw() as connection:
            connection.autocommit = True
            connection.execute("LISTEN clew_events")
            self.reset()
            while not stop.is_set():
                for notice in connection.notifies(timeout=_LISTEN_SECONDS, stop_after=WAITING):
                    # Whoever may connect to the database may notify: what is not ours is passed over.
                    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
                        told = orjson.loads(notice.payload)
                        self.publish(UUID(told["organization"]), told["topic"], told["id"], told["change"])

    def _missed(self, made: Subscription, after: str | None) -> list[Event]:
        now = Event(self._id(self._number), "reset", "reset")
        if after is None:
            return []
        epoch, _, number = after.partition("-")
        if epoch != self._epoch or not number.isdecimal() or len(number) > 18:
            return [now]
        first = self._history[0][0] if self._history else self._number + 1
        if not first - 1 <= int(number) <= self._number:
            return [now]
        return [
            event
            for place, organization, event in self._history
            if place > int(number) and organization == made.organization_id and event.topic in made.topics
        ]

    def _id(self, number: int) -> str:
        return f"{self._epoch}-{number}"
