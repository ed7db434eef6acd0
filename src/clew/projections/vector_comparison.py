"""Record and view of vectors compared, by digests of subjects and of vectors at the precision that is stored."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, Final
from uuid import UUID

import numpy as np
import polars as pl

from clew.projections.projection import Comparison, Difference
from clew.projections.search_documents.tables import DocumentReader
from clew.projections.vector_documents import SOURCES
from clew.projections.vectors.port import Collection, Subject, VectorReader
from clew.projections.vectors.precision import digest_of

if TYPE_CHECKING:
    from clew.projections.vector_projection import Embedders

_TABLES: Final = ("", *sorted({source.shown.table for source in SOURCES}))
_CODES: Final = {table: code for code, table in enumerate(_TABLES)}
_KEY: Final = ["high", "low"]
_UNKNOWN: Final = 0


def compare(record: DocumentReader, view: VectorReader, embedders: "Embedders") -> Comparison:
    """Every vector as the engine gives it back, against the record's rows embedded anew.

    What was paid for is not paid for again: then the vector that was kept is compared, and where none was, only what
    it was made of.
    """
    found = _Found()
    for organization_id in sorted({*record.organizations(), *view.organizations()}):
        for collection in Collection:
            recorded = _frame(_recorded(record, organization_id, collection, embedders))
            viewed = _frame(
                (point.subject, digest_of(point.vector), "") for point in view.stored(organization_id, collection)
            )
            if recorded.height or viewed.height:
                found.add(organization_id, collection, recorded, viewed)
    return found.comparison()


class _Found:
    """Collects a comparison, collection by collection."""

    def __init__(self) -> None:
        self._record_rows = self._view_rows = 0
        self._missing: list[Difference] = []
        self._extra: list[Difference] = []
        self._different: list[Difference] = []

    def add(self, organization_id: UUID, part: Collection, recorded: pl.DataFrame, viewed: pl.DataFrame) -> None:
        def differences(rows: pl.DataFrame, *, in_record: bool = True) -> Iterator[Difference]:
            for high, low, code in rows.select(*_KEY, "table").iter_rows():
                yield Difference(
                    organization_id, part.value, UUID(int=high << 64 | low), _TABLES[code] if in_record else None
                )

        self._record_rows += recorded.height
        self._view_rows += viewed.height
        self._missing += differences(recorded.join(viewed, on=_KEY, how="anti"))
        self._extra += differences(viewed.join(recorded, on=_KEY, how="anti"), in_record=False)
        both = recorded.join(viewed, on=_KEY, how="inner")
        apart = (pl.col("vector") != pl.col("vector_right")) & (pl.col("vector") != _UNKNOWN)
        self._different += differences(both.filter(apart | (pl.col("subject") != pl.col("subject_right"))))

    def comparison(self) -> Comparison:
        return Comparison(
            self._record_rows, self._view_rows, tuple(self._missing), tuple(self._extra), tuple(self._different)
        )


def _recorded(
    reader: DocumentReader, organization_id: UUID, collection: Collection, embedders: "Embedders"
) -> Iterator[tuple[Subject, bytes | None, str]]:
    embedder = embedders.of(collection)
    for source in SOURCES:
        if source.collection is not collection:
            continue
        for batch in reader.all(source.shown, organization_id):
            subjects = [each["subject"] for each in batch.documents]
            hashes = [each.content_hash for each in subjects]
            if embedder.is_costly:
                known = embedders.kept.known(organization_id, embedder.model, hashes)
                digests = [digest_of(known[each]) if each in known else None for each in hashes]
            else:
                texts = [each["text"] for each in batch.documents]
                vectors = embedders.kept.vectors(organization_id, embedder, texts, hashes)
                digests = [digest_of(vector) for vector in vectors]
            for subject, digest in zip(subjects, digests, strict=True):
                yield subject, digest, source.shown.table


def _frame(points: Iterable[tuple[Subject, bytes | None, str]]) -> pl.DataFrame:
    """Id (its halves), two digests of 8 bytes and the table of each; memory stays at some 35 bytes a row."""
    ids, subjects, vectors, tables = bytearray(), bytearray(), bytearray(), bytearray()
    for subject, digest, table in points:
        ids += subject.id.bytes
        subjects += blake2b(subject.text().encode("utf-8", "surrogatepass"), digest_size=8).digest()
        vectors += digest[:8] if digest is not None else bytes(8)
        tables.append(_CODES[table])
    halves = np.frombuffer(ids, ">u8").astype(np.uint64).reshape(-1, 2)
    return pl.DataFrame(
        {
            "high": halves[:, 0],
            "low": halves[:, 1],
            "subject": np.frombuffer(subjects, np.uint64),
            "vector": np.frombuffer(vectors, np.uint64),
            "table": np.frombuffer(tables, np.uint8),
        }
    )
