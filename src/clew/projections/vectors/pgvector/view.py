"""The pgvector adapter's front: generations in the record's own PostgreSQL server."""

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from psycopg import sql

from clew.kernel.database_errors import database_errors
from clew.kernel.roles import MIGRATOR, PROJECTOR
from clew.kernel.transactions import driver_connection
from clew.projections.own_database import OwnDatabase
from clew.projections.vectors.errors import VectorViewMissingError
from clew.projections.vectors.pgvector import catalogue
from clew.projections.vectors.pgvector.schema import (
    EXACT_UP_TO,
    drop_tables,
    ensure_schema,
    make_tables,
    new_generation,
    table_of,
)
from clew.projections.vectors.port import Collection, Model, VectorView, VectorWriter, ViewState

if TYPE_CHECKING:
    from clew.projections.vectors.pgvector.reader import PgvectorReader
    from clew.projections.vectors.pgvector.writer import PgvectorWriter

SCHEMA_VERSION: Final = 1
MAIN: Final = "main"


class PgvectorView:
    """A view at one place of a database.

    `exact_up_to`: vectors of an organization up to which all are compared.
    """

    def __init__(
        self,
        database: OwnDatabase,
        *,
        place: str = MAIN,
        exact_up_to: int = EXACT_UP_TO,
    ) -> None:
        self._database = database
        self._place = place
        self._exact_up_to = exact_up_to

    @property
    def adapter(self) -> str:
        """Always pgvector."""
        return "pgvector"

    @property
    def schema_version(self) -> int:
        """Of the tables."""
        return SCHEMA_VERSION

    def state(self) -> ViewState | None:
        """What is published."""
        with self._database.opened.transaction(None, PROJECTOR, reading=True) as connection:
            return catalogue.published(driver_connection(connection), self._place)

    def rows(self) -> int:
        """How many points are published, as the writers counted them."""
        with self._database.opened.transaction(None, PROJECTOR, reading=True) as connection:
            return catalogue.rows(driver_connection(connection), self._place)

    def reader(self) -> "PgvectorReader":
        """Read what is published now."""
        state = self.state()
        if state is None or state.schema_version != SCHEMA_VERSION:
            raise VectorViewMissingError(
                "there are no vectors yet", remedy="run `clew projection rebuild vectors`, or wait for the server to"
            )
        from clew.projections.vectors.pgvector.reader import PgvectorReader  # noqa: PLC0415  loads arrays

        return PgvectorReader(self._database.opened, state, exact_up_to=self._exact_up_to)

    def writer(self) -> "PgvectorWriter":
        """Write to what is published."""
        state = self.state()
        if state is None:
            raise VectorViewMissingError("there are no vectors yet", remedy="run `clew projection rebuild vectors`")
        return self._writer(state.generation, state.models)

    def builder(self, models: Mapping[Collection, Model]) -> "PgvectorWriter":
        """Write a new generation; those that are not seen any more are removed first."""
        database = self._database.opened
        ensure_schema(database)
        generation = new_generation()
        with database_errors(database.address):
            with database.connect_raw(PROJECTOR) as keeping:
                left = catalogue.unpublished(keeping, self._place)
            with database.connect_raw(MIGRATOR) as making:
                for former in left:
                    drop_tables(making, former)
                make_tables(making, generation, models)
            with database.connect_raw(PROJECTOR) as keeping:
                for former in left:
                    catalogue.forget(keeping, self._place, former)
                catalogue.add(keeping, self._place, generation, SCHEMA_VERSION, models)
        return self._writer(generation, models)

    def publish(self, writer: VectorWriter) -> None:
        """Let the writer's generation be the one that is seen."""
        generation = writer.generation
        writer.close()
        database = self._database.opened
        with database_errors(database.address):
            with database.connect_raw(MIGRATOR) as making:
                for collection in Collection:
                    making.execute(sql.SQL("ANALYZE {}").format(table_of(generation, collection)))
            with database.connect_raw(PROJECTOR) as keeping:
                catalogue.publish(keeping, self._place, generation)

    def abandon(self, writer: VectorWriter) -> None:
        """Remove the writer's generation."""
        writer.close()
        self._remove([writer.generation])

    @contextlib.contextmanager
    def copied(self) -> Iterator[VectorView]:
        """A copy at a place of its own."""
        state = self.state()
        if state is None:
            raise VectorViewMissingError("there are no vectors yet", remedy="run `clew projection rebuild vectors`")
        copy = PgvectorView(
            self._database,
            place=f"copy-{secrets.token_hex(4)}",
            exact_up_to=self._exact_up_to,
        )
        try:
            with copy.builder(state.models) as writer:
                writer.count(self._copy_rows(state.generation, writer.generation))
                writer.commit(state.position)
                copy.publish(writer)
            yield copy
        finally:
            copy.remove()

    def remove(self) -> None:
        """Remove everything at this place."""
        database = self._database.opened
        with database_errors(database.address), database.connect_raw(PROJECTOR) as keeping:
            found = catalogue.generations(keeping, self._place)
        self._remove(found)

    def _copy_rows(self, source: str, target: str) -> int:
        database, copied = self._database.opened, 0
        with database_errors(database.address), database.connect_raw(PROJECTOR) as keeping:
            for collection in Collection:
                done = keeping.execute(
                    sql.SQL("INSERT INTO {} SELECT * FROM {}").format(
                        table_of(target, collection), table_of(source, collection)
                    )
                )
                copied += done.rowcount
        return copied

    def _remove(self, generations: list[str]) -> None:
        database = self._database.opened
        with database_errors(database.address):
            with database.connect_raw(MIGRATOR) as making:
                for each in generations:
                    drop_tables(making, each)
            with database.connect_raw(PROJECTOR) as keeping:
                for each in generations:
                    catalogue.forget(keeping, self._place, each)

    def _writer(self, generation: str, models: Mapping[Collection, Model]) -> "PgvectorWriter":
        from clew.projections.vectors.pgvector.writer import PgvectorWriter  # noqa: PLC0415  loads arrays

        return PgvectorWriter(self._database.opened, self._place, generation, models, exact_up_to=self._exact_up_to)
