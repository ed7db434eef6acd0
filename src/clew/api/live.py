"""Live events: what changed, as the database tells it, handed on to whoever follows.

An event says that a row of some topic was created, updated or deleted, and which: whoever wants more asks for it, with
their own rights. Ids are those of the channel that brings events to every server process (clew.api.live_feed), so that
who comes back to any of them with the id of the last event gets what came since, or is told to look at everything anew
(`reset`).
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
    """Hands events to the subscriptions of this process. `clew.api.live_feed` feeds it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._subscriptions: set[Subscription] = set()
        self._history: deque[tuple[UUID | None, Event]] = deque(maxlen=REMEMBERED)
        self._before = _begin()  # the id of what came before the history

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

    def publish(self, organization_id: UUID, topic: str, row: str | None, change: str, *, identifier: str) -> None:
        """Tell of a change, which has that id."""
        with self._guard:
            concerned = [each for each in self._subscriptions if each.organization_id == organization_id]
            event = Event(identifier, topic, change, row)
            self._remember(None if topic == ACCESS else organization_id, event)
            for each in concerned:
                if topic == ACCESS:
                    each.tell_access_changed()
                elif topic in each.topics:
                    each.give(event)

    def reset(self, identifier: str | None = None) -> None:
        """Events may have been missed before this one: every reader is told to look at everything anew."""
        with self._guard:
            self._before = identifier or _begin()
            self._history.clear()
            for each in self._subscriptions:
                each.give(Event(self._before, "reset", "reset"))
                each.tell_access_changed()

    def _remember(self, organization_id: UUID | None, event: Event) -> None:
        if len(self._history) == REMEMBERED:
            self._before = self._history[0][1].id
        self._history.append((organization_id, event))

    def _missed(self, made: Subscription, after: str | None) -> list[Event]:
        if after is None:
            return []
        history = list(self._history)
        if after != self._before:
            place = next((place for place, (_, event) in enumerate(history) if event.id == after), None)
            if place is None:
                return [Event(history[-1][1].id if history else self._before, "reset", "reset")]
            history = history[place + 1 :]
        return [
            event
            for organization, event in history
            if organization == made.organization_id and event.topic in made.topics
        ]


def _begin() -> str:
    return f"{secrets.token_hex(4)}-0"
