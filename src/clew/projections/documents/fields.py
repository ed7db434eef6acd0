"""The fields of each collection: what they hold, and which of them are asked for by an index."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from clew.projections.documents.port import DocumentCollection, Path

SCHEMA_VERSION: Final = 1
"""Of the documents' fields: a view of another version is rebuilt."""


class Kind(StrEnum):
    """What a field holds. ANY: JSON of whatever shape, asked for by paths into it."""

    ID = "id"
    IDS = "ids"
    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Field:
    """A field, or a field of an object in it. `indexed`: equal values are found by an index, the newest first."""

    path: Path
    kind: Kind
    indexed: bool = False

    @property
    def name(self) -> str:
        """As people write it."""
        return ".".join(self.path)


def _field(name: str, kind: Kind = Kind.TEXT, *, indexed: bool = False) -> Field:
    return Field(tuple(name.split(".")), kind, indexed)


_ID: Final = _field("id", Kind.ID, indexed=True)
_CREATED_AT: Final = _field("created_at", Kind.TIME, indexed=True)

FIELDS: Final[dict[DocumentCollection, tuple[Field, ...]]] = {
    DocumentCollection.RAW_DOCUMENTS: (
        _ID,
        _field("collection_id", Kind.ID, indexed=True),
        _field("document_type", indexed=True),
        _field("hash", indexed=True),
        _field("metadata.source", indexed=True),
        _field("metadata.file_id", Kind.ID, indexed=True),
        _field("metadata.file_name"),
        _field("metadata.line", Kind.NUMBER),
        _field("file_info.filename"),
        _field("file_info.mime_type"),
        _field("file_info.size", Kind.NUMBER),
        _field("file_info.storage_path"),
        _field("content", Kind.ANY),
        _CREATED_AT,
    ),
    DocumentCollection.ENRICHED_DATA: (
        _ID,
        _field("entity_id", Kind.ID, indexed=True),
        _field("collection_item_id", Kind.ID, indexed=True),
        _field("enrichment_type", indexed=True),
        _field("metadata.enricher"),
        _field("metadata.version"),
        _field("metadata.confidence", Kind.NUMBER),
        _field("data", Kind.ANY),
        _CREATED_AT,
    ),
    DocumentCollection.ANALYSIS_RESULTS: (
        _ID,
        _field("analysis_id", Kind.ID, indexed=True),
        _field("analysis_type", indexed=True),
        _field("created_by", Kind.ID),
        _field("input_entities", Kind.IDS),
        _field("results", Kind.ANY),
        _field("metrics", Kind.ANY),
        _field("insights", Kind.ANY),
        _CREATED_AT,
    ),
}

_BY_PATH: Final = {
    collection: {field.path: field for field in listed if field.kind is not Kind.ANY}
    for collection, listed in FIELDS.items()
}
_OPEN: Final = {
    collection: frozenset(field.path for field in listed if field.kind is Kind.ANY)
    for collection, listed in FIELDS.items()
}


def field_at(collection: DocumentCollection, path: Path) -> Field | None:
    """The declared field at a path; for a path into JSON of any shape, one that says so; None if there is neither."""
    known = _BY_PATH[collection].get(path)
    if known is None and len(path) > 1 and path[:1] in _OPEN[collection]:
        return Field(path, Kind.ANY)
    return known


def field_names(collection: DocumentCollection) -> list[str]:
    """What can be asked for, for people."""
    return [f"{field.name}{'.…' if field.kind is Kind.ANY else ''}" for field in FIELDS[collection]]


def top_level(collection: DocumentCollection) -> tuple[str, ...]:
    """The names of a document's own fields, in order."""
    return tuple(dict.fromkeys(field.path[0] for field in FIELDS[collection]))
