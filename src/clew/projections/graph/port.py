"""The port of the graph view: entities as nodes, relationships as edges, and what can be asked of them.

Two adapters keep it: `embedded` (arrays in files, mapped into memory) and `neo4j`. Walks through the graph, from
neighbours to paths, are written once (`walking`) over what both offer as `arrays.Adjacency`; so both give the same sets
of nodes and paths, and call the same entities hubs.

The documents of each part, all times RFC 3339 in UTC with six decimals or None:

NODES    id, type, name, risk_score, wall (no path goes through it), properties, first_seen, last_seen, created_at,
         updated_at, pagerank, betweenness, community (those three None where nothing was measured), collected_from: a
         list of source_id, collection_id, collected_at, confidence
EDGES    id, type, source_entity_id, target_entity_id, confidence (hundredths of 1), source, properties, first_seen,
         last_seen, created_at, updated_at
SOURCES  id, name, type
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol, Self
from uuid import UUID

import orjson

if TYPE_CHECKING:
    from clew.projections.graph.arrays import Adjacency

SCHEMA_VERSION: Final = 1
# Of questions: steps from an entity; relationships on one path, and on each of all simple ones; such paths; members of
# a community that are shown unasked.
MAXIMUM_DEPTH: Final = 6
MAXIMUM_LENGTH: Final = 20
MAXIMUM_SIMPLE_LENGTH: Final = 8
MAXIMUM_PATHS: Final = 1_000
MEMBERS_SHOWN: Final = 10

Document = Mapping[str, Any]


class Part(StrEnum):
    """What the view consists of."""

    NODES = "nodes"
    EDGES = "edges"
    SOURCES = "sources"


class Direction(StrEnum):
    """Which relationships of an entity are looked at, from where it stands."""

    ANY = "any"
    OUT = "out"
    IN = "in"


class Measure(StrEnum):
    """What ranks entities."""

    PAGERANK = "pagerank"
    BETWEENNESS = "betweenness"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which relationships are walked: those of which everything given here is true.

    relationship_types: any of these. entity_types: the entity at the far end is any of these. since (inclusive) and
    until (exclusive), as documents write times: the relationship was seen in between; one without times was not.
    minimum_confidence: in hundredths.
    """

    relationship_types: tuple[str, ...] = ()
    entity_types: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    minimum_confidence: int = 0
    direction: Direction = Direction.ANY


EVERYTHING: Final = Wanted()


@dataclass(frozen=True, slots=True)
class Community:
    """Entities that have more to do with each other than with the rest. `id` is that of its most central member."""

    id: UUID
    size: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A document that was not taken, and why. Nothing of what was stored under its id before stays, either."""

    organization_id: UUID
    part: Part
    id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class ViewState:
    """What is published: its generation (opaque), its schema and the position that is surely in it ("" before any)."""

    generation: str
    schema_version: int
    position: str


class GraphReader(Protocol):
    """Reads one generation: of each document the newest committed state. Usable from several threads; close it."""

    @property
    def generation(self) -> str:
        """The generation it reads."""

    def adjacency(self, organization_id: UUID) -> "Adjacency":
        """The organization's graph as it is now; an empty one for an unknown organization."""

    def ranked(
        self, organization_id: UUID, measure: Measure, *, limit: int, type_: str | None = None
    ) -> list[Document]:
        """The nodes of the greatest measure, greatest first, then by id; those that were not measured are left out."""

    def communities(self, organization_id: UUID, *, limit: int) -> list[Community]:
        """The largest communities, largest first, then by id."""

    def members(self, organization_id: UUID, community: UUID, *, limit: int) -> list[Document]:
        """The nodes of a community, those of the greatest PageRank first, then by id."""

    def stored(self, organization_id: UUID, part: Part) -> Iterator[tuple[UUID, bytes]]:
        """Id and JSON of everything stored, as `document_text` writes it, each once, in any order, as it comes."""

    def count(self, organization_id: UUID, part: Part) -> int:
        """How many documents are stored."""

    def organizations(self) -> tuple[UUID, ...]:
        """Every organization that has documents, in ascending order."""

    def close(self) -> None:
        """Let go of the generation, so that it can be removed once it is old."""

    def __enter__(self) -> Self:
        """The reader itself."""

    def __exit__(self, *_: object) -> None:
        """Close."""


class GraphWriter(Protocol):
    """Changes one generation. One thread; one writer at a time."""

    @property
    def generation(self) -> str:
        """The generation it writes."""

    def put(self, organization_id: UUID, part: Part, documents: Iterable[Document]) -> None:
        """Add documents or replace those of the same id. Of an id the last put or remove counts.

        An edge's ends must be there by the next `commit`.
        """

    def remove(self, organization_id: UUID, part: Part, ids: Iterable[UUID]) -> None:
        """Remove documents, and the edges of removed nodes; unknown ids are no error."""

    def commit(self, position: str) -> tuple[Refused, ...]:
        """Make everything since the last commit durable and visible, then the position; what was not taken."""

    def close(self) -> None:
        """Let go, without what was not committed."""

    def __enter__(self) -> Self:
        """The writer itself."""

    def __exit__(self, *_: object) -> None:
        """Close."""


class GraphView(Protocol):
    """An adapter's front: a view at one place."""

    @property
    def adapter(self) -> str:
        """The adapter's name, as `projection status` shows it."""

    def state(self) -> ViewState | None:
        """What is published; None where nothing is, or it is damaged or of another format: it has to be rebuilt."""

    def reader(self) -> GraphReader:
        """Read what is published now. Raises GraphViewMissingError if nothing is."""

    def writer(self, *, fresh: bool = False) -> GraphWriter:
        """Write to what is published or, if `fresh` or nothing is, to a new generation nobody sees before `publish`.

        Raises GraphViewBusyError if another writer is open.
        """

    def publish(self, writer: GraphWriter) -> None:
        """Close the writer and let its generation take the place of the published one, at once and durably."""

    def abandon(self, writer: GraphWriter) -> None:
        """Close the writer and remove its generation, unless it is the published one."""

    def copied(self) -> AbstractContextManager["GraphView"]:
        """A view with a copy of what is published, at a place of its own; both are gone after the block."""


def document_text(document: Document) -> bytes:
    """A document as the one text by which record and view are compared."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
