"""What operators do with projections beyond letting them follow: status, verify and repair, drill."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg

from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.errors import ClewError
from clew.kernel.roles import PROJECTOR
from clew.projections import feed
from clew.projections.books import Books
from clew.projections.feed import Key, Position
from clew.projections.projection import Comparison, Difference, Projection
from clew.projections.projector import Projector

PATIENCE_SECONDS: Final = 120.0  # one step of whoever follows takes seconds; a rebuild of a million rows takes minutes
_SHOWN_DIFFERENCES: Final = 20
UNREACHABLE: Final = "unreachable"
_REPAIR_AT_ONCE: Final = 20_000


class ProjectionDiffersError(ClewError):
    """A view does not say what the record says."""

    code = "projection_differs"
    exit_code = 9


@dataclass(frozen=True, slots=True)
class Status:
    """How a projection fares. `lag_seconds` is the age of the oldest change the view does not hold; 0 if it has all.

    `held_back_by`: transactions still open, anywhere in the cluster; what they changed shows when they commit.
    """

    projection: str
    adapter: str
    state: str  # building, ready, rebuild, missing
    reason: str | None
    position: str
    lag_seconds: float
    lag_changes: int
    rows: int
    errors: int
    last_error: str | None
    set_aside: int
    caught_up_at: str | None
    held_back_by: tuple[feed.Holder, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "projection": self.projection,
            "adapter": self.adapter,
            "state": self.state,
            "reason": self.reason,
            "position": self.position,
            "lag_seconds": round(self.lag_seconds, 3),
            "lag_changes": self.lag_changes,
            "rows": self.rows,
            "errors": self.errors,
            "last_error": self.last_error,
            "set_aside": self.set_aside,
            "caught_up_at": self.caught_up_at,
            "held_back_by": [
                {"pid": each.pid, "application": each.application, "seconds": each.seconds}
                for each in self.held_back_by
            ],
        }


@dataclass(frozen=True, slots=True)
class Verified:
    """A comparison of record and view, before any repair, and what the repair left."""

    projection: str
    comparison: Comparison
    set_aside: int
    repaired: bool
    left: Comparison | None

    @property
    def equal(self) -> bool:
        """Whether record and view say the same now."""
        return (self.left or self.comparison).equal

    def as_dict(self) -> dict[str, Any]:
        """For JSON: counts of the comparison before any repair, and examples."""
        found = self.comparison
        return {
            "projection": self.projection,
            "record_rows": found.record_rows,
            "view_rows": found.view_rows,
            "missing": len(found.missing),
            "extra": len(found.extra),
            "different": len(found.different),
            "set_aside": self.set_aside,
            "equal": self.equal,
            "repaired": self.repaired,
            "examples": [
                {"kind": kind, "part": each.part, "id": str(each.row_id), "table": each.table}
                for kind, listed in (
                    ("missing", found.missing),
                    ("extra", found.extra),
                    ("different", found.different),
                )
                for each in listed[:_SHOWN_DIFFERENCES]
            ],
        }


@dataclass(frozen=True, slots=True)
class Drilled:
    """A copy that was destroyed and rebuilt, and whether it came out equal to the record."""

    projection: str
    rebuilt_rows: int
    seconds: float
    equal: bool

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "projection": self.projection,
            "rebuilt_rows": self.rebuilt_rows,
            "seconds": round(self.seconds, 3),
            "equal": self.equal,
        }


def status(database: Database, projections: Sequence[Projection]) -> list[Status]:
    """How every projection fares. Does not disturb the projector, whoever that is."""
    with database_errors(database.address), database.connect_raw(PROJECTOR) as connection:
        connection.autocommit = True
        own = connection.info.backend_pid
        return [_status_of(connection, each, feed.holders(connection, besides=own)) for each in projections]


def verify(projector: Projector, name: str, *, repair: bool = False) -> Verified:
    """Bring a view up to a moment and compare every document with the record as of that moment.

    With `repair` what differs is taken over anew, and all is compared once more.
    """
    projection = projector.projection(name)
    projector.advance(projection)
    comparison, aside, position = _compared(projector, projection)
    left = None
    if repair and not comparison.equal:
        _repair(projector, projection, comparison, position)
        left, aside, _ = _compared(projector, projection)
    return Verified(name, comparison, len(aside), left is not None, left)


def drill(projector: Projector, name: str, observe: Callable[[int], None] = lambda _: None) -> Drilled:
    """Copy a view, rebuild the copy from the record alone, and compare the outcome with the record and the view.

    The view in use is not touched.
    """
    projection = projector.projection(name)
    projector.advance(projection)
    with projection.copy() as copy, projector.moment():
        began = time.monotonic()
        with copy.building() as writing:
            writing.fill(projector.connection, observe)
            writing.commit("")
        seconds = time.monotonic() - began
        aside = projector.books.aside(name)
        rebuilt = _without(copy.compare(projector.connection), aside)
        return Drilled(name, copy.rows(), seconds, rebuilt.equal)


def _compared(
    projector: Projector, projection: Projection
) -> tuple[Comparison, dict[tuple[UUID, UUID], str], Position]:
    """The view brought up to the moment of a transaction, and compared within it."""
    with projector.moment():
        position = _reach(projector, projection)
        aside = projector.books.aside(projection.name)
        return _without(projection.compare(projector.connection), aside), aside, position


def _reach(projector: Projector, projection: Projection) -> Position:
    """Take over all that the present transaction sees beyond the view's position."""
    position = Position.decode(projection.position() or "")
    if position is None:
        raise LookupError("a view that was advanced states its position")
    while True:
        stretch = feed.read(projector.connection, position, limit=_REPAIR_AT_ONCE)
        if not stretch.changes and position.target is None:
            return position
        with projection.writing() as writing:
            tried, aside = projector.apply(projection, writing)
            position, late = projector.commit(projection, writing, stretch.position, stretch.changes)
        projector.books.set_aside(projection.name, tried, (*aside, *late))


