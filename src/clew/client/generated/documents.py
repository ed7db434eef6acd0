"""Operations of the API on: documents.

Written by `make docs` from the API's description; edit that instead.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Literal
from uuid import UUID

from clew.client import paging
from clew.client.generated import models
from clew.client.operations import Calls, Stream
from clew.client.transport import asked, path_of


class DocumentsOperations(Calls):
    """Operations on: documents."""

    def find_documents(
        self,
        collection: Literal["raw_documents", "enriched_data", "analysis_results"],
        *,
        limit: int | None = None,
        cursor: str | None = None,
        where: list[str] | None = None,
    ) -> models.DocumentPage:
        """Find documents.

        Documents page by page, the newest first. A view in MongoDB is a moment behind the record: see projections.
        """
        return self._transport.fetch(
            models.DocumentPage,
            asked(
                "GET",
                path_of("/api/v1/documents/{collection}", collection=collection),
                query={"limit": limit, "cursor": cursor, "where": where},
            ),
        )

    def iterate_find_documents(
        self,
        collection: Literal["raw_documents", "enriched_data", "analysis_results"],
        *,
        limit: int | None = None,
        where: list[str] | None = None,
    ) -> Iterator[models.Document]:
        """Every item of `find_documents`, page after page; `limit` is the size of a page."""
        return paging.each(lambda cursor: self.find_documents(collection, limit=limit, where=where, cursor=cursor))

    def get_document(
        self, collection: Literal["raw_documents", "enriched_data", "analysis_results"], document_id: UUID
    ) -> models.Document:
        """Read a document.

        One document with its ETag. Of a file it says where its bytes are; content gives them.
        """
        return self._transport.fetch_resource(
            models.Document,
            asked(
                "GET",
                path_of("/api/v1/documents/{collection}/{document_id}", collection=collection, document_id=document_id),
            ),
        )

    def get_document_content(
        self,
        collection: Literal["raw_documents", "enriched_data", "analysis_results"],
        document_id: UUID,
        *,
        range: str | None = None,
    ) -> AbstractContextManager[Stream]:
        """Download a document's content.

        A file's bytes as they came, or the JSON of any other document; all of it or the span that Range names.

        To be saved, never opened: whoever made it may be an attacker.
        """
        return self._stream(
            asked(
                "GET",
                path_of(
                    "/api/v1/documents/{collection}/{document_id}/content",
                    collection=collection,
                    document_id=document_id,
                ),
                headers={"Range": range},
            )
        )
