"""Record and search view compared document by document, by digests of what each of them says now."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Final
from uuid import UUID

import numpy as np
import polars as pl

from clew.projections.projection import Comparison, Difference
from clew.projections.search.fields import DocumentSet
from clew.projections.search.port import SearchReader, document_text
from clew.projections.search_documents.tables import SHOWN, DocumentReader

_TABLES: Final = ("", *(shown.table for shown in SHOWN))
_CODES: Final = {table: code for code, table in enumerate(_TABLES)}
_KEY: Final = ["high", "low"]  # the halves of a uuid
_JOINED: Final = 100_000  # rows at once


def compare(record: DocumentReader, view: SearchReader) -> Comparison:
    """Digests of every document as the engine gives it back against those of the record's rows."""
    found = _Found()
    for organization_id in sorted({*record.organizations(), *view.organizations()}):
        for part in DocumentSet:
            recorded = _digests(_recorded(record, organization_id, part))
            viewed = _digests((identifier, text, "") for identifier, text in view.stored(organization_id, part))
            if recorded.height or viewed.height:
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
            for high, low, code in rows.select(*_KEY, "table").iter_rows():
                row_id = UUID(int=high << 64 | low)
                yield Difference(organization_id, part.value, row_id, _TABLES[code] if in_record else None)

        self._record_rows += recorded.height
        self._view_rows += viewed.height
        for some, same in _divided(recorded, viewed):
            self._missing += differences(some.join(same, on=_KEY, how="anti"))
            self._extra += differences(same.join(some, on=_KEY, how="anti"), in_record=False)
            both = some.join(same, on=_KEY, how="inner")
            self._different += differences(both.filter(pl.col("digest") != pl.col("digest_right")))

    def comparison(self) -> Comparison:
        return Comparison(
            self._record_rows, self._view_rows, tuple(self._missing), tuple(self._extra), tuple(self._different)
        )


def _divided(recorded: pl.DataFrame, viewed: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Both by parts of the same ids: a join takes several times the memory of what it joins."""
    parts = 1 + max(recorded.height, viewed.height) // _JOINED
    for part in range(parts):
        of_the_part = pl.col("low") % parts == part  # of random ids and of those that begin with the time
        yield recorded.filter(of_the_part), viewed.filter(of_the_part)


def _recorded(reader: DocumentReader, organization_id: UUID, part: DocumentSet) -> Iterator[tuple[str, bytes, str]]:
    for shown in SHOWN:
        if shown.document_set is part:
            for batch in reader.all(shown, organization_id):
                for document in batch.documents:
                    yield document["id"], document_text(document), shown.table


def _digests(documents: Iterable[tuple[str, bytes, str]]) -> pl.DataFrame:
    """Id (its halves), digest (8 bytes) and table of each document; memory stays at some 30 bytes a row."""
    ids, digests, tables = bytearray(), bytearray(), bytearray()
    for identifier, text, table in documents:
        ids += bytes.fromhex(identifier.replace("-", ""))
        digests += blake2b(text, digest_size=8).digest()
        tables.append(_CODES[table])
    halves = np.frombuffer(ids, ">u8").astype(np.uint64).reshape(-1, 2)
    return pl.DataFrame(
        {
            "high": halves[:, 0],
            "low": halves[:, 1],
            "digest": np.frombuffer(digests, np.uint64),
            "table": np.frombuffer(tables, np.uint8),
        }
    )
