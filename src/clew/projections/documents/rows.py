"""How documents are read from the record: the columns of each collection, and the document that a row becomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from clew.projections.documents.port import Document, DocumentCollection

Row = Sequence[Any]
MAXIMUM_NESTING: Final = 200
"""Levels of JSON that a document may have: some 50 less than what JSON is written by can do."""

# What a document cannot hold, such as infinity, is the nearest that it can.
_CREATED: Final = (
    "to_char(least(greatest(shown.created_at, '0001-01-01 00:00+00'), '9999-12-31 23:59:59+00') AT TIME ZONE 'UTC',"
    """ 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')"""
)


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the record keeps a collection.

    `table` is followed by the feed, `relation` is what is read, as `shown`; both are fixed names. `columns` gives a
    field each: text as it is, JSON as text where it is named in `json`. `by_key` finds a row by k.o (organization)
    and k.i (id).
    """

    collection: DocumentCollection
    table: str
    relation: str
    fields: tuple[tuple[str, str], ...]
    json: frozenset[str]
    by_key: str

    @property
    def columns(self) -> str:
        """The columns of the query, in the order of `fields`."""
        return ", ".join(column for _, column in self.fields)

    def document(self, row: Row) -> Document:
        """A row of `columns` as a document. Raises ValueError for JSON that is too deep to be read."""
        return {
            name: _loaded(value) if value is not None and name in self.json else value
            for (name, _), value in zip(self.fields, row, strict=True)
        }


def _loaded(text: str) -> Any:
    """JSON, unless it is so deep that whoever shows it could not write it again. Raises ValueError."""
    value = orjson.loads(text)
    if text.count("{") + text.count("[") > MAXIMUM_NESTING and nesting(value) > MAXIMUM_NESTING:
        raise ValueError(f"JSON nested deeper than {MAXIMUM_NESTING} levels")
    return value


def nesting(value: Any) -> int:
    """How many objects and lists lie within each other."""
    level, depth = [value], -1
    while level:
        depth += 1
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ] or [None] * any(isinstance(each, dict | list) for each in level)
    return depth


_PLAIN: Final = "SELECT * FROM {0} WHERE {0}.organization_id = k.o AND {0}.id = k.i"

KEPT: Final = (
    Kept(
        DocumentCollection.RAW_DOCUMENTS,
        "collection_items",
        "raw_documents",
        (
            ("id", "shown.id::text"),
            ("collection_id", "shown.collection_id::text"),
            ("document_type", "shown.document_type"),
            ("content", "shown.content::text"),
            ("metadata", "shown.metadata::text"),
            ("hash", "shown.hash::text"),
            ("file_info", "shown.file_info::text"),
            ("created_at", _CREATED),
        ),
        frozenset({"content", "metadata", "file_info"}),
        # An item's id alone does not say in which month it is.
        "SELECT raw.* FROM collection_item_hashes AS key CROSS JOIN LATERAL (SELECT * FROM raw_documents"
        " WHERE raw_documents.organization_id = key.organization_id AND raw_documents.created_at = key.collected_at"
        " AND raw_documents.id = key.collection_item_id OFFSET 0) AS raw"
        " WHERE key.organization_id = k.o AND key.collection_item_id = k.i",
    ),
    Kept(
        DocumentCollection.ENRICHED_DATA,
        "enriched_data",
        "enriched_data",
        (
            ("id", "shown.id::text"),
            ("entity_id", "shown.entity_id::text"),
            ("collection_item_id", "shown.collection_item_id::text"),
            ("enrichment_type", "shown.enrichment_type"),
            ("data", "shown.data::text"),
            ("metadata", "shown.metadata::text"),
            ("created_at", _CREATED),
        ),
        frozenset({"data", "metadata"}),
        _PLAIN.format("enriched_data"),
    ),
    Kept(
        DocumentCollection.ANALYSIS_RESULTS,
        "analysis_results",
        "analysis_results",
        (
            ("id", "shown.id::text"),
            ("analysis_id", "shown.analysis_session_id::text"),
            ("analysis_type", "shown.analysis_type"),
            ("input_entities", "shown.input_entities::text"),
            ("results", "shown.results::text"),
            ("metrics", "shown.metrics::text"),
            ("insights", "shown.insights::text"),
            ("created_by", "shown.created_by::text"),
            ("created_at", _CREATED),
        ),
        frozenset({"input_entities", "results", "metrics", "insights"}),
        _PLAIN.format("analysis_results"),
    ),
)
KEPT_BY_COLLECTION: Final = {kept.collection: kept for kept in KEPT}
KEPT_BY_TABLE: Final = {kept.table: kept for kept in KEPT}
