"""What the graph says, as the API and commands show it: entities and relationships in few words, lists in order."""

from dataclasses import dataclass
from uuid import UUID

from clew.projections.graph.port import (
    Community,
    Direction,
    Document,
    GraphReader,
    Measure,
    Wanted,
)
from clew.projections.graph.walking.around import Neighbours, Surroundings, around, neighbours
from clew.projections.graph.walking.asking import Bounds, Ways
from clew.projections.graph.walking.likeliest import surest_path
from clew.projections.graph.walking.shortest import shortest_path
from clew.projections.graph.walking.simple import simple_paths


@dataclass(frozen=True, slots=True)
class Question:
    """What relationships are walked, and how far. limit, depth, max_length, max_degree: see what takes them.

    since and until are RFC 3339 with six decimals in UTC, as documents write times; minimum_confidence is from 0 to 1.
    """

    relationship_types: tuple[str, ...] = ()
    entity_types: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    minimum_confidence: float = 0.0
    direction: Direction = Direction.ANY
    limit: int = 100
    depth: int = 2
    max_length: int = 8
    max_degree: int = 200
    between: bool = False
    surest: bool = False

    @property
    def wanted(self) -> Wanted:
        """As the graph's port takes it."""
        return Wanted(
            self.relationship_types,
            self.entity_types,
            self.since,
            self.until,
            round(self.minimum_confidence * 100),
            self.direction,
        )

    @property
    def bounds(self) -> Bounds:
        """How far walks go. Raises GraphQueryError."""
        return Bounds(max_degree=self.max_degree)


@dataclass(frozen=True, slots=True)
class GraphEntity:
    """An entity. The last three are None until the graph was measured."""

    id: UUID
    type: str
    name: str
    risk_score: int
    first_seen: str | None
    last_seen: str | None
    pagerank: float | None
    betweenness: float | None
    community: UUID | None


@dataclass(frozen=True, slots=True)
class GraphRelationship:
    """A relationship, in its own direction."""

    id: UUID
    type: str
    source: UUID
    target: UUID
    confidence: float
    first_seen: str | None
    last_seen: str | None


@dataclass(frozen=True, slots=True)
class GraphNeighbour:
    """An entity next to another, and what is between them, surest first."""

    entity: GraphEntity
    relationships: list[GraphRelationship]


@dataclass(frozen=True, slots=True)
class GraphNeighbours:
    """Those next to an entity, surest first. degree: all its relationships; total: all neighbours that are wanted."""

    entity: GraphEntity
    degree: int
    total: int
    truncated: bool
    neighbours: list[GraphNeighbour]


@dataclass(frozen=True, slots=True)
class GraphReached:
    """An entity some steps away. is_hub: it has too many relationships to look beyond it, or stands for nothing."""

    entity: GraphEntity
    distance: int
    degree: int
    is_hub: bool


@dataclass(frozen=True, slots=True)
class GraphSurroundings:
    """What is around an entity, which comes first. truncated: there is more than was asked for, or may be shown."""

    entities: list[GraphReached]
    relationships: list[GraphRelationship]
    truncated: bool
    hub_count: int


@dataclass(frozen=True, slots=True)
class GraphWay:
    """A path. confidence: the product of its relationships'."""

    length: int
    confidence: float
    entities: list[GraphEntity]
    relationships: list[GraphRelationship]


@dataclass(frozen=True, slots=True)
class GraphWays:
    """Paths, best first. truncated: a bound ended the search, so there may be (more). hubs: not gone through."""

    ways: list[GraphWay]
    truncated: bool
    hubs: list[GraphEntity]
    hub_count: int
    visited: int


@dataclass(frozen=True, slots=True)
class GraphCommunity:
    """Entities with more to do with each other than with the rest. id: its most central member; some members."""

    id: UUID
    size: int
    members: list[GraphEntity]


def ask_neighbours(reader: GraphReader, organization_id: UUID, entity_id: UUID, question: Question) -> GraphNeighbours:
    """The entities next to one, at most `limit`. Raises NotFoundError, GraphQueryError."""
    adjacency = reader.adjacency(organization_id)
    return _neighbours(neighbours(adjacency, entity_id, limit=question.limit, wanted=question.wanted))


