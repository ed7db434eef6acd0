"""The port: what the program keeps for a while, and how often something was done within a sliding window.

What is kept here may be gone at any moment, and nothing may depend on its being there: sessions, quotas and whatever
must survive a restart live in PostgreSQL.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` takes within any span of that length, counted under `key` (made by `clew.kernel.cache.keys`)."""

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


class Cache(Protocol):
    """An adapter. All of it may be called from any thread at any time; each call happens at once or not at all."""

    def get(self, key: str) -> bytes | None:
        """The value last put under this key, None if it has expired, was forgotten or had to make room."""
        ...

    def put(self, key: str, value: bytes, *, lifetime: timedelta) -> None:
        """Keep a value for at most so long, in place of what was there."""
        ...

    def forget(self, *keys: str) -> None:
        """Keep nothing under these keys any more; no harm where there was nothing."""
        ...

    def take(self, windows: Sequence[Window]) -> Taken:
        """Count one take in every window if all of them have room, else in none.

        Of any number of callers at once exactly as many are allowed as there is room for. A limit of 0 allows none.
        """
        ...
