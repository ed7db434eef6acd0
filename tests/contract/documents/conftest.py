"""Every adapter of the document port runs this suite; it knows the port and nothing of any engine.

The record is the same for all: two organizations that hold the same things. An adapter joins with a line in ADAPTERS.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID, uuid5

import orjson
import pytest
import sqlalchemy as sa

from clew.kernel.database import Database
from clew.projections.documents.mongo.connection import MongoConnection
from clew.projections.documents.mongo.view import MongoDocumentView
from clew.projections.documents.port import Document, DocumentCollection, DocumentReader, DocumentRequest
from clew.projections.documents.postgres.reader import PostgresDocuments
from clew.projections.documents_projection import DocumentsProjection
from clew.projections.projector import Projector
from tests.engines.mongo import ON_MONGO, mongo_address
from tests.support.record import NOON, Tenant, Writer, migrated_database, new_organization

RAW, ENRICHED, ANALYSES = (
    DocumentCollection.RAW_DOCUMENTS,
    DocumentCollection.ENRICHED_DATA,
    DocumentCollection.ANALYSIS_RESULTS,
)
SAME: Final = UUID("01960000-0000-7000-8000-000000000001")
"""An id that a row of each organization has."""


@dataclass
class Adapter:
    """A reader, the record that it reads, and how it is brought up to now."""

    reader: DocumentReader
    database: Database
    ours: Tenant
    theirs: Tenant
    follow: Callable[[], None]

    def every(
        self, collection: DocumentCollection, request: DocumentRequest, tenant: Tenant | None = None
    ) -> list[Document]:
        """All pages of a request."""
        found: list[Document] = []
        while True:
            page = self.reader.find((tenant or self.ours).id, collection, request)
            found += page.documents
            if page.next_cursor is None:
                return found
            request = DocumentRequest(request.conditions, request.limit, page.next_cursor)

    def enrich(self, data: Any, number: int = 0, tenant: Tenant | None = None, **columns: Any) -> UUID:
        """One more piece of enrichment, told at noon and so many microseconds; its id."""
        tenant = tenant or self.ours
        row = {
            "id": uuid5(SAME, f"{tenant.id}/{number}"),
            "collection_item_id": uuid5(SAME, f"item/{number}"),
            "enrichment_type": "registration",
            "created_at": NOON + timedelta(microseconds=number),
            "metadata": '{"enricher": "whois", "version": "1", "confidence": 0.75}',
        } | columns
        with self.database.transaction(tenant.context) as connection:
            entity = connection.scalar(sa.text("SELECT id FROM entities WHERE normalized_name = 'lantern.example'"))
            names = ", ".join(row)
            connection.execute(
                sa.text(
                    f"INSERT INTO enriched_data (organization_id, entity_id, data, {names})"
                    f" VALUES (:organization, :entity, CAST(:data AS jsonb), {', '.join(f':{name}' for name in row)})"
                ),
                row | {"organization": tenant.id, "entity": entity, "data": orjson.dumps(data).decode()},
            )
        identifier = row["id"]
        assert isinstance(identifier, UUID)
        return identifier

    def stored(self, data: Any) -> Any:
        """The data of a piece of enrichment as it comes back."""
        with self.database.transaction(self.ours.context) as connection:
            connection.execute(sa.text("DELETE FROM enriched_data"))
        identifier = self.enrich(data)
        self.follow()
        return self.reader.get(self.ours.id, ENRICHED, [identifier])[str(identifier)]["data"]


@contextmanager
def _in_postgresql(database: Database) -> Iterator[tuple[DocumentReader, Callable[[], None]]]:
    yield PostgresDocuments(database), lambda: None


def _in_mongo(kind: str) -> Callable[[Database], AbstractContextManager[tuple[DocumentReader, Callable[[], None]]]]:
    @contextmanager
    def opened(database: Database) -> Iterator[tuple[DocumentReader, Callable[[], None]]]:
        with contextlib.closing(MongoConnection(mongo_address(kind))) as connection:
            view = MongoDocumentView(connection)

            def follow() -> None:
                with Projector(database, [DocumentsProjection(lambda: view)]) as projector:
                    (outcome,) = projector.catch_up()
                assert outcome.error is None

            follow()
            yield view.reader, follow
            view.remove()

    return opened


ADAPTERS: Final = {
    "postgresql": _in_postgresql,
    "mongo-protocol": _in_mongo("mongo-protocol"),
    "mongodb": _in_mongo("mongodb"),
}


def fill(database: Database, tenant: Tenant) -> None:
    """What both organizations hold alike: a file with two rows, a page, and two analyses."""
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        writer.entity("domain", "lantern.example")
        sources = {name: writer.source(name) for name in ("whois", "crawler")}
        file = {"file_name": "whois.json", "digest": digest("file"), "size": 4096, "mime_type": "application/json"}
        _item(writer, 0, sources["whois"], "file", "file", file, file_name="whois.json")
        parent = item_id(tenant, 0)
        for number in (1, 2):
            row = {"domain": f"row-{number}.example", "a.b": {"$gt": number}}
            _item(writer, number, sources["whois"], "result", f"row {number}", row, parent_id=parent, line=number + 1)
        _item(writer, 3, sources["crawler"], "page", "page", {"title": "A page", "links": ["x", "y"]})
        for number in (1, 2):
            _analysis(writer, number)


def item_id(tenant: Tenant, number: int) -> UUID:
    return uuid5(SAME, f"{tenant.id}/item/{number}")


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def moment(number: int) -> datetime:
    return NOON + timedelta(seconds=number, microseconds=number)


def _item(writer: Writer, number: int, source: UUID, kind: str, text: str, raw: Any, **columns: Any) -> None:
    writer.connection.execute(
        sa.text("SELECT ensure_partitions('collection_items', ARRAY[CAST(:month AS date)])"), {"month": NOON}
    )
    identifier = item_id(writer.tenant, number)
    writer.insert(
        "collection_item_hashes", hash=digest(text), collection_item_id=identifier, collected_at=moment(number)
    )
    writer.insert(
        "collection_items",
        id=identifier,
        collection_id=writer.collection,
        source_id=source,
        item_type=kind,
        hash=digest(text),
        raw_data=orjson.dumps(raw).decode(),
        collected_at=moment(number),
        **columns,
    )


def _analysis(writer: Writer, number: int) -> None:
    writer.insert(
        "analysis_results",
        id=uuid5(SAME, f"{writer.tenant.id}/analysis/{number}"),
        analysis_session_id=uuid5(SAME, f"session/{number}"),
        analysis_type="coordination" if number == 1 else "risk",
        input_entities=orjson.dumps([str(SAME)] if number == 1 else []).decode(),
        results='{"campaigns": []}',
        metrics=f'{{"sources": {number}}}',
        insights='[{"evidence": ["they keep the same hours"]}]',
        created_by=writer.tenant.operator,
        created_at=moment(number),
    )


@pytest.fixture(scope="module", params=["postgresql", *ON_MONGO])
def adapter(request: pytest.FixtureRequest) -> Iterator[Adapter]:
    with migrated_database() as database:
        ours, theirs = new_organization(database), new_organization(database)
        for tenant in (ours, theirs):
            fill(database, tenant)
        with ADAPTERS[request.param](database) as (reader, follow):
            yield Adapter(reader, database, ours, theirs, follow)
