"""The search view as a projection: rows become documents, documents are put, and both sides are compared."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final
from uuid import UUID

import psycopg

from clew.kernel.errors import ClewError
from clew.projections.feed import Key
from clew.projections.projection import Aside, Comparison, Difference, Projection
from clew.projections.search.fields import DocumentSet
from clew.projections.search.port import AnyOf, Document, LateRefusal, SearchRequest, SearchView, SearchWriter
from clew.projections.search_documents.tables import BY_TABLE, SHOWN, Batch, DocumentReader, Shown, table_of

NAME: Final = "search"


class SearchProjection:
    """Keeps a search view."""

    def __init__(self, view: SearchView) -> None:
        self._view = view

    @property
    def name(self) -> str:
        """Always "search"."""
        return NAME

    @property
    def adapter(self) -> str:
        """The engine's name."""
        return self._view.adapter

    @property
    def schema_version(self) -> int:
        """Of the documents' fields."""
        return self._view.schema_version

    @property
    def tables(self) -> frozenset[str]:
        """The tables whose rows become documents."""
        return frozenset(BY_TABLE)

    @property
    def kept_by_loads(self) -> bool:
        """Always: people search for what they have just loaded."""
        return True

    @property
    def view(self) -> SearchView:
        """The view itself, for readers."""
        return self._view

    def position(self) -> str | None:
        """The position stored with the published view."""
        state = self._view.state()
        if state is None or state.schema_version != self._view.schema_version:
            return None
        return state.position

    def rows(self) -> int:
        """Documents in the view, of all organizations."""
        if self._view.state() is None:
            return 0
        with self._view.reader() as reader:
            return sum(reader.count(each, part) for each in reader.organizations() for part in DocumentSet)

    @contextlib.contextmanager
    def writing(self) -> Iterator["SearchWriting"]:
        """Write to the published view."""
        with self._view.writer() as writer:
            yield SearchWriting(writer, self._holds_relationships)

    def _holds_relationships(self, organization_id: UUID) -> bool:
        relationships = SearchRequest(filters=(AnyOf("doc_type", ("relationship",)),), limit=0)
        with self._view.reader() as reader:
            return reader.search(organization_id, relationships).total > 0

    @contextlib.contextmanager
    def building(self) -> Iterator["SearchWriting"]:
        """Write a new view, published in the end."""
        writer = self._view.writer(fresh=True)
        try:
            yield SearchWriting(writer, lambda _: False)
        except BaseException:
            self._view.abandon(writer)
            raise
        self._view.publish(writer)

    def compare(self, connection: psycopg.Connection[Any]) -> Comparison:
        """Digests of every document as the engine gives it back against those of the record's rows."""
        # Frames bring threads of their own; commands that only follow the record go without.
        from clew.projections.search_comparison import compare  # noqa: PLC0415

        with self._view.reader() as view:
            return compare(DocumentReader(connection), view)

    @contextlib.contextmanager
    def copy(self) -> Iterator[Projection]:
        """A copy of the view, removed afterwards."""
        with self._view.copied() as copy:
            yield SearchProjection(copy)


class SearchWriting:
    """Puts rows of the record into a view's writer."""

    def __init__(self, writer: SearchWriter, holds_relationships: Callable[[UUID], bool]) -> None:
        self._writer = writer
        self._holds_relationships = holds_relationships
        self._known_to_hold: dict[UUID, bool] = {}

    def apply(self, connection: psycopg.Connection[Any]) -> tuple[Aside, ...]:
        """Put what the rows are now; remove what is not there or not shown any more."""
        # Rows are looked up by key; statistics that are behind must not talk the planner out of it.
        connection.execute("SET LOCAL enable_seqscan = off")
        reader = DocumentReader(connection)
        aside: list[Aside] = []
        changing = reader.changing()
        for shown in SHOWN:
            organization_ids = changing.get(shown.table, [])
            absent = any(self._may_hold(shown, organization_id) for organization_id in organization_ids)
            if not organization_ids or not (absent or reader.shows_any(shown, organization_ids)):
                continue
            for batch in reader.changed(shown, absent=absent):
                aside += self._put(shown, batch)
                gone = [*batch.hidden, *(row_id for row_id, _ in batch.faults)]
                self._writer.remove(batch.organization_id, shown.document_set, gone)
        connection.execute("SET LOCAL enable_seqscan = on")
        return tuple(aside)

    def remove(self, differences: Iterable[Difference]) -> None:
        """Remove documents that the record has no row for."""
        for each in differences:
            self._writer.remove(each.organization_id, DocumentSet(each.part), [str(each.row_id)])

    def fill(self, connection: psycopg.Connection[Any], observe: Callable[[int], None]) -> tuple[Aside, ...]:
        """Put every row of every organization."""
        reader = DocumentReader(connection)
        aside: list[Aside] = []
        rows = 0
        for organization_id in reader.organizations():
            for shown in SHOWN:
                for batch in reader.all(shown, organization_id):
                    aside += self._put(shown, batch)
                    rows += len(batch)
                    observe(rows)
        return tuple(aside)

    def commit(self, position: str) -> tuple[Aside, ...]:
        """Commit the view."""
        return tuple(map(_late, self._writer.commit(position)))

    def _may_hold(self, shown: Shown, organization_id: UUID) -> bool:
        """Whether the view may hold rows of a table that the record does not show (any more).

        Of relationships, whose logs' millions are not shown, most organizations' views hold none at all: then none
        need be removed.
        """
        if shown.table != "relationships":
            return True
        if organization_id not in self._known_to_hold:
            self._known_to_hold[organization_id] = self._holds_relationships(organization_id)
        return self._known_to_hold[organization_id]

    def _put(self, shown: Shown, batch: Batch) -> list[Aside]:
        organization_id, documents = batch.organization_id, batch.documents
        if documents and shown.table == "relationships":
            self._known_to_hold[organization_id] = True
        refused = [*batch.faults, *self._put_surely(organization_id, shown.document_set, documents)]
        return [Aside(Key(organization_id, shown.table, UUID(row_id)), reason) for row_id, reason in refused]

    def _put_surely(
        self, organization_id: UUID, part: DocumentSet, documents: Sequence[Document]
    ) -> Iterator[tuple[str, str]]:
        """Put documents; one that breaks the engine is found by halving, and given with its reason like a refusal."""
        try:
            refusals = self._writer.put(organization_id, part, documents)
        except (ClewError, OSError, MemoryError):
            raise  # the view cannot be written at all
        except Exception as error:  # noqa: BLE001  whatever an engine chokes on: the row is told, the others go on
            if len(documents) == 1:
                yield str(documents[0]["id"]), f"{type(error).__name__}: {error}"
                return
            middle = len(documents) // 2
            yield from self._put_surely(organization_id, part, documents[:middle])
            yield from self._put_surely(organization_id, part, documents[middle:])
        else:
            yield from ((refusal.id, refusal.reason) for refusal in refusals)


def _late(refusal: LateRefusal) -> Aside:
    table = table_of(refusal.document_set, refusal.document)
    return Aside(Key(refusal.organization_id, table, UUID(refusal.document["id"])), refusal.reason)
