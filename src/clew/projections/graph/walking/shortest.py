"""The shortest way between two entities, searched from both ends: level by level, the smaller frontier first.

Among ways of equal length the one with the greatest product of confidences is chosen, then the one with the lowest
ids: the same graph always gives the same way.
"""

from dataclasses import dataclass, field, replace
from uuid import UUID

import numpy as np

from clew.projections.graph.arrays import Adjacency, Handles, Scores, Steps
from clew.projections.graph.errors import GraphQueryError
from clew.projections.graph.port import EVERYTHING, Direction, Wanted
from clew.projections.graph.walking.asking import USUAL, Bounds, Gate, Ways, places_of, require_length, ways_of
from clew.projections.graph.walking.marks import Marks

_REVERSED = {Direction.ANY: Direction.ANY, Direction.OUT: Direction.IN, Direction.IN: Direction.OUT}


def shortest_path(
    adjacency: Adjacency,
    start_id: UUID,
    goal_id: UUID,
    *,
    max_length: int = 8,
    wanted: Wanted = EVERYTHING,
    bounds: Bounds = USUAL,
) -> Ways:
    """The best shortest path of at most `max_length` relationships; none, or one.

    `wanted` is what relationships are walked; entities are passed whatever their type. Raises NotFoundError,
    GraphQueryError.
    """
    require_length(max_length)
    refuse_types(wanted)
    start, goal = places_of(adjacency, start_id, goal_id)
    gate = Gate(adjacency, bounds)
    here = Side(adjacency, start, wanted, gate, bounds)
    there = Side(adjacency, goal, backwards(wanted), gate, bounds)
    meeting = start if start == goal else _meeting(here, there, gate, max_length)
    found: list[tuple[Handles, Handles, float]] = []
    if meeting is not None:
        first, second = here.way_to(meeting), there.way_to(meeting)
        nodes = np.array([*reversed(first.nodes), meeting, *second.nodes][1:], np.int64)
        edges = np.array([*reversed(first.edges), *second.edges], np.int64)
        found = [(nodes, edges, first.confidence * second.confidence)]
    return Ways(
        ways_of(adjacency, start, found),
        meeting is None and here.is_unfinished and there.is_unfinished,
        gate.named(),
        gate.count,
        here.marks.count + there.marks.count - int(meeting is not None),
    )


def refuse_types(wanted: Wanted) -> None:
    """Raises GraphQueryError: a path goes through entities of any type."""
    if wanted.entity_types:
        raise GraphQueryError("paths go through entities of all types", where="entity_types")


def backwards(wanted: Wanted) -> Wanted:
    """The same relationships, seen from their other ends."""
    return replace(wanted, direction=_REVERSED[wanted.direction])


@dataclass(frozen=True, slots=True)
class Half:
    """A way back from an entity to an end: the entities after it up to that end, and the edges between."""

    nodes: list[int]
    edges: list[int]
    confidence: float


@dataclass(frozen=True, slots=True)
class _Level:
    """The nodes of a level, ascending; how each was reached, and the product of confidences up to there."""

    nodes: Handles
    scores: Scores
    edges: Handles
    previous: Handles


