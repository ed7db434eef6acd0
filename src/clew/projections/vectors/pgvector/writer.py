"""Writing a generation: rows and position in one transaction, then the indexes that large organizations need."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Self
from uuid import UUID

import psycopg
import structlog
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from psycopg import sql

from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.roles import MIGRATOR, PROJECTOR
from clew.projections.place import EndedError, never
from clew.projections.vectors.checks import require_model, sound
from clew.projections.vectors.errors import VectorViewBusyError
from clew.projections.vectors.pgvector import catalogue
from clew.projections.vectors.pgvector.rows import COLUMNS, SELECTED, row_of
from clew.projections.vectors.pgvector.schema import EXACT_UP_TO, graph_name, make_graph, table_of
from clew.projections.vectors.port import Collection, Model, Point, Refusal

_FLUSHED: Final = 2_000
_MOST_MEMORY: Final = 1 << 30
_LOOK_SECONDS: Final = 0.2
_TRY_LOCK: Final = "SELECT pg_try_advisory_lock(hashtextextended('clew vectors at ' || %s, 0))"
_UNLOCK: Final = "SELECT pg_advisory_unlock_all()"
_KINDS: Final = ("uuid", "uuid", "text", "text", "text", "int8", "int8", "text", "text", "text")

log: Final = structlog.get_logger(__name__)


class PgvectorWriter:
    """Changes one generation of a place. Raises VectorViewBusyError if another writer of the place is open."""

    def __init__(
        self,
        database: Database,
        place: str,
        generation: str,
        models: Mapping[Collection, Model],
        *,
        exact_up_to: int = EXACT_UP_TO,
    ) -> None:
        self._database = database
        self._place = place
        self._generation = generation
        self._models = dict(models)
        self._exact_up_to = exact_up_to
        self._waiting: dict[Collection, dict[tuple[UUID, UUID], Point]] = {}
        self._more = 0
        self._grown: set[tuple[UUID, Collection]] = set()
        self._connection = database.connect_raw(PROJECTOR)
        try:
            self._begin()
        except BaseException:
            self._connection.close()
            raise

    @property
    def generation(self) -> str:
        """The generation it writes."""
        return self._generation

    @property
    def models(self) -> Mapping[Collection, Model]:
        """What has to have made the vectors that are put."""
        return self._models

    def put(
        self, organization_id: UUID, collection: Collection, points: Iterable[Point], *, model: Model
    ) -> tuple[Refusal, ...]:
        """Add points or replace those of the same id."""
        require_model(collection, self._models[collection], model)
        kept, refused = sound(points, model)
        if refused:
            self.remove(organization_id, collection, [each.id for each in refused])
        waiting = self._waiting.setdefault(collection, {})
        waiting.update({(organization_id, point.subject.id): point for point in kept})
        if len(waiting) >= _FLUSHED:
            self._flush(collection)
        return refused

    def remove(self, organization_id: UUID, collection: Collection, ids: Iterable[UUID]) -> None:
        """Remove points."""
        listed = list(ids)
        waiting = self._waiting.get(collection, {})
        for identifier in listed:
            waiting.pop((organization_id, identifier), None)
        if listed:
            with database_errors(self._database.address):
                done = self._connection.execute(
                    sql.SQL("DELETE FROM {} WHERE organization_id = %s AND id = ANY(%s)").format(
                        table_of(self._generation, collection)
                    ),
                    (organization_id, listed),
                )
            self._more -= done.rowcount

    def drop_organization(self, organization_id: UUID) -> None:
        """Remove everything of an organization."""
        for collection in Collection:
            waiting = self._waiting.get(collection, {})
            for key in [key for key in waiting if key[0] == organization_id]:
                del waiting[key]
            with database_errors(self._database.address):
                done = self._connection.execute(
                    sql.SQL("DELETE FROM {} WHERE organization_id = %s").format(table_of(self._generation, collection)),
                    (organization_id,),
                )
            self._more -= done.rowcount

    def count(self, more: int) -> None:
        """Note rows that were not put through this writer."""
        self._more += more

    def commit(self, position: str, given_up: Callable[[], bool] = never) -> None:
        """Make it durable and visible, then the indexes of organizations that grew large, then the position.

        In this order, since who puts the same again finds by it which index was not made.
        """
        for collection in list(self._waiting):
            self._flush(collection)
        with database_errors(self._database.address):
            if self._more:
                catalogue.count(self._connection, self._place, self._generation, self._more)
            large = self._grown_large()
            if large:
                self._connection.commit()
                self._more = 0
        for organization_id, collection, rows in large:
            self._make_graph(organization_id, collection, rows, given_up)
        with database_errors(self._database.address):
            catalogue.move(self._connection, self._place, self._generation, position)
            self._connection.commit()
            self._more = 0
            self._grown.clear()

    def close(self) -> None:
        """Let go, without what was not committed."""
        self._waiting.clear()
        # A server notices a closed connection only later: the next writer need not wait for that.
        with contextlib.suppress(psycopg.Error):
            self._connection.rollback()
            self._connection.execute(_UNLOCK)
            self._connection.commit()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self) -> None:
        with database_errors(self._database.address):
            locked = self._connection.execute(_TRY_LOCK, (self._place,)).fetchone()
            if not locked or not locked[0]:
                raise VectorViewBusyError(
                    "another process writes these vectors",
                    where=self._database.address,
                    remedy="wait until it is done; `clew projection status` shows how far it is",
                )
            register_vector(self._connection)
            for collection in self._models:
                self._connection.execute(
                    sql.SQL("CREATE TEMP TABLE {} (LIKE {}) ON COMMIT DELETE ROWS").format(
                        _stage(collection), table_of(self._generation, collection)
                    )
                )
            self._connection.commit()
            kind = self._connection.adapters.types.get("halfvec")
            self._halfvec = kind.oid if kind is not None else 0

    def _flush(self, collection: Collection) -> None:
        points = self._waiting.pop(collection, {})
        if not points:
            return
        stage = _stage(collection)
        changed = sql.SQL(", ").join(
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in (*COLUMNS[1:], "embedding")
        )
        columns = sql.SQL("organization_id, {}, embedding").format(sql.SQL(SELECTED))
        with database_errors(self._database.address):
            with (
                self._connection.cursor() as cursor,
                cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(stage, columns)) as copy,
            ):
                copy.set_types([*_KINDS, self._halfvec])
                for (organization_id, _), point in sorted(points.items(), key=lambda item: item[0]):
                    *fields, vector = row_of(organization_id, point)
                    copy.write_row((*fields, HalfVector(vector)))
            fresh = self._connection.execute(
                sql.SQL(
                    "WITH done AS (INSERT INTO {table} ({columns}) SELECT {columns} FROM {stage}"
                    " ON CONFLICT (organization_id, id) DO UPDATE SET {changed} RETURNING xmax = 0 AS fresh)"
                    " SELECT count(*) FILTER (WHERE fresh) FROM done"
                ).format(table=table_of(self._generation, collection), columns=columns, stage=stage, changed=changed)
            ).fetchone()
            self._more += int(fresh[0]) if fresh else 0
            self._connection.execute(sql.SQL("TRUNCATE {}").format(stage))
        self._grown |= {(organization_id, collection) for organization_id, _ in points}

    def _grown_large(self) -> list[tuple[UUID, Collection, int]]:
        """Organizations that have become too many vectors for comparing them all, and how many."""
        found = []
        for organization_id, collection in sorted(self._grown):
            row = self._connection.execute(
                sql.SQL(
                    "SELECT CASE WHEN to_regclass(%s) IS NULL THEN"
                    " (SELECT count(*) FROM {} WHERE organization_id = {}) ELSE 0 END"
                ).format(table_of(self._generation, collection), sql.Literal(organization_id)),
                (f"clew_vectors.{graph_name(self._generation, collection, organization_id)}",),
            ).fetchone()
            if row and row[0] > self._exact_up_to:
                found.append((organization_id, collection, int(row[0])))
        return found

    def _make_graph(
        self, organization_id: UUID, collection: Collection, rows: int, given_up: Callable[[], bool]
    ) -> None:
        """Make an organization's own index. Until it is there its searches are exact, and slower."""
        dimension = self._models[collection].dimension
        needed = int(rows * (2 * dimension + 500) * 1.2)
        try:
            with self._database.connect_raw(MIGRATOR) as connection, _cancelled_when(given_up, connection):
                make_graph(
                    connection,
                    self._generation,
                    collection,
                    organization_id,
                    memory_bytes=min(_MOST_MEMORY, needed),
                )
                connection.execute(sql.SQL("ANALYZE {}").format(table_of(self._generation, collection)))
        except psycopg.Error as error:
            if given_up():
                raise EndedError(
                    "an index of neighbours was not made to its end", remedy="whoever follows next makes it"
                ) from error
            log.warning("an index of neighbours could not be made", error=str(error), organization=str(organization_id))


@contextlib.contextmanager
def _cancelled_when(given_up: Callable[[], bool], connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Within the block a statement of that connection is cancelled as soon as it is given up."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_LOOK_SECONDS):
            if given_up():
                with contextlib.suppress(psycopg.Error):  # asked again: between two statements there is nothing to end
                    connection.cancel_safe()

    watching = threading.Thread(target=watch, name="clew-index-watch", daemon=True)
    watching.start()
    try:
        yield
    finally:
        done.set()
        watching.join()


def _stage(collection: Collection) -> sql.Identifier:
    return sql.Identifier(f"stage_{collection.value}")
