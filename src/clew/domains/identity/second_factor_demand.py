"""Of whom an organization demands a second factor, and what that means for a session that began without one.

The organization's configuration says so under KEY: true for everybody, or the names of roles, built-in or custom. A
session that began without a second factor and whose user is meant may do nothing but set one up. API keys are for
programs and not meant; to make one takes a session that may.
"""

from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.domains.identity.access_tables import roles, system_configuration, user_roles
from clew.domains.identity.permissions import BUILT_IN
from clew.domains.identity.sign_in_tables import sessions
from clew.domains.identity.tables import users
from clew.kernel.errors import ForbiddenError, InputError

KEY: Final = "second_factor_required"


class SecondFactorDemandedError(ForbiddenError):
    """The organization demands a second factor, and this session began without: it may set one up, nothing else."""

    code = "second_factor_demanded"


def demanded() -> sa.ColumnElement[bool]:
    """A part of a statement about `sessions` and `users`: whether that session lacks a second factor it must have."""
    value = system_configuration.c.value
    custom = (
        sa.select(sa.literal(1))
        .select_from(user_roles)
        .join(
            roles, sa.and_(roles.c.organization_id == user_roles.c.organization_id, roles.c.id == user_roles.c.role_id)
        )
        .where(
            user_roles.c.organization_id == users.c.organization_id,
            user_roles.c.user_id == users.c.id,
            sa.func.jsonb_exists(value, roles.c.name),
        )
        .correlate(users, system_configuration)
        .exists()
    )
    meant = sa.or_(value == sa.text("'true'::jsonb"), sa.func.jsonb_exists(value, users.c.role), custom)
    configured = (
        sa.select(sa.literal(1))
        .select_from(system_configuration)
        .where(
            system_configuration.c.organization_id == sessions.c.organization_id,
            system_configuration.c.key == KEY,
            meant,
        )
        .correlate(sessions, users)
        .exists()
    )
    return sa.and_(sa.not_(sessions.c.second_factor), configured)


def require_demand(connection: sa.Connection, organization_id: UUID, value: Any) -> None:
    """Raises InputError unless the value is true, false or a list of roles that there are."""
    if isinstance(value, bool):
        return
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise InputError("this says nothing about whom it is demanded of", where=KEY, remedy=_REMEDY)
    custom = connection.scalars(sa.select(roles.c.name).where(roles.c.organization_id == organization_id))
    unknown = sorted(set(value) - set(BUILT_IN) - set(custom))
    if unknown:
        raise InputError(f"there is no role {unknown[0][:80]!r}", where=KEY, remedy=_REMEDY)


_REMEDY: Final = "write true, false, or a list of names of roles"
