"""What a plain search by another library says of a graph, and that the walks say the same."""

from typing import Any, Final

import numpy as np
import pytest
import rustworkx as rx

from clew.projections.graph.arrays import Adjacency
from clew.projections.graph.walking.around import around
from clew.projections.graph.walking.asking import Bounds
from clew.projections.graph.walking.likeliest import surest_path
from clew.projections.graph.walking.shortest import shortest_path
from clew.projections.graph.walking.simple import simple_paths
from tests.contract.graph.conftest import id_of, names

SIZE: Final = 40
HUB: Final = 7


def oracle(pairs: list[tuple[int, int, int]], blocked: set[int], ends: set[int]) -> "rx.PyGraph[int, Any]":
    """The graph without what is not gone through, but for the ends."""
    graph: rx.PyGraph[int, Any] = rx.PyGraph(multigraph=True)
    graph.add_nodes_from(range(SIZE))
    through = blocked - ends
    for number, (source, target, confidence) in enumerate(pairs):
        if source != target and source not in through and target not in through:
            graph.add_edge(source, target, (number, confidence))
    return graph


def check_paths(
    adjacency: Adjacency, bounds: Bounds, pairs: list[tuple[int, int, int]], blocked: set[int], start: int, goal: int
) -> None:
    plain = oracle(pairs, blocked, {start, goal})
    all_ways = list(rx.all_simple_paths(plain, start, goal, cutoff=5))
    ids = (id_of(f"n{start}"), id_of(f"n{goal}"))
    shortest = shortest_path(adjacency, *ids, max_length=SIZE // 2, bounds=bounds)
    lengths = rx.dijkstra_shortest_path_lengths(plain, start, lambda _: 1.0, goal=goal)
    assert [way.length for way in shortest.ways] == ([int(lengths[goal])] if goal in lengths else [])
    ways = simple_paths(adjacency, *ids, max_length=4, limit=1_000, bounds=bounds)
    expected = {tuple(f"n{number}" for number in way) for way in all_ways if len(way) <= 5}
    assert {tuple(names(way.nodes)) for way in ways.ways} == expected
    assert len({tuple(each["id"] for each in way.edges) for way in ways.ways}) == len(ways.ways)
    surest = surest_path(adjacency, *ids, max_length=SIZE // 2, bounds=bounds)
    costs = rx.dijkstra_shortest_path_lengths(plain, start, lambda told: -np.log(told[1] / 100) + 1e-15, goal=goal)
    found = [-np.log(way.confidence) for way in surest.ways]
    assert found == (pytest.approx([costs[goal]], abs=1e-9) if goal in costs else [])


def check_around(adjacency: Adjacency, bounds: Bounds, plain: "rx.PyGraph[int, Any]", blocked: set[int]) -> None:
    for start in (0, 1, 5, 9):
        expected, frontier = {start: 0}, {start}
        for level in (1, 2, 3):
            going = {number for number in frontier if number == start or number not in blocked}
            frontier = {other for number in going for other in plain.neighbors(number)} - expected.keys()
            expected |= dict.fromkeys(frontier, level)
        found = around(adjacency, id_of(f"n{start}"), depth=3, bounds=bounds)
        assert {each.node["name"]: each.distance for each in found.nodes} == {
            f"n{number}": level for number, level in expected.items()
        }
