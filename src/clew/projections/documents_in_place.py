"""Documents that are read where the record keeps them."""

from typing import Any

import psycopg

from clew.kernel.database import Database
from clew.projections.documents.postgres.reader import PostgresDocuments
from clew.projections.documents.rows import KEPT
from clew.projections.documents_comparison import compare
from clew.projections.documents_rows import DocumentRows
from clew.projections.projection import Comparison


class DocumentsInPlace:
    """See `InPlaceView`."""

    name = "documents"
    adapter = PostgresDocuments.adapter

    def rows(self, connection: psycopg.Connection[Any]) -> int:
        """Rows of all organizations."""
        rows = DocumentRows(connection)
        return sum(rows.count(kept) for kept in KEPT)

    def compare(self, database: Database, connection: psycopg.Connection[Any]) -> Comparison:
        """What readers are given, in each organization's name, beside what the projector sees."""
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        if row is None:
            raise LookupError("a function gives a row")
        return compare(DocumentRows(connection), PostgresDocuments(database, snapshot=row[0]))
