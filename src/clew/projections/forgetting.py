"""Forgetting of the log of changes what no view needs any more, and whom it is not kept for any longer.

What every view has goes. A view that is followed holds what it lacks, up to `feed_maximum_changes`: its engine may be
away for a while. One that nobody follows, such as one that loads leave behind where no server runs, holds
`feed_unfollowed_changes` at most. Whoever lags further is marked, and rebuilt when it is next brought up to date.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import psycopg

from clew.projections import feed

if TYPE_CHECKING:
    from clew.kernel.settings import Settings
    from clew.projections.books import Books

UNFOLLOWED_SECONDS: Final = 3600.0
_AT_ONCE: Final = 100_000


def forget(connection: psycopg.Connection[Any], books: "Books", followed: Iterable[str], settings: "Settings") -> None:
    """Trim the log. `followed`: the views that whoever calls brings up to date."""
    _trim(connection, books)
    most = settings.feed_unfollowed_changes
    left = books.unfollowed(followed, UNFOLLOWED_SECONDS)
    cut = _cut_at(connection, most) if left else None
    if cut is not None:
        books.fallen_behind(cut, f"nobody followed this view, and it lagged more than {most:,} changes behind", left)
        _trim(connection, books)
    cap = settings.feed_maximum_changes
    cut = _cut_at(connection, cap)
    if cut is not None:
        books.fallen_behind(cut, f"the log of changes was cut at {cap:,} before this view had read it")
        needed = books.needed()
        _trim_below(connection, cut, frozenset() if needed is None else needed[1])


def _cut_at(connection: psycopg.Connection[Any], most: int) -> int | None:
    """The transaction before which everything has to go so that about so many changes stay; None if nothing has to."""
    over = feed.size(connection) - most
    return feed.beyond(connection, over) if over > 0 else None


def _trim(connection: psycopg.Connection[Any], books: "Books") -> None:
    needed = books.needed()
    if needed is not None:
        _trim_below(connection, *needed)


def _trim_below(connection: psycopg.Connection[Any], below: int, keep: frozenset[int]) -> None:
    while feed.trim(connection, below, keep, most=_AT_ONCE) == _AT_ONCE:
        pass
