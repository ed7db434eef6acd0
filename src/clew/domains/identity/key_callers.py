"""Who an API key belongs to, what it may do at this moment, and whether its limits allow the request."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from clew.domains.identity.key_format import is_well_formed, key_digest
from clew.domains.identity.key_tables import api_keys
from clew.domains.identity.permissions import expand_scopes
from clew.domains.identity.principal import Principal
from clew.domains.identity.quotas import Allowance, RequestLimits, count_request
from clew.domains.identity.roles import all_permissions, custom_permissions
from clew.domains.identity.tables import AnyRow, organizations, users
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database
from clew.kernel.errors import AuthenticationError
from clew.kernel.roles import AUTHENTICATOR
from clew.kernel.stored_text import storable_address

NOTED_EVERY: Final = timedelta(minutes=1)
"""How exactly the last use of a key is kept."""

# What is lost if the server fails within a fraction of a second is a few counts, in a key's favour; waiting for the
# disk with every request would cost more than the request. Set for this transaction, by the query, to spare a trip.
_WITHOUT_WAITING: Final = sa.func.set_config("synchronous_commit", "off", sa.true())


@dataclass(frozen=True, slots=True)
class KeyCaller:
    """Who calls with a key, and what is left of its limits."""

    principal: Principal
    allowances: tuple[Allowance, ...]


def caller_of_key(
    database: Database, key: str, *, client_ip: str | None = None, clock: Clock = system_clock
) -> KeyCaller:
    """Whose key this is, and one request counted, in a transaction of its own.

    Raises AuthenticationError unless key, owner and organization are all in force, LimitError if a limit is reached.
    """
    if not is_well_formed(key):
        raise AuthenticationError("this is no API key", remedy="copy it again, whole: it begins with clew_live_")
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        row = connection.execute(_QUERY, {"digest": key_digest(key)}).one_or_none()
        if row is None or not _in_force(row, clock):
            raise AuthenticationError("this API key is not valid (any more)", remedy="make a new one")
        limits = RequestLimits(row.rate_limit_per_minute, row.rate_limit_per_hour, row.rate_limit_per_day)
        allowances = count_request(connection, row.organization_id, row.id, limits, clock=clock)
        _note_use(connection, row, client_ip, clock)
    principal = Principal(
        organization_id=row.organization_id,
        user_id=row.user_id,
        username=row.username,
        permissions=expand_scopes(row.scopes) & all_permissions(row.role, row.custom_permissions),
        key_id=row.id,
        client_ip=client_ip,
    )
    return KeyCaller(principal, tuple(allowances))


_QUERY: Final = (
    sa.select(
        api_keys.c.organization_id,
        api_keys.c.id,
        api_keys.c.user_id,
        api_keys.c.scopes,
        api_keys.c.rate_limit_per_minute,
        api_keys.c.rate_limit_per_hour,
        api_keys.c.rate_limit_per_day,
        api_keys.c.is_active,
        api_keys.c.expires_at,
        api_keys.c.last_used_at,
        users.c.username,
        users.c.is_active.label("user_is_active"),
        organizations.c.is_active.label("organization_is_active"),
        users.c.role,
        custom_permissions().label("custom_permissions"),
        _WITHOUT_WAITING,
    )
    .join(users, sa.and_(users.c.organization_id == api_keys.c.organization_id, users.c.id == api_keys.c.user_id))
    .join(organizations, organizations.c.id == api_keys.c.organization_id)
    .where(api_keys.c.key_hash == sa.bindparam("digest"))
)


def _in_force(row: AnyRow, clock: Clock) -> bool:
    expired = row.expires_at is not None and row.expires_at <= clock()
    return bool(row.is_active and not expired and row.user_is_active and row.organization_is_active)


def _note_use(connection: sa.Connection, row: AnyRow, client_ip: str | None, clock: Clock) -> None:
    now = clock()
    if row.last_used_at is not None and row.last_used_at > now - NOTED_EVERY:
        return
    connection.execute(
        sa.update(api_keys)
        .where(api_keys.c.organization_id == row.organization_id, api_keys.c.id == row.id)
        .values(last_used_at=now, last_used_ip=storable_address(client_ip))
    )
