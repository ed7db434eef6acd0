"""How an engine is told to keep documents of a set: as what users are promised, and as what the port needs.

The document's own fields are mapped as anyone would who looks at them with the engine's tools. Below `clew` stands what
the product's own searches need besides: see physical.names, and Layout.BESIDE.

Words are ranked by how often they are in how long a text, and by nothing of other documents: an index is shared by all
organizations, and a rank that knew how rare a word is would tell one of them what another has.
"""

from typing import Any, Final

from clew.projections.search.fields import SETS, DocumentSet, Field, FieldKind
from clew.projections.search.physical.analysis import LONGEST_WORD
from clew.projections.search.physical.names import (
    LANGUAGES,
    LATITUDE,
    LONGITUDE,
    OTHER,
    STARTS,
    STEMS,
    has_words,
    lower_field,
    words_field,
)
from clew.projections.search.words import LONGEST_BEGINNING

ORGANIZATION: Final = "organization_id"
INNER: Final = "clew"
WORDS_ANALYZER: Final = "osint_analyzer"
USERNAME_ANALYZER: Final = "username_analyzer"
LONGEST_KEYWORD: Final = 8_191  # of these characters none takes more than 4 of the 32,766 bytes that an engine takes
_BEGINNINGS_ANALYZER: Final = "beginnings"
_RANK: Final = "clew"
_USUAL_LENGTH: Final = 16.0
# The part of BM25 that knows the document only (Robertson and Zaragoza 2009, k1 = 1.2, b = 0.75), with a fixed length.
_RANKING: Final = (
    f"return query.boost * 2.2 * doc.freq / (doc.freq + 1.2 * (0.25 + 0.75 * doc.length / {_USUAL_LENGTH}));"
)
_KEYWORD: Final[dict[str, Any]] = {"type": "keyword", "ignore_above": LONGEST_KEYWORD}
_WORDS: Final[dict[str, Any]] = {"type": "text", "analyzer": WORDS_ANALYZER, "similarity": _RANK}

ANALYSIS: Final[dict[str, Any]] = {
    "tokenizer": {"letters_and_digits": {"type": "pattern", "pattern": r"[^\p{IsAlphabetic}\p{N}]+"}},
    "filter": {
        "words_only": {"type": "length", "max": LONGEST_WORD},
        "names_only": {"type": "length", "max": LONGEST_KEYWORD},
        "beginnings": {"type": "edge_ngram", "min_gram": 1, "max_gram": LONGEST_BEGINNING},
    },
    "analyzer": {
        WORDS_ANALYZER: {
            "type": "custom",
            "tokenizer": "letters_and_digits",
            "filter": ["words_only", "lowercase"],
        },
        USERNAME_ANALYZER: {"type": "custom", "tokenizer": "keyword", "filter": ["names_only", "lowercase"]},
        _BEGINNINGS_ANALYZER: {"type": "custom", "tokenizer": "keyword", "filter": ["beginnings"]},
    },
}
_OWN: Final[dict[FieldKind, dict[str, Any]]] = {
    FieldKind.TEXT: _WORDS,
    FieldKind.NAME: {**_WORDS, "fields": {"keyword": _KEYWORD}},
    FieldKind.USERNAME: {"type": "text", "analyzer": USERNAME_ANALYZER, "fields": {"keyword": _KEYWORD}},
    FieldKind.KEYWORD: _KEYWORD,
    FieldKind.INTEGER: {"type": "long"},
    FieldKind.FLOAT: {"type": "double"},
    # To the millisecond; below `clew` to the microsecond.
    FieldKind.DATE: {"type": "date", "format": "strict_date_optional_time", "ignore_malformed": True},
    FieldKind.IP: {"type": "ip", "ignore_malformed": True},
    FieldKind.GEO: {"type": "geo_point", "ignore_malformed": True},
    FieldKind.BOOLEAN: {"type": "boolean"},
    FieldKind.STORED: {"type": "object", "enabled": False},
}
_UNRANKED: Final = {"type": "text", "norms": False, "index_options": "docs"}


def index_body(document_set: DocumentSet, *, shards: int) -> dict[str, Any]:
    """Settings and mappings of an index of the set. Copies are added once it is full."""
    return {
        "settings": {
            "number_of_shards": shards,
            "number_of_replicas": 0,
            # What is put becomes visible when the projector commits, and not before.
            "refresh_interval": "-1",
            "analysis": ANALYSIS,
            "similarity": {_RANK: {"type": "scripted", "script": {"source": _RANKING}}},
        },
        "mappings": mapping(document_set),
    }


def mapping(document_set: DocumentSet) -> dict[str, Any]:
    """The mapping of an index of the set."""
    fields = SETS[document_set].fields
    own = {field.name: _OWN[field.kind] for field in fields}
    inner = {
        OTHER: _WORDS,
        STARTS: {**_UNRANKED, "analyzer": _BEGINNINGS_ANALYZER, "search_analyzer": "keyword"},
        STEMS: {**_UNRANKED, "analyzer": "whitespace"},
        LANGUAGES: {"type": "keyword"},
        LATITUDE: {"type": "double"},
        LONGITUDE: {"type": "double"},
    }
    for field in fields:
        inner |= _inner(field)
    return {
        "dynamic": False,
        "properties": {ORGANIZATION: {"type": "keyword"}, **own, INNER: {"dynamic": False, "properties": inner}},
    }


def _inner(field: Field) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if field.kind in {FieldKind.KEYWORD, FieldKind.NAME, FieldKind.USERNAME} and field.name != "id":
        found[lower_field(field)] = {"type": "keyword"}
    if has_words(field):
        found[words_field(field)] = _WORDS
    if field.kind is FieldKind.DATE:
        found[field.name] = {"type": "long"}
    elif field.kind is FieldKind.IP:
        found[field.name] = {"type": "ip"}
    return found