def _repair(projector: Projector, projection: Projection, found: Comparison, position: Position) -> None:
    wrong = [each for each in (*found.missing, *found.different) if each.table is not None]
    keys = [Key(each.organization_id, each.table or "", each.row_id) for each in wrong]
    with projection.writing() as writing:
        writing.remove(found.extra)
        for start in range(0, len(keys), _REPAIR_AT_ONCE):
            some = keys[start : start + _REPAIR_AT_ONCE]
            with projector.moment():
                feed.give(projector.connection, some)
                _, aside = projector.apply(projection, writing)
            projector.books.set_aside(projection.name, some, aside)
        _, late = projector.commit(projection, writing, position, 0)
        projector.books.set_aside(projection.name, (), late)


def _without(comparison: Comparison, aside: dict[tuple[UUID, UUID], str]) -> Comparison:
    """A comparison that does not blame the view for rows it refused and told of."""
    if not aside:
        return comparison

    def kept(listed: tuple[Difference, ...]) -> tuple[Difference, ...]:
        return tuple(each for each in listed if (each.organization_id, each.row_id) not in aside)

    return Comparison(
        comparison.record_rows,
        comparison.view_rows,
        kept(comparison.missing),
        comparison.extra,
        kept(comparison.different),
    )


def _status_of(connection: psycopg.Connection[Any], projection: Projection, held: tuple[feed.Holder, ...]) -> Status:
    books = Books(connection)
    page = books.page(projection.name)
    reason = page.reason if page else None
    rows = 0
    try:
        text = projection.position()
        state = "missing" if text is None else page.status if page is not None else "building"
        with contextlib.suppress(ClewError):
            rows = projection.rows()
    except ClewError as error:  # the engine is away: what the books noted last
        text, state, reason = page.position if page else None, UNREACHABLE, str(error)
        rows = page.rows if page else 0
    position = Position.decode(text or "")
    lag = feed.lag(connection, position) if position is not None else feed.Lag(feed.size(connection), 0.0)
    return Status(
        projection=projection.name,
        adapter=projection.adapter,
        state=state,
        reason=reason,
        position=_readable(position),
        lag_seconds=lag.seconds if lag.changes else 0.0,
        lag_changes=lag.changes,
        rows=rows,
        errors=page.errors if page else 0,
        last_error=page.last_error if page else None,
        set_aside=books.count_aside(projection.name),
        caught_up_at=page.caught_up_at.isoformat() if page and page.caught_up_at else None,
        held_back_by=held,
    )


def _readable(position: Position | None) -> str:
    return f"{position.epoch}/{position.snapshot}" if position is not None else ""


@contextlib.contextmanager
def projecting(
    database: Database, projections: Sequence[Projection], *, patience_seconds: float = PATIENCE_SECONDS
) -> Iterator[Projector]:
    """The projector's place for the block, lent by whoever follows the record. Raises ProjectorBusyError."""
    with (
        database_errors(database.address),
        Projector(database, projections, patience_seconds=patience_seconds) as projector,
    ):
        yield projector
