"""Documents in MongoDB as a projection: rows become documents, documents are put, and both sides are compared."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import psycopg

from clew.projections.documents.fields import SCHEMA_VERSION
from clew.projections.documents.port import Document, DocumentCollection
from clew.projections.documents.rows import KEPT, KEPT_BY_TABLE, Kept
from clew.projections.documents_rows import Batch, DocumentRows
from clew.projections.feed import Key
from clew.projections.projection import Aside, Comparison, Difference, Projection

if TYPE_CHECKING:
    from clew.projections.documents.mongo.view import MongoDocumentView
    from clew.projections.documents.mongo.writer import MongoWriter

NAME: Final = "documents"


class DocumentsProjection:
    """Keeps the documents in a MongoDB. The view is opened when it is first needed: its driver takes long to load."""

    name = NAME
    adapter = "mongodb"
    schema_version = SCHEMA_VERSION
    kept_by_loads = False  # a server follows, or whoever reads them first

    def __init__(self, opened: "Callable[[], MongoDocumentView]") -> None:
        self._opened = opened
        self._view: MongoDocumentView | None = None

    @property
    def tables(self) -> frozenset[str]:
        """The tables whose rows become documents."""
        return frozenset(KEPT_BY_TABLE)

    @property
    def view(self) -> "MongoDocumentView":
        """The view itself."""
        if self._view is None:
            self._view = self._opened()
        return self._view

    def position(self) -> str | None:
        """The position stored with the published generation."""
        state = self.view.state()
        return None if state is None else state.position

    def rows(self) -> int:
        """Documents in the view, of all organizations."""
        return self.view.total()

    @contextlib.contextmanager
    def writing(self) -> Iterator["DocumentsWriting"]:
        """Write to the published generation."""
        yield DocumentsWriting(self.view.writer())

    @contextlib.contextmanager
    def building(self) -> Iterator["DocumentsWriting"]:
        """Write a new generation, published in the end."""
        with self.view.building() as writer:
            yield DocumentsWriting(writer)

    def compare(self, connection: psycopg.Connection[Any]) -> Comparison:
        """Digests of every document as MongoDB gives it back against those of the record's rows."""
        from clew.projections.documents_comparison import compare  # noqa: PLC0415

        reader = self.view.reader
        return compare(DocumentRows(connection), reader, reader.organizations())

    @contextlib.contextmanager
    def copy(self) -> Iterator[Projection]:
        """A view beside this one, empty at first: whoever asks rebuilds it."""
        with self.view.copied() as copy:
            yield DocumentsProjection(lambda: copy)


class DocumentsWriting:
    """Puts rows of the record into MongoDB."""

    def __init__(self, writer: "MongoWriter") -> None:
        self._writer = writer

    def apply(self, connection: psycopg.Connection[Any]) -> tuple[Aside, ...]:
        """Put what the rows are now; remove what is not there any more."""
        # Rows are looked up by key; statistics that are behind must not talk the planner out of it.
        connection.execute("SET LOCAL enable_seqscan = off")
        reader = DocumentRows(connection)
        aside: list[Aside] = []
        for kept in KEPT:
            for organization_id, batches in groupby(reader.changed(kept), key=attrgetter("organization_id")):
                aside += self._put(kept, organization_id, batches)
        connection.execute("SET LOCAL enable_seqscan = on")
        return tuple(aside)

    def remove(self, differences: Iterable[Difference]) -> None:
        """Remove what the record does not hold, under whichever key it was put there."""
        for each in differences:
            self._writer.remove_stray(each.organization_id, DocumentCollection(each.part), each.row_id)

    def fill(self, connection: psycopg.Connection[Any], observe: Callable[[int], None]) -> tuple[Aside, ...]:
        """Put every row of every organization."""
        reader = DocumentRows(connection)
        aside: list[Aside] = []
        rows = 0

        def counted(batches: Iterable[Batch]) -> Iterator[Batch]:
            nonlocal rows
            for batch in batches:
                yield batch
                rows += len(batch.documents)
                observe(rows)

        for organization_id in reader.organizations():
            for kept in KEPT:
                aside += self._put(kept, organization_id, counted(reader.all(kept, organization_id)))
        return tuple(aside)

    def commit(self, position: str) -> tuple[Aside, ...]:
        """Make it durable, then the position."""
        self._writer.commit(position)
        return ()

    def _put(self, kept: Kept, organization_id: UUID, batches: Iterable[Batch]) -> Iterator[Aside]:
        """Put an organization's rows, and remove those that are gone or no documents."""
        gone: list[str] = []
        told: list[tuple[str, str]] = []

        def documents() -> Iterator[Document]:
            for batch in batches:
                gone.extend(batch.gone)
                told.extend(batch.faults)
                yield from batch.documents

        refused = list(self._writer.put(organization_id, kept.collection, documents()))
        gone += [identifier for identifier, _ in told]
        self._writer.remove(organization_id, kept.collection, gone)
        for identifier, reason in (*told, *((each.id, each.reason) for each in refused)):
            yield Aside(Key(organization_id, kept.table, UUID(identifier)), reason)
