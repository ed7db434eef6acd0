"""Which tables the search view shows, how their rows are read, and what documents they become.

Every table is read in two ways that give the same documents: some rows by their keys, as the feed names them, and all
rows, as a rebuild and `verify` do. Neither ever joins large tables: what belongs to a row is looked up by key.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
from clew.projections.search.fields import ENTITY_DOC_TYPES, DocumentSet
from clew.projections.search.port import Document
from clew.projections.search_documents import shapes

_FETCHED: Final = 5_000
# Few enough to stay in the processor's cache until they are written.
_SHAPED: Final = 256

Row = tuple[Any, ...]
Shape = Callable[[Row], Document | None]


def _moments(*columns: str) -> str:
    """Times as documents hold them: RFC 3339, UTC (as the projector's connection is).

    Written by PostgreSQL, which takes a tenth of the time that objects take. What a document cannot hold, such as
    infinity or years before 1, is none: one must not stop all others.
    """
    return ", ".join(
        f"CASE WHEN {column} >= '0001-01-01 00:00+00' AND {column} < '10000-01-01 00:00+00'"
        f""" THEN btrim(to_json({column})::text, '"') END"""
        for column in columns
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """A table whose rows become documents of a set.

    `columns` come after the organization, the id and whether the row is absent (ids and times are read as text,
    which is much faster than objects). `by_key` finds a row `shown` for k.o (organization) and
    k.i (id). `shape` gives None for a row that is not shown. `only`: the rows that may be. `sighted`: the last column
    holds the items in which the row was seen, and what shape gets in its place are the names of the sources of these.
    `doc_types`: those of its documents, where its set has documents of several tables.
    """

    table: str
    document_set: DocumentSet
    columns: str
    by_key: str
    shape: Shape
    sighted: bool = False
    only: str = "true"
    doc_types: tuple[str, ...] = ()

    def changed(self, *, absent: bool) -> str:
        """The query for the rows that STRETCH names; with `absent` also for those not there that a view may hold."""
        kept = "shown.id IS NOT NULL OR NOT k.fresh" if absent else "shown.id IS NOT NULL"
        return (
            f"SELECT k.o, k.i::text, shown.id IS NULL, {self.columns}"
            " FROM (SELECT organization_id AS o, row_id AS i, bool_and(fresh) AS fresh"
            f" FROM {STRETCH} WHERE table_name = '{self.table}' GROUP BY organization_id, row_id) AS k"
            f" LEFT JOIN LATERAL ({self.by_key} AND {self.only} OFFSET 0) AS shown ON true WHERE {kept}"
        )

    @property
    def all(self) -> str:
        """The query for all rows of one organization: parameter organization."""
        return (
            f"SELECT organization_id, id::text, false, {self.columns} FROM {self.table} AS shown"
            f" WHERE organization_id = %(organization)s AND {self.only}"
        )


_SIGHTINGS: Final = """ARRAY(SELECT collection_item_id::text FROM entity_sources
    WHERE entity_sources.organization_id = shown.organization_id AND entity_sources.entity_id = shown.id
    ORDER BY collection_item_id LIMIT 200)"""
_PLAIN: Final = "SELECT * FROM {0} WHERE {0}.organization_id = k.o AND {0}.id = k.i"

SHOWN: Final = (
    Shown(
        "entities",
        DocumentSet.OSINT_ENTITIES,
        "entity_type, name, normalized_name, properties, tags, flags, risk_score, confidence::float8,"
        f" {_moments('first_seen', 'last_seen', 'created_at', 'updated_at')}, {_SIGHTINGS}",
        _PLAIN.format("entities"),
        shapes.entity,
        sighted=True,
        doc_types=ENTITY_DOC_TYPES,
    ),
    Shown(
        "relationships",
        DocumentSet.OSINT_ENTITIES,
        "relationship_type, source_entity_id::text, target_entity_id::text, properties, confidence::float8,"
        f" {_moments('first_seen', 'last_seen', 'created_at', 'updated_at')}",
        _PLAIN.format("relationships"),
        shapes.relationship,
        only=f"properties - ARRAY{list(shapes.HOW_TOLD)} <> '{{}}'",
        doc_types=("relationship",),
    ),
    Shown(
        "investigations",
        DocumentSet.OSINT_ENTITIES,
        "name, description, status, scope, key_findings, risk_score,"
        f" {_moments('started_at', 'completed_at', 'created_at', 'updated_at')},"
        " ARRAY(SELECT value FROM targets WHERE targets.organization_id ="
        " shown.organization_id AND targets.investigation_id = shown.id ORDER BY id LIMIT 1000)",
        _PLAIN.format("investigations"),
        shapes.investigation,
        doc_types=("investigation",),
    ),
    Shown(
        "social_posts",
        DocumentSet.OSINT_ENTITIES,
        "platform, profile_id::text, content, hashtags, mentions, language, location, stats,"
        f" {_moments('CASE WHEN NOT impossible_time THEN posted_at END', 'created_at', 'updated_at')}",
        "SELECT social_posts.* FROM social_post_keys AS key CROSS JOIN LATERAL (SELECT * FROM social_posts"
        " WHERE social_posts.organization_id = key.organization_id AND social_posts.posted_at = key.posted_at"
        " AND social_posts.id = key.id OFFSET 0) AS social_posts WHERE key.organization_id = k.o AND key.id = k.i",
        shapes.social_post,
        doc_types=("social_post",),
    ),
    Shown(
        "attack_sessions",
        DocumentSet.ATTACKS,
        # 0.0.0.0 is how the record says that a source did not name the address.
        f"{_moments('timestamp', 'ended_at')}, NULLIF(host(source_ip), '0.0.0.0'), host(destination_ip), target_port,"
        " source_port, protocol, payload, payload_hash, honeypot_id, attack_type, source, client, fingerprint,"
        " event_count, login_failures, login_successes",
        "SELECT attack_sessions.* FROM attack_session_keys AS key CROSS JOIN LATERAL (SELECT * FROM attack_sessions"
        " WHERE attack_sessions.organization_id = key.organization_id AND attack_sessions.timestamp = key.timestamp"
        " AND attack_sessions.id = key.id OFFSET 0) AS attack_sessions"
        " WHERE key.organization_id = k.o AND key.id = k.i",
        shapes.attack,
    ),
    Shown(
        "collection_items",
        DocumentSet.DOCUMENTS,
        "collection_id::text, item_type, raw_data, hash, parent_id::text, file_name, line,"
        f" {_moments('collected_at')}, ARRAY[id::text]",
        "SELECT collection_items.* FROM collection_item_hashes AS key CROSS JOIN LATERAL (SELECT * FROM"
        " collection_items WHERE collection_items.organization_id = key.organization_id AND"
        " collection_items.collected_at = key.collected_at AND collection_items.id = key.collection_item_id OFFSET 0)"
        " AS collection_items WHERE key.organization_id = k.o AND key.collection_item_id = k.i",
        shapes.document,
        sighted=True,
    ),
)
BY_TABLE: Final = {shown.table: shown for shown in SHOWN}


def table_of(document_set: DocumentSet, document: Document) -> str:
    """The table whose row became this document."""
    of_the_set = [shown for shown in SHOWN if shown.document_set is document_set]
    (found,) = (each for each in of_the_set if not each.doc_types or document.get("doc_type") in each.doc_types)
    return found.table


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of one organization as documents.

    `hidden`: ids of rows that are not there or not shown. `faults`: ids of rows that cannot be documents, and why.
    """

    organization_id: UUID
    documents: list[Document]
    hidden: list[str]
    faults: list[tuple[str, str]]

    def __len__(self) -> int:
        """How many rows."""
        return len(self.documents) + len(self.hidden) + len(self.faults)


class DocumentReader:
    """Reads documents on one connection of the projector, within its caller's transaction."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._sources = _SourceNames(connection)
        set_json_loads(orjson.loads, connection)

    def changed(self, shown: Shown, *, absent: bool = True) -> Iterator[Batch]:
        """The table's rows that STRETCH names; with `absent` those that are not there, too."""
        with self._connection.cursor(f"clew_changed_{shown.table}", binary=True) as cursor:
            self._prepare(cursor)
            cursor.execute(shown.changed(absent=absent))
            for rows in _ahead(cursor):
                of: dict[UUID, list[Row]] = {}
                for row in rows:
                    of.setdefault(row[0], []).append(row)
                for organization_id, some in of.items():
                    gone = [row[1] for row in some if row[2]]
                    if gone:
                        yield Batch(organization_id, [], gone, [])
                    yield from self._batches(shown, [row for row in some if not row[2]] if gone else some)

    def all(self, shown: Shown, organization_id: UUID) -> Iterator[Batch]:
        """All rows of an organization, as they come."""
        with self._connection.cursor(f"clew_{shown.table}", binary=True) as cursor:
            self._prepare(cursor)
            cursor.execute(shown.all, {"organization": organization_id})
            for rows in _ahead(cursor):
                yield from self._batches(shown, rows)

    def changing(self) -> dict[str, list[UUID]]:
        """The tables that STRETCH names rows of, each with the organizations whose rows these are."""
        rows = self._connection.execute(
            f"SELECT table_name, organization_id FROM {STRETCH} GROUP BY table_name, organization_id"
        )
        found: dict[str, list[UUID]] = {}
        for table, organization_id in rows.fetchall():
            found.setdefault(table, []).append(organization_id)
        return found

    def shows_any(self, shown: Shown, organization_ids: list[UUID]) -> bool:
        """Whether any row of these organizations may be shown at all."""
        if shown.only == "true":
            return True
        row = self._connection.execute(
            f"SELECT EXISTS (SELECT FROM {shown.table} WHERE organization_id = ANY(%s) AND {shown.only})",
            (organization_ids,),
        ).fetchone()
        return row is None or bool(row[0])

    def organizations(self) -> list[UUID]:
        """Every organization of the installation."""
        return [row[0] for row in self._connection.execute("SELECT id FROM organizations ORDER BY id").fetchall()]

    @staticmethod
    def _prepare(cursor: psycopg.ServerCursor[Any]) -> None:
        cursor.itersize = _FETCHED
        cursor.adapters.register_loader("uuid", _Identities)

    def _batches(self, shown: Shown, rows: list[Row]) -> Iterator[Batch]:
        """Rows of one organization as documents."""
        if shown.sighted:
            rows = self._sources.named(rows)
        for start in range(0, len(rows), _SHAPED):
            yield _shaped(shown.shape, rows[start : start + _SHAPED])


def _shaped(shape: Shape, rows: list[Row]) -> Batch:
    organization_id = rows[0][0]
    faults: list[tuple[str, str]] = []
    try:
        shaped = list(map(shape, rows))
    except Exception:  # noqa: BLE001  one odd row must not keep all others from being found
        shaped = []
        for row in rows:
            try:
                shaped.append(shape(row))
            except Exception as error:  # noqa: BLE001  see above
                faults.append((row[1], f"{type(error).__name__}: {error}"))
        odd = {row_id for row_id, _ in faults}
        rows = [row for row in rows if row[1] not in odd]
    hidden = [row[1] for row, document in zip(rows, shaped, strict=True) if document is None]
    return Batch(organization_id, [document for document in shaped if document is not None], hidden, faults)


def _ahead(cursor: psycopg.ServerCursor[Any]) -> Iterator[list[Row]]:
    """A query's rows, so many at a time; of many, PostgreSQL finds the next ones while these are worked on."""
    rows = cursor.fetchmany(_FETCHED)
    if len(rows) < _FETCHED:
        if rows:
            yield rows
        return
    with ThreadPoolExecutor(1, thread_name_prefix="clew-ahead") as reading:
        while rows:
            coming = reading.submit(cursor.fetchmany, _FETCHED)
            yield rows
            rows = coming.result()


class _Identities(Loader):
    """Ids as objects, which take long to make: only the organization is one, and mostly that of the row before."""

    format = Format.BINARY

    def load(self, data: Buffer) -> UUID:
        return _uuid(bytes(data))


@lru_cache(maxsize=1_024)
def _uuid(raw: bytes) -> UUID:
    return UUID(bytes=raw)


class _SourceNames:
    """Names of the sources that items are from, remembered: most rows of a load come from a few files."""

    _MOST: Final = 100_000

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._known: dict[tuple[UUID, str], str | None] = {}

    def named(self, rows: list[Row]) -> list[Row]:
        """The rows with, for the list of items in their last column, the sorted names of these items' sources."""
        wanted = {(row[0], item) for row in rows for item in row[-1]}
        missing = [key for key in wanted if key not in self._known]
        if missing:
            if len(self._known) + len(missing) > self._MOST:
                self._known.clear()
                missing = list(wanted)
            self._known |= dict.fromkeys(missing) | self._read(missing)
        return [(*row[:-1], self._of(row[0], row[-1]) if row[-1] else None) for row in rows]

    def _of(self, organization_id: UUID, items: list[str]) -> list[str]:
        if len(items) == 1:
            name = self._known[organization_id, items[0]]
            return [name] if name is not None else []
        names = {self._known[organization_id, item] for item in items}
        return sorted(name for name in names if name is not None)

    def _read(self, items: list[tuple[UUID, str]]) -> dict[tuple[UUID, str], str | None]:
        rows = self._connection.execute(
            "SELECT k.organization_id, k.id::text, source.name"
            " FROM unnest(%s::uuid[], %s::uuid[]) AS k (organization_id, id)"
            " CROSS JOIN LATERAL (SELECT collected_at FROM collection_item_hashes AS key"
            "   WHERE key.organization_id = k.organization_id AND key.collection_item_id = k.id OFFSET 0) AS key"
            " CROSS JOIN LATERAL (SELECT source_id FROM collection_items AS item"
            "   WHERE item.organization_id = k.organization_id AND item.collected_at = key.collected_at"
            "     AND item.id = k.id OFFSET 0) AS item"
            " CROSS JOIN LATERAL (SELECT name FROM sources"
            "   WHERE sources.organization_id = k.organization_id AND sources.id = item.source_id OFFSET 0) AS source",
            ([organization for organization, _ in items], [item for _, item in items]),
        )
        return {(organization, item): name for organization, item, name in rows.fetchall()}
