"""Record and search view compared document by document, by digests of what each of them says now."""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final
from uuid import UUID

import orjson
import polars as pl

from clew.projections.projection import Comparison, Difference
from clew.projections.search.fields import DocumentSet
from clew.projections.search.port import Document, SearchReader
from clew.projections.search_documents.tables import SHOWN, DocumentReader

_BATCH: Final = 50_000
_DIGESTS: Final = {"id": pl.Binary, "digest": pl.UInt64, "table": pl.Categorical}


def compare(record: DocumentReader, view: SearchReader) -> Comparison:
    """Digests of every document as the engine gives it back against those of the record's rows."""
    found = _Found()
    for organization_id in sorted({*record.organizations(), *view.organizations()}):
        for part in DocumentSet:
            recorded = _digests(_recorded(record, organization_id, part))
            stored = view.stored(organization_id, part)
            viewed = _digests((identifier, document, "") for identifier, document in stored)
            found.add(organization_id, part, recorded, viewed)
    return found.comparison()


class _Found:
    """Collects a comparison, part by part."""

    def __init__(self) -> None:
        self._record_rows = self._view_rows = 0
        self._missing: list[Difference] = []
        self._extra: list[Difference] = []
        self._different: list[Difference] = []

    def add(self, organization_id: UUID, part: DocumentSet, recorded: pl.DataFrame, viewed: pl.DataFrame) -> None:
        def differences(rows: pl.DataFrame, *, in_record: bool = True) -> Iterator[Difference]:
            for identifier, table in rows.select("id", "table").iter_rows():
                yield Difference(organization_id, part.value, UUID(bytes=identifier), table if in_record else None)

        self._record_rows += recorded.height
        self._view_rows += viewed.height
        self._missing += differences(recorded.join(viewed, on="id", how="anti"))
        self._extra += differences(viewed.join(recorded, on="id", how="anti"), in_record=False)
        both = recorded.join(viewed, on="id", how="inner")
        self._different += differences(both.filter(pl.col("digest") != pl.col("digest_right")))

    def comparison(self) -> Comparison:
        return Comparison(
            self._record_rows, self._view_rows, tuple(self._missing), tuple(self._extra), tuple(self._different)
        )


def digest(document: Document) -> int:
    """64 bits of a document's canonical JSON."""
    canonical = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(hashlib.blake2b(canonical, digest_size=8).digest(), "big")


def _recorded(reader: DocumentReader, organization_id: UUID, part: DocumentSet) -> Iterator[tuple[str, Document, str]]:
    for shown in SHOWN:
        if shown.document_set is part:
            for batch in reader.all(shown, organization_id):
                yield from ((row.row_id, row.document, shown.table) for row in batch if row.document is not None)


def _digests(documents: Iterable[tuple[str, Document, str]]) -> pl.DataFrame:
    """Id (16 bytes), digest and table of each document; memory stays at some 30 bytes a row."""
    frames = [pl.DataFrame(schema=_DIGESTS)]
    remaining = iter(documents)
    while batch := [
        (bytes.fromhex(identifier.replace("-", "")), digest(document), table)
        for identifier, document, table in islice(remaining, _BATCH)
    ]:
        frames.append(pl.DataFrame(batch, schema=_DIGESTS, orient="row"))
    return pl.concat(frames)
