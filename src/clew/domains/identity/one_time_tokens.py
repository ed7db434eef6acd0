"""Links that work once: to verify an e-mail address, to choose a new password, to accept an invitation.

A token is made and used in its organization's transaction. Whoever follows a link is known by nothing else, so
`find_organization_of_token` looks across organizations, as clew_authenticator.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from clew.domains.identity.opaque_tokens import ONE_TIME, digest_of, new_token
from clew.domains.identity.sign_in_tables import one_time_tokens
from clew.kernel.clock import Clock, system_clock
from clew.kernel.errors import AuthenticationError
from clew.kernel.ids import IdMaker, new_id

EMAIL_VERIFICATION: Final = "email_verification"
PASSWORD_RESET: Final = "password_reset"  # noqa: S105 - the name of a purpose
INVITATION: Final = "invitation"


@dataclass(frozen=True, slots=True)
class Link:
    """A token that was just made, to be delivered to that address and shown nowhere else."""

    purpose: str
    email: str
    token: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Link(purpose={self.purpose!r}, expires_at={self.expires_at.isoformat()})"

    def address(self, public_url: str) -> str:
        """Where the link leads. The token stands behind #, which browsers send to no server and put in no log."""
        return f"{public_url.rstrip('/')}/{self.purpose.replace('_', '-')}#{self.token}"


@dataclass(frozen=True, slots=True)
class UsedLink:
    """What a token that was just used up was about: a user or an invitation."""

    user_id: UUID | None
    invitation_id: UUID | None
    email: str


def make_link(
    connection: sa.Connection,
    organization_id: UUID,
    purpose: str,
    *,
    email: str,
    lifetime: timedelta,
    user_id: UUID | None = None,
    invitation_id: UUID | None = None,
    clock: Clock = system_clock,
    ids: IdMaker = new_id,
) -> Link:
    """A new link, in place of all unused ones for the same purpose and person."""
    now = clock()
    same = sa.and_(
        one_time_tokens.c.organization_id == organization_id,
        one_time_tokens.c.purpose == purpose,
        one_time_tokens.c.user_id == user_id if user_id else one_time_tokens.c.invitation_id == invitation_id,
    )
    connection.execute(sa.delete(one_time_tokens).where(same, one_time_tokens.c.used_at.is_(None)))
    link = Link(purpose, email, new_token(ONE_TIME), now + lifetime)
    connection.execute(
        sa.insert(one_time_tokens).values(
            organization_id=organization_id,
            id=ids(),
            purpose=purpose,
            user_id=user_id,
            invitation_id=invitation_id,
            token_hash=digest_of(link.token),
            email=email,
            created_at=now,
            expires_at=link.expires_at,
        )
    )
    return link


def find_organization_of_token(connection: sa.Connection, purpose: str, token: str) -> UUID:
    """The organization in which a token was made; `connection` is one of clew_authenticator.

    Raises AuthenticationError for a token that never was. Whether it still works, only `use_token` tells.
    """
    found: UUID | None = connection.scalar(
        sa.select(one_time_tokens.c.organization_id).where(
            one_time_tokens.c.token_hash == digest_of(token), one_time_tokens.c.purpose == purpose
        )
    )
    if found is None:
        raise _does_not_work()
    return found


def use_token(
    connection: sa.Connection, organization_id: UUID, purpose: str, token: str, *, clock: Clock = system_clock
) -> UsedLink:
    """Use a token up, in the transaction of what it allows. Raises AuthenticationError if used, old or unknown."""
    now = clock()
    row = connection.execute(
        sa.update(one_time_tokens)
        .where(
            one_time_tokens.c.organization_id == organization_id,
            one_time_tokens.c.token_hash == digest_of(token),
            one_time_tokens.c.purpose == purpose,
            one_time_tokens.c.used_at.is_(None),
            one_time_tokens.c.expires_at > now,
        )
        .values(used_at=now)
        .returning(one_time_tokens.c.user_id, one_time_tokens.c.invitation_id, one_time_tokens.c.email)
    ).one_or_none()
    if row is None:
        raise _does_not_work()
    return UsedLink(*row)


def revoke_links(connection: sa.Connection, organization_id: UUID, *, user_id: UUID) -> None:
    """Let no unused link of this user work any more."""
    connection.execute(
        sa.delete(one_time_tokens).where(
            one_time_tokens.c.organization_id == organization_id,
            one_time_tokens.c.user_id == user_id,
            one_time_tokens.c.used_at.is_(None),
        )
    )


def _does_not_work() -> AuthenticationError:
    return AuthenticationError("this link does not work any more", remedy="ask for a new one")