@dataclass(slots=True)
class Side:
    """One of the two searches."""

    adjacency: Adjacency
    end: int
    wanted: Wanted
    gate: Gate
    bounds: Bounds
    marks: Marks = field(default_factory=Marks)
    levels: list[_Level] = field(default_factory=list)
    blocked: bool = False  # a bound was reached: this side goes no further

    def __post_init__(self) -> None:
        here = np.array([self.end], np.int64)
        self.levels = [_Level(here, np.ones(1), here, here)]
        self.marks.mark(here, 0)

    @property
    def level(self) -> int:
        """The last level reached."""
        return len(self.levels) - 1

    @property
    def frontier(self) -> Handles:
        """The nodes to go on from."""
        return self.levels[-1].nodes

    @property
    def is_unfinished(self) -> bool:
        """Whether there was more to look at."""
        return self.blocked or bool(len(self.frontier))

    def expand(self) -> Handles:
        """Go one level on; what is reached for the first time. Past a bound the side is blocked instead."""
        passing = self.frontier if self.level == 0 else self.gate.passing(self.frontier)
        if self.gate.is_too_wide(passing):
            if self.level == 0:
                self.gate.hold(passing)
            self.blocked = True
            return passing[:0]
        steps = self.adjacency.steps(passing, self.wanted)
        steps = steps.where(~self.marks.marked(steps.other))
        level = self._best(steps)
        if self.marks.count + len(level.nodes) > self.bounds.max_visited:
            self.blocked = True
            return passing[:0]
        self.levels.append(level)
        self.marks.mark(level.nodes, self.level)
        return level.nodes

    def _best(self, steps: Steps) -> _Level:
        """The best step to each node: of the greatest product, then of the lowest id."""
        before = self.levels[-1]
        scores = before.scores[np.searchsorted(before.nodes, steps.origin)] * (steps.confidence / 100.0)
        order = np.lexsort((-scores, steps.other))
        nodes, first, counts = np.unique(steps.other[order], return_index=True, return_counts=True)
        equal = scores[order] == np.repeat(scores[order][first], counts)
        order = order[equal]  # mostly one for each node; only where several are as good, ids decide
        if len(order) > len(nodes):
            order = order[np.lexsort((self.adjacency.edge_keys(steps.edge[order]), steps.other[order]))]
        _, first = np.unique(steps.other[order], return_index=True)
        best = order[first]
        return _Level(nodes, scores[best], steps.edge[best], steps.origin[best])

    def score(self, nodes: Handles) -> Scores:
        """The products of confidences on the best ways to nodes that were reached."""
        scores = np.empty(len(nodes))
        for number, level in zip(range(len(self.levels)), self.levels, strict=True):
            on = self.marks.levels(nodes) == number
            scores[on] = level.scores[np.searchsorted(level.nodes, nodes[on])]
        return scores

    def way_to(self, node: int) -> Half:
        """The way back from a node to this side's end."""
        (number,) = self.marks.levels(np.array([node], np.int64)).tolist()
        confidence, nodes, edges = 1.0, [], []
        for depth, level in enumerate(reversed(self.levels[: number + 1])):
            at = int(np.searchsorted(level.nodes, node))
            confidence = float(level.scores[at]) if depth == 0 else confidence
            if depth < number:
                node = int(level.previous[at])
                nodes.append(node)
                edges.append(int(level.edges[at]))
        return Half(nodes, edges, confidence)


def _meeting(here: Side, there: Side, gate: Gate, max_length: int) -> int | None:
    """The node where both sides meet on the best path; None if they do not."""
    while here.level + there.level < max_length:
        open_ = [side for side in (here, there) if not side.blocked]
        if not open_:
            return None
        side = min(open_, key=lambda each: (len(each.frontier), each.level))
        other = there if side is here else here
        fresh = side.expand()
        meeting = _best_meeting(here, there, gate, fresh[other.marks.marked(fresh)])
        if meeting is not None:
            return meeting
        if not side.is_unfinished:
            return None  # everything within reach of this end is known
    return None


def _best_meeting(here: Side, there: Side, gate: Gate, candidates: Handles) -> int | None:
    inner = (candidates != here.end) & (candidates != there.end)
    blocked = np.zeros(len(candidates), np.bool_)
    blocked[inner] = gate.blocked(candidates[inner])
    gate.hold(candidates[blocked])
    candidates = candidates[~blocked]
    if not len(candidates):
        return None
    lengths = here.marks.levels(candidates) + there.marks.levels(candidates)
    candidates = candidates[lengths == lengths.min()]
    scores = here.score(candidates) * there.score(candidates)
    best = candidates[scores == scores.max()]
    if len(best) == 1:
        return int(best[0])

    def ids(node: int) -> bytes:
        edges = [*reversed(here.way_to(node).edges), *there.way_to(node).edges]
        return b"".join(key.ljust(16, b"\0") for key in here.adjacency.edge_keys(np.array(edges, np.int64)).tolist())

    return int(min(best.tolist(), key=ids))
