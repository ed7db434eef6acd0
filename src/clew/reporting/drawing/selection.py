"""Which part of a case a picture of its relationships shows."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import rustworkx

from clew.reporting.document import Entity, Relationship

MOST_DRAWN: Final = 42
"""Entities in a picture that can still be read."""

_HIGH_RISK: Final = 51
# Sums of floating-point numbers depend on how work is shared out between threads: one thread, one picture.
_NO_THREADS: Final = 1_000_000_000


def select(
    candidates: Sequence[Entity], relationships: Sequence[Relationship], most: int = MOST_DRAWN
) -> tuple[list[Entity], list[Relationship]]:
    """At most `most` of the candidates, with the relationships among them.

    Targets and what is of high risk come first; then those through which most shortest ways between the others lead
    (betweenness, Brandes 2001), because they show how the case hangs together. An entity that would stand alone gives
    its place to the next, unless it is a target or of high risk.
    """
    graph = rustworkx.PyGraph(multigraph=False)
    places = dict(zip((each.id for each in candidates), graph.add_nodes_from(list(candidates)), strict=True))
    inner = [each for each in relationships if each.source in places and each.target in places]
    graph.add_edges_from_no_data([(places[each.source], places[each.target]) for each in inner])
    between = rustworkx.betweenness_centrality(graph, parallel_threshold=_NO_THREADS)
    ranked = sorted(candidates, key=lambda each: _weight(each, between[places[each.id]]))
    neighbours = {each.id: {candidates[n].id for n in graph.neighbors(places[each.id])} for each in candidates}
    chosen = _choose(ranked, neighbours, most)
    drawn = [each for each in inner if each.source in chosen and each.target in chosen]
    return [each for each in ranked if each.id in chosen], sorted(drawn, key=lambda each: each.id)


def _weight(entity: Entity, betweenness: float) -> tuple[bool, bool, int, float, int, UUID]:
    risky = entity.risk_score >= _HIGH_RISK
    return (
        not entity.is_target,
        not risky,
        -entity.risk_score if risky else 0,
        -round(betweenness, 9),
        -entity.degree,
        entity.id,
    )


def _choose(ranked: Sequence[Entity], neighbours: dict[UUID, set[UUID]], most: int) -> set[UUID]:
    chosen = {each.id for each in ranked[:most]}
    spare = iter(ranked[most:])
    keeps_its_place = {each.id for each in ranked if each.is_target or each.risk_score >= _HIGH_RISK}
    while True:
        alone = {each for each in chosen - keeps_its_place if not neighbours[each] & chosen}
        if not alone:
            return chosen
        chosen -= alone
        for each in spare:
            if len(chosen) == most:
                break
            if neighbours[each.id] & chosen:
                chosen.add(each.id)
