"""The documents of a server's record."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from clew.cli.desk.remote.connection import connected
from clew.cli.options import Invocation
from clew.projections.documents.port import DocumentPage
from clew.projections.documents.wording import collection_of, conditions_of


@dataclass(frozen=True, slots=True)
class RemoteDocuments:
    """See `ports.Documents`."""

    call: Invocation

    def find(self, collection: str, conditions: Sequence[str], *, limit: int, cursor: str | None) -> DocumentPage:
        """A page of them."""
        chosen = collection_of(collection)
        conditions_of(chosen, conditions)  # what is wrong is told before anybody is asked
        with connected(self.call) as client:
            page = client.find_documents(chosen.value, where=list(conditions), limit=limit, cursor=cursor)
        return DocumentPage(tuple(each.document for each in page.items), page.next_cursor)

    def get(self, collection: str, identifier: UUID) -> dict[str, Any]:
        """One of them."""
        with connected(self.call) as client:
            return dict(client.get_document(collection_of(collection).value, identifier).document)

    def content(self, collection: str, identifier: UUID, start: int, sink: Callable[[bytes], object]) -> None:
        """Its content, piece by piece."""
        span = f"bytes={start}-" if start else None
        with (
            connected(self.call) as client,
            client.get_document_content(collection_of(collection).value, identifier, range=span) as content,
        ):
            for chunk in content.chunks():
                sink(chunk)
