"""Who an API key belongs to, what it may do at this moment, and whether its limits allow the request."""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.domains.identity.key_format import is_well_formed, key_digest
from clew.domains.identity.key_tables import api_key_counters, api_keys
from clew.domains.identity.permissions import expand_scopes
from clew.domains.identity.principal import Principal
from clew.domains.identity.quotas import (
    Allowance,
    RequestLimits,
    allowances,
    counting,
    refusal,
    window_starts,
)
from clew.domains.identity.roles import all_permissions, custom_permissions
from clew.domains.identity.tables import organizations, users
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database
from clew.kernel.errors import AuthenticationError
from clew.kernel.roles import AUTHENTICATOR
from clew.kernel.schema import TIMESTAMP
from clew.kernel.statements import Statement
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
    """Whose key this is, and one request counted, in one statement.

    Raises AuthenticationError unless key, owner and organization are all in force, LimitError if a limit is reached.
    """
    if not is_well_formed(key):
        raise AuthenticationError("this is no API key", remedy="copy it again, whole: it begins with clew_live_")
    now = clock()
    starts = window_starts(now)
    row = database.ask(
        AUTHENTICATOR,
        _STATEMENT,
        {
            "digest": key_digest(key),
            "now": now,
            "noted_before": now - NOTED_EVERY,
            "address": storable_address(client_ip),
            **{f"{name}_at": start for name, start in starts.items()},
        },
    )
    if row is None or not row.in_force:
        raise AuthenticationError("this API key is not valid (any more)", remedy="make a new one")
    limits = RequestLimits(row.rate_limit_per_minute, row.rate_limit_per_hour, row.rate_limit_per_day)
    if row.minute_used is None:
        with database.transaction(None, role=AUTHENTICATOR) as connection:
            raise refusal(connection, row.organization_id, row.id, limits, now)
    left = allowances(limits, (row.minute_used, row.hour_used, row.day_used), starts)
    principal = Principal(
        organization_id=row.organization_id,
        user_id=row.user_id,
        username=row.username,
        permissions=_permissions(tuple(row.scopes), row.role, tuple(row.custom_permissions or ())),
        key_id=row.id,
        client_ip=client_ip,
    )
    return KeyCaller(principal, tuple(left))


@lru_cache(maxsize=1_024)
def _permissions(scopes: tuple[str, ...], role: str, custom: tuple[str, ...]) -> frozenset[str]:
    """What both the key's scopes and its owner's roles allow."""
    return expand_scopes(scopes) & all_permissions(role, custom)


_NOW: Final = sa.bindparam("now", type_=TIMESTAMP)


def _statement() -> sa.Executable:
    """Find the key, count the request, and note the use now and then: one statement, so one trip to the database."""
    found = _found()
    values, rooms = counting({name: found.c[f"rate_limit_per_{name}"] for name in ("minute", "hour", "day")})
    counters = api_key_counters.c
    counted = (
        sa.update(api_key_counters)
        .where(counters.organization_id == found.c.organization_id, counters.api_key_id == found.c.id, found.c.in_force)
        .where(*rooms)
        .values(values)
        .returning(counters.minute_used, counters.hour_used, counters.day_used)
        .cte("counted")
    )
    noted_before = sa.bindparam("noted_before", type_=TIMESTAMP)
    stale = sa.or_(found.c.last_used_at.is_(None), found.c.last_used_at <= noted_before)
    noted = (
        sa.update(api_keys)
        .where(api_keys.c.organization_id == found.c.organization_id, api_keys.c.id == found.c.id, found.c.in_force)
        .where(stale, sa.exists(sa.select(counted.c.minute_used)))
        .values(last_used_at=_NOW, last_used_ip=sa.bindparam("address", type_=pg.INET))
        .returning(api_keys.c.id)
        .cte("noted")
    )
    return (
        sa.select(found, counted.c.minute_used, counted.c.hour_used, counted.c.day_used, _WITHOUT_WAITING)
        .select_from(found.outerjoin(counted, sa.true()))
        .add_cte(noted)
    )


def _found() -> sa.CTE:
    """The key with that digest, its owner and organization, and whether all three are in force."""
    in_force = sa.and_(
        api_keys.c.is_active,
        users.c.is_active,
        organizations.c.is_active,
        sa.or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > _NOW),
    )
    return (
        sa.select(
            api_keys.c.organization_id,
            api_keys.c.id,
            api_keys.c.user_id,
            api_keys.c.scopes,
            api_keys.c.rate_limit_per_minute,
            api_keys.c.rate_limit_per_hour,
            api_keys.c.rate_limit_per_day,
            api_keys.c.last_used_at,
            users.c.username,
            users.c.role,
            custom_permissions().label("custom_permissions"),
            in_force.label("in_force"),
        )
        .join(users, sa.and_(users.c.organization_id == api_keys.c.organization_id, users.c.id == api_keys.c.user_id))
        .join(organizations, organizations.c.id == api_keys.c.organization_id)
        .where(api_keys.c.key_hash == sa.bindparam("digest"))
        .cte("found")
        .prefix_with("MATERIALIZED")
    )


_STATEMENT: Final = Statement(_statement())
