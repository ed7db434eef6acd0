"""Who may do something to another user's account: only who may do all that the other may.

Otherwise the right to manage users would be the right to everything: by a link that resets an administrator's
password, or a role given to oneself.
"""

from collections.abc import Iterable
from uuid import UUID

import sqlalchemy as sa

from clew.domains.identity.operator import operator_id
from clew.domains.identity.permissions import BUILT_IN, expand_scopes
from clew.domains.identity.principal import Principal, authorise_granting
from clew.domains.identity.roles import all_permissions, custom_permissions
from clew.domains.identity.tables import users
from clew.domains.identity.users import User, find_user, required_role
from clew.kernel.errors import ConflictError, ForbiddenError


def permissions_of(connection: sa.Connection, organization_id: UUID, user_id: UUID) -> frozenset[str]:
    """What a user may do in all; nothing for none."""
    row = connection.execute(
        sa.select(users.c.role, custom_permissions().label("custom")).where(
            users.c.organization_id == organization_id, users.c.id == user_id
        )
    ).one_or_none()
    return frozenset() if row is None else all_permissions(row.role, row.custom)


def user_to_manage(connection: sa.Connection, principal: Principal, user_id: UUID) -> User:
    """The user, locked until the transaction ends, if the caller may manage their account.

    Raises NotFoundError, also for another organization's; ForbiddenError if they may do what the caller may not;
    ConflictError for the operator, who is the command line's.
    """
    where = principal.organization_id
    connection.execute(
        sa.select(users.c.id).where(users.c.organization_id == where, users.c.id == user_id).with_for_update()
    )
    user = find_user(connection, where, user_id)
    if user_id == operator_id(where):
        raise ConflictError(
            "the operator stands for the command line", where=f"user {user.username}", remedy="leave it as it is"
        )
    missing = sorted(permissions_of(connection, where, user_id) - principal.permissions)
    if missing:
        raise ForbiddenError(
            f"this user may do what you may not: {', '.join(missing)}",
            where=f"user {user.username}",
            remedy="ask somebody who may",
        )
    return user


def require_other(principal: Principal, user_id: UUID) -> None:
    """Raises ConflictError if it is the caller: nobody locks themselves out, or raises themselves, by mistake."""
    if user_id == principal.user_id:
        raise ConflictError("this would be your own account", where="user", remedy="ask another administrator")


def authorise_role(principal: Principal, role: str) -> None:
    """Raises InputError for a role that is none, ForbiddenError for one that may do what the caller may not."""
    authorise_granting(principal, BUILT_IN[required_role(role)])


def authorise_scopes(principal: Principal, scopes: Iterable[str]) -> None:
    """Raises ForbiddenError if a program, by its key, would make a key that may do more than its own.

    A person's key never does more than the person may at that moment, whatever it is asked for.
    """
    if principal.is_key:
        authorise_granting(principal, expand_scopes(scopes))
