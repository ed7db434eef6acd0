"""Documents where the record keeps them: PostgreSQL's rows and jsonb, read in place.

Nothing is copied, so nothing can fall behind. The organization is the transaction's, and row-level security lets no
statement see another's; each statement names it as well, for the indexes that lead with it.
"""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg

from clew.kernel.database import Database, TenantContext
from clew.kernel.database_errors import database_errors
from clew.kernel.driver import DriverConnection, Prepared
from clew.kernel.transactions import driver_connection
from clew.projections.documents.cursors import Place, place_of
from clew.projections.documents.errors import DocumentStoreError
from clew.projections.documents.port import (
    MAXIMUM_LIMIT,
    Condition,
    Document,
    DocumentCollection,
    DocumentPage,
    DocumentRequest,
    Is,
    Path,
)
from clew.projections.documents.rows import KEPT_BY_COLLECTION, Kept
from clew.projections.documents.walking import page

AnyConnection = psycopg.Connection[Any]

# Conditions on equal values that an index answers, as the record has them. %(value)s is the value.
_ITEM: Final = (
    "shown.created_at = (SELECT collected_at FROM collection_item_hashes"
    " WHERE organization_id = %(organization)s AND collection_item_id = {0}::uuid) AND shown.id = {0}::uuid"
)
_INDEXED: Final[dict[DocumentCollection, dict[Path, str]]] = {
    DocumentCollection.RAW_DOCUMENTS: {
        ("id",): _ITEM,
        ("collection_id",): "shown.collection_id = {0}::uuid",
        ("document_type",): "shown.document_type = {0}",
        ("hash",): "shown.hash = {0}",
        ("metadata", "source"): "shown.source_id = (SELECT id FROM sources"
        " WHERE organization_id = %(organization)s AND name = {0})",
        ("metadata", "file_id"): "shown.file_id = {0}::uuid",
    },
    DocumentCollection.ENRICHED_DATA: {
        ("id",): "shown.id = {0}::uuid",
        ("entity_id",): "shown.entity_id = {0}::uuid",
        ("collection_item_id",): "shown.collection_item_id = {0}::uuid",
        ("enrichment_type",): "shown.enrichment_type = {0}",
    },
    DocumentCollection.ANALYSIS_RESULTS: {
        ("id",): "shown.id = {0}::uuid",
        ("analysis_id",): "shown.analysis_session_id = {0}::uuid",
        ("analysis_type",): "shown.analysis_type = {0}",
    },
}
_CREATED: Final = ("created_at",)
# A page that only times bound is read in the order of the index by time. Without statistics, as after a first load, the
# planner takes an organization for a few rows, reads all of them and sorts them with their JSON.
_IN_ORDER: Final = Prepared(
    "SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)"
)


