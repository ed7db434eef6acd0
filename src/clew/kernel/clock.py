"""The clock, passed in wherever time matters so that tests can fix it."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """The present as an aware datetime in UTC."""
        ...


def system_clock() -> datetime:
    """The present in UTC by this machine's clock."""
    return datetime.now(UTC)
