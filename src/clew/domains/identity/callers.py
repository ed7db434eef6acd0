"""Who a session token or an access token belongs to, and what they may do at this moment.

Each asks as clew_authenticator: which organization the caller is of is what is found out. `caller_of_session` and
`caller_of_claims` ask in one trip to the database, the others on a connection that is open already.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.domains.identity.access_tokens import Claims
from clew.domains.identity.opaque_tokens import SESSION, digest_of
from clew.domains.identity.principal import Principal
from clew.domains.identity.roles import all_permissions, custom_permissions
from clew.domains.identity.second_factor_demand import demanded
from clew.domains.identity.sessions import SessionLimits
from clew.domains.identity.sign_in_tables import sessions
from clew.domains.identity.tables import AnyRow, organizations, users
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database
from clew.kernel.errors import AuthenticationError
from clew.kernel.roles import AUTHENTICATOR
from clew.kernel.statements import Statement

NOTED_EVERY: Final = timedelta(minutes=1)
"""How exactly a session's last activity is kept: a write for each request would cost more than the request."""


def caller_of_session(
    database: Database, token: str, *, limits: SessionLimits, client_ip: str | None = None, clock: Clock = system_clock
) -> Principal:
    """Whose session this is. Raises AuthenticationError unless session, user and organization are all in force."""
    if not token.startswith(SESSION):
        raise _no_session()
    row = database.ask(AUTHENTICATOR, _ASK_BY_TOKEN, {"digest": digest_of(token)})
    return _caller(database, row, limits, client_ip, clock)


def caller_of_claims(
    database: Database,
    claims: Claims,
    *,
    limits: SessionLimits,
    client_ip: str | None = None,
    clock: Clock = system_clock,
) -> Principal:
    """Who an access token that was checked is about. Raises AuthenticationError as above: a revoked session ends it."""
    named = {"organization": claims.organization_id, "session": claims.session_id, "user": claims.user_id}
    return _caller(database, database.ask(AUTHENTICATOR, _ASK_BY_ID, named), limits, client_ip, clock)


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
    row = connection.execute(_BY_TOKEN, {"digest": digest_of(token)}).one_or_none()
    return _principal(connection, row, limits, client_ip, clock)


def principal_of_claims(
    connection: sa.Connection,
    claims: Claims,
    *,
    limits: SessionLimits,
    client_ip: str | None = None,
    clock: Clock = system_clock,
) -> Principal:
    """Who an access token that was checked is about. Raises AuthenticationError as above: a revoked session ends it."""
    named = {"organization": claims.organization_id, "session": claims.session_id, "user": claims.user_id}
    return _principal(connection, connection.execute(_BY_ID, named).one_or_none(), limits, client_ip, clock)


def _caller(database: Database, row: Any, limits: SessionLimits, client_ip: str | None, clock: Clock) -> Principal:
    now = clock()
    principal = _found(row, limits, client_ip, now)
    if row.last_activity <= now - NOTED_EVERY:
        with database.transaction(None, role=AUTHENTICATOR) as connection:
            _note_activity(connection, row.organization_id, row.session_id, now)
    return principal


def _principal(
    connection: sa.Connection,
    row: AnyRow | None,
    limits: SessionLimits,
    client_ip: str | None,
    clock: Clock,
) -> Principal:
    now = clock()
    principal = _found(row, limits, client_ip, now)
    if row is not None and row.last_activity <= now - NOTED_EVERY:
        _note_activity(connection, row.organization_id, row.session_id, now)
    return principal


def _found(row: Any, limits: SessionLimits, client_ip: str | None, now: datetime) -> Principal:
    if row is None or not _in_force(row, now, limits):
        raise _no_session()
    return Principal(
        organization_id=row.organization_id,
        user_id=row.user_id,
        username=row.username,
        permissions=frozenset() if row.must_enrol else all_permissions(row.role, row.custom_permissions),
        session_id=row.session_id,
        client_ip=client_ip,
        must_enrol=row.must_enrol,
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
        users.c.role,
        custom_permissions().label("custom_permissions"),
        demanded().label("must_enrol"),
    )
    .join(users, sa.and_(users.c.organization_id == sessions.c.organization_id, users.c.id == sessions.c.user_id))
    .join(organizations, organizations.c.id == sessions.c.organization_id)
)


_BY_TOKEN: Final = _QUERY.where(sessions.c.token_hash == sa.bindparam("digest"))
_BY_ID: Final = _QUERY.where(
    sessions.c.organization_id == sa.bindparam("organization"),
    sessions.c.id == sa.bindparam("session"),
    sessions.c.user_id == sa.bindparam("user"),
)
_ASK_BY_TOKEN: Final = Statement(_BY_TOKEN)
_ASK_BY_ID: Final = Statement(_BY_ID)


def _in_force(row: Any, now: datetime, limits: SessionLimits) -> bool:
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
