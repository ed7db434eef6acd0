"""Counts of what the record holds, as points: events by the minute, and the attack sessions that begin in it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np
import psycopg

from clew.records.series.model import DAY, EARLIEST, Series, moment_at, series_of
from clew.records.series.rollups import POINT, Array, ordered_points

LATEST: Final = 4_102_444_800_000_000  # 2100-01-01
AT_ONCE: Final = 7 * DAY
_LONGEST_TAG: Final = 256

_EVENTS: Final = """
SELECT (extract(epoch FROM date_trunc('minute', occurred_at)) * 1000000)::bigint, ARRAY[source, sensor, kind], count(*)
FROM events
WHERE organization_id = %(organization)s AND occurred_at >= %(begin)s AND occurred_at < %(end)s AND NOT impossible_time
GROUP BY 1, 2
"""
_SESSIONS: Final = """
SELECT (extract(epoch FROM date_trunc('minute', timestamp)) * 1000000)::bigint, ARRAY[source, protocol, attack_type],
       count(*), sum(event_count), sum(login_failures), sum(login_successes)
FROM attack_sessions
WHERE organization_id = %(organization)s AND timestamp >= %(begin)s AND timestamp < %(end)s
GROUP BY 1, 2
"""
_EVENT_SPAN: Final = """
SELECT (SELECT occurred_at FROM events WHERE organization_id = %(organization)s AND occurred_at >= '2000-01-01 00:00Z'
        ORDER BY occurred_at LIMIT 1),
       (SELECT occurred_at FROM events WHERE organization_id = %(organization)s AND occurred_at < '2100-01-01 00:00Z'
        ORDER BY occurred_at DESC LIMIT 1)
"""
_SESSION_SPAN: Final = """
SELECT (SELECT timestamp FROM attack_sessions WHERE organization_id = %(organization)s
        AND timestamp >= '2000-01-01 00:00Z' ORDER BY timestamp LIMIT 1),
       (SELECT timestamp FROM attack_sessions WHERE organization_id = %(organization)s
        AND timestamp < '2100-01-01 00:00Z' ORDER BY timestamp DESC LIMIT 1)
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """A measurement that is counted: from which table, by which tags, which fields. The span is of all there is."""

    measurement: str
    table: str
    tags: tuple[str, ...]
    fields: tuple[str, ...]
    statement: str
    span: str

    def count(
        self, connection: psycopg.Connection[Any], organization_id: UUID, begin: int, end: int
    ) -> tuple[list[Series], Array]:
        """The series and ordered points (POINT) of whole minutes with begin <= time < end."""
        asked = {"organization": organization_id, "begin": moment_at(begin), "end": moment_at(end)}
        sums: dict[tuple[Series, int], int] = defaultdict(int)
        known: dict[tuple[str | None, ...], list[Series]] = {}
        for minute, values, *counts in connection.execute(self.statement, asked):
            key = tuple(values)
            if key not in known:
                known[key] = self._series(key)
            for series, count in zip(known[key], counts, strict=True):
                sums[series, minute] += int(count)
        points = np.empty(len(sums), POINT)
        for place, ((series, minute), count) in enumerate(sums.items()):
            points[place] = (series.number, minute, count)
        return sorted({series for series, _ in sums}, key=lambda each: each.number), ordered_points(points)

    def span_of(self, connection: psycopg.Connection[Any], organization_id: UUID) -> tuple[int, int] | None:
        """From the first to after the last minute that there is anything to count of; None for nothing."""
        row = connection.execute(self.span, {"organization": organization_id}).fetchone()
        if row is None or row[0] is None or row[1] is None:
            return None
        return int(row[0].timestamp()) * 1_000_000, int(row[1].timestamp()) * 1_000_000 + 60_000_000

    def _series(self, values: tuple[str | None, ...]) -> list[Series]:
        tags = {name: _taggable(value) for name, value in zip(self.tags, values, strict=True) if value}
        return [series_of(self.measurement, name, tags) for name in self.fields]


COUNTED_FROM: Final = (
    Counted("event_counts", "events", ("source", "sensor", "kind"), ("count",), _EVENTS, _EVENT_SPAN),
    Counted(
        "event_timelines",
        "attack_sessions",
        ("source", "protocol", "attack_type"),
        ("sessions", "events", "login_failures", "login_successes"),
        _SESSIONS,
        _SESSION_SPAN,
    ),
)


def stretches(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """A span in pieces that are worked off at once, each of whole days but for the ends of the span."""
    begin, end = max(begin, EARLIEST), min(end, LATEST)
    while begin < end:
        until = min(end, (begin // AT_ONCE + 1) * AT_ONCE)
        yield begin, until
        begin = until


def _taggable(value: str) -> str:
    """A value as a tag takes it: what cannot be printed is shown as such, and long ones are cut."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in value)[:_LONGEST_TAG]
