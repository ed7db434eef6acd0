"""A page of documents costs what it shows, also in a table that has no statistics yet."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
import sqlalchemy as sa

from clew.projections.documents.port import DocumentCollection, DocumentRequest
from clew.projections.documents.postgres.reader import PostgresDocuments
from tests.support.record import Writer, migrated_database, new_organization

if TYPE_CHECKING:
    import psycopg

_ROWS = 2_000
_LOOKED_AT = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'enriched_data'"


class Counting(PostgresDocuments):
    """Counts the rows that each transaction looked at."""

    looked_at: list[int]

    @contextlib.contextmanager
    def _connection(self, organization_id: UUID) -> Iterator["psycopg.Connection[object]"]:
        with super()._connection(organization_id) as connection:
            yield connection
            (count,) = connection.execute(_LOOKED_AT).fetchone() or (0,)
            self.looked_at.append(int(count))


@pytest.fixture(scope="module")
def reader() -> Iterator[tuple[Counting, UUID]]:
    with migrated_database() as database:
        tenant = new_organization(database)
        with database.transaction(tenant.context) as connection:
            entity = Writer(connection, tenant).entity("domain", "one.example")
            connection.execute(
                sa.text(
                    "INSERT INTO enriched_data (organization_id, entity_id, enrichment_type, data)"
                    " SELECT :organization, :entity, 'kind-' || n, jsonb_build_object('text', repeat('x', 200))"
                    " FROM generate_series(1, :rows) AS n"
                ),
                {"organization": tenant.id, "entity": entity, "rows": _ROWS},
            )
        yield Counting(database), tenant.id


def test_a_page_without_conditions_looks_at_no_more_than_it_shows(reader: tuple[Counting, UUID]) -> None:
    documents, organization_id = reader
    documents.looked_at = []
    request, found = DocumentRequest((), 50), set[str]()
    for _ in range(3):
        page = documents.find(organization_id, DocumentCollection.ENRICHED_DATA, request)
        assert page.next_cursor is not None
        found |= {document["id"] for document in page.documents}
        request = DocumentRequest((), 50, page.next_cursor)
    assert len(found) == 150
    assert max(documents.looked_at) < 200, documents.looked_at
