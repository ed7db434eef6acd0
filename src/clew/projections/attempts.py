"""What became of a try to bring a view up to now, and when to try again."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one projection: how many changes were applied, why it was rebuilt, what failed."""

    name: str
    changes: int = 0
    rebuilt: str | None = None
    error: str | None = None


class BackOff:
    """When each view may be tried again: an engine that is away keeps no other view waiting."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._failures: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def is_due(self, name: str) -> bool:
        """Whether it is time to try that view."""
        return self._seconds() >= self._until.get(name, 0.0)

    def note(self, outcome: Outcome) -> None:
        """What became of a try."""
        self._failures[outcome.name] = failures = self._failures.get(outcome.name, 0) + 1 if outcome.error else 0
        self._until[outcome.name] = self._seconds() + pause(failures) if failures else 0.0


def pause(failures: int) -> float:
    """Seconds to wait after that many failures in a row: doubling, with jitter, at most LONGEST_PAUSE_SECONDS."""
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 16))
    return longest * (0.5 + random.random() / 2)  # noqa: S311  jitter, not a secret
