"""The search port: what is asked, what is answered, who reads, who writes. Its definition is tests/contract/search.

Every reading and writing call names the organization first; no text, filter or cursor reaches another one's documents.

The text of a request, in words a person types:

    alice example        both words (in any searched field), upper or lower case, with or without accents, inflected
    alice OR bob         one of them; parentheses group: (alice OR bob) -carol
    -carol               without it (NOT carol is the same)
    "alice example"      these words in this order
    alic*                words that begin so (two letters at least)
    alise~  alise~2      words that differ by one letter, by two (at least four letters; "fuzzy" does it to every word);
                         of exmaple.org~ each part of four letters or more may, in any order
    name:alice           only in this field; tags:"red team", port:22, platform:github, source_ip:192.0.2.7,
                         source_ip:192.0.2.0/24

Only the names of the index's own fields are fields: `https://…` or `a:b` are ordinary text. Texts longer than
MAXIMUM_TEXT characters, deeper than MAXIMUM_DEPTH or of more than MAXIMUM_CLAUSES words are refused, in time that
depends on those limits and not on the text.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol, Self
from uuid import UUID

import orjson

from clew.projections.search.fields import DocumentSet, SearchIndex

MAXIMUM_TEXT: Final = 2_000
MAXIMUM_DEPTH: Final = 8
MAXIMUM_CLAUSES: Final = 64
MAXIMUM_FUZZY: Final = 2
MAXIMUM_LIMIT: Final = 1_000
MAXIMUM_FACETS: Final = 16
MAXIMUM_BUCKETS: Final = 1_000
MAXIMUM_FILTER_VALUES: Final = 10_000
MAXIMUM_RANKED: Final = 10_000

Document = Mapping[str, Any]
"""What is put: fields of its set by name, "id" among them. Written as JSON it keeps the order it was given in."""
Scalar = str | int | float | bool | datetime


def document_text(document: Document) -> bytes:
    """A document as adapters keep it and as record and view are compared. Raises TypeError if it is not JSON."""
    return orjson.dumps(document)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The field has one of these whole values (text without regard to case); `excluded`: it has none of them."""

    field: str
    values: tuple[Scalar, ...]
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """The field is at least `at_least` and at most `at_most` (numbers, dates, addresses as text); None is open."""

    field: str
    at_least: int | float | datetime | str | None = None
    at_most: int | float | datetime | str | None = None


Filter = AnyOf | Between


@dataclass(frozen=True, slots=True)
class GeoRadius:
    """Places at most `kilometres` (great circle, mean earth radius) from a point in degrees."""

    latitude: float
    longitude: float
    kilometres: float


@dataclass(frozen=True, slots=True)
class GeoBox:
    """Places between two parallels and from `west` eastward to `east`; west > east crosses the antimeridian."""

    south: float
    west: float
    north: float
    east: float


