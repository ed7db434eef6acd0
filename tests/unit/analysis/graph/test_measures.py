"""PageRank, betweenness and communities against another library, and on graphs whose answers can be seen."""

from typing import Any

import numpy as np
import pytest
import rustworkx as rx
from hypothesis import given
from hypothesis import strategies as st

from clew.analysis.graph.centrality import betweenness, dependencies, pagerank
from clew.analysis.graph.communities import communities
from clew.analysis.graph.network import Network, network_of, undirected

Pairs = list[tuple[int, int]]
pairs = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), min_size=1, max_size=60)


def drawn(given_pairs: Pairs, weights: list[float] | None = None) -> Network:
    """The network of pairs of numbers, whose ids order as the numbers do."""
    ids = np.array([list(int(number).to_bytes(16, "big")) for number in range(64)], np.uint8)
    sources, targets = (np.array([pair[end] for pair in given_pairs]) for end in (0, 1))
    return network_of(ids[sources], ids[targets], np.array(weights or [0.5] * len(given_pairs)))


def numbers(network: Network) -> list[int]:
    return [int.from_bytes(row.tobytes(), "big") for row in network.ids]


@given(pairs)
def test_pagerank_is_that_of_another_library(given_pairs: Pairs) -> None:
    network = drawn(given_pairs)
    graph: rx.PyDiGraph[int, Any] = rx.PyDiGraph()
    graph.add_nodes_from(range(network.size))
    graph.add_edges_from_no_data(list(zip(network.sources.tolist(), network.targets.tolist(), strict=True)))
    if not network.size:
        return
    expected = rx.pagerank(graph, alpha=0.85, tol=1e-12, max_iter=1_000)
    assert pagerank(network) == pytest.approx([expected[node] for node in range(network.size)], abs=1e-6)


@given(pairs)
def test_betweenness_by_pivots_is_exact_if_every_node_is_one(given_pairs: Pairs) -> None:
    network = drawn(given_pairs)
    exact = betweenness(network)
    assert exact.pivots is None
    sampled = betweenness(network, exact_work=-1, pivots=1_000)
    assert sampled.pivots == (network.size if network.size >= 3 else None)
    assert sampled.values == pytest.approx(exact.values, abs=1e-12)


def test_who_joins_two_groups_has_the_greatest_betweenness() -> None:
    network = drawn([(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 5), (5, 6), (6, 4)])
    values = betweenness(network).values
    assert values.argmax() in {3, 4}
    assert values[0] == 0.0
    assert dependencies(undirected(network), 0)[0] == 0.0


def test_communities_are_groups_called_after_their_most_central_member() -> None:
    clique = [(a, b) for a in range(5) for b in range(a)]
    other = [(a + 10, b + 10) for a, b in clique]
    network = drawn([*clique, *other, (0, 10)])
    ranks = pagerank(network)
    found = communities(network, ranks)
    assert found.count == 2
    assert found.modularity > 0.3
    groups = {centre: np.flatnonzero(found.centres == centre) for centre in set(found.centres.tolist())}
    assert sorted(len(members) for members in groups.values()) == [5, 5]
    assert all(ranks[members].max() == ranks[centre] for centre, members in groups.items())
    again = communities(network, ranks)
    assert again.centres.tolist() == found.centres.tolist()


def test_communities_are_pulled_by_confidence() -> None:
    square = [(0, 1), (1, 2), (2, 3), (3, 0)]
    found = communities(drawn(square, [1.0, 0.01, 1.0, 0.01]), np.zeros(4))
    assert found.centres.tolist() == [0, 0, 2, 2]


@given(pairs)
def test_ids_are_numbered_in_their_order_and_loops_left_out(given_pairs: Pairs) -> None:
    network = drawn(given_pairs)
    assert numbers(network) == sorted({end for pair in given_pairs if pair[0] != pair[1] for end in pair})
    told = [pair for pair in given_pairs if pair[0] != pair[1]]
    ids = numbers(network)
    ends = zip(network.sources.tolist(), network.targets.tolist(), strict=True)
    assert [(ids[source], ids[target]) for source, target in ends] == told


def test_nothing_has_no_measures() -> None:
    network = drawn([(1, 1)])
    assert (network.size, len(pagerank(network)), len(betweenness(network).values)) == (0, 0, 0)
    assert communities(network, pagerank(network)).count == 0
