"""Record and documents compared one by one, by digests of what each of them says now."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Final
from uuid import UUID

from clew.projections.documents.port import Document, DocumentReader, document_text
from clew.projections.documents.rows import KEPT, Kept
from clew.projections.documents_rows import DocumentRows
from clew.projections.projection import Comparison, Difference

_DIGEST_BYTES: Final = 8
_NOBODY: Final = UUID(int=0)


def compare(record: DocumentRows, view: DocumentReader, others: Iterable[UUID] = ()) -> Comparison:
    """Every document as `view` gives it back against the record's rows.

    `others`: organizations that the view knows beyond the record's. Memory: some 120 bytes a document of an
    organization's largest collection.
    """
    parts = [
        _compared(record, view, organization_id, kept)
        for organization_id in sorted({*record.organizations(), *others} - {_NOBODY})
        for kept in KEPT
    ]
    return Comparison(
        sum(part.record_rows for part in parts),
        sum(part.view_rows for part in parts),
        tuple(each for part in parts for each in part.missing),
        tuple(each for part in parts for each in part.extra),
        tuple(each for part in parts for each in part.different),
    )


def _compared(record: DocumentRows, view: DocumentReader, organization_id: UUID, kept: Kept) -> Comparison:
    recorded = dict(_recorded(record, organization_id, kept))
    rows, viewed = len(recorded), 0
    extra: list[UUID] = []
    different: list[UUID] = []
    for document in view.stored(organization_id, kept.collection):
        viewed += 1
        identifier = _identifier(document)
        digest = recorded.pop(identifier.bytes, None)
        if digest is None:  # unknown to the record, or given twice
            extra.append(identifier)
        elif digest != _digest(document):
            different.append(identifier)

    def told(ids: Iterable[UUID], table: str | None) -> tuple[Difference, ...]:
        return tuple(Difference(organization_id, kept.collection.value, each, table) for each in ids)

    missing = told((UUID(bytes=each) for each in recorded), kept.table)
    return Comparison(rows, viewed, missing, told(extra, None), told(different, kept.table))


def _recorded(record: DocumentRows, organization_id: UUID, kept: Kept) -> Iterator[tuple[bytes, bytes]]:
    for batch in record.all(kept, organization_id):
        for document in batch.documents:
            yield UUID(document["id"]).bytes, _digest(document)
        for identifier, _ in batch.faults:
            yield UUID(identifier).bytes, b""


def _digest(document: Document) -> bytes:
    try:
        text = document_text(document)
    except TypeError:  # what no record holds, put there by hand
        text = repr(document).encode()
    return blake2b(text, digest_size=_DIGEST_BYTES).digest()


def _identifier(document: Document) -> UUID:
    try:
        return UUID(str(document.get("id")))
    except ValueError:
        return _NOBODY
