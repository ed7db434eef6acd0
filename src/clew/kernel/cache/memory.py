"""The adapter in the memory of this process: exact, bounded, and seen by no other process."""

import math
import secrets
import time
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from clew.kernel.cache.memory_state import MemoryState
from clew.kernel.cache.port import Looked, Room, Taken, Window

MOST_BYTES: Final = 64 << 20
MOST_KEYS: Final = 50_000
MOST_TAKES: Final = 2_000_000

_KEY_OVERHEAD: Final = 250  # bytes that a kept value costs beside itself, measured with tracemalloc
_COMPACT_BEYOND: Final = 64


class MemoryCache(MemoryState):
    """Values up to `most_bytes` in all; windows up to `most_keys` keys and `most_takes` takes for each length.

    What has to make room is what was used longest ago. Windows of each length are kept apart, so that a flood of
    addresses (an hour) pushes out no caller's (a minute). `clock` counts seconds and never goes back.
    """

    def __init__(
        self,
        *,
        most_bytes: int = MOST_BYTES,
        most_keys: int = MOST_KEYS,
        most_takes: int = MOST_TAKES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(clock)
        self._values = _Values(most_bytes)
        self._leases: OrderedDict[str, _Lease] = OrderedDict()
        self._most_keys = most_keys
        self._most_takes = most_takes
        self._shelves: dict[timedelta, _Shelf] = {}

    def get(self, key: str) -> bytes | None:
        """See `Cache.get`."""
        with self._guard:
            return self._values.get(key, self._clock())

    def put(self, key: str, value: bytes, *, lifetime: timedelta) -> None:
        """See `Cache.put`. A value that is larger than all there is room for is not kept."""
        with self._guard:
            self._values.put(key, value, self._clock() + lifetime.total_seconds())

    def forget(self, *keys: str) -> None:
        """See `Cache.forget`."""
        with self._guard:
            for key in keys:
                self._values.forget(key)
                self._states.forget(key)
                self._leases.pop(key, None)

    def forget_under(self, beginning: str) -> None:
        """See `Cache.forget_under`."""
        with self._guard:
            for key in self._values.keys_under(beginning):
                self._values.forget(key)
            for key in [each for each in self._leases if each.startswith(beginning)]:
                del self._leases[key]

    def look(self, key: str, *, lease: timedelta) -> Looked:
        """See `Cache.look`."""
        with self._guard:
            now = self._clock()
            value = self._values.get(key, now)
            if value is not None:
                return Looked(value)
            held = self._leases.get(key)
            if held is not None and held.expires > now:
                return Looked()
            while self._leases and next(iter(self._leases.values())).expires <= now:
                self._leases.popitem(last=False)
            self._leases[key] = made = _Lease(secrets.token_hex(8), now + lease.total_seconds())
            self._leases.move_to_end(key)
            return Looked(lease=made.token)

    def settle(self, key: str, lease: str, value: bytes, *, lifetime: timedelta) -> bool:
        """See `Cache.settle`."""
        with self._guard:
            now = self._clock()
            held = self._leases.get(key)
            if held is None or held.token != lease or held.expires <= now:
                return False
            del self._leases[key]
            self._values.put(key, value, now + lifetime.total_seconds())
            return True

    def take(self, windows: Sequence[Window]) -> Taken:
        """See `Cache.take`."""
        with self._guard:
            now = self._clock()
            logs = [self._shelf(window.length).log(window.key, now) for window in windows]
            allowed = all(log is None or len(log) < window.limit for window, log in zip(windows, logs, strict=True))
            allowed = allowed and all(window.limit > 0 for window in windows)
            if allowed:
                for window in windows:
                    self._shelves[window.length].add(window.key, now)
            rooms = tuple(self._room(window, now) for window in windows)
        return Taken(allowed, rooms)

    def counts(self) -> tuple[int, int, int]:
        """How many values, keys of windows and takes are kept, for tests and measurements."""
        with self._guard:
            shelves = self._shelves.values()
            return len(self._values), sum(len(each.logs) for each in shelves), sum(each.takes for each in shelves)

    def _shelf(self, length: timedelta) -> "_Shelf":
        if length not in self._shelves:
            self._shelves[length] = _Shelf(length.total_seconds(), self._most_keys, self._most_takes)
        return self._shelves[length]

    def _room(self, window: Window, now: float) -> Room:
        shelf = self._shelves[window.length]
        log = shelf.logs.get(window.key)
        used = 0 if log is None else len(log)
        freed = empty = 0.0
        if log is not None and used:
            empty = log.last() + shelf.seconds - now
        if window.limit <= 0:
            freed = math.inf
        elif log is not None and used >= window.limit:
            freed = log.at(used - window.limit) + shelf.seconds - now
        longest = window.length
        return Room(window, used, min(_span(freed, longest), longest), min(_span(empty, longest), longest))


@dataclass(frozen=True, slots=True)
class _Lease:
    token: str
    expires: float


@dataclass(slots=True)
class _Value:
    content: bytes
    expires: float


class _Values:
    """Values by last use; whoever calls holds the guard."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, _Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def keys_under(self, beginning: str) -> list[str]:
        return [key for key in self._kept if key.startswith(beginning)]

    def get(self, key: str, now: float) -> bytes | None:
        value = self._kept.get(key)
        if value is None:
            return None
        if value.expires <= now:
            self.forget(key)
            return None
        self._kept.move_to_end(key)
        return value.content

    def put(self, key: str, content: bytes, expires: float) -> None:
        self.forget(key)
        size = _size(key, content)
        if size > self._most:
            return
        while self._bytes + size > self._most:
            self.forget(next(iter(self._kept)))
        self._kept[key] = _Value(content, expires)
        self._bytes += size

    def forget(self, key: str) -> None:
        value = self._kept.pop(key, None)
        if value is not None:
            self._bytes -= _size(key, value.content)


class _Log:
    """When takes happened, oldest first: eight bytes each."""

    __slots__ = ("_begin", "_times")

    def __init__(self) -> None:
        self._times = array("d")
        self._begin = 0

    def __len__(self) -> int:
        return len(self._times) - self._begin

    def at(self, place: int) -> float:
        return self._times[self._begin + place]

    def last(self) -> float:
        return self._times[-1]

    def add(self, now: float) -> None:
        self._times.append(now)

    def drop_until(self, moment: float) -> int:
        """Forget what happened then or before; how many that were."""
        begin = bisect_right(self._times, moment, self._begin)
        dropped, self._begin = begin - self._begin, begin
        # Moving the rest to the front each time would cost as much as the window is long.
        if self._begin > _COMPACT_BEYOND and self._begin * 2 > len(self._times):
            del self._times[: self._begin]
            self._begin = 0
        return dropped


class _Shelf:
    """Windows of one length, by their last take: the first of them is the first to be empty."""

    def __init__(self, seconds: float, most_keys: int, most_takes: int) -> None:
        self.seconds = seconds
        self.logs: OrderedDict[str, _Log] = OrderedDict()
        self.takes = 0
        self._most_keys = most_keys
        self._most_takes = most_takes

    def log(self, key: str, now: float) -> _Log | None:
        """The takes of a key within the span that ends now; None for none."""
        since = now - self.seconds
        while self.logs and next(iter(self.logs.values())).last() <= since:
            self._evict()
        log = self.logs.get(key)
        if log is not None:
            self.takes -= log.drop_until(since)
        return log

    def add(self, key: str, now: float) -> None:
        log = self.logs.pop(key, None) or _Log()
        while self.logs and (len(self.logs) >= self._most_keys or self.takes >= self._most_takes):
            self._evict()
        log.add(now)
        self.logs[key] = log
        self.takes += 1

    def _evict(self) -> None:
        _, log = self.logs.popitem(last=False)
        self.takes -= len(log)


def _size(key: str, content: bytes) -> int:
    return len(key) + len(content) + _KEY_OVERHEAD


def _span(seconds: float, longest: timedelta) -> timedelta:
    return longest if math.isinf(seconds) else timedelta(seconds=max(seconds, 0.0))
