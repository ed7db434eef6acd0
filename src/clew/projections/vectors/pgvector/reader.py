"""Reading a generation: exactly while an organization's vectors are few, then by its own index of neighbours."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Self
from uuid import UUID

import psycopg
from psycopg import sql

from clew.kernel.database import Database, TenantContext
from clew.kernel.database_errors import database_errors
from clew.kernel.roles import APPLICATION, PROJECTOR
from clew.kernel.transactions import driver_connection
from clew.projections.vectors.checks import require_askable, require_model
from clew.projections.vectors.errors import VectorViewMissingError
from clew.projections.vectors.pgvector.rows import COLUMNS, SELECTED, literal_of, subject_of, vector_of
from clew.projections.vectors.pgvector.schema import EXACT_UP_TO, SCHEMA, graph_name, table_of
from clew.projections.vectors.port import (
    EVERYTHING,
    Collection,
    Conditions,
    Model,
    Neighbour,
    Point,
    Vector,
    ViewState,
)

_FETCHED: Final = 2_000
# How many candidates are kept while the index is walked: more find more of the true neighbours, and take longer.
_CANDIDATES: Final = 100
_MOST_CANDIDATES: Final = 1_000
_PREPARE: Final = """
SELECT to_regclass(%s) IS NOT NULL, set_config('hnsw.ef_search', %s, true),
       set_config('hnsw.iterative_scan', 'strict_order', true), set_config('hnsw.max_scan_tuples', '200000', true),
       set_config('jit', 'off', true)
