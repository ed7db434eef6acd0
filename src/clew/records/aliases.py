"""What an entity was merged into, and that into something else: followed to the end.

Judgements are made one at a time, so they may form chains, and by mistake circles. Whoever stands in a circle, or
leads into one, is represented by the least id of the circle, so that all readers agree.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar
from uuid import UUID

LONGEST_CHAIN: Final = 64
"""Steps that are followed. Chains grow by judgements of people and algorithms, and are a few steps long."""

Id = TypeVar("Id", str, UUID)


def follow(ids: Iterable[Id], merged_into: Callable[[set[Id]], Mapping[Id, Id]]) -> dict[Id, Id]:
    """Each of the ids that was merged with the one that stands for it now.

    `merged_into` says for some ids what each was merged into, one step; those that were not are left out.
    """
    asked = set(ids)
    steps: dict[Id, Id] = {}
    frontier = asked
    for _ in range(LONGEST_CHAIN):
        found = {alias: into for alias, into in merged_into(frontier).items() if alias != into}
        steps |= found
        frontier = set(found.values()) - steps.keys()
        if not frontier:
            break
    return {alias: _end(alias, steps) for alias in asked if alias in steps and _end(alias, steps) != alias}


def _end(start: Id, steps: Mapping[Id, Id]) -> Id:
    path = [start]
    seen = {start}
    while path[-1] in steps:
        into = steps[path[-1]]
        if into in seen:
            return min(path[path.index(into) :])
        seen.add(into)
        path.append(into)
    return path[-1]
