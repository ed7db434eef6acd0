"""Which rows of the record the graph view shows, how they are read, and what documents they become.

Rows are read in two ways that give the same documents: some by their keys, as the feed names them, and all of an
organization, as a rebuild and `verify` do.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import orjson
import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format
from psycopg.types.json import set_json_loads

from clew.projections.feed import STRETCH
from clew.projections.graph.port import Document, Part
from clew.projections.graph_sightings import Sightings
from clew.records.paths import WALLS

_FETCHED: Final = 5_000
_WALLS: Final = "ARRAY[" + ", ".join(f"'{flag}'" for flag in WALLS) + "]"
_POSTGRES_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_FIRST: Final = (datetime(1, 1, 1, tzinfo=UTC) - _POSTGRES_EPOCH) // timedelta(microseconds=1)
_LAST: Final = (datetime.max.replace(tzinfo=UTC) - _POSTGRES_EPOCH) // timedelta(microseconds=1)

Row = tuple[Any, ...]


def _node(row: Row) -> Document:
    return {
        "id": row[1],
        "type": row[3],
        "name": row[4],
        "risk_score": row[5],
        "wall": row[6],
        "properties": row[7],
        "first_seen": row[8],
        "last_seen": row[9],
        "created_at": row[10],
        "updated_at": row[11],
        "pagerank": row[12],
        "betweenness": row[13],
        "community": row[14],
        "collected_from": row[15],
    }


def _edge(row: Row) -> Document:
    return {
        "id": row[1],
        "type": row[3],
        "source_entity_id": row[4],
        "target_entity_id": row[5],
        "confidence": row[6],
        "source": row[7],
        "properties": row[8],
        "first_seen": row[9],
        "last_seen": row[10],
        "created_at": row[11],
        "updated_at": row[12],
    }


def _source(row: Row) -> Document:
    return {"id": row[1], "name": row[3], "type": row[4]}


@dataclass(frozen=True, slots=True)
class Shown:
    """A part of the view: the table whose rows it shows, and those whose changes change them.

    `columns` come after the organization, the id and whether the row is absent. sighted: the last two columns hold the
    items in which the row was seen and how surely, and shape gets a list of where it was collected from in their place.
    """

    part: Part
    table: str
    followed: tuple[str, ...]
    columns: str
    shape: Callable[[Row], Document]
    sighted: bool = False

    @property
    def changed(self) -> str:
        """The query for the rows that STRETCH names; those that are not there are left out if they never were."""
        listed = ", ".join(f"'{name}'" for name in self.followed)
        return (
            f"SELECT k.o, k.i::text, shown.id IS NULL, {self.columns}"
            " FROM (SELECT organization_id AS o, row_id AS i, bool_and(fresh) AS fresh"
            f" FROM {STRETCH} WHERE table_name IN ({listed}) GROUP BY organization_id, row_id) AS k"
            f" LEFT JOIN LATERAL (SELECT * FROM {self.table} WHERE {self.table}.organization_id = k.o"
            f" AND {self.table}.id = k.i OFFSET 0) AS shown ON true WHERE shown.id IS NOT NULL OR NOT k.fresh"
        )

    @property
    def all(self) -> str:
        """The query for all rows of one organization: parameter organization."""
        return (
            f"SELECT organization_id, id::text, false, {self.columns} FROM {self.table} AS shown"
            " WHERE organization_id = %(organization)s"
        )


def _measured(column: str) -> str:
    return (
        f"(SELECT {column} FROM graph_measures AS measured"
        " WHERE measured.organization_id = shown.organization_id AND measured.id = shown.id)"
    )


def _sighted(column: str) -> str:
    return (
        f"ARRAY(SELECT {column} FROM entity_sources AS seen WHERE seen.organization_id = shown.organization_id"
        " AND seen.entity_id = shown.id ORDER BY collection_item_id LIMIT 200)"
    )


_TIMES: Final = "first_seen, last_seen, created_at, updated_at"
SHOWN: Final = (
    Shown(
        Part.SOURCES,
        "sources",
        ("sources",),
        "name, source_type",
        _source,
    ),
    Shown(
        Part.NODES,
        "entities",
        ("entities", "graph_measures"),
        f"entity_type, name, risk_score, flags && {_WALLS}, properties, {_TIMES},"
        f" {_measured('pagerank')}, {_measured('betweenness')}, {_measured('community::text')},"
        f" {_sighted('collection_item_id::text')}, {_sighted('(confidence * 100)::int')}",
        _node,
        sighted=True,
    ),
    Shown(
        Part.EDGES,
        "relationships",
        ("relationships",),
        "relationship_type, source_entity_id::text, target_entity_id::text, (confidence * 100)::int, source,"
        f" properties, {_TIMES}",
        _edge,
    ),
)
"""In the order in which they are written: the ends of edges before the edges."""

FOLLOWED: Final = frozenset(name for shown in SHOWN for name in shown.followed)
TABLES: Final = {shown.part: shown.table for shown in SHOWN}


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of one organization: documents, ids of rows that are not there, and rows that cannot be documents."""

    organization_id: UUID
    documents: list[Document]
    gone: list[UUID]
    faults: list[tuple[UUID, str]]

    def __len__(self) -> int:
        """How many rows."""
        return len(self.documents) + len(self.gone) + len(self.faults)


