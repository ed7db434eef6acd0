"""The adapter on Redis: what the port promises, by Redis' own types, and by scripts where one step has to be one."""

import contextlib
import re
import secrets
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import redis

from clew.kernel.cache.keys import LEASE
from clew.kernel.cache.port import REMEMBERED, CacheUnavailableError, Looked, Room, Taken, Told, Window
from clew.kernel.cache.redis.connection import RedisConnection
from clew.kernel.cache.redis.scripts import LOOK, SETTLE, TAKE, TELL

_RECHECK_SECONDS: Final = 1.0
_AT_ONCE: Final = 500
_NOTHING: Final = (0, 0)


class RedisCache:
    """Everything in one database of a Redis. `installation` tells its channels, which databases share, apart."""

    shared = True

    def __init__(self, connection: RedisConnection, installation: str) -> None:
        self._connection = connection
        self._installation = installation
        script = connection.client.register_script
        self._take, self._look, self._settle, self._tell = script(TAKE), script(LOOK), script(SETTLE), script(TELL)

    @property
    def connection(self) -> RedisConnection:
        """The connection, for those who tell how it fares."""
        return self._connection

    def close(self) -> None:
        """Close all connections."""
        self._connection.close()

    # ------------------------------------------------------------------------------------------------------- values

    def get(self, key: str) -> bytes | None:
        """See `Cache.get`."""
        with self._connection.asking() as client:
            value: bytes | None = client.get(key)
        return value

    def put(self, key: str, value: bytes, *, lifetime: timedelta) -> None:
        """See `Cache.put`."""
        with self._connection.asking() as client:
            client.set(key, value, px=_milliseconds(lifetime))

    def forget(self, *keys: str) -> None:
        """See `Cache.forget`."""
        if keys:
            with self._connection.asking() as client:
                client.unlink(*(each for key in keys for each in (key, LEASE.key(key=key))))

    def forget_under(self, beginning: str) -> None:
        """See `Cache.forget_under`. Looks at every key of the database, some hundred thousand a second."""
        for start in (_literal(LEASE.key(key=beginning)), _literal(beginning)):
            place = 0
            while True:
                with self._connection.asking() as client:
                    place, found = client.scan(place, match=f"{start}*", count=_AT_ONCE)
                    if found:
                        client.unlink(*found)
                if not place:
                    break

    def look(self, key: str, *, lease: timedelta) -> Looked:
        """See `Cache.look`."""
        token = secrets.token_hex(8)
        with self._connection.asking():
            value, mine = self._look([key, LEASE.key(key=key)], [token, _milliseconds(lease)])
        return Looked(value, token if mine else None)

    def settle(self, key: str, lease: str, value: bytes, *, lifetime: timedelta) -> bool:
        """See `Cache.settle`."""
        with self._connection.asking():
            return bool(self._settle([key, LEASE.key(key=key)], [lease, value, _milliseconds(lifetime)]))

    # ------------------------------------------------------------------------------------------------------ windows

    def take(self, windows: Sequence[Window]) -> Taken:
        """See `Cache.take`. All keys have to be on one server, as they are wherever Redis is no cluster."""
        if not windows:
            return Taken(allowed=True, rooms=())
        told: list[Any] = [secrets.token_hex(8)]
        for window in windows:
            told += (window.limit, _milliseconds(window.length))
        with self._connection.asking():
            allowed, *rest = self._take([window.key for window in windows], told)
        rooms = tuple(
            Room(window, rest[place], _span(rest[place + 1], window), _span(rest[place + 2], window))
            for place, window in zip(range(0, len(rest), 3), windows, strict=True)
        )
        return Taken(bool(allowed), rooms)

    # --------------------------------------------------------------------------------------------------- live state

    def note(self, key: str, members: Sequence[str], *, lifetime: timedelta) -> None:
        """See `Cache.note`."""
        if members:
            with self._connection.asking() as client, client.pipeline() as pipe:
                pipe.pfadd(key, *members).pexpire(key, _milliseconds(lifetime), nx=True).execute()

    def distinct(self, key: str) -> int:
        """See `Cache.distinct`."""
        with self._connection.asking() as client:
            return int(client.pfcount(key))

    def write(self, key: str, fields: Mapping[str, str], *, lifetime: timedelta) -> None:
        """See `Cache.write`."""
        if fields:
            with self._connection.asking() as client, client.pipeline() as pipe:
                pipe.hset(key, mapping=dict(fields)).pexpire(key, _milliseconds(lifetime)).execute()

    def read(self, key: str) -> dict[str, str]:
        """See `Cache.read`."""
        with self._connection.asking() as client:
            return {name.decode(): value.decode() for name, value in client.hgetall(key).items()}

    def add(self, key: str, members: Sequence[str], *, lifetime: timedelta) -> None:
        """See `Cache.add`."""
        if members:
            with self._connection.asking() as client, client.pipeline() as pipe:
                pipe.sadd(key, *members).pexpire(key, _milliseconds(lifetime)).execute()

    def remove(self, key: str, members: Sequence[str]) -> None:
        """See `Cache.remove`."""
        if members:
            with self._connection.asking() as client:
                client.srem(key, *members)

    def members(self, key: str) -> frozenset[str]:
        """See `Cache.members`."""
        with self._connection.asking() as client:
            return frozenset(member.decode() for member in client.smembers(key))

    # ----------------------------------------------------------------------------------------------------- channels

    def tell(self, channel: str, *messages: bytes) -> str:
        """See `Cache.tell`. What was told and not answered may be told twice."""
        with self._connection.asking():
            identifier: bytes = self._tell([channel], [self._name(channel), REMEMBERED, *messages])
        return identifier.decode()

    @contextlib.contextmanager
    def follow(self, channel: str, *, behind: str | None = None) -> Iterator["RedisFollowing"]:
        """See `Cache.follow`."""
        with self._connection.asking() as client:
            heard = client.pubsub(ignore_subscribe_messages=True)
            heard.subscribe(self._name(channel))
        try:
            yield RedisFollowing(self._connection, heard, channel, behind)
        finally:
            with contextlib.suppress(redis.RedisError, OSError):
                heard.close()

    def _name(self, channel: str) -> str:
        """Channels are all databases' of a server, unlike keys."""
        return f"{self._installation}:{channel}"


