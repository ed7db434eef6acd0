"""From the database to every server process: what changed is told on one channel, and what is cached of it forgotten.

One process at a time listens to the database and passes on what it hears (the bridge): a lock on the very connection
that it listens by says which. All processes follow the channel. Where something may have been missed, because the
bridge, the database or what carries the channel was away, nobody trusts cached values until they are forgotten, and
readers are told to look at everything anew.
"""

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson
import psycopg

from clew.api.live import Hub
from clew.kernel.cache.keys import ANALYSIS, BRIDGE, CAMPAIGN, EVENTS, INVESTIGATION
from clew.kernel.cache.port import Cache, CacheUnavailableError, Following, Told
from clew.kernel.cache.remembering import Memo
from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.logs import logger

if TYPE_CHECKING:
    from clew.api.warming import Warmer

CHANNEL: Final = EVENTS.key()
OWNED: Final = "org:"
_LISTEN_SECONDS: Final = 0.5
_AT_ONCE: Final = 256
_PAUSE_SECONDS: Final = 0.5
_TRUST_SECONDS: Final = 1.0
_RESET: Final = orjson.dumps({"topic": "reset"})
_LOCK: Final = "SELECT pg_try_advisory_lock(hashtextextended('clew events', 0))"


class Bridge:
    """Passes on what the database tells, while `run` lasts and no other process does so on the same channel."""

    def __init__(self, database: Database, cache: Cache) -> None:
        self._database = database
        self._cache = cache
        self._whole = False  # whether everything since the last reset was passed on

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. Raises DatabaseUnavailableError."""
        with database_errors(self._database.address), self._database.connect_raw() as connection:
            connection.autocommit = True
            while self._cache.shared and not _has(connection):
                if stop.wait(_PAUSE_SECONDS):
                    return
            connection.execute("LISTEN clew_events")
            self._whole = False
            while not stop.is_set():
                self._keep_going()
                self._pass_on(_heard(connection))

    def _keep_going(self) -> None:
        """Say that changes are passed on; after a gap forget everything first, and tell everybody."""
        try:
            if not self._whole:
                self._cache.forget_under(OWNED)
                self._cache.tell(CHANNEL, _RESET)
                self._whole = True
            self._cache.put(BRIDGE.key(), b"1", lifetime=BRIDGE.span)
        except CacheUnavailableError:
            self._whole = False

    def _pass_on(self, payloads: list[str]) -> None:
        """Forget and tell what changed; a change that was told several times, once: a row may change very often."""
        if not self._whole:
            return  # what is told after the reset covers it
        keys: dict[str, None] = {}
        messages: dict[bytes, None] = {}
        for payload in payloads:
            # Whoever may connect to the database may notify: what is not ours is passed over.
            with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
                told = orjson.loads(payload)
                message = {name: told[name] for name in ("organization", "topic", "id", "change")}
                keys |= dict.fromkeys(_keys_of(UUID(told["organization"]), message["topic"], message["id"]))
                encoded = orjson.dumps(message)
                messages.pop(encoded, None)  # its last place counts: an update after which a row was deleted is no news
                messages[encoded] = None
        if not messages:
            return
        try:
            self._cache.forget(*keys)
            self._cache.tell(CHANNEL, *messages)
        except CacheUnavailableError:
            self._whole = False


class Follower:
    """Hands what is told on the channel to the hub of this process, and lets its memo know whether that works.

    What is told is handed to the warmer, too, if there is one.
    """

    def __init__(
        self,
        hub: Hub,
        memo: Memo,
        cache: Cache,
        warmer: "Warmer | None" = None,
    ) -> None:
        self._hub = hub
        self._memo = memo
        self._cache = cache
        self._warmer = warmer
        self._last: str | None = None
        self._looked = 0.0

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set; while the channel is away it is tried again."""
        while not stop.is_set():
            try:
                with self._cache.follow(CHANNEL, behind=self._last) as following:
                    self._listen(following, stop)
            except CacheUnavailableError as error:
                if self._memo.trusted:
                    logger(__name__).warning("live events cannot be followed just now", error=str(error))
                self._memo.trust(heard=False)
                stop.wait(_PAUSE_SECONDS)
        self._memo.trust(heard=False)

    def _listen(self, following: Following, stop: threading.Event) -> None:
        while not stop.is_set():
            if not following.complete:
                self._memo.trust(heard=False)
                self._last = None
                self._reset()
                return
            told = following.next(_LISTEN_SECONDS)
            if told is not None and following.complete:
                self._last = told.id
                self._hand_on(told)
            if time.monotonic() - self._looked >= _TRUST_SECONDS:
                self._looked = time.monotonic()
                self._memo.trust(heard=self._cache.get(BRIDGE.key()) is not None)

    def _hand_on(self, told: Told) -> None:
        message = orjson.loads(told.message)
        if message["topic"] == "reset":
            self._reset(told.id)
            return
        organization = UUID(message["organization"])
        self._hub.publish(organization, message["topic"], message["id"], message["change"], identifier=told.id)
        if self._warmer is not None:
            self._warmer.note(organization, message["topic"], message["id"], message["change"])

    def _reset(self, identifier: str | None = None) -> None:
        if self._warmer is not None:
            self._warmer.begin_anew()
        self._hub.reset(identifier)


def _heard(connection: psycopg.Connection[Any]) -> list[str]:
    """The next notice, and those that have come with it: passed on one by one, many would come late."""
    heard = [notice.payload for notice in connection.notifies(timeout=_LISTEN_SECONDS, stop_after=1)]
    while heard and len(heard) < _AT_ONCE:
        more = [notice.payload for notice in connection.notifies(timeout=0, stop_after=1)]
        if not more:
            break
        heard += more
    return heard


def _has(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute(_LOCK).fetchone()
    return bool(row and row[0])


def _keys_of(organization: UUID, topic: str, row: str | None) -> list[str]:
    """What is cached of a row of that topic."""
    if topic == "campaigns":
        return [CAMPAIGN.key(organization_id=organization, campaign_id=row)]
    if topic == "analyses":
        return [ANALYSIS.key(organization_id=organization, session_id=row)]
    if topic == "investigations":
        return [INVESTIGATION.key(organization_id=organization, id=row)]
    return []
