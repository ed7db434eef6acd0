"""Carries out what lifecycle decides, with calls that every edition knows. Only on indices made from Clew's templates.

Each step can be cut off anywhere and is done again: what has been done is seen in the engine, not remembered here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog

from clew.projections.search.elastic.catalogue import MARK, SERIES, templates
from clew.projections.search.elastic.connection import EngineConnection, quoted
from clew.projections.search.elastic.facts import facts_of
from clew.projections.search.elastic.lifecycle import Policy, Step, next_step
from clew.projections.search.elastic.names import Names
from clew.projections.search.elastic.shrinking import shrink
from clew.projections.search.errors import SearchViewError

_LONG_SECONDS: Final = 6 * 3_600.0

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """A step that was carried out. `left`: why it was not, if so."""

    index: str
    step: Step
    left: str | None = None


class Ageing:
    """The indices of an installation that are only added to.

    repository: of the engine's snapshots, for what is archived; without one such indices stay. replicas: further copies
    of what is shrunk.
    """

    def __init__(
        self, connection: EngineConnection, names: Names, *, repository: str | None = None, replicas: int = 0
    ) -> None:
        self._connection = connection
        self._names = names
        self._repository = repository
        self._replicas = replicas

    def install(self, shards: Mapping[str, int]) -> dict[str, str]:
        """Give the engine the templates by which new indices are made; those that it refuses, with its reasons.

        Composable ones, which Elasticsearch has from 7.8 on and OpenSearch always. Raises ConfigurationError for a
        login that may not.
        """
        refused = {}
        for name, body in templates(self._names, shards, self._replicas).items():
            answer = self._connection.request("PUT", f"/_index_template/{quoted(name)}", body)
            if not answer.well:  # somebody's template of the same patterns and priority, most likely
                refused[name] = answer.reason
        return refused

    def run(self, now: datetime, policies: Mapping[str, Policy] | None = None) -> list[Done]:
        """Do the next step of every index that has one. policies: in the place of the usual ones, by their names."""
        done = []
        for name, usual in SERIES.items():
            policy = (policies or {}).get(usual.name, usual)
            target = f"/{quoted(self._names.prefix + name)}-*"
            for facts in list(facts_of(self._connection, target, policy, _is_ours)):
                step = next_step(facts, policy, now)
                if step is not None:
                    done.append(self._do(f"{self._names.prefix}{name}", facts.name, step))
        return done

    def _do(self, alias: str, index: str, step: Step) -> Done:
        target = f"/{quoted(index)}"
        match step:
            case Step.ROLLOVER:
                self._connection.succeed("POST", f"/{quoted(alias)}/_rollover")
            case Step.SHRINK:
                shrink(self._connection, index, self._replicas)
            case Step.MERGE:
                merge(self._connection, index)
            case Step.READ_ONLY:
                self._connection.succeed("PUT", f"{target}/_settings", {"index.blocks.write": True})
            case Step.ARCHIVE if self._repository is None:
                return Done(index, step, "no repository for archives is set: it stays")
            case Step.ARCHIVE:
                self._archive(index)
                self._connection.succeed("DELETE", target)
            case Step.DELETE:
                self._connection.succeed("DELETE", target)
        log.info("index aged", index=index, step=step.value)
        return Done(index, step)

    def _archive(self, index: str) -> None:
        """Have a snapshot of the index, whole, or raise SearchViewError."""
        place = f"/_snapshot/{quoted(self._repository or '')}/{quoted(index)}"
        known = self._connection.request("GET", place)
        states = [each.get("state") for each in known.body.get("snapshots", ())] if known.well else []
        if states == ["SUCCESS"]:
            return
        if states:  # of an attempt that was cut off
            self._connection.succeed("DELETE", place, timeout_seconds=_LONG_SECONDS)
        body = {"indices": index, "include_global_state": False}
        taken = self._connection.succeed(
            "PUT", f"{place}?wait_for_completion=true", body, timeout_seconds=_LONG_SECONDS
        )
        if taken["snapshot"]["state"] != "SUCCESS":
            raise SearchViewError(
                f"the snapshot of {index} is not whole: {taken['snapshot']['state']}",
                where=self._connection.address.place,
                remedy="see the engine's log; the index stays until its snapshot is whole",
            )


def merge(connection: EngineConnection, index: str) -> None:
    """Make one segment of each shard of the index."""
    target = f"/{quoted(index)}"
    connection.succeed("POST", f"{target}/_forcemerge?max_num_segments=1", timeout_seconds=_LONG_SECONDS)
    # Nobody may have searched since: until then what was merged is counted as well.
    connection.succeed("POST", f"{target}/_refresh", timeout_seconds=_LONG_SECONDS)


def _is_ours(told: Mapping[str, Any]) -> bool:
    return MARK in told["mappings"].get("_meta", {})