class PostgresDocuments:
    """Reads the record. With a snapshot, all of it is of that moment: `pg_export_snapshot` of a transaction at work."""

    adapter = "postgresql"

    def __init__(self, database: Database, snapshot: str | None = None) -> None:
        self._database = database
        self._snapshot = snapshot

    def get(self, organization_id: UUID, collection: DocumentCollection, ids: Sequence[UUID]) -> dict[str, Document]:
        """See `DocumentReader`."""
        kept = KEPT_BY_COLLECTION[collection]
        statement = (
            f"SELECT {kept.columns} FROM unnest(%(ids)s::uuid[]) AS k (i)"
            f" CROSS JOIN LATERAL ({kept.by_key.replace('k.o', '%(organization)s')} OFFSET 0) AS shown"
        )
        with self._connection(organization_id) as connection:
            asked = {"organization": organization_id, "ids": list(ids)}
            rows = connection.execute(statement, asked).fetchall()
        return {document["id"]: document for document in map(_shaper(kept), rows)}

    def find(self, organization_id: UUID, collection: DocumentCollection, request: DocumentRequest) -> DocumentPage:
        """See `DocumentReader`."""
        pushed = [each for each in request.conditions if _is_indexed(collection, each)]

        def fetch(after: Place | None, count: int) -> list[Document]:
            with self._connection(organization_id) as connection:
                return _fetch(connection, organization_id, KEPT_BY_COLLECTION[collection], pushed, after, count)

        return page(collection, request, fetch, walks=len(pushed) < len(request.conditions))

    def stored(self, organization_id: UUID, collection: DocumentCollection) -> Iterator[Document]:
        """See `DocumentReader`: page by page, as readers are given them."""
        kept, place = KEPT_BY_COLLECTION[collection], None
        while True:
            with self._connection(organization_id) as connection:
                documents = _fetch(connection, organization_id, kept, (), place, MAXIMUM_LIMIT * 10)
            yield from documents
            if len(documents) < MAXIMUM_LIMIT * 10:
                return
            place = place_of(documents[-1])

    def count(self, organization_id: UUID, collection: DocumentCollection) -> int:
        """See `DocumentReader`."""
        relation = KEPT_BY_COLLECTION[collection].table
        with self._connection(organization_id) as connection:
            row = connection.execute(
                f"SELECT count(*) FROM {relation} WHERE organization_id = %s",
                (organization_id,),
            ).fetchone()
        return int((row or (0,))[0])

    @contextlib.contextmanager
    def _connection(self, organization_id: UUID) -> Iterator[AnyConnection]:
        """A transaction that reads, in the organization's name."""
        context = TenantContext(organization_id)
        if self._snapshot is None:
            with self._database.transaction(context, reading=True) as connection:
                yield driver_connection(connection)
            return
        with database_errors(self._database.address), self._database.connect_raw() as raw, raw.transaction():
            raw.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            raw.execute(f"SET TRANSACTION SNAPSHOT {psycopg.sql.Literal(self._snapshot).as_string(raw)}")
            raw.execute("SELECT set_config('app.current_organization_id', %s, true)", (str(context.organization_id),))
            yield raw


def _is_indexed(collection: DocumentCollection, condition: Condition) -> bool:
    if condition.path == _CREATED:
        return True
    return isinstance(condition, Is) and condition.value is not None and condition.path in _INDEXED[collection]


def _fetch(
    connection: AnyConnection,
    organization_id: UUID,
    kept: Kept,
    conditions: Sequence[Condition],
    after: Place | None,
    count: int,
) -> list[Document]:
    parts, parameters = ["shown.organization_id = %(organization)s"], dict[str, Any](organization=organization_id)
    for number, each in enumerate(conditions):
        for part, value in _parts(kept.collection, each):
            name = f"v{number}_{len(parameters)}"
            parts.append(part.format(f"%({name})s"))
            parameters[name] = value
    if after is not None:
        parts.append("(shown.created_at, shown.id) < (%(after)s, %(after_id)s)")
        parameters |= {"after": after.moment, "after_id": after.id}
    if all(each.path == _CREATED for each in conditions):
        _keep_order(connection)
    # Fixed names and conditions from above; every value is a parameter.
    statement = (
        f"SELECT {kept.columns} FROM {kept.relation} AS shown WHERE {' AND '.join(parts)}"
        f" ORDER BY shown.created_at DESC, shown.id DESC LIMIT {count:d}"
    )
    return list(map(_shaper(kept), connection.execute(statement, parameters).fetchall()))


def _keep_order(connection: AnyConnection) -> None:
    """Have the rest of the transaction read by indexes that give the order; travels with the next statement."""
    if isinstance(connection, DriverConnection) and connection.keeps_back:
        connection.write_later(_IN_ORDER, ())
    else:
        connection.execute(_IN_ORDER.text)


def _parts(collection: DocumentCollection, condition: Condition) -> Iterator[tuple[str, Any]]:
    if isinstance(condition, Is):
        if condition.path == _CREATED:
            yield "shown.created_at = {0}::timestamptz", condition.value
        else:
            yield _INDEXED[collection][condition.path], condition.value
        return
    for end, sign in ((condition.least, ">="), (condition.below, "<")):
        if isinstance(end, datetime):
            yield f"shown.created_at {sign} {{0}}", end


def _shaper(kept: Kept) -> Any:
    def shaped(row: Sequence[Any]) -> Document:
        try:
            return kept.document(row)
        except ValueError as error:
            raise DocumentStoreError(
                f"this document is too deep to be shown: {error}", where=f"{kept.collection}/{row[0]}"
            ) from error

    return shaped
