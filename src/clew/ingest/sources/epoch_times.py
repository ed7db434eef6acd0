"""Unix seconds as tools write them: numbers or text, whole or with a fraction."""

from datetime import UTC, datetime
from typing import Final

_EARLIEST: Final = 631_152_000.0  # 1990: no tool read here ran before
_LATEST: Final = 4_102_444_800.0  # 2100


def read_epoch(value: object) -> datetime | None:
    """The moment in UTC to the microsecond; None for what is no number or lies outside 1990–2100."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and len(value) > 24:
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return datetime.fromtimestamp(seconds, UTC) if _EARLIEST <= seconds <= _LATEST else None