def ask_around(reader: GraphReader, organization_id: UUID, entity_id: UUID, question: Question) -> GraphSurroundings:
    """All within `depth` steps, at most `limit`. Raises NotFoundError, GraphQueryError."""
    return _surroundings(surroundings(reader, organization_id, entity_id, question))


def surroundings(reader: GraphReader, organization_id: UUID, entity_id: UUID, question: Question) -> Surroundings:
    """The same with whole documents."""
    return around(
        reader.adjacency(organization_id),
        entity_id,
        depth=question.depth,
        limit=question.limit,
        wanted=question.wanted,
        bounds=question.bounds,
        between=question.between,
    )


def ask_path(
    reader: GraphReader, organization_id: UUID, start_id: UUID, goal_id: UUID, question: Question
) -> GraphWays:
    """The shortest path, or with `surest` the one of the greatest confidence. Raises NotFoundError, GraphQueryError."""
    search = surest_path if question.surest else shortest_path
    found = search(
        reader.adjacency(organization_id),
        start_id,
        goal_id,
        max_length=question.max_length,
        wanted=question.wanted,
        bounds=question.bounds,
    )
    return _ways(found)


def ask_paths(
    reader: GraphReader, organization_id: UUID, start_id: UUID, goal_id: UUID, question: Question
) -> GraphWays:
    """All simple paths up to `max_length`, at most `limit`. Raises NotFoundError, GraphQueryError."""
    found = simple_paths(
        reader.adjacency(organization_id),
        start_id,
        goal_id,
        max_length=question.max_length,
        limit=question.limit,
        wanted=question.wanted,
        bounds=question.bounds,
    )
    return _ways(found)


def ask_central(
    reader: GraphReader, organization_id: UUID, measure: Measure, *, limit: int, type_: str | None = None
) -> list[GraphEntity]:
    """The most central entities; none where nothing was measured."""
    return list(map(_entity, reader.ranked(organization_id, measure, limit=limit, type_=type_)))


def ask_communities(reader: GraphReader, organization_id: UUID, *, limit: int, members: int) -> list[GraphCommunity]:
    """The largest communities with their most central members; none where nothing was measured."""

    def shown(found: Community) -> GraphCommunity:
        listed = reader.members(organization_id, found.id, limit=members) if members else []
        return GraphCommunity(found.id, found.size, list(map(_entity, listed)))

    return list(map(shown, reader.communities(organization_id, limit=limit)))


def _entity(document: Document) -> GraphEntity:
    community = document["community"]
    return GraphEntity(
        UUID(document["id"]),
        document["type"],
        document["name"],
        document["risk_score"],
        document["first_seen"],
        document["last_seen"],
        document["pagerank"],
        document["betweenness"],
        None if community is None else UUID(community),
    )


def _relationship(document: Document) -> GraphRelationship:
    return GraphRelationship(
        UUID(document["id"]),
        document["type"],
        UUID(document["source_entity_id"]),
        UUID(document["target_entity_id"]),
        document["confidence"] / 100,
        document["first_seen"],
        document["last_seen"],
    )


def _neighbours(found: Neighbours) -> GraphNeighbours:
    listed = [GraphNeighbour(_entity(each.node), list(map(_relationship, each.edges))) for each in found.neighbours]
    return GraphNeighbours(_entity(found.node), found.degree, found.total, found.truncated, listed)


def _surroundings(found: Surroundings) -> GraphSurroundings:
    reached = [GraphReached(_entity(each.node), each.distance, each.degree, each.is_hub) for each in found.nodes]
    return GraphSurroundings(reached, list(map(_relationship, found.edges)), found.truncated, found.hub_count)


def _ways(found: Ways) -> GraphWays:
    ways = [
        GraphWay(way.length, way.confidence, list(map(_entity, way.nodes)), list(map(_relationship, way.edges)))
        for way in found.ways
    ]
    return GraphWays(ways, found.truncated, list(map(_entity, found.hubs)), found.hub_count, found.visited)
