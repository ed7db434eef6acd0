"""How central nodes are: PageRank by edges' directions, betweenness without them.

Page, Brin, Motwani and Winograd, "The PageRank citation ranking" (1999); Brandes, "A faster algorithm for betweenness
centrality" (2001), and for large graphs from sampled pivots, Brandes and Pich, "Centrality estimation in large
networks" (2007).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import rustworkx as rx

from clew.analysis.graph.network import Array, Network, Rows, undirected

PAGERANK: Final = "pagerank-v1"
BETWEENNESS: Final = "betweenness-v1"
DAMPING: Final = 0.85
TOLERANCE: Final = 1e-10
EXACT_WORK: Final = 20_000_000
"""Nodes times edges up to which betweenness is exact: a few seconds."""
PIVOTS: Final = 48

_MOST_ROUNDS: Final = 500
_SEED: Final = 20_240


def pagerank(network: Network, *, damping: float = DAMPING, tolerance: float = TOLERANCE) -> Array:
    """Each node's PageRank; all together are 1. Each edge counts once; nodes that no edge leaves spread evenly.

    Ends when all nodes together change by less than `tolerance`.
    """
    size = network.size
    if not size:
        return np.zeros(0)
    leaving = np.bincount(network.sources, minlength=size)
    share = np.divide(1.0, leaving, out=np.zeros(size), where=leaving > 0)
    lost = leaving == 0
    ranks = np.full(size, 1.0 / size)
    for _ in range(_MOST_ROUNDS):
        given = np.bincount(network.targets, (ranks * share)[network.sources], size)
        after = damping * (given + ranks[lost].sum() / size) + (1.0 - damping) / size
        moved = float(np.abs(after - ranks).sum())
        ranks = after
        if moved < tolerance:
            break
    ranks /= ranks.sum()
    return ranks


@dataclass(frozen=True, slots=True)
class Betweenness:
    """From 0 to 1 for each node; from how many pivots it is estimated, None if it is exact."""

    values: Array
    pivots: int | None


def betweenness(network: Network, *, exact_work: int = EXACT_WORK, pivots: int = PIVOTS) -> Betweenness:
    """The share of all shortest paths between two other nodes that go through each, without directions or weights."""
    rows = undirected(network)
    edges = len(rows.other) // 2
    if network.size < 3:
        return Betweenness(np.zeros(network.size), None)
    if network.size * edges <= exact_work:
        return Betweenness(_exact(network.size, rows), None)
    chosen = np.random.default_rng(_SEED).choice(network.size, min(pivots, network.size), replace=False)
    total = np.zeros(network.size)
    for pivot in chosen.tolist():
        total += dependencies(rows, pivot)
    scale = network.size / len(chosen) / ((network.size - 1) * (network.size - 2))
    return Betweenness(np.minimum(total * scale, 1.0), len(chosen))


def _exact(size: int, rows: Rows) -> Array:
    graph = rx.PyGraph(multigraph=False)
    graph.add_nodes_from(range(size))
    origin = np.repeat(np.arange(size), np.diff(rows.begin))
    once = origin < rows.other
    graph.add_edges_from_no_data(list(zip(origin[once].tolist(), rows.other[once].tolist(), strict=True)))
    found = rx.betweenness_centrality(graph, normalized=True)
    return np.array([found[node] for node in range(size)])


def dependencies(rows: Rows, pivot: int) -> Array:
    """How much shortest paths from one node depend on each other node (Brandes' delta), whole levels at once."""
    size = len(rows.begin) - 1
    level = np.full(size, -1, np.int64)
    paths = np.zeros(size)
    level[pivot], paths[pivot] = 0, 1.0
    frontier = np.array([pivot])
    steps: list[tuple[Array, Array]] = []
    while len(frontier):
        starts = rows.begin[frontier]
        counts = rows.begin[frontier + 1] - starts
        ends = np.cumsum(counts)
        places = np.arange(int(ends[-1])) + np.repeat(starts - ends + counts, counts)
        origin, other = np.repeat(frontier, counts), rows.other[places]
        onward = (level[other] < 0) | (level[other] == len(steps) + 1)
        origin, other = origin[onward], other[onward]
        frontier = np.unique(other)
        level[frontier] = len(steps) + 1
        paths += np.bincount(other, paths[origin], size)
        steps.append((origin, other))
    delta = np.zeros(size)
    for origin, other in reversed(steps):
        delta += np.bincount(origin, paths[origin] / paths[other] * (1.0 + delta[other]), size)
    delta[pivot] = 0.0
    return delta
