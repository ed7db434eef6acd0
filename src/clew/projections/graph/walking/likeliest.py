"""The surest way between two entities: of all within a length, the one with the greatest product of confidences.

That is the shortest path where a relationship is as long as the negative logarithm of its confidence. Lengths are
relaxed level by level (Bellman and Ford's way), since a path has a greatest length, and whole frontiers at once.
"""

from dataclasses import dataclass
from uuid import UUID

import numpy as np

from clew.projections.graph.arrays import Adjacency, Handles, Scores
from clew.projections.graph.port import EVERYTHING, Wanted
from clew.projections.graph.walking.asking import USUAL, Bounds, Gate, Ways, places_of, require_length, ways_of
from clew.projections.graph.walking.shortest import refuse_types


def surest_path(
    adjacency: Adjacency,
    start_id: UUID,
    goal_id: UUID,
    *,
    max_length: int = 8,
    wanted: Wanted = EVERYTHING,
    bounds: Bounds = USUAL,
) -> Ways:
    """The surest path of at most `max_length` relationships, of equals the shortest; none, or one.

    A relationship of confidence 0 is on none. truncated: a bound kept some of what is in reach from being looked at.
    Raises NotFoundError, GraphQueryError.
    """
    require_length(max_length)
    refuse_types(wanted)
    start, goal = places_of(adjacency, start_id, goal_id)
    gate = Gate(adjacency, bounds)
    search = _Search(adjacency, start, goal, gate, bounds)
    for level in range(max_length):
        if not search.relax(wanted, level):
            break
    found = [] if search.reached_at is None else [search.way()]
    return Ways(ways_of(adjacency, start, found), search.truncated, gate.named(), gate.count, len(search.nodes))


@dataclass(frozen=True, slots=True)
class _Level:
    nodes: Handles
    edges: Handles
    previous: Handles


class _Search:
    """The best product known for each node, and how each level bettered some."""

    def __init__(self, adjacency: Adjacency, start: int, goal: int, gate: Gate, bounds: Bounds) -> None:
        self._adjacency, self._start, self._goal, self._gate, self._bounds = adjacency, start, goal, gate, bounds
        self.nodes = np.array([start], np.int64)  # ascending, each with the best product known
        self._best = np.ones(1)
        here = self.nodes
        self._levels = [_Level(here, here, here)]
        self._scores = np.ones(1)  # of the last level's nodes
        self.reached_at: int | None = 0 if start == goal else None
        self._arrived = 1.0 if start == goal else 0.0
        self.truncated = False

    def relax(self, wanted: Wanted, level: int) -> bool:
        """Better what one more relationship betters; whether anything was."""
        frontier = self._levels[-1].nodes
        going = frontier != self._goal
        if level:
            blocked = self._gate.blocked(frontier)
            self._gate.hold(frontier[blocked & going])
            going &= ~blocked
        going &= self._scores > self._arrived  # nothing that is less sure already can become surer
        passing = frontier[going]
        if self._gate.is_too_wide(passing):
            self.truncated = True
            return False
        steps = self._adjacency.steps(passing, wanted)
        scores = self._scores[np.searchsorted(frontier, steps.origin)] * (steps.confidence / 100.0)
        known = self._known(steps.other)
        better = (scores > known) & (scores > self._arrived)
        steps, scores = steps.where(better), scores[better]
        if not len(scores):
            return False
        order = np.lexsort((self._adjacency.edge_keys(steps.edge), -scores, steps.other))
        nodes, first = np.unique(steps.other[order], return_index=True)
        best = order[first]
        if len(np.union1d(self.nodes, nodes)) > self._bounds.max_visited:
            self.truncated = True
            return False
        self._note(nodes, scores[best])
        self._levels.append(_Level(nodes, steps.edge[best], steps.origin[best]))
        self._scores = scores[best]
        at = np.flatnonzero(nodes == self._goal)
        if len(at):
            self.reached_at, self._arrived = len(self._levels) - 1, float(self._scores[at[0]])
        return True

    def way(self) -> tuple[Handles, Handles, float]:
        """The best way to the goal: the nodes after the start, the edges, the product."""
        nodes, edges, node = [], [], self._goal
        for level in reversed(self._levels[1 : (self.reached_at or 0) + 1]):
            at = int(np.searchsorted(level.nodes, node))
            nodes.append(node)
            edges.append(int(level.edges[at]))
            node = int(level.previous[at])
        return np.array(nodes[::-1], np.int64), np.array(edges[::-1], np.int64), self._arrived

    def _known(self, nodes: Handles) -> Scores:
        at = np.minimum(np.searchsorted(self.nodes, nodes), len(self.nodes) - 1)
        return np.where(self.nodes[at] == nodes, self._best[at], 0.0)

    def _note(self, nodes: Handles, scores: Scores) -> None:
        together = np.union1d(self.nodes, nodes)
        best = np.zeros(len(together))
        best[np.searchsorted(together, self.nodes)] = self._best
        best[np.searchsorted(together, nodes)] = scores
        self.nodes, self._best = together, best
