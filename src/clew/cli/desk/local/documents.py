"""The documents of this machine's record."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from clew.cli.options import Invocation
from clew.cli.session import Record, opened_record
from clew.domains.documents.service import content_of, read_document
from clew.ingest.filestore import file_store
from clew.projections.documents.port import DocumentPage, DocumentReader, DocumentRequest
from clew.projections.documents.wording import collection_of, conditions_of
from clew.projections.documents_place import document_reader
from clew.records import acts

_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class LocalDocuments:
    """See `ports.Documents`."""

    call: Invocation

    def find(self, collection: str, conditions: Sequence[str], *, limit: int, cursor: str | None) -> DocumentPage:
        """A page of them."""
        chosen = collection_of(collection)
        request = DocumentRequest(conditions_of(chosen, conditions), limit, cursor)
        with self._reader() as (record, reader):
            page = reader.find(record.organization_id, chosen, request)
            _tell(record, acts.Act("documents_found", "READ", chosen.value, request={"where": list(conditions)}))
        return page

    def get(self, collection: str, identifier: UUID) -> dict[str, Any]:
        """One of them."""
        chosen = collection_of(collection)
        with self._reader() as (record, reader):
            document = read_document(reader, record.organization_id, chosen, identifier)
            _tell(record, acts.Act("document_read", "READ", chosen.value, identifier))
        return dict(document)

    def content(self, collection: str, identifier: UUID, start: int, sink: Callable[[bytes], object]) -> None:
        """Its content, piece by piece."""
        chosen = collection_of(collection)
        with self._reader() as (record, reader):
            document = read_document(reader, record.organization_id, chosen, identifier)
            content = content_of(lambda: file_store(record.settings), chosen, document)
            _tell(record, acts.Act("document_content_read", "READ", chosen.value, identifier))
            with content.open_at(start) as stream:
                while piece := stream.read(_PIECE):
                    sink(piece)

    @contextlib.contextmanager
    def _reader(self) -> Iterator[tuple[Record, DocumentReader]]:
        """The record, and who reads its documents; a view in MongoDB is brought up to now first."""
        with opened_record(self.call) as record:
            if record.settings.documents_url is not None:
                from clew.projections.service import bring_up

                bring_up(record.database, "documents")
            yield record, document_reader(record.database, record.settings)


def _tell(record: Record, act: acts.Act) -> None:
    with record.transaction() as connection:
        acts.record(connection, act)
