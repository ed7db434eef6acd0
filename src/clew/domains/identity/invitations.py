"""Invitations: somebody is asked into an organization by mail, and makes their own account by the link in it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from clew.domains.identity.access_tables import invitations
from clew.domains.identity.one_time_tokens import INVITATION, Link, make_link, use_token
from clew.domains.identity.pages import Place, after
from clew.domains.identity.sign_in_tables import one_time_tokens
from clew.domains.identity.telling import INVITATION as INVITED
from clew.domains.identity.telling import tell
from clew.domains.identity.users import User, add_user, normal_email, required_role
from clew.kernel.clock import Clock, system_clock
from clew.kernel.errors import AuthenticationError, NotFoundError
from clew.kernel.ids import IdMaker, new_id


@dataclass(frozen=True, slots=True)
class Invitation:
    """Who was asked in, in which role, and what came of it."""

    id: UUID
    email: str
    role: str
    invited_by: UUID | None
    expires_at: datetime
    accepted_at: datetime | None
    accepted_by: UUID | None
    revoked_at: datetime | None
    created_at: datetime

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def invite(
    connection: sa.Connection,
    organization_id: UUID,
    email: str,
    *,
    role: str = "user",
    invited_by: UUID | None = None,
    lifetime: timedelta = timedelta(hours=72),
    clock: Clock = system_clock,
    ids: IdMaker = new_id,
) -> tuple[Invitation, Link]:
    """An invitation, and the link to deliver once the transaction is committed. Open ones to that address end.

    Whether somebody has that address already is not said here: that only shows to who has the link. Raises InputError.
    """
    address, now = normal_email(email), clock()
    for earlier in list_invitations(connection, organization_id):
        if earlier.email == address and earlier.accepted_at is None and earlier.revoked_at is None:
            revoke_invitation(connection, organization_id, earlier.id, clock=clock)
    row = connection.execute(
        sa.insert(invitations)
        .values(
            organization_id=organization_id,
            id=ids(),
            email=address,
            role=required_role(role),
            invited_by=invited_by,
            expires_at=now + lifetime,
            created_at=now,
            updated_at=now,
        )
        .returning(*_SHOWN)
    ).one()
    made = Invitation(*row)
    tell(connection, "invitation_made", "CREATE", INVITED, made.id, made.email, role=made.role)
    link = make_link(
        connection,
        organization_id,
        INVITATION,
        email=address,
        lifetime=lifetime,
        invitation_id=made.id,
        clock=clock,
        ids=ids,
    )
    return made, link


def list_invitations(connection: sa.Connection, organization_id: UUID) -> list[Invitation]:
    """Every invitation of the organization, newest first."""
    query = sa.select(*_SHOWN).where(invitations.c.organization_id == organization_id)
    return [Invitation(*row) for row in connection.execute(query.order_by(invitations.c.created_at.desc()))]


def page_of_invitations(
    connection: sa.Connection, organization_id: UUID, *, place: Place | None = None, limit: int = 50
) -> list[Invitation]:
    """Invitations behind a place (created_at, id), newest first, at most `limit` + 1."""
    query = sa.select(*_SHOWN).where(invitations.c.organization_id == organization_id)
    ordered = after(query, (invitations.c.created_at, invitations.c.id), place, limit, descending=True)
    return [Invitation(*row) for row in connection.execute(ordered)]


def revoke_invitation(
    connection: sa.Connection, organization_id: UUID, invitation_id: UUID, *, clock: Clock = system_clock
) -> None:
    """Let the link of an open invitation work no more. Raises NotFoundError if none is open."""
    now = clock()
    revoked = (
        sa.update(invitations).where(_is_open(organization_id, invitation_id)).values(revoked_at=now, updated_at=now)
    )
    if connection.execute(revoked).rowcount == 0:
        raise NotFoundError(f"no open invitation {invitation_id}", remedy="list the invitations")
    tell(connection, "invitation_revoked", "DELETE", INVITED, invitation_id)
    connection.execute(
        sa.delete(one_time_tokens).where(
            one_time_tokens.c.organization_id == organization_id, one_time_tokens.c.invitation_id == invitation_id
        )
    )


def accept_invitation(
    connection: sa.Connection,
    organization_id: UUID,
    token: str,
    *,
    username: str,
    password_hash: str,
    full_name: str | None = None,
    clock: Clock = system_clock,
    ids: IdMaker = new_id,
) -> User:
    """The user that an invited person makes of themselves. The mailbox is theirs, or they would not have the link.

    Raises AuthenticationError for a link that does not work (any more), InputError, ConflictError if user name or
    address are taken: then the link still works.
    """
    link = use_token(connection, organization_id, INVITATION, token, clock=clock)
    if link.invitation_id is None:
        raise AuthenticationError("this link is no invitation", remedy="ask for a new one")
    open_one = sa.select(invitations.c.role).where(_is_open(organization_id, link.invitation_id))
    role = connection.scalar(open_one.with_for_update())
    if role is None:
        raise AuthenticationError("this invitation was taken back", remedy="ask for a new one")
    user = add_user(
        connection,
        organization_id,
        email=link.email,
        username=username,
        password_hash=password_hash,
        full_name=full_name,
        role=role,
        is_verified=True,
        clock=clock,
        ids=ids,
    )
    now = clock()
    accepted = sa.update(invitations).where(_is_open(organization_id, link.invitation_id))
    connection.execute(accepted.values(accepted_at=now, accepted_by=user.id, updated_at=now))
    tell(connection, "invitation_accepted", "EXECUTE", INVITED, link.invitation_id, link.email, user_id=user.id)
    return user


_SHOWN = tuple(invitations.c[name] for name in Invitation.__slots__)


def _is_open(organization_id: UUID, invitation_id: UUID) -> sa.ColumnElement[bool]:
    return sa.and_(
        invitations.c.organization_id == organization_id,
        invitations.c.id == invitation_id,
        invitations.c.accepted_at.is_(None),
        invitations.c.revoked_at.is_(None),
    )