class GraphRows:
    """Reads documents on one connection of the projector, within its caller's transaction."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._sightings = Sightings(connection)
        set_json_loads(orjson.loads, connection)

    def changed(self, shown: Shown) -> Iterator[Batch]:
        """The rows that STRETCH names."""
        yield from self._batches(shown, shown.changed, {})

    def all(self, shown: Shown, organization_id: UUID) -> Iterator[Batch]:
        """All rows of an organization."""
        yield from self._batches(shown, shown.all, {"organization": organization_id})

    def organizations(self) -> list[UUID]:
        """Every organization of the installation."""
        return [row[0] for row in self._connection.execute("SELECT id FROM organizations ORDER BY id").fetchall()]

    def _batches(self, shown: Shown, query: str, parameters: dict[str, Any]) -> Iterator[Batch]:
        with self._connection.cursor(f"clew_graph_{shown.part}", binary=True) as cursor:
            cursor.itersize = _FETCHED
            cursor.adapters.register_loader("timestamptz", _Moments)
            cursor.execute(query, parameters)
            while rows := cursor.fetchmany(_FETCHED):
                of: dict[UUID, list[Row]] = {}
                for row in rows:
                    of.setdefault(row[0], []).append(row)
                for organization_id, some in of.items():
                    yield self._batch(shown, organization_id, some)

    def _batch(self, shown: Shown, organization_id: UUID, rows: list[Row]) -> Batch:
        gone = [UUID(row[1]) for row in rows if row[2]]
        here = [row for row in rows if not row[2]]
        if shown.sighted:
            here = self._sightings.collected(here)
        documents, faults = [], []
        for row in here:
            document = shown.shape(row)
            try:
                orjson.dumps(document)
            except (TypeError, ValueError) as error:  # one odd row must not keep all others out
                faults.append((UUID(row[1]), f"{type(error).__name__}: {error}"))
            else:
                documents.append(document)
        return Batch(organization_id, documents, gone, faults)


class _Moments(Loader):
    """Times as documents write them; None for what they cannot hold, such as infinity or years before 1."""

    format = Format.BINARY

    def load(self, data: Buffer) -> str | None:
        return _moment(int.from_bytes(bytes(data), "big", signed=True))


@lru_cache(maxsize=16_384)
def _moment(microseconds: int) -> str | None:
    if not _FIRST <= microseconds <= _LAST:
        return None
    moment = _POSTGRES_EPOCH + timedelta(microseconds=microseconds)
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
