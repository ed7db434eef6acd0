"""Documents for whoever asks: one, a page of them, or the content of one, from any byte on."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, Final
from uuid import UUID

import orjson

from clew.ingest.filestore import FileStore
from clew.kernel.errors import NotFoundError
from clew.projections.documents.port import Document, DocumentCollection, DocumentReader

_BODIES: Final = {
    DocumentCollection.RAW_DOCUMENTS: "content",
    DocumentCollection.ENRICHED_DATA: "data",
    DocumentCollection.ANALYSIS_RESULTS: "results",
}
_SAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Content:
    """What a document holds: a file's bytes, or its JSON. `digest`: SHA-256 of a file, which names it for good."""

    file_name: str
    media_type: str
    size: int
    digest: str | None
    open_at: Callable[[int], BinaryIO]


def read_document(
    reader: DocumentReader, organization_id: UUID, collection: DocumentCollection, identifier: UUID
) -> Document:
    """One document. Raises NotFoundError."""
    found = reader.get(organization_id, collection, [identifier])
    if str(identifier) not in found:
        raise NotFoundError(
            "there is no such document", where=f"{collection.value}/{identifier}", remedy="look for it: documents find"
        )
    return found[str(identifier)]


def content_of(store: Callable[[], FileStore], collection: DocumentCollection, document: Document) -> Content:
    """What a document holds. `store` is opened for files only. Raises what `FileStore.open` raises."""
    file = document.get("file_info")
    if collection is DocumentCollection.RAW_DOCUMENTS and isinstance(file, dict):
        return _of_a_file(store(), document, file)
    body = orjson.dumps(document.get(_BODIES[collection]), option=orjson.OPT_INDENT_2)

    def open_at(offset: int) -> BinaryIO:
        content = io.BytesIO(body)
        content.seek(offset)
        return content

    return Content(f"{document['id']}.json", "application/json", len(body), None, open_at)


def _of_a_file(store: FileStore, document: Document, file: dict[str, Any]) -> Content:
    digest = str(document["hash"])
    # What is in the record is what some file said of itself; what is stored says how long it is.
    return Content(
        file_name=_safe_name(str(file.get("filename") or digest)),
        media_type="application/octet-stream",
        size=store.size(digest),
        digest=digest,
        open_at=lambda offset: store.open(digest, offset),
    )


def _safe_name(name: str) -> str:
    """The last part of a name, as any system and header takes it."""
    return _SAFE.sub("_", re.split(r"[/\\!]", name)[-1]).strip("._")[-120:] or "content"
