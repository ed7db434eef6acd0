"""What is read where the record keeps it. There is no copy to fall behind, to rebuild or to lose.

What `verify` proves of it is less than of a view, and said so: that its reader, which the organization's row security
and its pages bound, gives every row of the record once and as it is. It cannot show that two stores agree, for there is
one.
"""

from collections.abc import Iterable
from typing import Any, Final, Protocol

import psycopg

from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.errors import ConflictError
from clew.kernel.roles import PROJECTOR
from clew.projections.keeping import Status, Verified
from clew.projections.projection import Comparison

IN_PLACE: Final = "in place"


class InPlaceView(Protocol):
    """A part of the record that has a reader of its own."""

    @property
    def name(self) -> str:
        """Its name, as commands take it."""

    @property
    def adapter(self) -> str:
        """The engine that keeps it."""

    def rows(self, connection: psycopg.Connection[Any]) -> int:
        """How many rows it shows, of all organizations."""

    def compare(self, database: Database, connection: psycopg.Connection[Any]) -> Comparison:
        """What its reader gives beside the record, both as the connection's transaction sees them."""


def status(database: Database, views: Iterable[InPlaceView]) -> list[Status]:
    """How each fares: always up to date."""
    with database_errors(database.address), database.connect_raw(PROJECTOR) as connection:
        return [
            Status(
                projection=view.name,
                adapter=view.adapter,
                state=IN_PLACE,
                reason=None,
                position="",
                lag_seconds=0.0,
                lag_changes=0,
                rows=view.rows(connection),
                errors=0,
                last_error=None,
                set_aside=0,
                caught_up_at=None,
                held_back_by=(),
            )
            for view in views
        ]


def verify(database: Database, view: InPlaceView) -> Verified:
    """Its reader beside the record. Nothing is ever repaired: what differs is a fault of the reader."""
    with (
        database_errors(database.address),
        database.connect_raw(PROJECTOR) as connection,
        connection.transaction(),
    ):
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found = view.compare(database, connection)
    return Verified(view.name, found, set_aside=0, repaired=False, left=None)


def refuse(view: InPlaceView, asked: str) -> ConflictError:
    """The error for what is done with copies only."""
    return ConflictError(
        f"{view.name} is read where the record keeps it: there is nothing to {asked}",
        where=view.adapter,
        remedy="back up the database; a view of it is kept where CLEW_DOCUMENTS_URL names a MongoDB",
    )
