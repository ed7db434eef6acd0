"""What is around an entity: its neighbours, and all within so many steps."""

from dataclasses import dataclass
from uuid import UUID

import numpy as np

from clew.projections.graph.arrays import Adjacency, Handles, Steps
from clew.projections.graph.errors import GraphQueryError
from clew.projections.graph.port import EVERYTHING, MAXIMUM_DEPTH, Document, Wanted
from clew.projections.graph.walking.asking import MAXIMUM_NODES, USUAL, Bounds, Gate, place_of, require_length
from clew.projections.graph.walking.marks import Marks


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An entity next to another, and the relationships between the two, surest first."""

    node: Document
    edges: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Those next to an entity: the surest first, then by id. `total` counts all; `truncated`: some are not here."""

    node: Document
    degree: int
    neighbours: tuple[Neighbour, ...]
    total: int

    @property
    def truncated(self) -> bool:
        """Whether some are not here."""
        return self.total > len(self.neighbours)


@dataclass(frozen=True, slots=True)
class Reached:
    """An entity, the steps to it, and how many relationships it has. is_hub: nothing was looked for beyond it."""

    node: Document
    distance: int
    degree: int
    is_hub: bool


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is within so many steps of an entity, nearest first, then by id, and the relationships between them.

    truncated: there is more within these steps than was asked for or may be looked at.
    """

    nodes: tuple[Reached, ...]
    edges: tuple[Document, ...]
    truncated: bool
    hub_count: int


def neighbours(adjacency: Adjacency, entity_id: UUID, *, limit: int = 50, wanted: Wanted = EVERYTHING) -> Neighbours:
    """The entities next to one, whatever its degree. Raises NotFoundError, GraphQueryError."""
    _require_limit(limit)
    place = place_of(adjacency, entity_id)
    steps, total = adjacency.nearest(place, wanted, limit)
    order = np.lexsort((adjacency.edge_keys(steps.edge), -steps.confidence)) if len(steps) else np.zeros(0, np.int64)
    steps = steps.where(order)
    others, first = np.unique(steps.other, return_index=True)
    ranked = np.lexsort((adjacency.node_keys(others), -steps.confidence[first])) if len(others) else order
    documents = adjacency.edges(steps.edge)
    between: dict[int, list[Document]] = {}
    for other, document in zip(steps.other.tolist(), documents, strict=True):
        between.setdefault(other, []).append(document)
    chosen = others[ranked]
    found = zip(chosen.tolist(), adjacency.nodes(chosen), strict=True)
    here = np.array([place], np.int64)
    return Neighbours(
        adjacency.nodes(here)[0],
        int(adjacency.degrees(here)[0]),
        tuple(Neighbour(node, tuple(between[other])) for other, node in found),
        total,
    )


def around(
    adjacency: Adjacency,
    entity_id: UUID,
    *,
    depth: int = 2,
    limit: int = 1_000,
    wanted: Wanted = EVERYTHING,
    bounds: Bounds = USUAL,
    between: bool = False,
) -> Surroundings:
    """All within `depth` steps, at most `limit` entities beside the first.

    The relationships are those that were walked; with `between`, also those between the outermost entities (but for
    hubs) and others that are there. Raises NotFoundError, GraphQueryError.
    """
    _require_limit(limit)
    require_length(depth, MAXIMUM_DEPTH)
    place = place_of(adjacency, entity_id)
    walk = _Walk(adjacency, place, limit, wanted, bounds)
    for level in range(1, depth + 1):
        if not walk.go_on(level):
            break
    if between:
        walk.look_back()
    return walk.result()


class _Walk:
    """Level by level; in the order of distance and id, until there are enough."""

    def __init__(self, adjacency: Adjacency, place: int, limit: int, wanted: Wanted, bounds: Bounds) -> None:
        self._adjacency = adjacency
        self._wanted = wanted
        self._gate = Gate(adjacency, bounds)
        self._marks = Marks()
        self._left = limit
        self._levels: list[Handles] = [np.array([place], np.int64)]
        self._steps: list[Steps] = []
        self._truncated = False
        self._marks.mark(self._levels[0], 0)

    def go_on(self, level: int) -> bool:
        """One level further; whether there may be another one."""
        frontier = self._levels[-1] if level == 1 else self._gate.passing(self._levels[-1])
        if self._gate.is_too_wide(frontier):
            self._truncated = True
            return False
        steps = self._adjacency.steps(frontier, self._wanted)
        fresh = np.unique(steps.other[~self._marks.marked(steps.other)])
        if len(fresh) > self._left:
            self._truncated = True
            fresh = fresh[np.argsort(self._adjacency.node_keys(fresh), kind="stable")[: self._left]]
        self._marks.mark(fresh, level)
        self._left -= len(fresh)
        self._levels.append(fresh)
        self._steps.append(steps)
        return bool(len(fresh)) and not self._truncated

    def look_back(self) -> None:
        """Take the relationships of the outermost level, too."""
        frontier = self._gate.passing(self._levels[-1]) if len(self._levels) > 1 else self._levels[0][:0]
        if self._gate.is_too_wide(frontier):
            self._truncated = True
            return
        self._steps.append(self._adjacency.steps(frontier, self._wanted))

    def result(self) -> Surroundings:
        """What was found, by its documents."""
        ordered = [level[np.argsort(self._adjacency.node_keys(level), kind="stable")] for level in self._levels]
        nodes = np.concatenate(ordered)
        degrees, hubs = self._adjacency.degrees(nodes), self._gate.blocked(nodes)
        distances = np.repeat(np.arange(len(ordered)), [len(level) for level in ordered])
        walked = [each.edge[self._marks.marked(each.other)] for each in self._steps]
        edges = np.unique(np.concatenate([np.zeros(0, np.int64), *walked]))
        edges = edges[np.argsort(self._adjacency.edge_keys(edges), kind="stable")]
        columns = (distances.tolist(), degrees.tolist(), hubs.tolist())
        reached = tuple(map(Reached, self._adjacency.nodes(nodes), *columns))
        return Surroundings(reached, tuple(self._adjacency.edges(edges)), self._truncated, int(hubs[1:].sum()))


def _require_limit(limit: int) -> None:
    if not 1 <= limit <= MAXIMUM_NODES:
        raise GraphQueryError(f"a limit is from 1 to {MAXIMUM_NODES}", where="limit")
