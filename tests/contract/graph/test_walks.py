"""Neighbours, surroundings and paths on small graphs whose answers can be seen."""

import pytest

from clew.kernel.errors import NotFoundError
from clew.projections.graph.errors import GraphQueryError
from clew.projections.graph.port import Direction, Wanted
from clew.projections.graph.walking.around import around, neighbours
from clew.projections.graph.walking.asking import Bounds, Ways
from clew.projections.graph.walking.likeliest import surest_path
from clew.projections.graph.walking.shortest import shortest_path
from clew.projections.graph.walking.simple import simple_paths
from tests.contract.graph.conftest import Drawing, edge, id_of, names, node

LATER = "2024-06-01T00:00:00.000000Z"


def ways(found: Ways) -> list[str]:
    return ["-".join(names(way.nodes)) for way in found.ways]


def test_neighbours_come_with_their_relationships_the_surest_first(graph: Drawing) -> None:
    adjacency = graph.of(
        "a-b", "c-a", edges=[edge("a", "c", "OWNS", confidence=90), edge("a", "d", confidence=70)], nodes=[node("d")]
    )
    found = neighbours(adjacency, id_of("a"))
    assert [each.node["name"] for each in found.neighbours] == ["c", "d", "b"]
    assert [each["type"] for each in found.neighbours[0].edges] == ["OWNS", "RESOLVES_TO"]
    assert (found.degree, found.total, found.truncated) == (4, 3, False)
    fewer = neighbours(adjacency, id_of("a"), limit=1)
    assert ([each.node["name"] for each in fewer.neighbours], fewer.total, fewer.truncated) == (["c"], 3, True)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(relationship_types=("OWNS",)), {"c"}),
        (Wanted(relationship_types=("OWNS", "USES")), {"c", "d"}),
        (Wanted(relationship_types=("NEVER_SEEN",)), set()),
        (Wanted(entity_types=("person",)), {"d"}),
        (Wanted(since=LATER), {"d"}),
        (Wanted(until=LATER), {"b", "c"}),
        (Wanted(since="2024-03-01T00:00:00.000000Z", until="2024-03-01T00:00:00.000001Z"), {"b", "c"}),
        (Wanted(minimum_confidence=51), {"c"}),
        (Wanted(direction=Direction.OUT), {"b", "d", "timeless"}),
        (Wanted(direction=Direction.IN), {"c"}),
        (Wanted(), {"b", "c", "d", "timeless"}),
    ],
)
def test_only_what_is_wanted_is_walked(graph: Drawing, wanted: Wanted, expected: set[str]) -> None:
    adjacency = graph.of(
        "a-b",
        nodes=[node("c"), node("d", "person"), node("timeless")],
        edges=[
            edge("c", "a", "OWNS", confidence=90),
            edge("a", "d", "USES", first_seen=LATER, last_seen=LATER, confidence=20),
            edge("a", "timeless", first_seen=None, last_seen=None),
            edge("a", "a", "USES"),
        ],
    )
    assert {each.node["name"] for each in neighbours(adjacency, id_of("a"), wanted=wanted).neighbours} == expected
    near = around(adjacency, id_of("a"), depth=1, wanted=wanted)
    assert {each.node["name"] for each in near.nodes} == expected | {"a"}


def test_all_within_two_steps_and_what_is_between_them(graph: Drawing) -> None:
    adjacency = graph.of("a-b", "b-c", "c-d", "e-a", "e-c", "x-y")
    found = around(adjacency, id_of("a"))
    assert {each.node["name"]: each.distance for each in found.nodes} == {"a": 0, "b": 1, "e": 1, "c": 2}
    assert found.nodes[0].node["name"] == "a"
    assert not found.truncated
    assert len(found.edges) == 4
    near = around(adjacency, id_of("a"), depth=1)
    assert len(near.edges) == 2
    triangle = around(adjacency, id_of("b"), depth=1, between=True)
    assert {each.node["name"] for each in triangle.nodes} == {"a", "b", "c"}


def test_between_takes_what_joins_the_outermost(graph: Drawing) -> None:
    adjacency = graph.of("a-b", "a-c", "b-c", "c-d")
    assert len(around(adjacency, id_of("a"), depth=1).edges) == 2
    assert len(around(adjacency, id_of("a"), depth=1, between=True).edges) == 3


def test_a_limit_keeps_the_nearest_and_says_so(graph: Drawing) -> None:
    adjacency = graph.of("a-b", "b-c", "b-d", "b-e")
    found = around(adjacency, id_of("a"), limit=2)
    assert (len(found.nodes), found.truncated) == (3, True)
    assert found.nodes[1].node["name"] == "b"
    first = min(("c", "d", "e"), key=lambda name: id_of(name).bytes)
    assert found.nodes[2].node["name"] == first
    assert len(found.edges) == 2


def test_a_hub_is_reached_but_not_gone_through(graph: Drawing) -> None:
    spokes = [f"hub-s{number}" for number in range(6)]
    adjacency = graph.of("a-hub", "hub-z", *spokes)
    bounds = Bounds(max_degree=5)
    found = around(adjacency, id_of("a"), bounds=bounds)
    assert [(each.node["name"], each.degree, each.is_hub) for each in found.nodes] == [
        ("a", 1, False),
        ("hub", 8, True),
    ]
    assert found.hub_count == 1
    assert len(around(adjacency, id_of("hub"), depth=1, bounds=bounds).nodes) == 9
    for search in (shortest_path, surest_path, simple_paths):
        blocked = search(adjacency, id_of("a"), id_of("z"), bounds=bounds)
        assert blocked.ways == ()
        assert (names(blocked.hubs), blocked.hub_count) == (["hub"], 1)
        assert ways(search(adjacency, id_of("a"), id_of("z"))) == ["a-hub-z"]
        assert ways(search(adjacency, id_of("a"), id_of("hub"), bounds=bounds)) == ["a-hub"]


