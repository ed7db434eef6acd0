"""Changing one's own password, which takes the present one: a session left open at a desk is not enough."""

import sqlalchemy as sa

from clew.domains.identity import failed_sign_ins
from clew.domains.identity.passwords import PasswordPolicy
from clew.domains.identity.principal import Principal
from clew.domains.identity.service import organization_words
from clew.domains.identity.sessions import NewSession, renew_session
from clew.domains.identity.sign_in import Door
from clew.domains.identity.tables import users
from clew.domains.identity.telling import USER, tell_failure
from clew.domains.identity.users import User, find_user, set_password
from clew.kernel.errors import AuthenticationError, ForbiddenError
from clew.kernel.roles import AUTHENTICATOR


def change_password(door: Door, policy: PasswordPolicy, principal: Principal, present: str, new: str) -> NewSession:
    """Keep the new password, end all other sessions, and go on in a session with a new id and token.

    A wrong present password counts like a failed sign-in. Raises AuthenticationError for it, LimitError after too many,
    InputError if the new one will not do, ForbiddenError for an API key.
    """
    user = confirm_password(door, principal, present)
    where, who, clock = principal.organization_id, principal.user_id, door.clock
    if principal.session_id is None:
        raise _key_in_hand()
    with door.database.transaction(principal.context) as connection:
        words = organization_words(connection, where)
    policy.require(new, about=(user.username, user.email, user.full_name, *words))
    hashed = door.hasher.hash(new)
    with door.database.transaction(principal.context) as connection:
        session = renew_session(
            connection, where, principal.session_id, limits=door.session_limits, clock=clock, ids=door.ids
        )
        set_password(connection, where, who, hashed, keep_session=session.id, clock=clock)
    return session


def confirm_password(door: Door, principal: Principal, present: str) -> User:
    """Who is calling, if this is their password; asked before what a session left open must not do.

    A wrong one counts like a failed sign-in. Raises AuthenticationError for it, LimitError after too many,
    ForbiddenError for an API key.
    """
    if principal.session_id is None:
        raise _key_in_hand()
    where, who, clock = principal.organization_id, principal.user_id, door.clock
    with door.database.transaction(None, role=AUTHENTICATOR) as connection:
        attempt = failed_sign_ins.begin_attempt(
            connection, door.limits, account=str(who), client_ip=principal.client_ip, clock=clock
        )
    with door.database.transaction(principal.context) as connection:
        user = find_user(connection, where, who)
        stored = connection.scalar(
            sa.select(users.c.password_hash).where(users.c.organization_id == where, users.c.id == who)
        )
    if not door.hasher.verify(stored, present):
        with door.database.transaction(principal.context) as connection:
            tell_failure(connection, "password_change_failed", USER, who, why="wrong present password")
        raise AuthenticationError("the present password is wrong", remedy="correct it, or ask for a reset link")
    with door.database.transaction(None, role=AUTHENTICATOR) as connection:
        failed_sign_ins.attempt_succeeded(connection, attempt)
    return user


def _key_in_hand() -> ForbiddenError:
    return ForbiddenError("an API key does nothing that asks for its owner's password", remedy="sign in")
