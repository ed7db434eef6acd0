"""What the projector asks of a projection: a view of the record that can be written, rebuilt and compared."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import psycopg

from clew.projections.feed import Key

AnyConnection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Aside:
    """A row that the view would not take, and why. It is tried again when it changes, and by every rebuild."""

    key: Key
    reason: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A row of which view and record do not say the same. `table` is None for what the record does not hold."""

    organization_id: UUID
    part: str  # the projection's own name of a part of the view, such as "attacks"
    row_id: UUID
    table: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Record and view, row by row, at one moment. Equal if all three lists are empty."""

    record_rows: int
    view_rows: int
    missing: tuple[Difference, ...]  # in the record only
    extra: tuple[Difference, ...]  # in the view only
    different: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        """Whether view and record say the same."""
        return not (self.missing or self.extra or self.different)


class Writing(Protocol):
    """Changes a view: nothing counts before `commit`."""

    def apply(self, connection: AnyConnection) -> tuple[Aside, ...]:
        """Take over the present state of the rows in the connection's STRETCH; what is not there is removed."""

    def remove(self, differences: Iterable[Difference]) -> None:
        """Remove what the record does not hold."""

    def fill(self, connection: AnyConnection, observe: Callable[[int], None]) -> tuple[Aside, ...]:
        """Take over all rows of the record; `observe` is told how many so far."""

    def commit(self, position: str) -> tuple[Aside, ...]:
        """Make all of it durable and visible, and the position with it; rows that the engine refused only now."""


class Projection(Protocol):
    """A view of the record, kept by the projector."""

    @property
    def name(self) -> str:
        """Its name, as commands take it."""

    @property
    def adapter(self) -> str:
        """The engine that keeps it."""

    @property
    def schema_version(self) -> int:
        """What this program reads and writes; a view of another version is rebuilt."""

    @property
    def tables(self) -> frozenset[str]:
        """The tables it follows."""

    @property
    def kept_by_loads(self) -> bool:
        """Whether commands that change the record leave it up to date. If not, a server does, or whoever reads it."""

    def position(self) -> str | None:
        """The position stored with the view; None where there is none, or none that this program can use."""

    def rows(self) -> int:
        """How many rows the view holds."""

    def writing(self) -> AbstractContextManager[Writing]:
        """Write to the view as it is. Raises a ClewError if it cannot be written."""

    def building(self) -> AbstractContextManager[Writing]:
        """Write a new view that takes the old one's place when the block ends, unless it raises."""

    def compare(self, connection: AnyConnection) -> Comparison:
        """Compare what the engine gives back with the record as that connection's transaction sees it."""

    def copy(self) -> AbstractContextManager["Projection"]:
        """A copy of the view at a place of its own, gone after the block: to be damaged and rebuilt."""
