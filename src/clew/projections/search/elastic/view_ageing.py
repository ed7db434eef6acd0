"""How the view's attacks grow old: by the steps of the other series, as parts of one generation.

A change of an old session still goes where it lies (see parts), and what the record gives up is deleted there: an index
is removed when it has become empty. Which indices belong to a generation stands in its state, so each step that makes
or removes one is announced there first: one that was cut off leaves the view whole, as it was or as it was to be.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final

import structlog

from clew.projections.search.elastic.ageing import Done, merge
from clew.projections.search.elastic.connection import EngineConnection, quoted
from clew.projections.search.elastic.facts import facts_of
from clew.projections.search.elastic.generations import Generations, Held
from clew.projections.search.elastic.lifecycle import VIEW_POLICY, IndexFacts, Policy, Step, next_step
from clew.projections.search.elastic.mappings import index_body
from clew.projections.search.elastic.names import SHRUNK
from clew.projections.search.elastic.shrinking import gather, shrunk
from clew.projections.search.fields import DocumentSet

AGED: Final = DocumentSet.ATTACKS
Alone = Callable[[], AbstractContextManager[Held | None]]
"""Keeps every writer out for a block, and gives the published generation if it is whole."""

log: Final = structlog.get_logger(__name__)


class ViewAgeing:
    """The indices of attacks of what is published."""

    def __init__(self, generations: Generations, alone: Alone, policy: Policy = VIEW_POLICY) -> None:
        self._generations = generations
        self._connection: EngineConnection = generations.connection
        self._names = generations.names
        self._alone = alone
        self._policy = policy

    def run(self, now: datetime) -> list[Done]:
        """Do the next step of every index that has one. Raises what `alone` raises where writers cannot be kept out."""
        published = self._generations.published()
        if self._generations.state_of(published) is None or published is None:
            return []
        found = [(facts.name, step) for facts, step in self._due(published.generation, now)]
        return [Done(index, step) for index, step in found if self._done(index, step, now)]

    def _due(self, generation: str, now: datetime) -> list[tuple[IndexFacts, Step]]:
        target = f"/{quoted(self._names.alias(AGED, generation))}"
        facts = list(facts_of(self._connection, target, self._policy, lambda _: True))
        return [(each, step) for each in facts if (step := next_step(each, self._policy, now)) is not None]

    def _done(self, index: str, step: Step, now: datetime) -> bool:
        if step is Step.MERGE:  # takes long, and hinders nobody
            merge(self._connection, index)
        else:
            if step is Step.SHRINK:
                gather(self._connection, index)
            with self._alone() as held:
                # Meanwhile it may have been written to, or another generation published.
                if held is None or (index, step) not in [(each.name, due) for each, due in self._due_now(held, now)]:
                    return False
                self._do(held, index, step)
        log.info("index aged", index=index, step=step.value)
        return True

    def _due_now(self, held: Held, now: datetime) -> list[tuple[IndexFacts, Step]]:
        """What is due while nobody writes, with all that was written."""
        self._connection.succeed("POST", f"/{quoted(self._names.alias(AGED, held.generation))}/_refresh")
        return self._due(held.generation, now)

    def _do(self, held: Held, index: str, step: Step) -> None:
        match step:
            case Step.ROLLOVER:
                self._roll_over(held, index)
            case Step.SHRINK:
                actions = shrunk(self._connection, index, self._generations.copies.replicas)
                self._change(held, index, index + SHRUNK, actions)
            case Step.READ_ONLY:
                self._connection.succeed("PUT", f"/{quoted(index)}/_settings", {"index.blocks.write": True})
            case Step.DELETE:
                self._change(held, index, None, [{"remove_index": {"index": index}}])
            case _:
                raise ValueError(f"attacks of the view know no {step.value}")

    def _roll_over(self, held: Held, old: str) -> None:
        """Begin another index, to which goes what is new; readers of all aliases see both."""
        generation, number = held.generation, self._names.number_of(old)
        if number is None:
            raise ValueError(f"{old} is no index of a view")
        alias, new = self._names.alias(AGED, generation), self._names.index(AGED, generation, number + 1)
        self._connection.request("DELETE", f"/{quoted(new)}")  # of an attempt that was cut off
        copies = self._generations.copies
        body = index_body(AGED, shards=copies.shards.get(AGED, 1))
        body["settings"]["number_of_replicas"] = copies.replicas
        self._generations.make(new, body)
        ((_, told),) = self._connection.succeed("GET", f"/{quoted(old)}/_alias").items()
        readers = [{"add": {"index": new, "alias": each}} for each in told["aliases"] if each != alias]
        actions = [
            *readers,
            {"add": {"index": new, "alias": alias, "is_write_index": True}},
            {"add": {"index": old, "alias": alias, "is_write_index": False}},
            {"add": {"index": old, "alias": self._names.part(AGED, generation, number)}},
        ]
        self._change(held, None, new, actions)

    def _change(self, held: Held, gone: str | None, new: str | None, actions: list[dict[str, Any]]) -> None:
        indices = {index: identifier for index, identifier in held.indices.items() if index != gone}
        if new is not None:
            indices[new] = self._generations.id_of(new)
        self._generations.change(held, indices, actions)
