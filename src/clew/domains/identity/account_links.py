"""What people do by links sent to their mailbox: confirm the address, choose a new password.

Whoever asks or follows a link is known by nothing else, so these functions find the organization first and work in
transactions of their own.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from clew.domains.identity import failed_sign_ins
from clew.domains.identity.failed_sign_ins import SignInLimits
from clew.domains.identity.one_time_tokens import (
    EMAIL_VERIFICATION,
    PASSWORD_RESET,
    Link,
    find_organization_of_token,
    make_link,
    revoke_links,
    use_token,
)
from clew.domains.identity.passwords import PasswordHasher, PasswordPolicy
from clew.domains.identity.service import organization_words
from clew.domains.identity.tables import users
from clew.domains.identity.telling import USER, tell, tell_failure
from clew.domains.identity.users import User, find_user, normal_email, set_password
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database, TenantContext
from clew.kernel.errors import AuthenticationError, InputError
from clew.kernel.ids import IdMaker, new_id
from clew.kernel.roles import AUTHENTICATOR
from clew.records.acts import INSTALLATION, Act, record

VERIFICATION_LIFETIME = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """What a new password must be, how it is hashed, and whose failures it wipes out."""

    policy: PasswordPolicy
    hasher: PasswordHasher
    limits: SignInLimits


def request_password_reset(
    database: Database,
    email: str,
    *,
    lifetime: timedelta,
    limits: SignInLimits,
    client_ip: str | None = None,
    user_agent: str | None = None,
    clock: Clock = system_clock,
    ids: IdMaker = new_id,
) -> Link | None:
    """The link to send to that address; None if no active user has it, which the installation's own trail is told.

    Whoever asked must not notice the difference: answer them first, and call this and the delivery in the background.
    """
    try:
        address = normal_email(email)
    except InputError:
        return None
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        found = connection.execute(
            sa.select(users.c.organization_id, users.c.id).where(users.c.email == address, users.c.is_active)
        ).one_or_none()
    if found is None:
        digest = failed_sign_ins.digest_of_account(limits, address)
        with database.transaction(TenantContext(INSTALLATION, client_ip=client_ip)) as connection:
            tell_failure(
                connection,
                "password_reset_asked_for",
                USER,
                None,
                why="no active user has this address",
                user_agent=user_agent,
                name_digest=digest,
            )
        return None
    context = TenantContext(found.organization_id, found.id, client_ip=client_ip, user_agent=user_agent)
    with database.transaction(context) as connection:
        return reset_link(connection, found.organization_id, found.id, lifetime=lifetime, clock=clock, ids=ids)


def reset_link(
    connection: sa.Connection,
    organization_id: UUID,
    user_id: UUID,
    *,
    lifetime: timedelta,
    clock: Clock = system_clock,
    ids: IdMaker = new_id,
) -> Link:
    """A link by which a user chooses a (first or new) password; the present one stays until then."""
    user = find_user(connection, organization_id, user_id)
    tell(connection, "password_reset_link_made", "CREATE", USER, user_id, user.username)
    return make_link(
        connection,
        organization_id,
        PASSWORD_RESET,
        email=user.email,
        lifetime=lifetime,
        user_id=user_id,
        clock=clock,
        ids=ids,
    )


def reset_password(
    database: Database, token: str, password: str, rules: PasswordRules, *, clock: Clock = system_clock
) -> User:
    """Let whoever has the link choose a password: every session ends, the failures of others are forgotten.

    The second factor stays. Raises AuthenticationError for a link that does not work, InputError for a bad password:
    then the link still works.
    """
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        organization_id = find_organization_of_token(connection, PASSWORD_RESET, token)
    with database.transaction(TenantContext(organization_id)) as connection:
        user = _user_of(connection, organization_id, PASSWORD_RESET, token, clock)
        words = organization_words(connection, organization_id)
        rules.policy.require(password, about=(user.username, user.email, user.full_name, *words))
        changed = set_password(connection, organization_id, user.id, rules.hasher.hash(password), clock=clock)
        connection.execute(
            sa.update(users)
            .where(users.c.organization_id == organization_id, users.c.id == user.id)
            .values(is_verified=True)
        )
        revoke_links(connection, organization_id, user_id=user.id)
        record(connection, Act("password_reset", "UPDATE", "user", user.id, user.username, user_name=user.username))
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        failed_sign_ins.forget_account(connection, rules.limits, str(user.id))
    return changed


def verification_link(
    connection: sa.Connection,
    organization_id: UUID,
    user_id: UUID,
    *,
    clock: Clock = system_clock,
    ids: IdMaker = new_id,
) -> Link:
    """A link that proves the user's present e-mail address to be theirs."""
    user = find_user(connection, organization_id, user_id)
    return make_link(
        connection,
        organization_id,
        EMAIL_VERIFICATION,
        email=user.email,
        lifetime=VERIFICATION_LIFETIME,
        user_id=user_id,
        clock=clock,
        ids=ids,
    )


def verify_email(database: Database, token: str, *, clock: Clock = system_clock) -> User:
    """Note that the address is the user's. Raises AuthenticationError for a link that does not work (any more)."""
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        organization_id = find_organization_of_token(connection, EMAIL_VERIFICATION, token)
    with database.transaction(TenantContext(organization_id)) as connection:
        user = _user_of(connection, organization_id, EMAIL_VERIFICATION, token, clock)
        connection.execute(
            sa.update(users)
            .where(users.c.organization_id == organization_id, users.c.id == user.id)
            .values(is_verified=True, updated_at=clock())
        )
        record(connection, Act("email_verified", "UPDATE", "user", user.id, user.username, user_name=user.username))
        return find_user(connection, organization_id, user.id)


def _user_of(connection: sa.Connection, organization_id: UUID, purpose: str, token: str, clock: Clock) -> User:
    """The active user whose link this is; a link to an address they have no more does not count."""
    link = use_token(connection, organization_id, purpose, token, clock=clock)
    user = find_user(connection, organization_id, link.user_id) if link.user_id else None
    if user is None or user.email != link.email or not user.is_active:
        raise AuthenticationError("this link does not work any more", remedy="ask for a new one")
    return user
