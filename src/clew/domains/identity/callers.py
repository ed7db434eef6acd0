"""Who a session token or an access token belongs to, and what they may do at this moment.

Each function works on a connection of clew_authenticator: which organization the caller is of is what it finds out.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from clew.domains.identity.access_tokens import Claims
from clew.domains.identity.opaque_tokens import SESSION, digest_of
from clew.domains.identity.principal import Principal
from clew.domains.identity.roles import permissions_of
from clew.domains.identity.sessions import SessionLimits
from clew.domains.identity.sign_in_tables import sessions
from clew.domains.identity.tables import AnyRow, organizations, users
from clew.kernel.clock import Clock, system_clock
from clew.kernel.errors import AuthenticationError

NOTED_EVERY: Final = timedelta(minutes=1)
"""How exactly a session's last activity is kept: a write for each request would cost more than the request."""


def principal_of_session_token(
    connection: sa.Connection,
    token: str,
    *,
    limits: SessionLimits,
    client_ip: str | None = None,
    clock: Clock = system_clock,
) -> Principal:
    """Whose session this is. Raises AuthenticationError unless session, user and organization are all in force."""
    if not token.startswith(SESSION):
        raise _no_session()
    return _principal(connection, sessions.c.token_hash == digest_of(token), limits, client_ip, clock)


def principal_of_claims(
    connection: sa.Connection,
    claims: Claims,
    *,
    limits: SessionLimits,
    client_ip: str | None = None,
    clock: Clock = system_clock,
) -> Principal:
    """Who an access token that was checked is about. Raises AuthenticationError as above: a revoked session ends it."""
    named = sa.and_(
        sessions.c.organization_id == claims.organization_id,
        sessions.c.id == claims.session_id,
        sessions.c.user_id == claims.user_id,
    )
    return _principal(connection, named, limits, client_ip, clock)


def _principal(
    connection: sa.Connection,
    which: sa.ColumnElement[bool],
    limits: SessionLimits,
    client_ip: str | None,
    clock: Clock,
) -> Principal:
    now = clock()
    row = connection.execute(_QUERY.where(which)).one_or_none()
    if row is None or not _in_force(row, now, limits):
        raise _no_session()
    if row.last_activity <= now - NOTED_EVERY:
        _note_activity(connection, row.organization_id, row.session_id, now)
    return Principal(
        organization_id=row.organization_id,
        user_id=row.user_id,
        username=row.username,
        permissions=frozenset(row.permissions or ()),
        session_id=row.session_id,
        client_ip=client_ip,
    )


_QUERY: Final = (
    sa.select(
        sessions.c.organization_id,
        sessions.c.id.label("session_id"),
        sessions.c.user_id,
        sessions.c.last_activity,
        sessions.c.expires_at,
        sessions.c.revoked_at,
        users.c.username,
        users.c.is_active.label("user_is_active"),
        organizations.c.is_active.label("organization_is_active"),
        permissions_of(users.c.organization_id, users.c.id, users.c.role).label("permissions"),
    )
    .join(users, sa.and_(users.c.organization_id == sessions.c.organization_id, users.c.id == sessions.c.user_id))
    .join(organizations, organizations.c.id == sessions.c.organization_id)
)


def _in_force(row: AnyRow, now: datetime, limits: SessionLimits) -> bool:
    return bool(
        row.revoked_at is None
        and row.expires_at > now
        and row.last_activity > now - limits.idle
        and row.user_is_active
        and row.organization_is_active
    )


def _note_activity(connection: sa.Connection, organization_id: UUID, session_id: UUID, now: datetime) -> None:
    connection.execute(
        sa.update(sessions)
        .where(
            sessions.c.organization_id == organization_id,
            sessions.c.id == session_id,
            sessions.c.last_activity < now,
        )
        .values(last_activity=now)
    )


def _no_session() -> AuthenticationError:
    return AuthenticationError("this session has ended", remedy="sign in again")
