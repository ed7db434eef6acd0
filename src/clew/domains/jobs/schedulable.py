"""What can be done again and again, and who may have it done."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from clew.kernel.errors import InputError


@dataclass(frozen=True, slots=True)
class Schedulable:
    """A kind of job: its queue, the permission that asking for it once takes, too, and what it is told by default."""

    queue: str
    permission: str
    parameters: Mapping[str, Any]


SCHEDULABLE: Final[Mapping[str, Schedulable]] = {
    "analyze": Schedulable("analysis", "analysis:write", {"depth": "standard"}),
    "projection_verify": Schedulable("projections", "projection:write", {"projection": "search", "repair": False}),
}


def schedulable(kind: str) -> Schedulable:
    """What is known of that kind. Raises InputError."""
    if kind not in SCHEDULABLE:
        raise InputError(
            f"jobs of kind {kind!r} cannot be scheduled", where="kind", remedy=f"name one of {', '.join(SCHEDULABLE)}"
        )
    return SCHEDULABLE[kind]
