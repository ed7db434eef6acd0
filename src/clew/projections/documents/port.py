"""The document port: what raw documents, enrichment and analyses are asked for, in the product's words.

A document is a JSON object whose fields depend on its collection (`fields`). Its times are RFC 3339 in UTC with six
digits of a second, its ids UUIDs as text. Numbers beyond 64 bits and of more digits than a double has are read as the
nearest double, as everywhere in the product.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol
from uuid import UUID

import orjson

MAXIMUM_LIMIT: Final = 200
MAXIMUM_CONDITIONS: Final = 20
MAXIMUM_DEPTH: Final = 32
"""Keys of a path."""

MAXIMUM_WALK: Final = 20_000
"""Documents that one page looks at for conditions on what no index knows."""

Document = Mapping[str, Any]
Scalar = str | int | float | bool | None
Path = tuple[str, ...]
"""Keys from the outside in: ("data", "registrar")."""


class DocumentCollection(StrEnum):
    """The collections, by the names of the tables that the record keeps them in."""

    RAW_DOCUMENTS = "raw_documents"
    ENRICHED_DATA = "enriched_data"
    ANALYSIS_RESULTS = "analysis_results"


@dataclass(frozen=True, slots=True)
class Is:
    """The value at the path is this one, of its own kind (text is no number); of a list field, is among the list.

    Paths lead through objects, by their keys and whatever is in them, not into lists.
    """

    path: Path
    value: Scalar


@dataclass(frozen=True, slots=True)
class Within:
    """A number or time of a declared field is at least `least` and below `below`; None leaves that end open."""

    path: Path
    least: datetime | float | None = None
    below: datetime | float | None = None


Condition = Is | Within


@dataclass(frozen=True, slots=True)
class DocumentRequest:
    """Which documents; all conditions must hold. `cursor`: `next_cursor` of the page before, with equal conditions."""

    conditions: tuple[Condition, ...] = ()
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """Documents, the newest first (of one moment, by id, the greatest first), and where the next page begins.

    A page may hold fewer than asked for, or none, and lead on: see MAXIMUM_WALK.
    """

    documents: tuple[Document, ...]
    next_cursor: str | None


class DocumentReader(Protocol):
    """Reads the documents of an organization, and no other's. Usable from several threads."""

    @property
    def adapter(self) -> str:
        """The engine that answers."""

    def get(self, organization_id: UUID, collection: DocumentCollection, ids: Sequence[UUID]) -> dict[str, Document]:
        """The documents of these ids that are there, by id."""

    def find(self, organization_id: UUID, collection: DocumentCollection, request: DocumentRequest) -> DocumentPage:
        """A page of documents. An unknown organization has none. Raises DocumentQueryError."""

    def stored(self, organization_id: UUID, collection: DocumentCollection) -> Iterator[Document]:
        """Every document, once, in any order: what `verify` compares."""

    def count(self, organization_id: UUID, collection: DocumentCollection) -> int:
        """How many there are."""


def document_text(document: Document) -> bytes:
    """The document as JSON that is the same whatever order its keys came in."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
