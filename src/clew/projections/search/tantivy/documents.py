"""From the product's documents to Tantivy's, many at a time."""

from binascii import b2a_base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import orjson
import tantivy

from clew.projections.search.fields import DocumentSet
from clew.projections.search.physical.rows import Identities, RowBuilder
from clew.projections.search.physical.values import Layout
from clew.projections.search.port import Document
from clew.projections.search.tantivy.schema import build_schema


@dataclass(frozen=True, slots=True)
class Built:
    """What the engine is given for the first documents of a batch: JSON (fastest) where that says all."""

    identities: Identities
    documents: list[str | tantivy.Document]


class DocumentBuilder:
    """Builds the Tantivy documents of one set."""

    def __init__(self, document_set: DocumentSet) -> None:
        self._rows = RowBuilder(document_set, Layout.ALONE)
        self._schema = build_schema(document_set)

    def build(self, documents: Sequence[Document]) -> Built:
        """Build at least one of the documents, and as many as have 16 MiB of text together. Raises MisfitError."""
        rows = self._rows.build(documents)
        heads = _heads(rows.identities, rows.texts)
        built: list[str | tantivy.Document] = list(map("".join, zip(heads, *rows.pieces, repeat("}"), strict=False)))
        for index in rows.inexact:
            fields = orjson.loads(str(built[index])) | {"_doc": rows.texts[index]}
            built[index] = tantivy.Document.from_dict(fields, self._schema)
        return Built(rows.identities, built)


def _heads(identities: Identities, texts: Sequence[bytes]) -> Iterator[str]:
    """The beginning of each row: who it is, and the document as it was put."""
    halves = identities.halves
    for key, high, low, tail, text in zip(
        identities.keys, halves[::2], halves[1::2], identities.tails, texts, strict=True
    ):
        # The weight by which documents of the same rank are told apart: 65,536 steps from 0 to 0.03.
        tie = (tail & 0xFFFF) * 45
        stored = b2a_base64(text, newline=False).decode("ascii")
        yield f'{{"_id":"{key}","_hi":{high},"_lo":{low},"_tie":{tie}e-8,"_doc":"{stored}"'
