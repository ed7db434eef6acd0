"""The shortest way between two entities, searched from both ends in the record itself.

Level by level, one bounded query each: the side with fewer entities to go on from is taken. Hubs (more relationships
than `max_degree`) and values that stand for nothing in particular (placeholders, private addresses …) lie on no path
unless they are one of its ends, because they join what has nothing to do with each other.

Among paths of equal length the one with the greatest product of confidences is chosen, then the one with the lowest
relationship and entity ids: the same record always gives the same path.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.kernel.errors import InputError, NotFoundError

WALLS: Final = ("broadcast", "loopback", "placeholder", "private", "unspecified")
"""Flags of entities that no path goes through."""

USUAL_LENGTH: Final = 8
MAXIMUM_LENGTH: Final = 20
"""Relationships on a way: what callers ask for unless they say otherwise, and at most."""

_ROWS_PER_ENTITY: Final = 5
_MAXIMUM_HUBS_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class PathNode:
    """An entity on the way."""

    id: UUID
    type: str
    name: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"id": str(self.id), "type": self.type, "name": self.name}


@dataclass(frozen=True, slots=True)
class PathStep:
    """A relationship on the way, in its own direction, which may be against the path's."""

    id: UUID
    type: str
    source: UUID
    target: UUID
    confidence: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "id": str(self.id),
            "type": self.type,
            "source": str(self.source),
            "target": str(self.target),
            "confidence": self.confidence,
        }


@dataclass(frozen=True, slots=True)
class PathResult:
    """The way found, or that there is none within bounds.

    `truncated` means that nothing was found and a bound (length or visited entities) ended the search, so that a way
    may exist. `hubs_skipped` names up to 20 entities that the search did not go through (`hub_count` counts them).
    """

    found: bool
    length: int | None
    nodes: list[PathNode]
    relationships: list[PathStep]
    truncated: bool
    hubs_skipped: list[PathNode]
    hub_count: int
    visited: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "found": self.found,
            "length": self.length,
            "nodes": [node.as_dict() for node in self.nodes],
            "relationships": [step.as_dict() for step in self.relationships],
            "truncated": self.truncated,
            "hubs_skipped": [node.as_dict() for node in self.hubs_skipped],
            "hub_count": self.hub_count,
            "visited": self.visited,
        }


def find_path(
    connection: sa.Connection,
    organization_id: UUID,
    start_id: UUID,
    goal_id: UUID,
    *,
    max_length: int = USUAL_LENGTH,
    max_degree: int = 200,
    max_visited: int = 20_000,
) -> PathResult:
    """The best shortest path of at most `max_length` relationships, whatever their directions.

    `max_visited` bounds the entities that each side may reach. Raises NotFoundError if an end is not in the record,
    InputError for bounds that are no positive numbers.
    """
    if min(max_length, max_degree, max_visited) < 1:
        raise InputError("bounds of a path search are positive numbers", where="path")
    ends = _named(connection, organization_id, [start_id, goal_id])
    for end in (start_id, goal_id):
        if end not in ends:
            raise NotFoundError(f"no entity {end}", remedy="search by its value, as in `clew show VALUE`")
    search = _Search(connection, organization_id, start_id, goal_id, max_degree, max_visited)
    meeting = search.run(max_length)
    hubs = _named(connection, organization_id, sorted(search.hubs)[:_MAXIMUM_HUBS_NAMED])
    found = meeting is not None
    way = [] if meeting is None else [*reversed(search.start.way_to(meeting)), *search.goal.way_to(meeting)]
    stops = _stops(start_id, way) if found else []
    names = _named(connection, organization_id, stops)
    return PathResult(
        found=found,
        length=len(way) if found else None,
        nodes=[names[stop] for stop in stops],
        relationships=way,
        truncated=not found and search.is_unfinished(),
        hubs_skipped=[hubs[hub] for hub in sorted(hubs)],
        hub_count=len(search.hubs),
        visited=len(search.start.reached.keys() | search.goal.reached.keys()),
    )


@dataclass(frozen=True, slots=True)
class _Reached:
    """How an entity was reached: at which level, by which best way so far."""

    level: int
    score: int  # the product of confidences in hundredths: exact, and comparable within a level
    step: PathStep | None
    previous: UUID | None


