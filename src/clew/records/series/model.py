"""What a series is: one field of one measurement under one set of tags; and which names and times are taken."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from clew.kernel.errors import InputError

COUNTED: Final = ("event_counts", "event_timelines")
"""Measurements that are counted from the record's own events: nobody writes points of these."""

MEASUREMENTS: Final = (
    "asset_metrics",
    "asset_events",
    *COUNTED,
    "behavior_metrics",
    "anomaly_scores",
    "endpoint_telemetry",
    "endpoint_events",
    "network_traffic",
    "system_metrics",
)

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
"""Microseconds, as all times of points are: since 1970, UTC."""

EARLIEST: Final = 946_684_800 * SECOND  # 2000-01-01
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,62}")
_RESERVED: Final = frozenset({"organization", "series", "field", "time"})
_MOST_TAGS: Final = 16
_LONGEST_VALUE: Final = 256


class SeriesError(InputError):
    """A question about series, or a point, is not as it must be. `where` names the part."""

    code = "series_input"


@dataclass(frozen=True, slots=True)
class Series:
    """A series. `number` follows from the rest and names it within its organization."""

    measurement: str
    field: str
    tags: tuple[tuple[str, str], ...]
    number: int

    @property
    def id(self) -> UUID:
        """The id of its row."""
        return block_id(self.number, 0)


def series_of(measurement: str, field: str, tags: Mapping[str, str]) -> Series:
    """The series of these names. Raises SeriesError for one that cannot be kept."""
    require_measurement(measurement)
    require_name(field, "field")
    if len(tags) > _MOST_TAGS:
        raise SeriesError(f"more than {_MOST_TAGS} tags", where="tags")
    for name, value in tags.items():
        require_name(name, "tag")
        if name in _RESERVED:
            raise SeriesError(f"{name} is no name for a tag", where="tags", remedy="it means something else here")
        if not value or len(value) > _LONGEST_VALUE or not value.isprintable():
            raise SeriesError(
                f"the value of tag {name} is empty, longer than {_LONGEST_VALUE} characters, or not printable",
                where="tags",
            )
    ordered = tuple(sorted(tags.items()))
    parts = [measurement, field, *(part for pair in ordered for part in pair)]
    digest = hashlib.sha256(b"\0".join(part.encode() for part in parts)).digest()
    return Series(measurement, field, ordered, int.from_bytes(digest[:8], "big") >> 1)


def require_measurement(measurement: str) -> None:
    """Raises SeriesError if there is no such measurement."""
    if measurement not in MEASUREMENTS:
        raise SeriesError(
            f"there is no measurement {measurement[:60]!r}",
            where="measurement",
            remedy=f"there are: {', '.join(MEASUREMENTS)}",
        )


def require_name(name: str, part: str) -> None:
    """Raises SeriesError if this is no name of a field or tag."""
    if _NAME.fullmatch(name) is None:
        raise SeriesError(
            f"{name[:60]!r} is no name",
            where=part,
            remedy="names are letters, digits, _ . and -, begin with a letter or _, and have 63 characters at most",
        )


def block_id(number: int, place: int) -> UUID:
    """The id of the row of a series' hour or day, `place` being how many of them lie between 1970 and it."""
    return UUID(int=number << 64 | place)


def read_id(identifier: UUID) -> tuple[int, int]:
    """The series' number and the place that `block_id` put together."""
    return identifier.int >> 64, identifier.int & (1 << 64) - 1


def microseconds(moment: datetime) -> int:
    """A moment as points have it."""
    delta = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds


def moment_at(time: int) -> datetime:
    """The moment of a time of a point."""
    return datetime.fromtimestamp(time // SECOND, UTC).replace(microsecond=time % SECOND)
