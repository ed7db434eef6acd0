"""When things happened in the scope: events and appearances over time, and the attack sessions."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.reporting.document import Bin, Histogram, Session

MOST_BINS: Final = 60
_PAGE: Final = 1000
_COMMANDS: Final = 20
_LONGEST_COMMAND: Final = 500

# The first length of bin with which a span needs no more than MOST_BINS of them; beyond, months and years.
_STEPS: Final = (
    ("minute", 1, timedelta(minutes=1)),
    ("minute", 5, timedelta(minutes=5)),
    ("minute", 15, timedelta(minutes=15)),
    ("hour", 1, timedelta(hours=1)),
    ("hour", 6, timedelta(hours=6)),
    ("day", 1, timedelta(days=1)),
    ("week", 1, timedelta(days=7)),
    ("month", 1, timedelta(days=30)),
    ("year", 1, timedelta(days=365)),
)


def events_over_time(connection: sa.Connection) -> Histogram | None:
    """The events of the scope's files by source; None without any. Impossible times are left out."""
    return histogram(connection, "SELECT at, series, count FROM pg_temp.report_minutes", {})


def appearances_over_time(connection: sa.Connection, organization_id: UUID) -> Histogram | None:
    """When the scope's entities were first seen, by type; None where no file states a time."""
    return histogram(connection, _APPEARANCES, {"organization": organization_id})


def notable_sessions(connection: sa.Connection, organization_id: UUID, *, limit: int) -> list[Session]:
    """Sessions with logins that succeeded, then those in which most was sent; in order of time."""
    parameters = _session_parameters(organization_id) | {"limit": limit}
    chosen = [_session(row) for row in connection.execute(_NOTABLE, parameters)]
    return sorted(chosen, key=lambda each: (each.at, each.id))


def session_count(connection: sa.Connection) -> int:
    """How many attack sessions the scope's logs tell of."""
    return int(connection.scalar(sa.text("SELECT count(*) FROM pg_temp.report_sessions")) or 0)


def all_sessions(connection: sa.Connection, organization_id: UUID) -> Iterator[Session]:
    """Every session in the order of their ids, read page by page."""
    rows = connection.execute(
        _ALL, _session_parameters(organization_id), execution_options={"stream_results": True, "yield_per": _PAGE}
    )
    for row in rows:
        yield _session(row)


def bin_length(first: datetime, last: datetime) -> tuple[str, int]:
    """The unit of the bins for that span, and how many of it make one."""
    span = last - first
    for unit, step, length in _STEPS:
        if span / length < MOST_BINS:
            return unit, step
    return "year", 1


def histogram(connection: sa.Connection, counted: str, parameters: dict[str, Any]) -> Histogram | None:
    """Counts of a query (at, series, count) in bins that fit its span; None without rows."""
    span = connection.execute(sa.text(f"SELECT min(at), max(at) FROM ({counted}) AS counted"), parameters).one()  # noqa: S608
    if span[0] is None:
        return None
    unit, step = bin_length(span[0], span[1])
    regular = unit in ("minute", "hour", "day")
    begin = (
        "date_bin(CAST(:step AS interval), at, TIMESTAMPTZ '2001-01-01 00:00Z')"
        if regular
        else "date_trunc(:unit, at, 'UTC')"
    )
    statement = sa.text(
        f"SELECT {begin} AS at, series, CAST(sum(count) AS bigint) AS count FROM ({counted}) AS counted "  # noqa: S608
        'GROUP BY 1, 2 ORDER BY 1, 3 DESC, series COLLATE "C"'
    )
    values = parameters | ({"step": f"{step} {unit}"} if regular else {"unit": unit})
    bins = tuple(Bin(*row) for row in connection.execute(statement, values))
    return Histogram(unit, step, bins)


def _session_parameters(organization_id: UUID) -> dict[str, Any]:
    return {
        "organization": organization_id,
        "commands": f"$[0 to {_COMMANDS - 1}][2]",
    }


def _session(row: sa.Row[Any]) -> Session:
    return Session(
        id=row.id,
        at=row.timestamp,
        until=row.ended_at,
        address=str(row.address),
        source=row.source,
        sensor=row.honeypot_id,
        protocol=row.protocol,
        target_port=row.target_port,
        attack_type=row.attack_type,
        login_failures=row.login_failures,
        login_successes=row.login_successes,
        commands=tuple(str(each)[:_LONGEST_COMMAND] for each in row.commands or ()),
        command_count=row.command_count,
    )


_APPEARANCES: Final = """
SELECT date_trunc('minute', first_seen) AS at, entity_type AS series, count(*) AS count
FROM pg_temp.report_entities AS scope
JOIN entities ON entities.organization_id = :organization AND entities.id = scope.id
WHERE first_seen IS NOT NULL
GROUP BY 1, 2
"""

_SELECTED: Final = """
SELECT sessions.id, sessions.timestamp, ended_at, host(source_ip) AS address, source, honeypot_id, protocol,
       target_port, attack_type, login_failures, login_successes,
       jsonb_path_query_array(activity, CAST(:commands AS jsonpath)) AS commands,
       coalesce(jsonb_array_length(activity), 0) AS command_count
FROM pg_temp.report_sessions AS scope
JOIN attack_session_keys AS keys ON keys.organization_id = :organization AND keys.id = scope.id
JOIN attack_sessions AS sessions ON sessions.organization_id = :organization AND sessions.timestamp = keys.timestamp
 AND sessions.id = keys.id
"""

_NOTABLE: Final = sa.text(
    _SELECTED
    + """
WHERE login_successes > 0 OR activity IS NOT NULL
ORDER BY login_successes > 0 DESC, coalesce(jsonb_array_length(activity), 0) DESC, sessions.timestamp, sessions.id
LIMIT :limit
"""
)

_ALL: Final = sa.text(_SELECTED + "ORDER BY sessions.id")
