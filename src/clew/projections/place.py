"""The projector's place: one process keeps the views, and how another one gets to do something with them meanwhile.

Two advisory locks of PostgreSQL. Whoever has the place holds the first. Whoever waits for it, or has it as a guest,
shares in the second. Who keeps the views by following the record looks for guests between two steps, closes what is
open, gives the place up, and takes it again when no guest is left. So a guest works on views that nobody writes
besides, as of a moment of its own choice. Both locks belong to sessions: who dies, however, neither has the place nor
asks for it any more.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import psycopg

from clew.kernel.errors import ClewError, ConflictError

LOOK_SECONDS: Final = 0.25
_POLL_SECONDS: Final = 0.02
_PLACE: Final = "hashtextextended('clew projector', 0)"
_GUESTS: Final = "hashtextextended('clew projector guests', 0)"
_TAKE: Final = f"SELECT pg_try_advisory_lock({_PLACE})"
_ASK: Final = f"SELECT pg_advisory_lock_shared({_GUESTS})"
_IS_WANTED: Final = (
    f"SELECT CASE WHEN pg_try_advisory_lock({_GUESTS}) THEN NOT pg_advisory_unlock({_GUESTS}) ELSE true END"
)
_GIVE_UP: Final = f"SELECT pg_advisory_unlock({_PLACE})"
_BOOKS: Final = "hashtextextended('clew projector books', 0)"
_KEEP_BOOKS: Final = f"SELECT pg_advisory_lock({_BOOKS})"
_LEAVE_BOOKS: Final = f"SELECT pg_advisory_unlock({_BOOKS})"
_LEAVE: Final = "SELECT pg_advisory_unlock_all()"


class ProjectorBusyError(ConflictError):
    """Another process projects: it will take over what this one wanted to."""

    code = "projector_busy"
    transient = True


def keep_books(connection: psycopg.Connection[Any]) -> None:
    """Wait, having the place, until whoever had it before writes the books no more.

    The server ends a session of one who was killed after its last statement; two sessions end in any order.
    """
    connection.execute(_KEEP_BOOKS)


def leave_books(connection: psycopg.Connection[Any]) -> None:
    """Let a guest keep the books, before the place is lent."""
    connection.execute(_LEAVE_BOOKS)


class Stop(Protocol):
    """Says when to stop, as an Event does."""

    def is_set(self) -> bool:
        """Whether it is time."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait so many seconds at most; whether it is time."""


class EndedError(ClewError):
    """Who keeps the views ends while one is being made: it is made anew by whoever follows next."""

    code = "projector_ended"
    transient = True


def never() -> bool:
    """What is being made is not given up: whoever asked for it waits."""
    return False


def unless(given_up: Callable[[], bool]) -> Callable[[int], None]:
    """What watches a view being made: raises EndedError behind the batch in which it is given up."""

    def observe(_rows: int) -> None:
        if given_up():
            raise EndedError("the view was not made to its end", remedy="whoever follows next makes it")

    return observe


class ProjectorPlace:
    """The place as one session sees it. The connection is in autocommit mode, and used by one thread."""

    def __init__(self, connection: psycopg.Connection[Any], address: str) -> None:
        self._connection = connection
        self._address = address

    def take(self, patience_seconds: float = 0.0) -> None:
        """Take the place; with patience, as a guest of whoever keeps the views. Raises ProjectorBusyError."""
        if patience_seconds:
            self._connection.execute(_ASK)
        until = time.monotonic() + patience_seconds
        while not self._is(_TAKE):
            if time.monotonic() >= until:
                raise self._busy(patience_seconds)
            time.sleep(_POLL_SECONDS)

    def is_wanted(self) -> bool:
        """Whether a guest waits for the place, or has it."""
        return self._is(_IS_WANTED)

    def lend(self, stop: Stop) -> None:
        """Give the place up until no guest is left and nobody else has it, or until `stop` is set."""
        self._connection.execute(_GIVE_UP)
        while not stop.wait(_POLL_SECONDS):
            if not self.is_wanted() and self._is(_TAKE):
                return

    def leave(self) -> None:
        """Give everything up, at once for whoever waits."""
        self._connection.execute(_LEAVE)

    def _busy(self, waited_seconds: float) -> ProjectorBusyError:
        if not waited_seconds:
            return ProjectorBusyError(
                "another process keeps the views up to date just now",
                where=self._address,
                remedy="it takes over what this one would have done; see `clew projection status`",
            )
        return ProjectorBusyError(
            f"whoever keeps the views did not let anybody else at them for {waited_seconds:.0f} s",
            where=self._address,
            remedy="a view may be being made anew: try again once `clew projection status` says that it is ready",
        )

    def _is(self, query: str) -> bool:
        row = self._connection.execute(query).fetchone()
        return row is not None and bool(row[0])


class Wanted(Protocol):
    """A place that a guest may wait for."""

    def is_wanted(self) -> bool:
        """Whether one does."""


class StopForGuests:
    """Set when `stop` is, and while a guest waits for the place."""

    def __init__(self, stop: threading.Event, place: Wanted) -> None:
        self._stop = stop
        self._place = place

    def is_set(self) -> bool:
        """Whether to stop, or to let a guest in."""
        return self._stop.is_set() or self._place.is_wanted()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait so many seconds (None: for ever) at most; the same."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left = LOOK_SECONDS if until is None else min(LOOK_SECONDS, until - time.monotonic())
            if left <= 0:
                return False
            self._stop.wait(left)
        return True
