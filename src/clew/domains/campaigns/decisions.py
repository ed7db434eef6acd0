"""What analysts decided, as runs are bound by it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from clew.analysis.coordination import Decisions
from clew.domains.campaigns import statements
from clew.domains.campaigns.tracking import Split


@dataclass(frozen=True, slots=True)
class Binding:
    """All decisions in force: for the analysis, and for what is made of its communities."""

    analysis: Decisions
    splits: tuple[Split, ...]


def binding(connection: psycopg.Connection[Any], organization_id: UUID) -> Binding:
    """The decisions in force.

    A later one holds against an earlier: sources that were split are not pinned together by what was merged or pinned
    before, and sources that were merged again are not kept apart by the split before that.
    """
    pinned: list[frozenset[str]] = []
    rejected: list[frozenset[str]] = []
    splits: list[Split] = []
    rows = connection.execute(statements.DECISIONS, {"organization": organization_id}).fetchall()
    for _, decision, parameters in rows:
        group = frozenset(parameters.get("sources", ()))
        match decision:
            case "reject":
                rejected.append(group)
            case "split":
                split = Split(frozenset(parameters["stays"]), frozenset(parameters["leaves"]))
                pinned = [part for whole in pinned for part in _parts(whole, split)]
                splits.append(split)
            case _:
                splits = [each for each in splits if not (each.stays & group and each.leaves & group)]
                pinned.append(group)
    return Binding(Decisions(rejected=tuple(rejected), pinned=tuple(_joined(pinned))), tuple(splits))


def _parts(group: frozenset[str], split: Split) -> list[frozenset[str]]:
    if not (group & split.stays and group & split.leaves):
        return [group]
    return [part for part in (group - split.leaves, group & split.leaves) if len(part) > 1]


def _joined(groups: list[frozenset[str]]) -> list[frozenset[str]]:
    """Groups that share a source are one."""
    joined: list[frozenset[str]] = []
    for group in groups:
        touching = [each for each in joined if each & group]
        joined = [each for each in joined if not each & group] + [group.union(*touching)]
    return joined
