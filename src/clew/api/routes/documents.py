"""Documents as they were collected, what enriches entities, and analyses; and their content."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Final
from uuid import UUID

from fastapi import Path, Query
from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse

from clew.api.callers import Call, needs
from clew.api.models.documents import DocumentModel, DocumentQuery
from clew.api.paging import Page
from clew.api.representations import shown, tagged
from clew.api.routing import router as routes
from clew.domains.documents.service import Content, content_of, read_document
from clew.ingest.filestore import file_store
from clew.kernel.errors import NotFoundError
from clew.projections.documents.port import Document, DocumentCollection
from clew.projections.documents_place import document_reader
from clew.records.acts import Act

router = routes("documents")

Reader = Annotated[Call, needs("document:read")]
CollectionName = Annotated[
    str,
    Path(
        max_length=60,
        description="Which documents.",
        json_schema_extra={"enum": [each.value for each in DocumentCollection]},
        examples=["raw_documents"],
    ),
]
_PIECE: Final = 1 << 20
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_BINARY: Final = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_CONTENT: Final = {**_BINARY, "application/json": {"example": {"name": "scan.json", "size": 1532}}}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "All of it, as an attachment; JSON of what is no file.", "content": _CONTENT},
    206: {"description": "The bytes that Range asked for.", "content": _CONTENT},
    304: {"description": "Not changed: the caller has this content"},
    416: {"description": "There are no such bytes; Content-Range says how many there are"},
}
_PARAMETERS: Final = {
    "parameters": [
        {
            "name": "Range",
            "in": "header",
            "required": False,
            "description": "The bytes wanted, such as bytes=0-1023 or bytes=1024-; one span.",
            "schema": {"type": "string"},
        }
    ]
}


@router.get("/documents/{collection}", response_model=Page[DocumentModel], summary="Find documents")
def find_documents(call: Reader, collection: CollectionName, query: Annotated[DocumentQuery, Query()]) -> Response:
    """Documents page by page, the newest first. A view in MongoDB is a moment behind the record: see projections."""
    chosen = _collection(collection)
    reader = document_reader(call.serving.database, call.serving.settings)
    page = reader.find(call.principal.organization_id, chosen, query.request(chosen))
    call.tell_read(Act("documents_found", "READ", chosen.value, request=query.asked()))
    items = [_shown(chosen, document) for document in page.documents]
    return shown(Page[DocumentModel](items=items, next_cursor=page.next_cursor))


@router.get("/documents/{collection}/{document_id}", response_model=DocumentModel, summary="Read a document")
def get_document(call: Reader, collection: CollectionName, document_id: UUID) -> Response:
    """One document with its ETag. Of a file it says where its bytes are; content gives them."""
    chosen = _collection(collection)
    document = _read(call, chosen, document_id)
    call.tell_read(Act("document_read", "READ", chosen.value, document_id))
    return tagged(call.request, _shown(chosen, document))


@router.get(
    "/documents/{collection}/{document_id}/content",
    response_class=Response,
    responses=_ANSWERS,
    summary="Download a document's content",
    openapi_extra=_PARAMETERS,
)
def get_document_content(call: Reader, collection: CollectionName, document_id: UUID) -> Response:
    """A file's bytes as they came, or the JSON of any other document; all of it or the span that Range names.

    To be saved, never opened: whoever made it may be an attacker.
    """
    chosen = _collection(collection)
    document = _read(call, chosen, document_id)
    content = content_of(lambda: file_store(call.serving.settings), chosen, document)
    span = _span(call, content)
    call.tell_read(Act("document_content_read", "READ", chosen.value, document_id, response={"bytes": span.length}))
    if span.status in {304, 416}:
        return Response(None, span.status, span.headers)
    stream = content.open_at(span.start)
    return StreamingResponse(
        _pieces(stream, span.length),
        span.status,
        span.headers,
        media_type=content.media_type,
        background=BackgroundTask(stream.close),
    )


@dataclass(frozen=True, slots=True)
class _Span:
    """What of a content is sent."""

    status: int
    start: int
    length: int
    headers: dict[str, str]


def _span(call: Call, content: Content) -> _Span:
    """RFC 9110, section 14: one range of bytes; anything else that Range may say is not listened to."""
    headers = {
        "Content-Disposition": f'attachment; filename="{content.file_name}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        # A range is one of the bytes that are sent: these are not to be compressed on the way.
        "Content-Encoding": "identity",
    }
    asked = call.request.headers
    tag = f'"{content.digest}"' if content.digest is not None else None
    if tag is not None:
        headers["ETag"] = tag
        known = {each.strip().removeprefix("W/") for each in asked.get("If-None-Match", "").split(",")}
        if known & {tag, "*"}:
            return _Span(304, 0, 0, headers)
    wanted = _RANGE.fullmatch(asked.get("Range", "").strip())
    condition = asked.get("If-Range")
    if wanted is None or wanted.group() == "bytes=-" or (condition is not None and condition != tag):
        return _Span(200, 0, content.size, headers | {"Content-Length": str(content.size)})
    first, last = wanted.groups()
    start = int(first) if first else max(0, content.size - int(last))
    end = min(int(last) if first and last else content.size - 1, content.size - 1)
    if start > end or start >= content.size:
        return _Span(416, 0, 0, headers | {"Content-Range": f"bytes */{content.size}"})
    told = {"Content-Range": f"bytes {start}-{end}/{content.size}", "Content-Length": str(end - start + 1)}
    return _Span(206, start, end - start + 1, headers | told)


def _pieces(stream: BinaryIO, length: int) -> Iterator[bytes]:
    with contextlib.closing(stream):
        while length > 0 and (piece := stream.read(min(_PIECE, length))):
            length -= len(piece)
            yield piece


def _collection(name: str) -> DocumentCollection:
    """The collection of that name. Raises NotFoundError."""
    try:
        return DocumentCollection(name)
    except ValueError:
        known = ", ".join(each.value for each in DocumentCollection)
        raise NotFoundError(f"there is no collection {name[:60]!r}", remedy=f"there are: {known}") from None


def _read(call: Call, collection: DocumentCollection, identifier: UUID) -> Document:
    reader = document_reader(call.serving.database, call.serving.settings)
    return read_document(reader, call.principal.organization_id, collection, identifier)


def _shown(collection: DocumentCollection, document: Document) -> DocumentModel:
    return DocumentModel(
        collection=collection, id=document["id"], created_at=document["created_at"], document=dict(document)
    )
