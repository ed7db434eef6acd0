"""Live state and channels in the memory of this process: for the adapter in `clew.kernel.cache.memory`."""

import contextlib
import hashlib
import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar

from clew.kernel.cache.port import REMEMBERED, Told

MOST_STATES: Final = 10_000
_REGISTER_BITS: Final = 13  # 8,192 registers: a standard error of 1.04 / sqrt(8192), 1.15 %
_REGISTERS: Final = 1 << _REGISTER_BITS

_Content = TypeVar("_Content")


@dataclass(slots=True)
class _State:
    content: object
    expires: float


class States:
    """Hashes, sets and sketches of at most `most` keys; those used longest ago make room. The caller holds a guard."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[str, _State] = OrderedDict()

    def find(self, key: str, kind: type[_Content], now: float) -> _Content | None:
        """What is under a key; None if there is nothing of that kind."""
        state = self._kept.get(key)
        if state is None or not isinstance(state.content, kind):
            return None
        if state.expires <= now:
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return state.content

    def keep(self, key: str, content: object, expires: float) -> None:
        """Keep something until then."""
        self._kept[key] = _State(content, expires)
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def forget(self, key: str) -> None:
        """Keep nothing under a key."""
        self._kept.pop(key, None)


class Sketch:
    """How many different members were added, in eight kilobytes (HyperLogLog, Flajolet et al. 2007).

    Counts up to two and a half times the registers are taken from the share of empty ones (linear counting).
    """

    def __init__(self) -> None:
        self._registers = bytearray(_REGISTERS)

    def add(self, member: str) -> None:
        """Add a member."""
        digest = int.from_bytes(hashlib.blake2b(member.encode(), digest_size=8).digest())
        rest = digest >> _REGISTER_BITS
        rank = 64 - _REGISTER_BITS - rest.bit_length() + 1
        place = digest & (_REGISTERS - 1)
        self._registers[place] = max(self._registers[place], rank)

    def count(self) -> int:
        """About how many there were."""
        from math import log  # noqa: PLC0415  counted once a scrape

        estimate = 0.7213 / (1 + 1.079 / _REGISTERS) * _REGISTERS**2 / sum(2.0**-each for each in self._registers)
        empty = self._registers.count(0)
        if estimate <= 2.5 * _REGISTERS and empty:
            estimate = _REGISTERS * log(_REGISTERS / empty)
        return round(estimate)


class Channel:
    """Messages of one channel, the last of them remembered, and those who wait for the next."""

    def __init__(self) -> None:
        self.news = threading.Condition()
        self.epoch = secrets.token_hex(4)
        self.number = 0
        self.told: deque[tuple[int, bytes]] = deque(maxlen=REMEMBERED)

    def tell(self, messages: Sequence[bytes]) -> str:
        """Keep messages and wake who waits; the last one's id."""
        with self.news:
            for message in messages:
                self.number += 1
                self.told.append((self.number, message))
            self.news.notify_all()
            return f"{self.epoch}-{self.number}"

    def behind(self, identifier: str | None) -> tuple[int, bool]:
        """The number to go on behind, and whether nothing between was lost."""
        with self.news:
            first = self.told[0][0] - 1 if self.told else self.number
            if identifier is None:
                return first, True
            epoch, _, number = identifier.partition("-")
            if epoch == self.epoch and number.isdecimal() and first <= int(number) <= self.number:
                return int(number), True
            return first, False


class MemoryFollowing:
    """One follower of a channel: it only keeps its place, so a slow one costs nothing."""

    def __init__(self, channel: Channel, behind: str | None) -> None:
        self._channel = channel
        self._last, self._complete = channel.behind(behind)

    @property
    def complete(self) -> bool:
        """See `Following.complete`."""
        return self._complete

    def next(self, seconds: float) -> Told | None:
        """See `Following.next`."""
        channel = self._channel
        with channel.news:
            if not channel.news.wait_for(lambda: channel.number > self._last, seconds):
                return None
            first = channel.told[0][0]
            self._complete = self._complete and self._last + 1 >= first
            self._last = max(self._last + 1, first)
            return Told(f"{channel.epoch}-{self._last}", channel.told[self._last - first][1])


class MemoryState:
    """The part of the adapter that is not about values and windows. `clock` counts seconds and never goes back."""

    shared = False

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._states = States(MOST_STATES)
        self._channels: dict[str, Channel] = {}

    def note(self, key: str, members: Sequence[str], *, lifetime: timedelta) -> None:
        """See `Cache.note`."""
        with self._guard:
            now = self._clock()
            sketch = self._states.find(key, Sketch, now)
            if sketch is None:
                sketch = Sketch()
                self._states.keep(key, sketch, now + lifetime.total_seconds())
            for member in members:
                sketch.add(member)

    def distinct(self, key: str) -> int:
        """See `Cache.distinct`."""
        with self._guard:
            sketch = self._states.find(key, Sketch, self._clock())
            return 0 if sketch is None else sketch.count()

    def write(self, key: str, fields: Mapping[str, str], *, lifetime: timedelta) -> None:
        """See `Cache.write`."""
        with self._guard:
            now = self._clock()
            present = self._states.find(key, dict, now) or {}
            self._states.keep(key, present | dict(fields), now + lifetime.total_seconds())

    def read(self, key: str) -> dict[str, str]:
        """See `Cache.read`."""
        with self._guard:
            return dict(self._states.find(key, dict, self._clock()) or {})

    def add(self, key: str, members: Sequence[str], *, lifetime: timedelta) -> None:
        """See `Cache.add`."""
        with self._guard:
            now = self._clock()
            present = self._states.find(key, set, now) or set()
            self._states.keep(key, present | set(members), now + lifetime.total_seconds())

    def remove(self, key: str, members: Sequence[str]) -> None:
        """See `Cache.remove`."""
        with self._guard:
            present = self._states.find(key, set, self._clock())
            if present is not None:
                present.difference_update(members)

    def members(self, key: str) -> frozenset[str]:
        """See `Cache.members`."""
        with self._guard:
            return frozenset(self._states.find(key, set, self._clock()) or ())

    def tell(self, channel: str, *messages: bytes) -> str:
        """See `Cache.tell`."""
        return self._channel(channel).tell(messages)

    @contextlib.contextmanager
    def follow(self, channel: str, *, behind: str | None = None) -> Iterator[MemoryFollowing]:
        """See `Cache.follow`."""
        yield MemoryFollowing(self._channel(channel), behind)

    def _channel(self, name: str) -> Channel:
        with self._guard:
            return self._channels.setdefault(name, Channel())
