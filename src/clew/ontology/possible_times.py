"""Which times an event may have; outside of them a sensor's clock was wrong."""

from datetime import UTC, datetime, timedelta
from typing import Final

EARLIEST_POSSIBLE: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""A clock that says less is wrong: the event is kept and flagged, and no entity takes its time."""

MAXIMUM_CLOCK_SKEW: Final = timedelta(days=1)
"""How far ahead of the load an event may lie before its time is called impossible."""
