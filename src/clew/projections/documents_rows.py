"""The record's rows as documents, for whoever keeps or compares a view: some by their keys, or all of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import psycopg

from clew.projections.documents.port import Document
from clew.projections.documents.rows import Kept
from clew.projections.feed import STRETCH

_FETCHED: Final = 1_000


@dataclass(slots=True)
class Batch:
    """Some rows of one organization. `gone`: ids of rows that are not there. `faults`: ids and why they are none."""

    organization_id: UUID
    documents: list[Document] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)


class DocumentRows:
    """Reads on one connection of the projector, within its caller's transaction."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def changed(self, kept: Kept) -> Iterator[Batch]:
        """The rows of a table that STRETCH names."""
        query = (
            f"SELECT k.o, k.i::text, shown.id IS NULL, {kept.columns}"
            f" FROM (SELECT DISTINCT organization_id AS o, row_id AS i FROM {STRETCH}"
            f" WHERE table_name = '{kept.table}') AS k LEFT JOIN LATERAL ({kept.by_key} OFFSET 0) AS shown ON true"
        )
        with self._connection.cursor(f"clew_changed_{kept.collection}", binary=True) as cursor:
            cursor.execute(query)
            while rows := cursor.fetchmany(_FETCHED):
                of: dict[UUID, Batch] = {}
                for row in rows:
                    _add(of.setdefault(row[0], Batch(row[0])), kept, row)
                yield from of.values()

    def all(self, kept: Kept, organization_id: UUID) -> Iterator[Batch]:
        """All rows of an organization."""
        query = (
            f"SELECT organization_id, id::text, false, {kept.columns} FROM {kept.relation} AS shown"
            " WHERE organization_id = %(organization)s"
        )
        with self._connection.cursor(f"clew_{kept.collection}", binary=True) as cursor:
            cursor.execute(query, {"organization": organization_id})
            while rows := cursor.fetchmany(_FETCHED):
                batch = Batch(organization_id)
                for row in rows:
                    _add(batch, kept, row)
                yield batch

    def organizations(self) -> list[UUID]:
        """Every organization of the installation."""
        return [row[0] for row in self._connection.execute("SELECT id FROM organizations ORDER BY id").fetchall()]

    def count(self, kept: Kept) -> int:
        """How many rows there are, of all organizations."""
        row = self._connection.execute(f"SELECT count(*) FROM {kept.table}").fetchone()
        return int((row or (0,))[0])


def _add(batch: Batch, kept: Kept, row: tuple[Any, ...]) -> None:
    _, identifier, absent, *columns = row
    if absent:
        batch.gone.append(identifier)
        return
    try:
        batch.documents.append(kept.document(columns))
    except ValueError as error:
        batch.faults.append((identifier, f"{type(error).__name__}: {error}"))
