"""What the search indices hold: every field of every set of documents, and what it is good for.

Adapters build their mappings from these declarations and refuse documents that do not fit them. Changing anything here,
or what `search_documents` makes of a row, needs a higher SCHEMA_VERSION: a view built under another version is rebuilt.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

SCHEMA_VERSION: Final = 3
ENTITY_DOC_TYPES: Final = ("entity", "social_profile")


class DocumentSet(StrEnum):
    """What writers write: each document belongs to one set."""

    OSINT_ENTITIES = "osint_entities"
    ATTACKS = "attacks"
    DOCUMENTS = "documents"


class SearchIndex(StrEnum):
    """What readers read. `entities` is exactly the part of `osint_entities` that is an entity or a social profile."""

    OSINT_ENTITIES = "osint_entities"
    ENTITIES = "entities"
    ATTACKS = "attacks"
    DOCUMENTS = "documents"

    @property
    def document_set(self) -> DocumentSet:
        """The set its documents are written to."""
        return DocumentSet.OSINT_ENTITIES if self is SearchIndex.ENTITIES else DocumentSet(self.value)

    @property
    def doc_types(self) -> tuple[str, ...]:
        """The values of `doc_type` that are read; empty for all."""
        return ENTITY_DOC_TYPES if self is SearchIndex.ENTITIES else ()


class FieldKind(StrEnum):
    """How a value is given in a document (JSON), and how it is found.

    TEXT: prose, found by its words, folded and stemmed by its language. NAME: a short text, found by words, beginnings
    of words and whole. USERNAME: found whole, by its parts and their beginnings. KEYWORD: found whole, without regard
    to case; identifiers found by their parts, too, are NAME. INTEGER: signed, 64 bits. FLOAT: finite. DATE: RFC 3339
    text with an offset, microseconds kept. IP: text, version 4 or 6. GEO: {"lat": degrees, "lon": degrees}.
    BOOLEAN. STORED: any JSON object, given back and never searched.
    """

    TEXT = "text"
    NAME = "name"
    USERNAME = "username"
    KEYWORD = "keyword"
    INTEGER = "integer"
    FLOAT = "float"
    DATE = "date"
    IP = "ip"
    GEO = "geo"
    BOOLEAN = "boolean"
    STORED = "stored"


_SORTABLE: Final = frozenset({FieldKind.INTEGER, FieldKind.FLOAT, FieldKind.DATE})
_EXACT: Final = frozenset({FieldKind.NAME, FieldKind.USERNAME, FieldKind.KEYWORD, FieldKind.IP, FieldKind.BOOLEAN})


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a document. Absent, None and an empty list are the same.

    many: the value is a list. facet: its values can be counted. searched: a word typed without a field looks there;
    its rank is multiplied by `weight`. prose: written in some language (of TEXT), not commands.
    """

    name: str
    kind: FieldKind
    many: bool = False
    facet: bool = False
    searched: bool = False
    weight: float = 1.0
    prose: bool = True

    @property
    def sortable(self) -> bool:
        """Whether results can be ordered by it."""
        return self.kind in _SORTABLE and not self.many

    @property
    def exact(self) -> bool:
        """Whether AnyOf can ask for whole values (without regard to case)."""
        return self.kind in _EXACT or self.kind is FieldKind.INTEGER

    @property
    def ranged(self) -> bool:
        """Whether Between can ask for it."""
        return self.kind in _SORTABLE or self.kind is FieldKind.IP

    @property
    def numeric(self) -> bool:
        """Whether stats can be asked for it."""
        return self.kind in (FieldKind.INTEGER, FieldKind.FLOAT)


