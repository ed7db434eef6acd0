"""Sessions: begun at sign-in, ended by time, by their owner or by a change of what they may do.

A session lasts as long as it is used (idle limit), and no longer than its absolute limit. Whoever shows its token is
its user; the database keeps the token's digest only.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

import sqlalchemy as sa

from clew.domains.identity.opaque_tokens import SESSION as SESSION_TOKEN
from clew.domains.identity.opaque_tokens import digest_of, new_token
from clew.domains.identity.sign_in_tables import sessions
from clew.domains.identity.tables import users
from clew.domains.identity.telling import SESSION, USER, tell
from clew.kernel.clock import Clock, system_clock
from clew.kernel.errors import NotFoundError
from clew.kernel.ids import IdMaker, new_id
from clew.kernel.settings import Settings
from clew.kernel.stored_text import storable, storable_address

SIGNED_OUT: Final = "signed out"
_LONGEST_AGENT: Final = 400


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lasts unused, and at most."""

    idle: timedelta = timedelta(hours=1)
    absolute: timedelta = timedelta(hours=24)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The limits that the settings name."""
        return cls(
            timedelta(seconds=settings.session_idle_seconds), timedelta(seconds=settings.session_absolute_seconds)
        )


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its owner and administrators see it."""

    id: UUID
    user_id: UUID
    username: str
    role: str
    created_at: datetime
    last_activity: datetime
    expires_at: datetime
    revoked_at: datetime | None
    revoked_reason: str | None
    second_factor: bool
    client_ip: str | None
    user_agent: str | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that just began, with the token that is shown this once. Its text form holds no token."""

    id: UUID
    token: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"NewSession(id={self.id})"


def begin_session(
    connection: sa.Connection,
    organization_id: UUID,
    user_id: UUID,
    *,
    limits: SessionLimits,
    second_factor: bool = False,
    client_ip: str | None = None,
    user_agent: str | None = None,
    clock: Clock = system_clock,
    ids: IdMaker = new_id,
) -> NewSession:
    """A new session with a new id and token, whatever the caller had before. Raises NotFoundError without the user."""
    person = connection.execute(
        sa.select(users.c.username, users.c.role).where(
            users.c.organization_id == organization_id, users.c.id == user_id
        )
    ).one_or_none()
    if person is None:
        raise NotFoundError(f"no user {user_id}", remedy="see `clew user list`")
    now = clock()
    made = NewSession(ids(), new_token(SESSION_TOKEN), now + limits.absolute)
    connection.execute(
        sa.insert(sessions).values(
            organization_id=organization_id,
            id=made.id,
            user_id=user_id,
            token_hash=digest_of(made.token),
            username=person.username,
            role=person.role,
            created_at=now,
            last_activity=now,
            expires_at=made.expires_at,
            second_factor=second_factor,
            client_ip=storable_address(client_ip),
            user_agent=storable(user_agent, _LONGEST_AGENT) if user_agent else None,
        )
    )
    return made


def renew_session(
    connection: sa.Connection,
    organization_id: UUID,
    session_id: UUID,
    *,
    limits: SessionLimits,
    second_factor: bool | None = None,
    clock: Clock = system_clock,
    ids: IdMaker = new_id,
) -> NewSession:
    """A session with another id and token in place of a live one, as at every change of what it may do.

    The absolute limit does not move. Raises NotFoundError if the session is not live any more.
    """
    now = clock()
    old = connection.execute(
        sa.update(sessions)
        .where(_is_live(organization_id, now, limits), sessions.c.id == session_id)
        .values(revoked_at=now, revoked_reason="renewed")
        .returning(sessions)
    ).one_or_none()
    if old is None:
        raise NotFoundError(f"no live session {session_id}", remedy="sign in again")
    made = NewSession(ids(), new_token(SESSION_TOKEN), old.expires_at)
    row = dict(old._mapping) | {  # noqa: SLF001 - SQLAlchemy's public name for a row's columns
        "id": made.id,
        "token_hash": digest_of(made.token),
        "last_activity": now,
        "revoked_at": None,
        "revoked_reason": None,
        "second_factor": old.second_factor if second_factor is None else second_factor,
    }
    connection.execute(sa.insert(sessions).values(**row))
    tell(connection, "session_renewed", "EXECUTE", SESSION, made.id, old_session=session_id)
    return made


def forget_second_factor(connection: sa.Connection, organization_id: UUID, session_id: UUID) -> None:
    """A session whose user has no second factor any more counts as one that began without."""
    connection.execute(
        sa.update(sessions)
        .where(sessions.c.organization_id == organization_id, sessions.c.id == session_id)
        .values(second_factor=False)
    )


def list_sessions(
    connection: sa.Connection,
    organization_id: UUID,
    user_id: UUID | None = None,
    *,
    limits: SessionLimits,
    clock: Clock = system_clock,
) -> list[Session]:
    """The live sessions of a user, or of everybody in the organization, newest first."""
    query = sa.select(*_SHOWN).where(_is_live(organization_id, clock(), limits)).order_by(sessions.c.created_at.desc())
    if user_id is not None:
        query = query.where(sessions.c.user_id == user_id)
    return [Session(*row) for row in connection.execute(query)]


def revoke_session(
    connection: sa.Connection,
    organization_id: UUID,
    session_id: UUID,
    *,
    user_id: UUID | None = None,
    reason: str = SIGNED_OUT,
    clock: Clock = system_clock,
) -> None:
    """End a session and all of its refresh tokens. With `user_id` only if it is theirs.

    Raises NotFoundError if there is none that lives.
    """
    statement = (
        sa.update(sessions)
        .where(
            sessions.c.organization_id == organization_id,
            sessions.c.id == session_id,
            sessions.c.revoked_at.is_(None),
        )
        .values(revoked_at=clock(), revoked_reason=reason)
    )
    if user_id is not None:
        statement = statement.where(sessions.c.user_id == user_id)
    if connection.execute(statement).rowcount == 0:
        raise NotFoundError(f"no live session {session_id}", remedy="list the sessions")
    ended = "signed_out" if reason == SIGNED_OUT else "session_revoked"
    tell(connection, ended, "EXECUTE", SESSION, session_id, reason=reason)


def revoke_sessions(
    connection: sa.Connection,
    organization_id: UUID,
    user_id: UUID,
    *,
    reason: str,
    keep: UUID | None = None,
    clock: Clock = system_clock,
) -> int:
    """End all sessions of a user, but for one that may be kept; how many that were."""
    statement = (
        sa.update(sessions)
        .where(
            sessions.c.organization_id == organization_id,
            sessions.c.user_id == user_id,
            sessions.c.revoked_at.is_(None),
        )
        .values(revoked_at=clock(), revoked_reason=reason)
    )
    if keep is not None:
        statement = statement.where(sessions.c.id != keep)
    ended = connection.execute(statement).rowcount
    if ended:
        tell(connection, "sessions_revoked", "EXECUTE", USER, user_id, reason=reason, sessions=ended)
    return ended


def delete_ended_sessions(
    connection: sa.Connection, organization_id: UUID, *, older_than: timedelta, clock: Clock = system_clock
) -> int:
    """Forget sessions, and the refresh tokens with them, whose absolute limit is so long past; how many."""
    ended = sa.delete(sessions).where(
        sessions.c.organization_id == organization_id, sessions.c.expires_at < clock() - older_than
    )
    return connection.execute(ended).rowcount


_SHOWN: Final = tuple(
    sa.func.host(sessions.c.client_ip).label(name) if name == "client_ip" else sessions.c[name]
    for name in Session.__slots__
)


def _is_live(organization_id: UUID, now: datetime, limits: SessionLimits) -> sa.ColumnElement[bool]:
    return sa.and_(
        sessions.c.organization_id == organization_id,
        sessions.c.revoked_at.is_(None),
        sessions.c.expires_at > now,
        sessions.c.last_activity > now - limits.idle,
    )