class Interval(StrEnum):
    """The width of a histogram's buckets, in UTC; weeks begin on Monday."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class DateHistogram:
    """Count results by time. Without a field: by the index's time field. At most MAXIMUM_BUCKETS buckets."""

    interval: Interval
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Sort:
    """Order by a sortable field, or by "score" or "id"; what lacks the field comes last. Ties are broken by id."""

    field: str
    descending: bool = True


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What is asked. Everything given must hold; an empty request finds all, newest first.

    entity_types: any of these (for attacks the attack types, for documents the document types). since (inclusive) and
    until (exclusive), with a zone: see SetFields.time_field. fuzzy: letters by which words may differ, 0 to 2 (True is
    1). highlight: fragments of the text that was found. limit: hits a page, 0 to MAXIMUM_LIMIT. cursor: `next_cursor`
    of the result before; see SearchResult. facet_size: values counted for each facet. Without `sort`: by rank where
    there is text, else newest first. By rank at most MAXIMUM_RANKED hits can be paged through; by fields, all.
    """

    text: str = ""
    index: SearchIndex = SearchIndex.OSINT_ENTITIES
    entity_types: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    within: GeoRadius | GeoBox | None = None
    since: datetime | None = None
    until: datetime | None = None
    facets: tuple[str, ...] = ()
    facet_size: int = 10
    histogram: DateHistogram | None = None
    stats: tuple[str, ...] = ()
    sort: tuple[Sort, ...] = ()
    fuzzy: bool | int = 0
    highlight: bool = False
    limit: int = 20
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Highlight:
    """A piece of a document's text, verbatim, and where in it the found words are (start, end in characters).

    The text is what somebody else wrote and nothing in it is a mark: whoever shows it escapes it for the place where
    it is shown, which `marked` does piece by piece.
    """

    text: str
    marks: tuple[tuple[int, int], ...]

    def marked(self, before: str, after: str, escape: Callable[[str], str] = str) -> str:
        """The text with `before` and `after` around each mark; `escape` is applied to all text between them."""
        pieces, end = [], 0
        for start, stop in self.marks:
            pieces += [escape(self.text[end:start]), before, escape(self.text[start:stop]), after]
            end = stop
        return "".join([*pieces, escape(self.text[end:])])


@dataclass(frozen=True, slots=True)
class Hit:
    """One document found. type and name: see SetFields. score: 0.0 where results are not ordered by rank.

    `document` is what was put, field for field.
    """

    id: str
    index: SearchIndex
    type: str
    name: str
    score: float
    highlights: Mapping[str, tuple[Highlight, ...]]
    document: Document


@dataclass(frozen=True, slots=True)
class Bucket:
    """A value of a facet, or the beginning of an interval (RFC 3339, UTC), and how many results have it."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of a numeric field over all results; the last four are None where no result has the field."""

    count: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    total: float | None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer. total counts all results, exactly; took_ms is what the reader needed.

    Facets: most frequent first, then by value. Histogram: ascending, only intervals that are not empty;
    empty if none was asked for.
    next_cursor: None after the last page. Pages by field show the newest state: what does not change meanwhile is on
    exactly one of them. Ranks change with every document, so pages by rank show the state of the first page; a reader
    keeps the states of the latest changes that are still being paged through, after that the cursor is refused.
    """

    total: int
    took_ms: float
    hits: tuple[Hit, ...]
    facets: Mapping[str, tuple[Bucket, ...]] = field(default_factory=dict)
    histogram: tuple[Bucket, ...] = ()
    stats: Mapping[str, Statistics] = field(default_factory=dict)
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A name that what was typed could become."""

    text: str
    type: str
    id: str
    score: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """A document that was not taken because it does not fit the fields of its set, and what does not fit."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class LateRefusal:
    """A document that fits the fields of its set, and that the engine nevertheless would not take when committed."""

    organization_id: UUID
    document_set: DocumentSet
    document: Document
    reason: str


@dataclass(frozen=True, slots=True)
class ViewState:
    """What is published: its generation (opaque), its schema and the position that is surely in it ("" before any)."""

    generation: str
    schema_version: int
    position: str


class SearchReader(Protocol):
    """Reads one generation: of each document the newest committed state. Usable from several threads; close it."""

    @property
    def generation(self) -> str:
        """The generation it reads."""

    def search(self, organization_id: UUID, request: SearchRequest) -> SearchResult:
        """Find documents. An unknown organization has none.

        Raises SearchQueryError for what cannot be asked, SearchCursorError for a cursor of another request or view.
        """

    def suggest(
        self,
        organization_id: UUID,
        prefix: str,
        *,
        index: SearchIndex = SearchIndex.OSINT_ENTITIES,
        limit: int = 10,
        entity_types: tuple[str, ...] = (),
    ) -> tuple[Suggestion, ...]:
        """Names and user names with words that begin with the last typed word and hold the ones before, best first."""

    def get(self, organization_id: UUID, index: SearchIndex, ids: Sequence[str]) -> dict[str, Document]:
        """The documents of these ids that are there, by id."""

    def stored(self, organization_id: UUID, document_set: DocumentSet) -> Iterator[tuple[str, bytes]]:
        """Id and JSON of everything stored, each document once, all of one moment, in any order.

        The JSON is the text that `document_text` makes of what was put, as the engine kept it.
        """

    def count(self, organization_id: UUID, document_set: DocumentSet) -> int:
        """How many documents are stored."""

    def organizations(self) -> tuple[UUID, ...]:
        """Every organization that has documents, in ascending order."""

    def close(self) -> None:
        """Let go of the generation, so that it can be removed once it is old."""

    def __enter__(self) -> Self:
        """The reader itself."""

    def __exit__(self, *_: object) -> None:
        """Close."""


class SearchWriter(Protocol):
    """Changes one generation. One thread; one writer at a time, in all processes."""

    @property
    def generation(self) -> str:
        """The generation it writes."""

    @property
    def position(self) -> str:
        """The position of the last commit, "" before any."""

    def put(
        self, organization_id: UUID, document_set: DocumentSet, documents: Iterable[Document]
    ) -> tuple[Refusal, ...]:
        """Add documents or replace those of the same id; gives those that were refused.

        A refused document leaves nothing behind: what was stored under its id before is removed, for it is no longer
        true. Within and across calls the last put or remove of an id counts.
        """

    def remove(self, organization_id: UUID, document_set: DocumentSet, ids: Iterable[str]) -> None:
        """Remove documents; unknown ids are no error."""

    def drop_organization(self, organization_id: UUID) -> None:
        """Remove everything of an organization, uncommitted changes too. Takes effect at once, not at `commit`."""

    def commit(self, position: str) -> tuple[LateRefusal, ...]:
        """Make everything since the last commit durable and visible, then the position; what was refused only now.

        Of a document that is refused now nothing stays, either.

        A reader sees of each document the old state or the new one; in a batch larger than the writer's memory, or of
        very many organizations, some of the new ones already before. A process killed anywhere in here leaves the
        former position; the same changes put again give the same view.
        """

    def close(self) -> None:
        """Let go, without what was not committed."""

    def __enter__(self) -> Self:
        """The writer itself."""

    def __exit__(self, *_: object) -> None:
        """Close."""


class SearchView(Protocol):
    """An adapter's front: a view at one place."""

    @property
    def adapter(self) -> str:
        """The adapter's name, as `projection status` shows it."""

    @property
    def schema_version(self) -> int:
        """The version this program reads and writes."""

    def state(self) -> ViewState | None:
        """What is published; None where nothing is, or it is damaged or of another format: it has to be rebuilt."""

    def reader(self) -> SearchReader:
        """Read what is published now. Raises SearchViewMissingError if nothing is."""

    def writer(self, *, fresh: bool = False) -> SearchWriter:
        """Write to what is published or, if `fresh` or nothing is, to a new generation nobody sees before `publish`.

        Raises SearchViewBusyError if another writer is open, with its pid.
        """

    def publish(self, writer: SearchWriter) -> None:
        """Close the writer and let its generation take the place of the published one, at once and durably.

        Readers of the former generation keep it until they are closed; then it is removed, at the latest when the next
        writer opens. Only what was committed is published.
        """

    def abandon(self, writer: SearchWriter) -> None:
        """Close the writer and remove its generation, unless it is the published one."""

    def copied(self) -> AbstractContextManager["SearchView"]:
        """A view with a copy of what is published, at a place of its own; both are gone after the block."""
