"""Finding acts in the trail: the newest first, page by page."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.domains.audit.tables import ACTIONS, events
from clew.kernel.errors import InputError
from clew.kernel.stored_text import LONGEST_TOLD, storable

MOST_ROWS: Final = 1000

_COLUMNS: Final = tuple(
    events.c[name]
    for name in (
        "id",
        "event_uuid",
        "timestamp",
        "event_type",
        "user_id",
        "user_name",
        "source_ip",
        "user_agent",
        "session_id",
        "action",
        "resource_type",
        "resource_id",
        "resource_name",
        "success",
        "error_message",
        "request_data",
        "response_data",
        "processing_time_ms",
    )
)
_SEARCHED: Final = sa.func.lower(
    sa.func.concat_ws(
        " ",
        events.c.event_type,
        events.c.user_name,
        events.c.resource_type,
        events.c.resource_id,
        events.c.resource_name,
        events.c.error_message,
        sa.cast(events.c.request_data, sa.Text),
        sa.cast(events.c.response_data, sa.Text),
    )
)


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """What to look for; what is None does not matter. `until` itself is not included."""

    user: str | None = None  # name or id
    action: str | None = None
    event_type: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None  # any part of names, messages and data, in either case
    limit: int = 100
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Acts, the newest first, and the cursor of the next page; None on the last one."""

    events: list[dict[str, Any]]
    cursor: str | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"events": self.events, "cursor": self.cursor}


def search(connection: sa.Connection, organization_id: UUID, query: AuditQuery) -> AuditPage:
    """One page of the organization's acts. Raises InputError for an action, limit or cursor that there is none of."""
    if not 1 <= query.limit <= MOST_ROWS:
        raise InputError(f"no page of {query.limit}", where="limit", remedy=f"ask for 1 to {MOST_ROWS}")
    statement = (
        sa.select(*_COLUMNS)
        .where(events.c.organization_id == organization_id, *_conditions(query))
        .order_by(events.c.timestamp.desc(), events.c.id.desc())
        .limit(query.limit + 1)
    )
    rows = connection.execute(statement).mappings().all()
    shown = [_as_dict(row) for row in rows[: query.limit]]
    cursor = None
    if len(rows) > query.limit:
        last = rows[query.limit - 1]
        cursor = _cursor(last["timestamp"], last["id"])
    return AuditPage(shown, cursor)


def _conditions(query: AuditQuery) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if query.user is not None:
        found.append(_of_user(query.user))
    if query.action is not None:
        if query.action.upper() not in ACTIONS:
            raise InputError(
                f"no action {query.action[:40]!r}", where="action", remedy=f"choose one of: {', '.join(ACTIONS)}"
            )
        found.append(events.c.action == query.action.upper())
    for column in ("event_type", "resource_type", "resource_id"):
        value = getattr(query, column)
        if value is not None:
            found.append(events.c[column] == storable(value, LONGEST_TOLD))
    if query.since is not None:
        found.append(events.c.timestamp >= query.since)
    if query.until is not None:
        found.append(events.c.timestamp < query.until)
    if query.text is not None:
        found.append(sa.func.strpos(_SEARCHED, storable(query.text, LONGEST_TOLD).lower()) > 0)
    if query.cursor is not None:
        at, identifier = _position(query.cursor)
        found.append(sa.tuple_(events.c.timestamp, events.c.id) < sa.tuple_(sa.literal(at), sa.literal(identifier)))
    return found


def _of_user(user: str) -> sa.ColumnElement[bool]:
    try:
        return events.c.user_id == UUID(user)
    except ValueError:
        return events.c.user_name == storable(user, LONGEST_TOLD)


def _cursor(at: datetime, identifier: int) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{identifier}".encode()).decode().rstrip("=")


def _position(cursor: str) -> tuple[datetime, int]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        at, _, identifier = text.partition("|")
        return datetime.fromisoformat(at).astimezone(UTC), int(identifier)
    except (ValueError, binascii.Error, UnicodeDecodeError) as error:
        raise InputError(
            "this cursor is not one of ours", where="cursor", remedy="take it from the page before as it is"
        ) from error


def _as_dict(row: sa.RowMapping) -> dict[str, Any]:
    found = dict(row)
    for name in ("event_uuid", "user_id", "session_id", "source_ip"):
        found[name] = None if found[name] is None else str(found[name])
    found["timestamp"] = found["timestamp"].isoformat()
    milliseconds = found["processing_time_ms"]
    found["processing_time_ms"] = None if milliseconds is None else float(milliseconds)
    return found
