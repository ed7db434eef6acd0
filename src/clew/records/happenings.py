"""What happened, page by page: events as the logs tell them, and the attack sessions they add up to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from operator import eq, ge, lt
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.kernel.errors import InputError, NotFoundError
from clew.records.paging import Condition, Listing, Page, PageRequest, given, read_page
from clew.records.tables.events import attack_session_keys, attack_sessions, events

Shown = dict[str, Any]
"""A row in JSON's own types, but for times and ids."""

_AFTER_ITS_END: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events: those to which everything given applies. `until` itself is not included."""

    since: datetime | None = None
    until: datetime | None = None
    source: str | None = None
    kind: str | None = None
    source_ip: str | None = None
    destination_ip: str | None = None
    target_port: int | None = None
    protocol: str | None = None
    sensor: str | None = None
    session_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class AttackFilter:
    """Which attack sessions: those to which everything given applies. `until` itself is not included."""

    since: datetime | None = None
    until: datetime | None = None
    source: str | None = None
    source_ip: str | None = None
    target_port: int | None = None
    protocol: str | None = None
    sensor: str | None = None
    attack_type: str | None = None
    payload_hash: str | None = None
    minimum_login_successes: int | None = None


def _host(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    return sa.func.host(column).label(column.name)


_EVENT_COLUMNS: Final = (
    *(events.c[name] for name in ("id", "occurred_at", "source", "kind", "item_id", "line", "session_id")),
    _host(events.c.source_ip),
    events.c.source_port,
    _host(events.c.destination_ip),
    *(events.c[name] for name in ("target_port", "protocol", "sensor", "payload", "properties", "impossible_time")),
)
_ATTACK_COLUMNS: Final = (
    attack_sessions.c.id,
    attack_sessions.c.timestamp,
    attack_sessions.c.ended_at,
    attack_sessions.c.source,
    attack_sessions.c.honeypot_id.label("sensor"),
    _host(attack_sessions.c.source_ip),
    attack_sessions.c.source_port,
    _host(attack_sessions.c.destination_ip),
    *(attack_sessions.c[name] for name in ("target_port", "protocol", "attack_type", "client", "fingerprint")),
    *(attack_sessions.c[name] for name in ("event_count", "login_failures", "login_successes", "session_key")),
    sa.func.btrim(attack_sessions.c.payload_hash).label("payload_hash"),
)

_EVENTS: Final = Listing(
    name="events",
    table=events,
    columns=_EVENT_COLUMNS,
    orders={"occurred_at": (events.c.occurred_at, events.c.id)},
    default="-occurred_at",
)
_ATTACKS: Final = Listing(
    name="attacks",
    table=attack_sessions,
    columns=_ATTACK_COLUMNS,
    orders={"timestamp": (attack_sessions.c.timestamp, attack_sessions.c.id)},
    default="-timestamp",
)


def list_events(
    connection: sa.Connection, organization_id: UUID, wanted: EventFilter, request: PageRequest
) -> Page[Shown]:
    """One page of events, the newest first unless asked otherwise.

    Only time has an index: all else is looked at row by row within the bounds of a page. Raises InputError for what
    is no address, or a page there is none of.
    """
    page = read_page(
        connection,
        _EVENTS,
        organization_id,
        request,
        filters=wanted,
        indexed=_between(events.c.occurred_at, wanted.since, wanted.until),
        walked=_equal(
            (events.c.source, wanted.source),
            (events.c.kind, wanted.kind),
            (events.c.source_ip, _address("source_ip", wanted.source_ip)),
            (events.c.destination_ip, _address("destination_ip", wanted.destination_ip)),
            (events.c.target_port, wanted.target_port),
            (events.c.protocol, wanted.protocol),
            (events.c.sensor, wanted.sensor),
            (events.c.session_id, wanted.session_id),
        ),
    )
    return page.mapped(_event)


def read_event(connection: sa.Connection, organization_id: UUID, event_id: UUID, occurred_at: datetime) -> Shown:
    """An event by its id and time, which together are its key. Raises NotFoundError."""
    statement = sa.select(*_EVENT_COLUMNS).where(
        events.c.organization_id == organization_id, events.c.occurred_at == occurred_at, events.c.id == event_id
    )
    row = connection.execute(statement).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"no event {event_id} at that time", remedy="take both from a list of events")
    return _event(row)


def list_attacks(
    connection: sa.Connection, organization_id: UUID, wanted: AttackFilter, request: PageRequest
) -> Page[Shown]:
    """One page of attack sessions, the newest first unless asked otherwise.

    Indexes answer time, source address and payload; all else is looked at row by row within the bounds of a page.
    Raises InputError likewise.
    """
    row = attack_sessions.c
    walked = _equal(
        (row.source, wanted.source),
        (row.target_port, wanted.target_port),
        (row.protocol, wanted.protocol),
        (row.honeypot_id, wanted.sensor),
        (row.attack_type, wanted.attack_type),
    )
    if wanted.minimum_login_successes is not None:
        walked.append(row.login_successes >= wanted.minimum_login_successes)
    indexed = [
        *_between(row.timestamp, wanted.since, wanted.until),
        *_equal(
            (row.source_ip, _address("source_ip", wanted.source_ip)),
            (row.payload_hash, wanted.payload_hash),
        ),
    ]
    page = read_page(connection, _ATTACKS, organization_id, request, filters=wanted, indexed=indexed, walked=walked)
    return page.mapped(dict)


def read_attack(connection: sa.Connection, organization_id: UUID, attack_id: UUID) -> Shown:
    """An attack session with what was sent in it, `commands` as far as they are texts. Raises NotFoundError."""
    row = (
        connection.execute(_ONE_ATTACK, {"organization": organization_id, "attack": attack_id}).mappings().one_or_none()
    )
    if row is None:
        raise NotFoundError(f"no attack session {attack_id}", remedy="take the id from a list of them")
    return dict(row)


def list_events_of_attack(
    connection: sa.Connection, organization_id: UUID, attack_id: UUID, request: PageRequest
) -> Page[Shown]:
    """One page of an attack session's events, the earliest first unless asked otherwise. Raises NotFoundError."""
    attack = read_attack(connection, organization_id, attack_id)
    wanted = EventFilter(since=attack["timestamp"], until=attack["ended_at"] + _AFTER_ITS_END, session_id=attack_id)
    asked = PageRequest(request.limit, request.cursor, request.sort or "occurred_at")
    return list_events(connection, organization_id, wanted, asked)