class RedisFollowing:
    """What is told is published and kept in a stream: what a broken connection did not bring is read from there."""

    def __init__(self, connection: RedisConnection, heard: Any, channel: str, behind: str | None) -> None:
        self._connection = connection
        self._heard = heard
        self._channel = channel
        known = _NOTHING if behind is None else _place(behind)
        self._complete = known is not None
        self._last = known or _NOTHING
        self._waiting: deque[Told] = deque()
        self._checked = 0.0
        self._catch_up()

    @property
    def complete(self) -> bool:
        """See `Following.complete`."""
        return self._complete

    def next(self, seconds: float) -> Told | None:
        """See `Following.next`."""
        until = time.monotonic() + seconds
        while not self._waiting:
            now = time.monotonic()
            if now - self._checked >= _RECHECK_SECONDS:
                self._catch_up()  # the connection may have died without a word
            elif now >= until:
                return None
            else:
                self._hear(min(until - now, _RECHECK_SECONDS))
        return self._waiting.popleft()

    def _hear(self, seconds: float) -> None:
        try:
            message = self._heard.get_message(timeout=seconds)
        except redis.RedisError as error:
            raise CacheUnavailableError(
                "the connection to Redis broke", where=self._connection.address, remedy="it is made anew"
            ) from error
        if message is not None:
            identifier, _, body = message["data"].partition(b" ")
            self._keep(identifier, body)

    def _catch_up(self) -> None:
        """Read what the stream holds beyond the last message; what was the last one has to be there still."""
        while True:
            since = "-" if self._last == _NOTHING else f"{self._last[0]}-{self._last[1]}"
            with self._connection.asking() as client:
                found = client.xrange(self._channel, min=since, count=_AT_ONCE)
            if since != "-" and not (found and found[0][0] == since.encode()):
                self._complete = False
            for identifier, fields in found:
                self._keep(identifier, fields[b"m"])
            if len(found) < _AT_ONCE:
                self._checked = time.monotonic()
                return

    def _keep(self, identifier: bytes, body: bytes) -> None:
        place = _place(identifier.decode())
        if place is not None and place > self._last:
            self._last = place
            self._waiting.append(Told(identifier.decode(), body))


def _place(identifier: str) -> tuple[int, int] | None:
    milliseconds, _, number = identifier.partition("-")
    if not (milliseconds.isdecimal() and number.isdecimal() and len(milliseconds) < 20 and len(number) < 20):
        return None
    return int(milliseconds), int(number)


def _literal(text: str) -> str:
    """What a pattern has to say to mean this text."""
    return re.sub(r"([*?\[\]\\^])", r"\\\1", text)


def _milliseconds(span: timedelta) -> int:
    return max(1, round(span.total_seconds() * 1000))


def _span(microseconds: int, window: Window) -> timedelta:
    return min(timedelta(microseconds=max(microseconds, 0)), window.length)