@dataclass(slots=True)
class _Side:
    """One of the two searches."""

    end: UUID
    reached: dict[UUID, _Reached] = field(default_factory=dict)
    frontier: list[UUID] = field(default_factory=list)
    level: int = 0
    blocked: bool = False  # a bound was reached: this side goes no further

    def __post_init__(self) -> None:
        self.reached = {self.end: _Reached(0, 1, None, None)}
        self.frontier = [self.end]

    def way_to(self, entity: UUID) -> list[PathStep]:
        """The steps from the entity back to this side's end."""
        steps = []
        here: UUID | None = entity
        while here is not None:
            reached = self.reached[here]
            if reached.step is not None:
                steps.append(reached.step)
            here = reached.previous
        return steps


@dataclass(slots=True)
class _Search:
    connection: sa.Connection
    organization_id: UUID
    start_id: UUID
    goal_id: UUID
    max_degree: int
    max_visited: int
    hubs: set[UUID] = field(default_factory=set)
    start: _Side = field(init=False)
    goal: _Side = field(init=False)

    def __post_init__(self) -> None:
        self.start, self.goal = _Side(self.start_id), _Side(self.goal_id)

    def run(self, max_length: int) -> UUID | None:
        """The entity where both sides meet on the best path; None if they do not."""
        if self.start_id == self.goal_id:
            return self.start_id
        while self.start.level + self.goal.level < max_length:
            side = self._next_side()
            if side is None:
                return None
            other = self.goal if side is self.start else self.start
            fresh = self._expand(side)
            meeting = self._best_meeting(fresh & other.reached.keys())
            if meeting is not None:
                return meeting
            if not side.frontier and not side.blocked:
                return None  # everything within reach of this end is known
        return None

    def is_unfinished(self) -> bool:
        """Whether there was more to look at on both sides when the search ended."""
        return all(side.frontier or side.blocked for side in (self.start, self.goal))

    def _next_side(self) -> _Side | None:
        open_sides = [side for side in (self.start, self.goal) if not side.blocked]
        return min(open_sides, key=lambda side: (len(side.frontier), side.level), default=None)

    def _expand(self, side: _Side) -> set[UUID]:
        """Go one level on; the entities reached for the first time. Past a bound the side is blocked instead."""
        most = self.max_visited if side.level == 0 else self.max_degree
        limit = self.max_visited * _ROWS_PER_ENTITY
        rows = _edges(self.connection, self.organization_id, side.frontier, most, limit, walls=side.level > 0)
        if len(rows) > limit:
            side.blocked = True
            return set()
        found: dict[UUID, _Reached] = {}
        hubs = set()
        for row in rows:
            if row.is_wall or row.degree > most:
                hubs.add(row.node)
            elif row.other not in side.reached:
                candidate = _reached_by(row, side)
                known = found.get(row.other)
                if known is None or _rank(candidate) < _rank(known):
                    found[row.other] = candidate
        if side.end in hubs or len(side.reached) + len(found) > self.max_visited:
            side.blocked = True
            return set()
        self.hubs |= hubs
        side.reached |= found
        side.frontier = sorted(found)
        side.level += 1
        return set(found)

    def _best_meeting(self, candidates: set[UUID]) -> UUID | None:
        ends = {self.start_id, self.goal_id}
        inner = candidates - ends
        if inner:
            hubs = _hubs_among(self.connection, self.organization_id, inner, self.max_degree)
            self.hubs |= hubs
            candidates = candidates - hubs
        return min(candidates, key=self._meeting_rank, default=None)

    def _meeting_rank(self, entity: UUID) -> tuple[int, int, list[UUID]]:
        here, there = self.start.reached[entity], self.goal.reached[entity]
        steps = [*reversed(self.start.way_to(entity)), *self.goal.way_to(entity)]
        return here.level + there.level, -here.score * there.score, [step.id for step in steps]


