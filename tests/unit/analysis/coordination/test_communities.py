import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from clew.analysis.coordination import communities
from clew.analysis.coordination.sequences import common_length


def world(*groups: range) -> tuple[pl.DataFrame, communities.Score]:
    """Sampled edges within groups, and a score that knows the groups."""
    label = {member: number for number, group in enumerate(groups) for member in group}

    def score(pairs: pl.DataFrame) -> pl.DataFrame:
        same = [
            0.9 if label.get(a, -1) == label.get(b, -2) else 0.02 for a, b in pairs.select("first", "second").rows()
        ]
        return pairs.select("first", "second", pl.Series("probability", same, dtype=pl.Float64))

    rows = [
        (min(a, b), max(a, b))
        for group in groups
        for place, a in enumerate(group)
        for step in (1, 2, 3)
        for b in [group[(place + step) % len(group)]]
        if a != b
    ]
    edges = pl.DataFrame(rows, schema={"first": pl.UInt32, "second": pl.UInt32}, orient="row").unique()
    return score(edges.sort("first", "second")), score


DIGESTS = np.arange(500, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def test_a_large_group_known_by_few_edges_stays_whole() -> None:
    edges, score = world(range(200), range(200, 230))
    found = communities.find(edges, score, DIGESTS)
    assert [part.members for part in found] == [tuple(range(200)), tuple(range(200, 230))]


def test_a_bridge_joins_nothing() -> None:
    edges, score = world(range(20), range(20, 40))
    bridge = pl.DataFrame({"first": [3], "second": [25], "probability": [0.8]}, schema=edges.schema)
    found = communities.find(pl.concat([edges, bridge]), score, DIGESTS)
    assert sorted(part.members for part in found) == [tuple(range(20)), tuple(range(20, 40))]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31))
def test_order_of_edges_does_not_matter(seed: int) -> None:
    edges, score = world(range(60), range(60, 75))
    assert communities.find(edges.sample(fraction=1, shuffle=True, seed=seed), score, DIGESTS) == communities.find(
        edges, score, DIGESTS
    )


def test_two_sources_are_no_community() -> None:
    edges, score = world(range(2))
    assert communities.find(edges, score, DIGESTS) == []


def test_common_subsequences() -> None:
    assert common_length([1, 2, 3, 4], [2, 9, 4]) == 2
    assert common_length([], [1]) == 0
    assert common_length([1, 2, 3], [3, 2, 1]) == 1