_ONE_ATTACK: Final = (
    sa.select(
        *_ATTACK_COLUMNS,
        attack_sessions.c.payload,
        sa.func.coalesce(
            sa.func.jsonb_path_query_array(attack_sessions.c.activity, sa.literal_column("'$[0 to 999][2]'::jsonpath")),
            sa.literal_column("'[]'::jsonb"),
            type_=pg.JSONB,
        ).label("commands"),
    )
    .join(
        attack_session_keys,
        sa.and_(
            attack_session_keys.c.organization_id == attack_sessions.c.organization_id,
            attack_session_keys.c.timestamp == attack_sessions.c.timestamp,
            attack_session_keys.c.id == attack_sessions.c.id,
        ),
    )
    .where(
        attack_session_keys.c.organization_id == sa.bindparam("organization"),
        attack_sessions.c.organization_id == sa.bindparam("organization"),
        attack_session_keys.c.id == sa.bindparam("attack"),
    )
)


def _event(row: sa.RowMapping) -> Shown:
    return dict(row)


def _between(column: sa.Column[Any], since: datetime | None, until: datetime | None) -> list[Condition]:
    return given((column, ge, since), (column, lt, until))


def _equal(*pairs: tuple[sa.Column[Any], Any]) -> list[Condition]:
    return given(*((column, eq, value) for column, value in pairs))


def _address(where: str, text: str | None) -> Any:
    if text is None:
        return None
    try:
        return sa.cast(str(ip_address(text.strip())), pg.INET)
    except ValueError:
        raise InputError(f"{text[:60]!r} is no IP address", where=where, remedy="write one such as 192.0.2.7") from None