"""
_SCORE: Final = sql.SQL("-(embedding <#> {}::halfvec)")


class PgvectorReader:
    """Reads one generation, as the application under row-level security; all of it at once as the projector."""

    def __init__(self, database: Database, state: ViewState, *, exact_up_to: int = EXACT_UP_TO) -> None:
        self._database = database
        self._state = state
        self._exact_up_to = exact_up_to

    @property
    def generation(self) -> str:
        """The generation it reads."""
        return self._state.generation

    @property
    def models(self) -> Mapping[Collection, Model]:
        """What made the vectors of each collection."""
        return self._state.models

    def nearest(
        self,
        organization_id: UUID,
        collection: Collection,
        vector: Vector,
        *,
        model: Model,
        conditions: Conditions = EVERYTHING,
        limit: int = 10,
    ) -> tuple[Neighbour, ...]:
        """The most alike: see the port."""
        require_model(collection, self._state.models[collection], model)
        asked = require_askable(vector, model, limit)
        candidates = min(_MOST_CANDIDATES, max(_CANDIDATES, 2 * limit))
        graph = f"{SCHEMA}.{graph_name(self.generation, collection, organization_id)}"
        where, values = _conditions(organization_id, conditions)
        table = table_of(self.generation, collection)
        with self._transaction(organization_id) as connection:
            prepared = connection.execute(_PREPARE, (graph, str(candidates))).fetchone()
            if prepared and prepared[0] and conditions.narrow and self._are_few(connection, table, where, values):
                connection.execute("SET LOCAL enable_indexscan = off")  # exactly: what is left is soon compared
            # Planned for these very values: the organization's own index serves no other one.
            query = sql.SQL(
                "SELECT {columns}, {score} FROM {table} WHERE {where} ORDER BY embedding <#> {vector}::halfvec"
                " LIMIT {limit}"
            ).format(
                columns=sql.SQL(SELECTED),
                score=_SCORE.format(sql.Placeholder("vector")),
                table=table,
                where=where,
                vector=sql.Placeholder("vector"),
                limit=sql.Literal(limit),
            )
            rows = connection.execute(query, {**values, "vector": literal_of(asked)}, binary=True).fetchall()
        found = [Neighbour(subject_of(row), float(row[-1])) for row in rows]
        return tuple(sorted(found, key=lambda each: (-each.score, each.subject.id)))

    def get(self, organization_id: UUID, collection: Collection, ids: Sequence[UUID]) -> dict[UUID, Point]:
        """The points of these ids that are there."""
        query = sql.SQL(
            "SELECT {}, embedding FROM {} WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)"
        ).format(sql.SQL(SELECTED), table_of(self.generation, collection))
        with self._transaction(organization_id) as connection:
            rows = connection.execute(
                query, {"organization": organization_id, "ids": list(ids)}, binary=True
            ).fetchall()
        return {row[0]: Point(subject_of(row), vector_of(row[-1])) for row in rows}

    def stored(self, organization_id: UUID, collection: Collection) -> Iterator[Point]:
        """Everything stored."""
        query = sql.SQL("SELECT {}, embedding FROM {} WHERE organization_id = {}").format(
            sql.SQL(SELECTED), table_of(self.generation, collection), sql.Literal(organization_id)
        )
        with (
            _missing(),
            database_errors(self._database.address),
            self._database.connect_raw(PROJECTOR) as connection,
            connection.cursor("clew_vectors", binary=True) as cursor,
        ):
            cursor.itersize = _FETCHED
            cursor.execute(query)
            for row in cursor:
                yield Point(subject_of(row), vector_of(row[len(COLUMNS)]))

    def count(self, organization_id: UUID, collection: Collection) -> int:
        """How many points are stored."""
        query = sql.SQL("SELECT count(*) FROM {} WHERE organization_id = {}").format(
            table_of(self.generation, collection), sql.Literal(organization_id)
        )
        with self._transaction(organization_id) as connection:
            row = connection.execute(query).fetchone()
        return int(row[0]) if row else 0

    def organizations(self) -> tuple[UUID, ...]:
        """Every organization that has points."""
        found: set[UUID] = set()
        with _missing(), self._database.transaction(None, PROJECTOR, reading=True) as transaction:
            for collection in Collection:
                # One look into the index for each organization, however many rows they have.
                query = sql.SQL(
                    "WITH RECURSIVE o AS ((SELECT organization_id AS id FROM {table} ORDER BY 1 LIMIT 1) UNION ALL"
                    " SELECT (SELECT organization_id FROM {table} WHERE organization_id > o.id ORDER BY 1 LIMIT 1)"
                    " FROM o WHERE o.id IS NOT NULL) SELECT id FROM o WHERE id IS NOT NULL"
                ).format(table=table_of(self.generation, collection))
                found |= {row[0] for row in driver_connection(transaction).execute(query).fetchall()}
        return tuple(sorted(found))

    def close(self) -> None:
        """Nothing is held between calls."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def _transaction(self, organization_id: UUID) -> Iterator[psycopg.Connection[Any]]:
        context = TenantContext(organization_id)
        with _missing(), self._database.transaction(context, APPLICATION, reading=True) as connection:
            yield driver_connection(connection)

    def _are_few(
        self, connection: psycopg.Connection[Any], table: sql.Identifier, where: sql.Composable, values: dict[str, Any]
    ) -> bool:
        """Whether so few rows meet the conditions that they can be compared one by one."""
        most = self._exact_up_to
        query = sql.SQL("SELECT count(*) FROM (SELECT 1 FROM {} WHERE {} LIMIT {}) AS alike").format(
            table, where, sql.Literal(most + 1)
        )
        row = connection.execute(query, values).fetchone()
        return row is None or int(row[0]) <= most


@contextlib.contextmanager
def _missing() -> Iterator[None]:
    """What was removed since it was opened is told as what is not there."""
    try:
        yield
    except psycopg.errors.UndefinedTable:
        raise VectorViewMissingError(
            "the vectors were made anew meanwhile", remedy="ask again: the new ones are there"
        ) from None


def _conditions(organization_id: UUID, conditions: Conditions) -> tuple[sql.Composable, dict[str, Any]]:
    """The WHERE of a search. The organization stands first and as itself, whatever else is asked."""
    parts: list[sql.Composable] = [sql.SQL("organization_id = {}::uuid").format(sql.Literal(str(organization_id)))]
    values: dict[str, Any] = {}

    def add(text: str, name: str, value: Any) -> None:
        parts.append(sql.SQL(text))
        values[name] = value

    if conditions.kinds:
        add("kind = ANY(%(kinds)s)", "kinds", list(conditions.kinds))
    if conditions.platforms:
        add("platform = ANY(%(platforms)s)", "platforms", list(conditions.platforms))
    if conditions.since is not None:
        add("last_seen >= %(since)s", "since", conditions.since)
    if conditions.until is not None:
        add("first_seen < %(until)s", "until", conditions.until)
    if conditions.ids:
        add("id = ANY(%(ids)s)", "ids", list(conditions.ids))
    if conditions.without:
        add("id <> ALL(%(without)s)", "without", list(conditions.without))
    return sql.SQL(" AND ").join(parts), values
