"""The port: what the program keeps for a while, how often something was done of late, and what is told to everybody.

What is kept here may be gone at any moment, and nothing may depend on its being there: sessions, quotas and whatever
must survive a restart live in PostgreSQL. Keys are made by `clew.kernel.cache.keys`. Every call of an adapter whose
engine is elsewhere may raise CacheUnavailableError, and takes about half a second at most.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final, Protocol

from clew.kernel.errors import ClewError

REMEMBERED: Final = 2000
"""So many messages of a channel are kept for followers that come back."""


class CacheUnavailableError(ClewError):
    """What keeps caches, limits and live state for all server processes cannot be reached."""

    code: ClassVar[str] = "cache_unavailable"
    exit_code: ClassVar[int] = 17
    transient: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` takes within any span of that length, counted under `key`; a key always has the same length."""

    key: str
    limit: int
    length: timedelta


@dataclass(frozen=True, slots=True)
class Room:
    """How a window stands after a take was decided.

    `used` counts the takes of the span that ends now, the decided one included if it was allowed. `freed_after` says
    when the window has room for one more: zero while it has. `empty_after` says when all of it is free again, if
    nothing more is taken.
    """

    window: Window
    used: int
    freed_after: timedelta
    empty_after: timedelta

    @property
    def remaining(self) -> int:
        """How many more takes the window has room for now."""
        return max(self.window.limit - self.used, 0)


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether a take was allowed, and how each of its windows stands, in the order in which they were asked."""

    allowed: bool
    rooms: tuple[Room, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """What was under a key. Without a value: a `lease`, for whoever is to make it, or neither while another does."""

    value: bytes | None = None
    lease: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A message of a channel. `id` says behind which one a follower goes on; it has no other meaning."""

    id: str
    message: bytes


class Windows(Protocol):
    """Limits. Each call happens at once or not at all, whichever threads and processes call."""

    def take(self, windows: Sequence[Window]) -> Taken:
        """Count one take in every window if all of them have room, else in none.

        Of any number of callers at once exactly as many are allowed as there is room for. A limit of 0 allows none.
        """
        ...


class Following(Protocol):
    """What a follower of a channel hears, in the order in which it was told."""

    @property
    def complete(self) -> bool:
        """Whether nothing was missed between the message that was gone on behind and the next one."""
        ...

    def next(self, seconds: float) -> Told | None:
        """The next message; None if there is none for so long. Raises CacheUnavailableError when the engine is gone."""
        ...


class Cache(Windows, Protocol):
    """An adapter. All of it may be called from any thread at any time; each call happens at once or not at all."""

    @property
    def shared(self) -> bool:
        """Whether other processes see the same."""
        ...

    # ------------------------------------------------------------------------------------------------------ values

    def get(self, key: str) -> bytes | None:
        """The value last put under this key, None if it has expired, was forgotten or had to make room."""
        ...

    def put(self, key: str, value: bytes, *, lifetime: timedelta) -> None:
        """Keep a value for at most so long, in place of what was there."""
        ...

    def forget(self, *keys: str) -> None:
        """Keep nothing under these keys any more; no harm where there was nothing. Leases for them end, too."""
        ...

    def forget_under(self, beginning: str) -> None:
        """Forget every value whose key begins so; what is put meanwhile may be forgotten or not."""
        ...

    def look(self, key: str, *, lease: timedelta) -> Looked:
        """The value, or a lease to make it, of which there is one at a time; it ends by itself after so long."""
        ...

    def settle(self, key: str, lease: str, value: bytes, *, lifetime: timedelta) -> bool:
        """Put what the holder of a lease made; nothing, and False, if the lease ended or was ended by `forget`.

        So what was read before a change is not kept when that change has been told.
        """
        ...

    # -------------------------------------------------------------------------------------------------- live state

    def note(self, key: str, members: Sequence[str], *, lifetime: timedelta) -> None:
        """Count members among the different ones that were noted; the lifetime runs from the first note on."""
        ...

    def distinct(self, key: str) -> int:
        """About how many different members were noted (standard error 1 %)."""
        ...

    def write(self, key: str, fields: Mapping[str, str], *, lifetime: timedelta) -> None:
        """Set fields of a hash, and leave its others; all of it is kept for so long from now on."""
        ...

    def read(self, key: str) -> dict[str, str]:
        """The fields of a hash; none if there is none."""
        ...

    def add(self, key: str, members: Sequence[str], *, lifetime: timedelta) -> None:
        """Put members into a set, which is kept for so long from now on."""
        ...

    def remove(self, key: str, members: Sequence[str]) -> None:
        """Take members out of a set."""
        ...

    def members(self, key: str) -> frozenset[str]:
        """The members of a set."""
        ...

    # ---------------------------------------------------------------------------------------------------- channels

    def tell(self, channel: str, *messages: bytes) -> str:
        """Tell everybody who follows a channel, one message or many; the last one's id. REMEMBERED of them are kept."""
        ...

    def follow(self, channel: str, *, behind: str | None = None) -> AbstractContextManager[Following]:
        """Hear what is remembered of a channel, behind the message of that id if one is given, and all that comes."""
        ...
