"""What walks have in common: their bounds, and the shapes of what they give."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np

from clew.kernel.errors import NotFoundError
from clew.projections.graph.arrays import Adjacency, Flags, Handles
from clew.projections.graph.errors import GraphQueryError
from clew.projections.graph.port import MAXIMUM_LENGTH, Document

MAXIMUM_NODES: Final = 10_000
_HUBS_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a walk goes, so that no question takes long, whatever the graph looks like.

    max_degree: an entity with more relationships than that is a hub: it may be reached, or be where a walk begins or
    ends, but no walk goes on from it. max_visited: entities that a walk may reach (each of its two sides, where it has
    two), and relationships, five times as many, that one level of it may look at.
    """

    max_degree: int = 200
    max_visited: int = 20_000

    def __post_init__(self) -> None:
        if self.max_degree < 1 or self.max_visited < 1:
            raise GraphQueryError("bounds are positive numbers", where="max_degree")


USUAL: Final = Bounds()


@dataclass(frozen=True, slots=True)
class Way:
    """A path: the entities in their order, and the relationships between them, each in its own direction.

    confidence: the product of those of its relationships, from 0 to 1.
    """

    nodes: tuple[Document, ...]
    edges: tuple[Document, ...]
    confidence: float

    @property
    def length(self) -> int:
        """Relationships on the way."""
        return len(self.edges)


@dataclass(frozen=True, slots=True)
class Ways:
    """The paths that were found, best first.

    truncated: a bound ended the search, so that there may be (more of) them. hubs names up to 20 of the `hub_count`
    entities that were not gone through, as hubs or because they stand for nothing in particular. visited: entities
    that were looked at.
    """

    ways: tuple[Way, ...]
    truncated: bool
    hubs: tuple[Document, ...]
    hub_count: int
    visited: int


def place_of(adjacency: Adjacency, entity_id: UUID) -> int:
    """The node of an entity. Raises NotFoundError."""
    (place,) = places_of(adjacency, entity_id)
    return place


def places_of(adjacency: Adjacency, *entity_ids: UUID) -> list[int]:
    """The nodes of entities, by one question. Raises NotFoundError for the first that is not there."""
    places: list[int] = adjacency.find(entity_ids).tolist()
    for entity_id, place in zip(entity_ids, places, strict=True):
        if place < 0:
            raise NotFoundError(
                f"no entity {entity_id} in the graph view", remedy="search by its value, or wait: it follows"
            )
    return places


def require_length(length: int, most: int = MAXIMUM_LENGTH) -> None:
    """Raises GraphQueryError for a length that is not asked for."""
    if not 1 <= length <= most:
        raise GraphQueryError(f"a length is from 1 to {most}", where="length")


class Gate:
    """Lets a frontier through but for hubs and walls, and remembers those."""

    def __init__(self, adjacency: Adjacency, bounds: Bounds) -> None:
        self._adjacency = adjacency
        self._bounds = bounds
        self._held = np.zeros(0, np.int64)

    def blocked(self, nodes: Handles) -> Flags:
        """Which of them are not gone through."""
        return (self._adjacency.degrees(nodes) > self._bounds.max_degree) | self._adjacency.walls(nodes)

    def passing(self, nodes: Handles) -> Handles:
        """Those that are gone through."""
        blocked = self.blocked(nodes)
        self.hold(nodes[blocked])
        return nodes[~blocked]

    def is_too_wide(self, nodes: Handles) -> bool:
        """Whether they have more relationships together than one level may look at."""
        return int(self._adjacency.degrees(nodes).sum()) > 5 * self._bounds.max_visited

    def hold(self, nodes: Handles) -> None:
        """Remember that these were not gone through."""
        self._held = np.union1d(self._held, nodes)

    @property
    def count(self) -> int:
        """How many were not gone through."""
        return len(self._held)

    def named(self) -> tuple[Document, ...]:
        """Some of them, in the order of their ids."""
        keys = self._adjacency.node_keys(self._held)
        return tuple(self._adjacency.nodes(self._held[np.argsort(keys)[:_HUBS_NAMED]]))


def ways_of(adjacency: Adjacency, start: int, found: list[tuple[Handles, Handles, float]]) -> tuple[Way, ...]:
    """Paths by their documents. found: the nodes after the start, the edges, the confidence."""
    nodes = np.unique(np.concatenate([np.array([start]), *(nodes for nodes, _, _ in found)]))
    edges = np.unique(np.concatenate([np.zeros(0, np.int64), *(edges for _, edges, _ in found)]))
    node_of = dict(zip(nodes.tolist(), adjacency.nodes(nodes), strict=True))
    edge_of = dict(zip(edges.tolist(), adjacency.edges(edges), strict=True))
    return tuple(
        Way(
            (node_of[start], *(node_of[each] for each in on_way.tolist())),
            tuple(edge_of[each] for each in walked.tolist()),
            confidence,
        )
        for on_way, walked, confidence in found
    )