@dataclass(frozen=True)
class SetFields:
    """The fields of one set, and what its documents are about.

    title: field shown as a hit's name. type_field: field shown as its type, and meant by `entity_types`. time_field:
    what `until` … `since` and histograms are about by default; began_field: where something lasts, when it began:
    since/until then find everything whose time from began_field to time_field overlaps them.
    """

    fields: tuple[Field, ...]
    title: str
    type_field: str
    time_field: str
    began_field: str

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Fields by their names."""
        return {field.name: field for field in self.fields}

    @cached_property
    def searched(self) -> tuple[Field, ...]:
        """The fields a word typed without a field looks in."""
        return tuple(field for field in self.fields if field.searched)


def _keyword(name: str, *, many: bool = False, searched: bool = False) -> Field:
    return Field(name, FieldKind.KEYWORD, many=many, facet=True, searched=searched)


def _identifier(name: str) -> Field:
    return Field(name, FieldKind.KEYWORD)


def _date(name: str) -> Field:
    return Field(name, FieldKind.DATE)


_OSINT_ENTITIES: Final = SetFields(
    fields=(
        Field("id", FieldKind.KEYWORD, searched=True),
        _keyword("doc_type"),
        _keyword("entity_type"),
        Field("name", FieldKind.NAME, searched=True, weight=3.0),
        Field("username", FieldKind.USERNAME, searched=True, weight=2.0),
        Field("normalized_name", FieldKind.KEYWORD, searched=True, weight=3.0),
        Field("content", FieldKind.TEXT, searched=True),
        _keyword("language"),
        _keyword("platform"),
        _keyword("country"),
        _keyword("status"),
        _keyword("tags", many=True, searched=True),
        _keyword("flags", many=True),
        _keyword("hashtags", many=True, searched=True),
        _keyword("mentions", many=True),
        _keyword("sources", many=True),
        _keyword("relationship_type"),
        _identifier("source_entity_id"),
        _identifier("target_entity_id"),
        Field("risk_score", FieldKind.INTEGER),
        Field("confidence", FieldKind.FLOAT),
        _date("first_seen"),
        _date("last_seen"),
        _date("created_at"),
        _date("updated_at"),
        Field("location", FieldKind.GEO),
        Field("location_name", FieldKind.NAME, searched=True),
        Field("properties", FieldKind.STORED),
    ),
    title="name",
    type_field="entity_type",
    time_field="last_seen",
    began_field="first_seen",
)

_ATTACKS: Final = SetFields(
    fields=(
        Field("id", FieldKind.KEYWORD, searched=True),
        _date("timestamp"),
        _date("ended_at"),
        Field("source_ip", FieldKind.IP, facet=True, searched=True),
        Field("destination_ip", FieldKind.IP, facet=True, searched=True),
        Field("port", FieldKind.INTEGER, facet=True),
        Field("source_port", FieldKind.INTEGER),
        _keyword("protocol", searched=True),
        Field("payload", FieldKind.TEXT, searched=True, prose=False),
        Field("payload_hash", FieldKind.KEYWORD, searched=True),
        _keyword("honeypot_id", searched=True),
        _keyword("attack_type", searched=True),
        _keyword("source", searched=True),
        Field("client", FieldKind.NAME, facet=True, searched=True),
        Field("fingerprint", FieldKind.KEYWORD, facet=True, searched=True),
        Field("event_count", FieldKind.INTEGER),
        Field("login_failures", FieldKind.INTEGER),
        Field("login_successes", FieldKind.INTEGER),
    ),
    title="source_ip",
    type_field="attack_type",
    time_field="timestamp",
    began_field="timestamp",
)

_DOCUMENTS: Final = SetFields(
    fields=(
        Field("id", FieldKind.KEYWORD, searched=True),
        _identifier("collection_id"),
        _keyword("document_type"),
        Field("content", FieldKind.TEXT, searched=True),
        _keyword("language"),
        Field("metadata", FieldKind.STORED),
        _keyword("source", searched=True),
        Field("file_name", FieldKind.NAME, facet=True, searched=True, weight=2.0),
        Field("line", FieldKind.INTEGER),
        _date("created_at"),
    ),
    title="file_name",
    type_field="document_type",
    time_field="created_at",
    began_field="created_at",
)

SETS: Final[dict[DocumentSet, SetFields]] = {
    DocumentSet.OSINT_ENTITIES: _OSINT_ENTITIES,
    DocumentSet.ATTACKS: _ATTACKS,
    DocumentSet.DOCUMENTS: _DOCUMENTS,
}
