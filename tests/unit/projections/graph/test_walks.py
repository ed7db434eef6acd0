"""Whatever graph the embedded view holds, and however it came there: walks say what a plain search says."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clew.projections.graph.embedded.view import EmbeddedGraphView
from clew.projections.graph.port import Part
from clew.projections.graph.walking.asking import Bounds
from tests.contract.graph.conftest import ORGANIZATION, edge, id_of, node, put
from tests.contract.graph.oracle import HUB, SIZE, check_around, check_paths, oracle

places = st.one_of(st.integers(0, 5), st.integers(0, SIZE - 1))
edges_drawn = st.lists(st.tuples(places, places, st.integers(1, 100)), min_size=1, max_size=50)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(edges_drawn, edges_drawn, st.sets(st.integers(0, SIZE - 1), max_size=3), st.sampled_from([0, 30, 5_000]))
def test_walks_through_the_bulk_and_its_changes_say_what_a_plain_search_says(
    first: list[tuple[int, int, int]], then: list[tuple[int, int, int]], walls: set[int], small: int
) -> None:
    """The first edges are written, then those after them in their place: some stay, some change, some are new."""
    with tempfile.TemporaryDirectory(prefix="clew-graph-") as directory:
        view = EmbeddedGraphView(Path(directory) / "view", small=small)
        put(view, [node(f"n{number}", wall=number in walls) for number in range(SIZE)], written(first))
        writer = view.writer()
        writer.remove(ORGANIZATION, Part.EDGES, [id_of(f"edge-{number}") for number in range(len(then), len(first))])
        writer.put(ORGANIZATION, Part.EDGES, written(then))
        assert writer.commit("then") == ()
        writer.close()
        degrees = [sum(number in each[:2] for each in then) for number in range(SIZE)]
        blocked = walls | {number for number in range(SIZE) if degrees[number] > HUB}
        bounds = Bounds(max_degree=HUB)
        with view.reader() as reader:
            adjacency = reader.adjacency(ORGANIZATION)
            assert (
                adjacency.degrees(adjacency.find([id_of(f"n{number}") for number in range(SIZE)])).tolist() == degrees
            )
            for start, goal in ((0, 1), (1, 5), (3, 2)):
                check_paths(adjacency, bounds, then, blocked, start, goal)
            check_around(adjacency, bounds, oracle(then, set(), set()), blocked)


def written(pairs: list[tuple[int, int, int]]) -> list[dict[str, object]]:
    return [
        {**edge(f"n{source}", f"n{target}", confidence=sure), "id": str(id_of(f"edge-{number}"))}
        for number, (source, target, sure) in enumerate(pairs)
    ]
