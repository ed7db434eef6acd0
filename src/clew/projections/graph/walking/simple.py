"""All simple paths between two entities: of which no entity occurs twice.

From the goal it is first found out how far everything is; then paths grow from the start, all of one length at once,
and only towards what is near enough to the goal.
"""

from uuid import UUID

import numpy as np

from clew.projections.graph.arrays import Adjacency, Handles, Steps
from clew.projections.graph.errors import GraphQueryError
from clew.projections.graph.port import EVERYTHING, MAXIMUM_PATHS, MAXIMUM_SIMPLE_LENGTH, Wanted
from clew.projections.graph.walking.asking import USUAL, Bounds, Gate, Ways, places_of, require_length, ways_of
from clew.projections.graph.walking.marks import Marks
from clew.projections.graph.walking.shortest import backwards, refuse_types


def simple_paths(
    adjacency: Adjacency,
    start_id: UUID,
    goal_id: UUID,
    *,
    max_length: int = 4,
    limit: int = 100,
    wanted: Wanted = EVERYTHING,
    bounds: Bounds = USUAL,
) -> Ways:
    """All simple paths of at most `max_length` relationships: shortest first, then surest, then by their edges' ids.

    Two relationships between the same two entities make two paths. truncated: there are more than `limit`, or those
    of some length were too many to be looked at: then all shorter ones are given, and none longer. Raises
    NotFoundError, GraphQueryError.
    """
    require_length(max_length, MAXIMUM_SIMPLE_LENGTH)
    refuse_types(wanted)
    if not 1 <= limit <= MAXIMUM_PATHS:
        raise GraphQueryError(f"a limit is from 1 to {MAXIMUM_PATHS}", where="limit")
    start, goal = places_of(adjacency, start_id, goal_id)
    gate = Gate(adjacency, bounds)
    if start == goal:
        empty = np.zeros(0, np.int64)
        return Ways(ways_of(adjacency, start, [(empty, empty, 1.0)]), truncated=False, hubs=(), hub_count=0, visited=1)
    marks, truncated = _distances(adjacency, goal, start, max_length, backwards(wanted), gate, bounds)
    growing = _Growing(adjacency, start, goal, marks, wanted, gate, bounds)
    for left in range(max_length - 1, -1, -1):
        if growing.count >= limit + 1 or not growing.grow(left):
            break
    found = growing.best(limit)
    return Ways(
        ways_of(adjacency, start, found),
        truncated or growing.truncated or growing.count > limit,
        gate.named(),
        gate.count,
        marks.count,
    )


def _distances(
    adjacency: Adjacency, goal: int, start: int, max_length: int, wanted: Wanted, gate: Gate, bounds: Bounds
) -> tuple[Marks, bool]:
    """How far from the goal everything is that a path may go through; and whether a bound kept some out."""
    marks, frontier = Marks(), np.array([goal], np.int64)
    marks.mark(frontier, 0)
    for level in range(1, max_length + 1):
        passing = frontier if level == 1 else gate.passing(frontier[frontier != start])
        if gate.is_too_wide(passing):
            return marks, True
        steps = adjacency.steps(passing, wanted)
        frontier = np.unique(steps.other[~marks.marked(steps.other)])
        if marks.count + len(frontier) > bounds.max_visited:
            return marks, True
        marks.mark(frontier, level)
        if not len(frontier):
            break
    return marks, False


class _Growing:
    """Paths from the start, a row each, that all have the same length so far."""

    def __init__(
        self, adjacency: Adjacency, start: int, goal: int, marks: Marks, wanted: Wanted, gate: Gate, bounds: Bounds
    ) -> None:
        self._adjacency, self._goal, self._marks, self._wanted = adjacency, goal, marks, wanted
        self._gate, self._bounds = gate, bounds
        self._nodes = np.array([[start]], np.int64)
        self._edges = np.zeros((1, 0), np.int64)
        self._scores = np.ones(1)
        self._found: list[tuple[Handles, Handles, Handles]] = []
        self.count = 0
        self.truncated = False

    def grow(self, left: int) -> bool:
        """One relationship further, with so many left after it; whether there is anything to go on from."""
        ends, inverse = np.unique(self._nodes[:, -1], return_inverse=True)
        first = self._nodes.shape[1] == 1
        passing = ends if first else self._gate.passing(ends)
        if self._gate.is_too_wide(passing):
            self.truncated = True
            return False
        steps = self._adjacency.steps(passing, self._wanted)
        distances = self._marks.levels(steps.other)
        steps = steps.where((distances >= 0) & (distances <= left))
        rows, places = _joined(ends, inverse.reshape(-1), steps)
        if len(rows) > 5 * self._bounds.max_visited:
            self.truncated = True
            return False
        fresh = (self._nodes[rows] != steps.other[places, None]).all(axis=1)
        rows, places = rows[fresh], places[fresh]
        self._nodes = np.column_stack([self._nodes[rows], steps.other[places]])
        self._edges = np.column_stack([self._edges[rows], steps.edge[places]])
        self._scores = self._scores[rows] * (steps.confidence[places] / 100.0)
        arrived = self._nodes[:, -1] == self._goal
        self._found.append((self._nodes[arrived, 1:], self._edges[arrived], self._scores[arrived]))
        self.count += int(arrived.sum())
        self._nodes, self._edges, self._scores = self._nodes[~arrived], self._edges[~arrived], self._scores[~arrived]
        return bool(len(self._nodes))

    def best(self, limit: int) -> list[tuple[Handles, Handles, float]]:
        """The first paths in their order."""
        chosen: list[tuple[Handles, Handles, float]] = []
        for nodes, edges, scores in self._found:
            keys = [self._adjacency.edge_keys(column) for column in edges.T[::-1]]
            order = np.lexsort((*keys, -scores)) if len(scores) else np.zeros(0, np.int64)
            some = order[: limit - len(chosen)].tolist()
            chosen += [(nodes[place], edges[place], float(scores[place])) for place in some]
        return chosen


def _joined(ends: Handles, row_of: Handles, steps: Steps) -> tuple[Handles, Handles]:
    """Each row of paths with each step from its end: places of both."""
    order = np.argsort(steps.origin, kind="stable")
    begins = np.searchsorted(steps.origin[order], ends, "left")
    counts = (np.searchsorted(steps.origin[order], ends, "right") - begins)[row_of]
    rows = np.repeat(np.arange(len(row_of)), counts)
    if not len(rows):
        return rows, rows
    ends_at = np.cumsum(counts)
    places = np.arange(int(ends_at[-1])) + np.repeat(begins[row_of] - ends_at + counts, counts)
    return rows, order[places]