def test_a_start_that_has_too_much_ends_the_search_and_says_so(graph: Drawing) -> None:
    adjacency = graph.of(*(f"hub-s{number}" for number in range(8)), "s0-t")
    bounds = Bounds(max_degree=5, max_visited=1)
    assert around(adjacency, id_of("hub"), bounds=bounds).truncated
    assert simple_paths(adjacency, id_of("hub"), id_of("t"), bounds=bounds).truncated
    assert surest_path(adjacency, id_of("hub"), id_of("t"), bounds=bounds).truncated
    found = shortest_path(adjacency, id_of("hub"), id_of("t"), bounds=bounds)
    assert found.truncated
    assert found.ways == ()


def test_walls_are_on_no_path_but_at_its_ends(graph: Drawing) -> None:
    adjacency = graph.of("a-w", "w-b", "a-c", "c-d", "d-b", nodes=[node("w", wall=True)])
    assert ways(shortest_path(adjacency, id_of("a"), id_of("b"))) == ["a-c-d-b"]
    assert ways(simple_paths(adjacency, id_of("a"), id_of("b"))) == ["a-c-d-b"]
    assert ways(shortest_path(adjacency, id_of("a"), id_of("w"))) == ["a-w"]


def test_of_shortest_paths_the_surest_is_taken_and_of_those_the_one_of_the_lowest_ids(graph: Drawing) -> None:
    adjacency = graph.of(
        "a-b",
        "b-z",
        "a-d",
        "d-z",
        nodes=[node("c")],
        edges=[edge("a", "c", confidence=60), edge("c", "z", confidence=60)],
    )
    assert ways(shortest_path(adjacency, id_of("a"), id_of("z"))) == ["a-c-z"]
    (way,) = shortest_path(adjacency, id_of("z"), id_of("a")).ways
    assert way.confidence == pytest.approx(0.36)
    others = simple_paths(adjacency, id_of("a"), id_of("z"))
    assert ways(others)[0] == "a-c-z"
    equal = [[each["id"] for each in way.edges] for way in others.ways[1:]]
    assert equal == sorted(equal)


def test_the_surest_path_may_be_longer_than_the_shortest(graph: Drawing) -> None:
    adjacency = graph.of(
        "a-z",
        nodes=[node("b"), node("c")],
        edges=[edge("a", "b", confidence=95), edge("b", "c", confidence=95), edge("c", "z", confidence=95)],
    )
    assert ways(shortest_path(adjacency, id_of("a"), id_of("z"))) == ["a-z"]
    found = surest_path(adjacency, id_of("a"), id_of("z"))
    assert ways(found) == ["a-b-c-z"]
    assert found.ways[0].confidence == pytest.approx(0.95**3)
    assert ways(surest_path(adjacency, id_of("a"), id_of("z"), max_length=2)) == ["a-z"]


def test_all_simple_paths_and_no_other(graph: Drawing) -> None:
    adjacency = graph.of("a-b", "b-c", "c-a", "c-d", "b-d", edges=[edge("b", "d", "OWNS")])
    found = simple_paths(adjacency, id_of("a"), id_of("d"), max_length=3)
    assert sorted(ways(found)) == sorted(["a-b-d", "a-b-d", "a-c-d", "a-b-c-d", "a-c-b-d", "a-c-b-d"])
    assert not found.truncated
    some = simple_paths(adjacency, id_of("a"), id_of("d"), max_length=3, limit=2)
    assert ways(some) == ways(found)[:2]
    assert some.truncated


def test_paths_may_keep_to_the_direction_of_relationships(graph: Drawing) -> None:
    adjacency = graph.of("a-b", "b-c", "c-d", "d-a")
    onwards = Wanted(direction=Direction.OUT)
    for search in (shortest_path, surest_path, simple_paths):
        assert "a-b-c-d" in ways(search(adjacency, id_of("a"), id_of("d"), wanted=onwards))
        assert "a-d" not in ways(search(adjacency, id_of("a"), id_of("d"), wanted=onwards))
        assert "a-d" in ways(search(adjacency, id_of("a"), id_of("d")))


def test_no_way_is_an_answer(graph: Drawing) -> None:
    adjacency = graph.of("a-b", "c-d")
    for search in (shortest_path, surest_path, simple_paths):
        found = search(adjacency, id_of("a"), id_of("c"))
        assert (found.ways, found.truncated) == ((), False)
        (itself,) = search(adjacency, id_of("a"), id_of("a")).ways
        assert (itself.length, itself.confidence, names(itself.nodes)) == (0, 1.0, ["a"])


def test_what_cannot_be_asked_is_told(graph: Drawing) -> None:
    adjacency = graph.of("a-b")
    for search in (shortest_path, surest_path, simple_paths):
        with pytest.raises(NotFoundError):
            search(adjacency, id_of("a"), id_of("nowhere"))
        with pytest.raises(GraphQueryError):
            search(adjacency, id_of("a"), id_of("b"), max_length=0)
        with pytest.raises(GraphQueryError):
            search(adjacency, id_of("a"), id_of("b"), wanted=Wanted(entity_types=("domain",)))
    with pytest.raises(NotFoundError):
        around(adjacency, id_of("nowhere"))
    with pytest.raises(GraphQueryError):
        neighbours(adjacency, id_of("a"), limit=0)
    with pytest.raises(GraphQueryError):
        Bounds(max_degree=0)
