"""One line of the diagnosis."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How a finding is to be taken: fail means that commands will fail."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, what it is, and (unless it is well) what to do."""

    name: str
    detail: str
    status: Status = Status.OK
    remedy: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def checked(name: str, detail: str, problem: Status, remedy: str, *, well: bool) -> Finding:
    """A finding that is ok if `well`, and otherwise the problem with its remedy."""
    return Finding(name, detail) if well else Finding(name, detail, problem, remedy)
