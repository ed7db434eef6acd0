"""Refresh tokens: each is taken once and exchanged for the next.

One that comes again was stolen, by whom is unknown: the whole session ends (RFC 9700, section 4.14). A session is the
family of its refresh tokens. Whoever exchanges one holds the session's row, so that two at once are decided one after
the other, and none escapes the session's end.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from clew.domains.identity.opaque_tokens import REFRESH, digest_of, new_token
from clew.domains.identity.sessions import SessionLimits
from clew.domains.identity.sign_in_tables import refresh_tokens, sessions
from clew.domains.identity.tables import AnyRow, organizations, users
from clew.domains.identity.telling import SESSION, tell_failure
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database, TenantContext
from clew.kernel.errors import AuthenticationError, NotFoundError
from clew.kernel.ids import IdMaker, new_id
from clew.kernel.logs import logger
from clew.kernel.roles import AUTHENTICATOR


class ReuseError(AuthenticationError):
    """A refresh token came a second time; its session was ended, and that is kept although this is raised."""

    code = "token_reuse"


@dataclass(frozen=True, slots=True)
class Refreshed:
    """Whose session goes on, and the token for next time, shown this once."""

    organization_id: UUID
    user_id: UUID
    session_id: UUID
    token: str

    def __repr__(self) -> str:
        return f"Refreshed(session_id={self.session_id})"


def first_refresh_token(
    connection: sa.Connection,
    organization_id: UUID,
    session_id: UUID,
    *,
    clock: Clock = system_clock,
    ids: IdMaker = new_id,
) -> str:
    """The first refresh token of a session that just began, in its transaction. Raises NotFoundError without it."""
    expires = connection.scalar(
        sa.select(sessions.c.expires_at).where(
            sessions.c.organization_id == organization_id, sessions.c.id == session_id, sessions.c.revoked_at.is_(None)
        )
    )
    if expires is None:
        raise NotFoundError(f"no live session {session_id}", remedy="sign in again")
    return _add(connection, organization_id, session_id, ids(), expires, clock())


def refresh(
    database: Database, token: str, *, limits: SessionLimits, clock: Clock = system_clock, ids: IdMaker = new_id
) -> Refreshed:
    """Exchange a refresh token for the next one, in transactions of its own.

    Raises ReuseError for one that was exchanged before, AuthenticationError for any other that is not in force.
    """
    if not token.startswith(REFRESH):
        raise _refused()
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        found = connection.execute(
            sa.select(refresh_tokens.c.organization_id, refresh_tokens.c.id, refresh_tokens.c.session_id).where(
                refresh_tokens.c.token_hash == digest_of(token)
            )
        ).one_or_none()
    if found is None:
        raise _refused()
    with database.transaction(TenantContext(found.organization_id, session_id=found.session_id)) as connection:
        refreshed = _exchanged(connection, found, limits, clock(), ids)
    if refreshed is None:
        logger(__name__).warning("refresh token came twice, session ended", session=str(found.session_id))
        raise ReuseError("this refresh token was used before; its session is ended", remedy="sign in again")
    return refreshed


def _exchanged(
    connection: sa.Connection, found: AnyRow, limits: SessionLimits, now: datetime, ids: IdMaker
) -> Refreshed | None:
    """None if the token was used before: then the session is ended, which the caller's transaction keeps."""
    session = _locked_session(connection, found)
    this = sa.and_(refresh_tokens.c.organization_id == found.organization_id, refresh_tokens.c.id == found.id)
    token = connection.execute(sa.select(refresh_tokens).where(this)).one_or_none()
    if session is None or token is None:
        raise _refused()
    own = sa.and_(sessions.c.organization_id == found.organization_id, sessions.c.id == found.session_id)
    if token.used_at is not None:
        connection.execute(
            sa.update(sessions)
            .where(own, sessions.c.revoked_at.is_(None))
            .values(revoked_at=now, revoked_reason="refresh token used twice")
        )
        tell_failure(
            connection,
            "refresh_token_reused",
            SESSION,
            found.session_id,
            why="a refresh token came a second time; its session was ended",
            user_id=session.user_id,
        )
        return None
    if not _in_force(session, token, now, limits):
        raise _refused()
    following = ids()
    connection.execute(sa.update(refresh_tokens).where(this).values(used_at=now, replaced_by=following))
    connection.execute(sa.update(sessions).where(own).values(last_activity=now))
    text = _add(connection, found.organization_id, found.session_id, following, session.expires_at, now)
    return Refreshed(found.organization_id, session.user_id, found.session_id, text)


def _locked_session(connection: sa.Connection, found: AnyRow) -> AnyRow | None:
    return connection.execute(
        sa.select(
            sessions.c.user_id,
            sessions.c.expires_at,
            sessions.c.last_activity,
            sessions.c.revoked_at,
            users.c.is_active.label("user_is_active"),
            organizations.c.is_active.label("organization_is_active"),
        )
        .join(users, sa.and_(users.c.organization_id == sessions.c.organization_id, users.c.id == sessions.c.user_id))
        .join(organizations, organizations.c.id == sessions.c.organization_id)
        .where(sessions.c.organization_id == found.organization_id, sessions.c.id == found.session_id)
        .with_for_update(of=sessions)
    ).one_or_none()


def _in_force(session: AnyRow, token: AnyRow, now: datetime, limits: SessionLimits) -> bool:
    return bool(
        session.revoked_at is None
        and session.user_is_active
        and session.organization_is_active
        and min(session.expires_at, token.expires_at, session.last_activity + limits.idle) > now
    )


def _add(
    connection: sa.Connection, organization_id: UUID, session_id: UUID, token_id: UUID, expires: datetime, now: datetime
) -> str:
    token = new_token(REFRESH)
    connection.execute(
        sa.insert(refresh_tokens).values(
            organization_id=organization_id,
            id=token_id,
            session_id=session_id,
            token_hash=digest_of(token),
            created_at=now,
            expires_at=expires,
        )
    )
    return token


def _refused() -> AuthenticationError:
    return AuthenticationError("this refresh token is not valid (any more)", remedy="sign in again")
