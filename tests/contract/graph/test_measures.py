"""What was measured, as the view ranks and gathers it; and random graphs on which every adapter says what a plain
search says.
"""

import itertools
import random
from collections.abc import Iterator

import pytest

from clew.projections.graph.port import Community, GraphReader, GraphView, Measure
from clew.projections.graph.walking.asking import Bounds
from tests.contract.graph.conftest import ORGANIZATION, edge, id_of, names, node, put
from tests.contract.graph.oracle import HUB, SIZE, check_around, check_paths, oracle


@pytest.fixture
def ranked(view: GraphView) -> Iterator[GraphReader]:
    centres = [str(id_of("n0")), str(id_of("n1"))]
    nodes = [
        node(
            f"n{number}",
            "domain" if number % 2 else "person",
            pagerank=number // 2 / 10,
            betweenness=1 - number / 10,
            community=centres[number % 3 == 0],
        )
        for number in range(7)
    ]
    put(view, [*nodes, node("unmeasured")])
    with view.reader() as reader:
        yield reader


def test_the_greatest_come_first_and_equals_by_id(ranked: GraphReader) -> None:
    found = ranked.ranked(ORGANIZATION, Measure.PAGERANK, limit=4)
    pairs = [sorted(pair, key=lambda name: id_of(name).bytes) for pair in (("n4", "n5"), ("n2", "n3"))]
    assert names(found) == ["n6", *pairs[0], pairs[1][0]]
    assert names(ranked.ranked(ORGANIZATION, Measure.BETWEENNESS, limit=2)) == ["n0", "n1"]
    assert names(ranked.ranked(ORGANIZATION, Measure.BETWEENNESS, limit=2, type_="domain")) == ["n1", "n3"]
    assert len(ranked.ranked(ORGANIZATION, Measure.PAGERANK, limit=100)) == 7
    assert ranked.ranked(ORGANIZATION, Measure.PAGERANK, limit=100, type_="nothing") == []


def test_communities_by_size_and_their_members_by_rank(ranked: GraphReader) -> None:
    assert ranked.communities(ORGANIZATION, limit=5) == [Community(id_of("n0"), 4), Community(id_of("n1"), 3)]
    assert ranked.communities(ORGANIZATION, limit=1) == [Community(id_of("n0"), 4)]
    assert names(ranked.members(ORGANIZATION, id_of("n1"), limit=2)) == ["n6", "n3"]
    assert ranked.members(ORGANIZATION, id_of("unmeasured"), limit=2) == []


def test_measures_that_change_move_what_is_ranked(ranked: GraphReader, view: GraphView) -> None:
    put(view, [node("n0", pagerank=9.0, community=str(id_of("new")))])
    assert names(ranked.ranked(ORGANIZATION, Measure.PAGERANK, limit=1)) == ["n0"]
    assert [(each.id, each.size) for each in ranked.communities(ORGANIZATION, limit=5)][-1] == (id_of("new"), 1)


def drawn_at_random(seed: int) -> tuple[list[tuple[int, int, int]], set[int], set[int]]:
    """Edges (ends, confidence), walls, and hubs; some nodes have much."""
    chance = random.Random(seed)
    some = [0, 1, *range(SIZE)]
    pairs = [
        (chance.choice(some), chance.randrange(SIZE), chance.randint(1, 100)) for _ in range(chance.randint(20, 70))
    ]
    walls = {node for node in range(SIZE) if chance.random() < 0.05}
    degrees = [sum(number in pair[:2] for pair in pairs) for number in range(SIZE)]
    return pairs, walls, {number for number in range(SIZE) if degrees[number] > HUB}


@pytest.mark.parametrize("seed", range(6))
def test_random_graphs_are_walked_as_a_plain_search_walks_them(view: GraphView, seed: int) -> None:
    pairs, walls, hubs = drawn_at_random(seed)
    order = random.Random(seed).sample(range(len(pairs)), len(pairs))
    nodes = [node(f"n{number}", wall=number in walls) for number in range(SIZE)]
    edges = [
        edge(f"n{source}", f"n{target}", number=at, confidence=sure) for at, (source, target, sure) in enumerate(pairs)
    ]
    put(view, nodes, [edges[at] for at in order[:20]])
    put(view, [], [edges[at] for at in order[20:]])
    bounds = Bounds(max_degree=HUB)
    with view.reader() as reader:
        adjacency = reader.adjacency(ORGANIZATION)
        for start, goal in itertools.islice(itertools.permutations([0, 1, 5, 9, 13, 21], 2), 12):
            check_paths(adjacency, bounds, pairs, walls | hubs, start, goal)
        check_around(adjacency, bounds, oracle(pairs, set(), set()), walls | hubs)
