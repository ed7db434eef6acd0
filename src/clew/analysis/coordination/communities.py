"""Communities of sources: Leiden (Traag, Waltman and van Eck 2019) on the graph of probable pairs, then checked.

Modularity divides large groups whose pairs are only sampled, and joins what a single bridge connects. So Leiden's parts
are proposals: two parts become one if the nearer half of the pairs across them, chosen by digest, is as probable as an
edge has to be; and a member stays only if it is likely enough together with the nearer half of the others. What an
analyst decided holds against both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import graspologic_native  # type: ignore[import-untyped]
import numpy as np
import polars as pl
import rustworkx as rx

from clew.analysis.coordination.digests import mix
from clew.analysis.coordination.scoring import pairs_of

EDGE: Final = 0.35
"""Probability from which a pair is an edge: of chance edges few make a group, and those the verdict looks at."""
LEAST_MEMBERS: Final = 3
SAMPLED: Final = 24
"""Partners by which a member is judged, and members by which two parts are compared."""

_SEED: Final = 20_241
_TRIALS: Final = 3
_ROUNDS: Final = 3
_DENSE: Final = 0.6

Score = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Part:
    """A community by positions of sources, each with its mean probability together with its nearest half."""

    members: tuple[int, ...]
    confidence: dict[int, float]


def find(edges: pl.DataFrame, score: Score, digest_of: np.ndarray) -> list[Part]:
    """Communities in scored pairs (`first`, `second`, `probability`), largest first."""
    strong = edges.filter(pl.col("probability") >= EDGE).sort("first", "second")
    parts = [part for component in _components(strong) for part in _leiden(component)]
    for _ in range(_ROUNDS):
        joined = _join(parts, strong, score, digest_of)
        if len(joined) == len(parts):
            break
        parts = joined
    kept = judge(parts, score, digest_of)
    return sorted(kept, key=lambda part: (-len(part.members), part.members))


def _components(edges: pl.DataFrame) -> list[list[tuple[int, int, float]]]:
    graph = rx.PyGraph(multigraph=False)
    rows = list(edges.select("first", "second", "probability").iter_rows())
    nodes = sorted({node for first, second, _ in rows for node in (first, second)})
    index = {node: graph.add_node(node) for node in nodes}
    graph.add_edges_from_no_data([(index[first], index[second]) for first, second, _ in rows])
    component = {}
    listed = sorted(rx.connected_components(graph), key=min)
    for number, members in enumerate(listed):
        component.update(dict.fromkeys(members, number))
    result: list[list[tuple[int, int, float]]] = [[] for _ in listed]
    for first, second, probability in rows:
        result[component[index[first]]].append((first, second, probability))
    return result


def _leiden(component: list[tuple[int, int, float]]) -> list[tuple[int, ...]]:
    nodes = sorted({node for first, second, _ in component for node in (first, second)})
    if len(component) >= _DENSE * len(nodes) * (len(nodes) - 1) / 2:
        return [tuple(nodes)]
    named = [(f"{first:010}", f"{second:010}", probability) for first, second, probability in component]
    _, labels = graspologic_native.leiden(named, resolution=1.0, seed=_SEED, trials=_TRIALS, iterations=2)
    parts: dict[int, list[int]] = {}
    for name, label in labels.items():
        parts.setdefault(label, []).append(int(name))
    return sorted(tuple(sorted(part)) for part in parts.values())


def _join(
    parts: list[tuple[int, ...]], edges: pl.DataFrame, score: Score, digest_of: np.ndarray
) -> list[tuple[int, ...]]:
    """Parts with an edge between them become one where pairs across them are probable."""
    label = {member: number for number, part in enumerate(parts) for member in part}
    touching = sorted(
        {
            (min(label[first], label[second]), max(label[first], label[second]))
            for first, second in edges.select("first", "second").iter_rows()
            if label[first] != label[second]
        }
    )
    if not touching:
        return parts
    samples = [_across(parts[one], parts[other], digest_of) for one, other in touching]
    bridge = np.repeat(np.arange(len(touching)), [len(first) for first, _ in samples])
    first, second = (np.concatenate([sample[side] for sample in samples]) for side in (0, 1))
    asked = pl.DataFrame({"first": np.minimum(first, second), "second": np.maximum(first, second), "bridge": bridge})
    scored = score(pairs_of(first, second)).select("first", "second", "probability")
    means = asked.cast({"first": pl.UInt32, "second": pl.UInt32}).join(scored, on=["first", "second"])
    ranked = means.sort("bridge", "probability", descending=[False, True])
    nearer = ranked.filter(pl.int_range(pl.len()).over("bridge") < (pl.len().over("bridge") + 1) // 2)
    joined = nearer.group_by("bridge").agg(pl.col("probability").mean()).filter(pl.col("probability") >= EDGE)
    graph = rx.PyGraph(multigraph=False)
    graph.add_nodes_from(range(len(parts)))
    graph.add_edges_from_no_data([touching[number] for number in joined["bridge"].sort()])
    groups = sorted(rx.connected_components(graph), key=min)
    return [tuple(sorted(member for number in group for member in parts[number])) for group in groups]


def _across(one: tuple[int, ...], other: tuple[int, ...], digest_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mine, theirs = _chosen(one, digest_of), _chosen(other, digest_of)
    return np.repeat(mine, len(theirs)), np.tile(theirs, len(mine))


def _chosen(part: tuple[int, ...], digest_of: np.ndarray) -> np.ndarray:
    members = np.array(part)
    return members[np.argsort(mix(digest_of[members], 21), kind="stable")][: SAMPLED // 3]


def judge(parts: list[tuple[int, ...]], score: Score, digest_of: np.ndarray) -> list[Part]:
    """Members weighed against the others; who is not probable enough leaves, twice at most."""
    for _ in range(_ROUNDS):
        parts = [part for part in parts if len(part) >= LEAST_MEMBERS]
        confidences = member_confidence(parts, score, digest_of)
        kept = [tuple(member for member in part if confidences[member] >= EDGE) for part in parts]
        if kept == parts:
            break
        parts = kept
    parts = [part for part in parts if len(part) >= LEAST_MEMBERS]
    confidences = member_confidence(parts, score, digest_of)
    return [Part(part, {member: confidences[member] for member in part}) for part in parts]


def member_confidence(parts: list[tuple[int, ...]], score: Score, digest_of: np.ndarray) -> dict[int, float]:
    """Mean probability of each member together with the nearer half of the partners it is compared with."""
    samples = [_partners(part, digest_of) for part in parts if len(part) > 1]
    if not samples:
        return {member: 0.0 for part in parts for member in part}
    first, second = (np.concatenate([sample[side] for sample in samples]) for side in (0, 1))
    scored = score(pairs_of(first, second)).select("first", "second", "probability")
    swapped = scored.select(pl.col("second").alias("first"), pl.col("first").alias("second"), "probability")
    ranked = pl.concat([scored, swapped]).sort("first", "probability", "second", descending=[False, True, False])
    nearest = ranked.filter(pl.int_range(pl.len()).over("first") < (pl.len().over("first") + 1) // 2)
    means = nearest.group_by("first").agg(pl.col("probability").mean())
    return dict(means.iter_rows())


def _partners(part: tuple[int, ...], digest_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each member with up to SAMPLED others: its neighbours in a circle by digest."""
    members = np.array(part)
    circle = members[np.argsort(mix(digest_of[members], 22), kind="stable")]
    steps = range(1, min(SAMPLED // 2, len(part) // 2) + 1)
    return np.tile(circle, len(steps)), np.concatenate([np.roll(circle, -step) for step in steps])