def _reached_by(row: Any, side: _Side) -> _Reached:
    source, target = (row.node, row.other) if row.outgoing else (row.other, row.node)
    step = PathStep(row.id, row.relationship_type, source, target, float(row.confidence))
    return _Reached(side.level + 1, side.reached[row.node].score * int(row.confidence * 100), step, row.node)


def _rank(reached: _Reached) -> tuple[int, UUID | None, UUID | None]:
    return -reached.score, reached.step.id if reached.step else None, reached.previous


# A hub gives one row only, which says so; LIMIT keeps counting its relationships cheap.
_EDGES: Final = sa.text("""
WITH frontier AS MATERIALIZED (
    SELECT node, :walls AND coalesce((
        SELECT flags && CAST(:flags AS text[]) FROM entities
        WHERE entities.organization_id = :organization AND entities.id = node), false) AS is_wall
    FROM unnest(CAST(:nodes AS uuid[])) AS node
), edges AS (
    SELECT frontier.node, frontier.is_wall, edge.id, edge.relationship_type, edge.other, edge.confidence, edge.outgoing
    FROM frontier
    LEFT JOIN LATERAL (
        (SELECT id, relationship_type, target_entity_id AS other, confidence, true AS outgoing
         FROM relationships
         WHERE organization_id = :organization AND source_entity_id = frontier.node LIMIT :cap)
        UNION ALL
        (SELECT id, relationship_type, source_entity_id, confidence, false
         FROM relationships
         WHERE organization_id = :organization AND target_entity_id = frontier.node LIMIT :cap)
    ) AS edge ON NOT frontier.is_wall
), counted AS (
    SELECT *, count(id) OVER (PARTITION BY node) AS degree, row_number() OVER (PARTITION BY node) AS number
    FROM edges
)
SELECT node, is_wall, id, relationship_type, other, confidence, outgoing, degree
FROM counted
WHERE is_wall OR (id IS NOT NULL AND (degree <= :most OR number = 1))
LIMIT :limit
""")

_HUBS: Final = sa.text("""
SELECT node
FROM unnest(CAST(:nodes AS uuid[])) AS node
CROSS JOIN LATERAL (
    SELECT count(*) AS degree FROM (
        (SELECT FROM relationships WHERE organization_id = :organization AND source_entity_id = node LIMIT :cap)
        UNION ALL
        (SELECT FROM relationships WHERE organization_id = :organization AND target_entity_id = node LIMIT :cap)
    ) AS edges
) AS counted
WHERE degree > :most OR coalesce((
    SELECT flags && CAST(:flags AS text[]) FROM entities
    WHERE entities.organization_id = :organization AND entities.id = node), false)
""")

_NAMES: Final = sa.text("""
SELECT id, entity_type, name FROM entities
WHERE organization_id = :organization AND id = ANY (CAST(:nodes AS uuid[]))
""")


def _edges(
    connection: sa.Connection, organization_id: UUID, nodes: Sequence[UUID], most: int, limit: int, *, walls: bool
) -> Sequence[sa.Row[Any]]:
    """Relationships of the entities at both their ends; one row beyond `limit` shows that there are more."""
    parameters = {
        "organization": organization_id,
        "nodes": list(nodes),
        "flags": list(WALLS),
        "walls": walls,
        "cap": most + 1,
        "most": most,
        "limit": limit + 1,
    }
    return connection.execute(_EDGES, parameters).all()


def _hubs_among(
    connection: sa.Connection, organization_id: UUID, nodes: Collection[UUID], max_degree: int
) -> set[UUID]:
    parameters = {
        "organization": organization_id,
        "nodes": sorted(nodes),
        "flags": list(WALLS),
        "cap": max_degree + 1,
        "most": max_degree,
    }
    return set(connection.scalars(_HUBS, parameters))


def _named(connection: sa.Connection, organization_id: UUID, nodes: Iterable[UUID]) -> dict[UUID, PathNode]:
    rows = connection.execute(_NAMES, {"organization": organization_id, "nodes": list(nodes)})
    return {row.id: PathNode(row.id, row.entity_type, row.name) for row in rows}


def _stops(start: UUID, way: Sequence[PathStep]) -> list[UUID]:
    stops = [start]
    for step in way:
        stops.append(step.target if step.source == stops[-1] else step.source)
    return stops
