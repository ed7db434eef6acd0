"""The counts of the record as a projection: blocks and days in PostgreSQL, written by the projector alone.

Points that were measured lie in the same tables and are the record itself; these are a view of it, and could be made
anew. They are written in one transaction with their position. What a change touches is counted again by whole hours.
"""

import contextlib
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, LiteralString

import psycopg

from clew.kernel.errors import DatabaseUnavailableError
from clew.kernel.roles import PROJECTOR
from clew.projections.projection import Aside, Comparison, Difference, Projection

if TYPE_CHECKING:
    from clew.kernel.settings import Settings
    from clew.projections.series.recounting import Recount

NAME: Final = "series"
SCHEMA_VERSION: Final = 1
_ROWS: Final = "SELECT count(*) FROM series_days WHERE derived"
_POSITION: Final = "SELECT position FROM series_state WHERE name = %s AND schema_version = %s"
_STATE: Final = """
INSERT INTO series_state (name, schema_version, position) VALUES (%s, %s, %s)
ON CONFLICT (name) DO UPDATE SET schema_version = excluded.schema_version, position = excluded.position
"""


class SeriesProjection:
    """Keeps `event_counts` and `event_timelines`."""

    def __init__(self, settings: "Settings", scratch: "psycopg.Connection[Any] | None" = None) -> None:
        self._settings = settings
        self._scratch = scratch
        self._line: psycopg.Connection[Any] | None = None  # whoever follows asks for the position all the time
        self._opened = contextlib.ExitStack()
        weakref.finalize(self, self._opened.close)

    @property
    def name(self) -> str:
        """Always "series"."""
        return NAME

    @property
    def adapter(self) -> str:
        """Where they lie."""
        return "postgresql"

    @property
    def schema_version(self) -> int:
        """Of what is counted and how it lies."""
        return SCHEMA_VERSION

    @property
    def tables(self) -> frozenset[str]:
        """What is counted."""
        return frozenset({"events", "attack_sessions"})

    @property
    def kept_by_loads(self) -> bool:
        """Never: who reads counts brings them up first."""
        return False

    def position(self) -> str | None:
        """The position stored with the counts."""
        row = self._asked(_POSITION, NAME, SCHEMA_VERSION)
        return str(row[0]) if row else None

    def rows(self) -> int:
        """Days of series, of all organizations."""
        row = self._asked(_ROWS)
        return int(row[0]) if row else 0

    @contextlib.contextmanager
    def writing(self) -> Iterator["SeriesWriting"]:
        """Write to the counts as they are."""
        with self._connected() as connection:
            try:
                yield SeriesWriting(connection, self._settings)
            finally:
                if self._scratch is None:
                    connection.rollback()

    def building(self) -> contextlib.AbstractContextManager["SeriesWriting"]:
        """The same: what is filled replaces all there is in one transaction."""
        return self.writing()

    def compare(self, connection: psycopg.Connection[Any]) -> Comparison:
        """Count all of it again, and compare points and roll-ups by measurement and day; look at every old file."""
        from clew.projections.series.recounting import compare  # noqa: PLC0415  loads what counts

        with self._connected() as own:
            return compare(connection, own, self._settings)

    @contextlib.contextmanager
    def copy(self) -> Iterator[Projection]:
        """The counts within a transaction that is never committed."""
        with self._connected() as connection:
            try:
                yield SeriesProjection(self._settings, connection)
            finally:
                connection.rollback()

    def _asked(self, statement: LiteralString, *values: object) -> tuple[Any, ...] | None:
        """A row, by a connection that is kept; a new one if the server has closed it."""
        if self._scratch is not None:
            return self._scratch.execute(statement, values).fetchone()
        for _ in range(2):
            if self._line is None:
                self._line = self._opened.enter_context(self._connected())
                self._line.autocommit = True
            try:
                return self._line.execute(statement, values).fetchone()
            except psycopg.OperationalError:
                self._line = None
                self._opened.close()
        raise DatabaseUnavailableError("the connection was lost twice", remedy="see whether the database runs")

    @contextlib.contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        if self._scratch is not None:
            yield self._scratch
            return
        from clew.kernel.database import Database  # noqa: PLC0415  the projector's own one is not handed to views

        with Database(self._settings) as database, database.connect_raw(PROJECTOR) as connection:
            yield connection


class SeriesWriting:
    """Counts again what changed. Nothing counts before `commit`."""

    def __init__(self, connection: psycopg.Connection[Any], settings: "Settings") -> None:
        self._connection = connection
        self._settings = settings
        self._committed = False

    def apply(self, connection: psycopg.Connection[Any]) -> tuple[Aside, ...]:
        """Count the hours again that the changes in STRETCH touch."""
        self._recount().changed(connection)
        return ()

    def remove(self, differences: Iterable[Difference]) -> None:
        """Remove days that the record has nothing of."""
        self._recount().remove(differences)

    def fill(self, connection: psycopg.Connection[Any], observe: Callable[[int], None]) -> tuple[Aside, ...]:
        """Count everything."""
        self._recount().everything(connection, observe)
        return ()

    def commit(self, position: str) -> tuple[Aside, ...]:
        """Commit counts and position."""
        self._connection.execute(_STATE, (NAME, SCHEMA_VERSION, position))
        if position:
            self._connection.commit()
        return ()

    def _recount(self) -> "Recount":
        from clew.projections.series.recounting import Recount  # noqa: PLC0415  loads what counts

        return Recount(self._connection, self._settings)
