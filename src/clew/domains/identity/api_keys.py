"""API keys: made for a user, shown once, listed, changed, revoked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.domains.identity.key_format import key_digest, new_key, shown_part
from clew.domains.identity.key_tables import api_key_counters, api_keys
from clew.domains.identity.pages import Place, after
from clew.domains.identity.permissions import CODES, SCOPES, unknown_scopes
from clew.domains.identity.roles import all_permissions, custom_permissions
from clew.domains.identity.tables import users
from clew.domains.identity.telling import KEY, tell
from clew.kernel.clock import Clock, system_clock
from clew.kernel.errors import InputError, NotFoundError
from clew.kernel.ids import IdMaker, new_id
from clew.kernel.stored_text import storable

DEFAULT_SCOPES: Final = ("read", "write")
_LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """Requests per minute, hour and day, and analyses per month; 0 is no limit."""

    per_minute: int = 10
    per_hour: int = 100
    per_day: int = 1000
    analyses_per_month: int = 10_000


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as lists show it. Months of `analyses_used_this_month` are those of UTC."""

    id: UUID
    user_id: UUID
    prefix: str
    name: str | None
    description: str | None
    scopes: list[str]
    rate_limit_per_minute: int
    rate_limit_per_hour: int
    rate_limit_per_day: int
    quota_analyses_per_month: int
    analyses_used_this_month: int
    is_active: bool
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_ip: str | None
    revoked_at: datetime | None
    created_at: datetime

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made, with its text, which is shown this once. Its own text form holds no key."""

    id: UUID
    key: str

    def __repr__(self) -> str:
        return f"NewKey(id={self.id})"


def create_key(
    connection: sa.Connection,
    organization_id: UUID,
    user_id: UUID,
    *,
    name: str | None = None,
    description: str | None = None,
    scopes: Sequence[str] = DEFAULT_SCOPES,
    limits: KeyLimits | None = None,
    expires_at: datetime | None = None,
    clock: Clock = system_clock,
    ids: IdMaker = new_id,
) -> NewKey:
    """A key for a user. It may do what its scopes and its owner's roles both allow, at the time of each request.

    Raises InputError for unknown scopes, codes that the owner lacks, limits below 0 or an expiry in the past;
    NotFoundError without an active user.
    """
    now = clock()
    bounds = limits or KeyLimits()
    _require_scopes(scopes, _owner_permissions(connection, organization_id, user_id))
    _require_limits(bounds)
    if expires_at is not None and expires_at <= now:
        raise InputError("this key would have expired already", where="expires_at", remedy="choose a later time")
    made = NewKey(ids(), new_key())
    connection.execute(
        sa.insert(api_keys).values(
            organization_id=organization_id,
            id=made.id,
            user_id=user_id,
            key_hash=key_digest(made.key),
            prefix=shown_part(made.key),
            name=_short(name),
            description=_short(description),
            scopes=sorted(set(scopes)),
            **_limit_columns(bounds),
            expires_at=expires_at,
            created_at=now,
            updated_at=now,
        )
    )
    connection.execute(sa.insert(api_key_counters).values(organization_id=organization_id, api_key_id=made.id))
    told = {"user_id": user_id, "scopes": sorted(set(scopes)), "expires_at": expires_at}
    tell(connection, "api_key_created", "CREATE", KEY, made.id, _short(name), limits=_limit_columns(bounds), **told)
    return made


def list_keys(
    connection: sa.Connection, organization_id: UUID, user_id: UUID | None = None, *, clock: Clock = system_clock
) -> list[ApiKey]:
    """The keys of a user, or of everybody in the organization, newest first, revoked ones included."""
    query = _shown(clock()).where(api_keys.c.organization_id == organization_id).order_by(api_keys.c.created_at.desc())
    if user_id is not None:
        query = query.where(api_keys.c.user_id == user_id)
    return [ApiKey(*row) for row in connection.execute(query)]


def page_of_keys(
    connection: sa.Connection,
    organization_id: UUID,
    user_id: UUID | None = None,
    *,
    place: Place | None = None,
    limit: int = 50,
    is_active: bool | None = None,
    clock: Clock = system_clock,
) -> list[ApiKey]:
    """Keys of a user, or of everybody, behind a place (created_at, id), newest first, at most `limit` + 1."""
    query = _shown(clock()).where(api_keys.c.organization_id == organization_id)
    if user_id is not None:
        query = query.where(api_keys.c.user_id == user_id)
    if is_active is not None:
        query = query.where(api_keys.c.is_active == is_active)
    ordered = after(query, (api_keys.c.created_at, api_keys.c.id), place, limit, descending=True)
    return [ApiKey(*row) for row in connection.execute(ordered)]


def find_key(
    connection: sa.Connection,
    organization_id: UUID,
    key_id: UUID,
    *,
    user_id: UUID | None = None,
    clock: Clock = system_clock,
) -> ApiKey:
    """The key with this id; with `user_id` only if it is theirs. Raises NotFoundError."""
    row = connection.execute(_shown(clock()).where(*_is(organization_id, key_id, user_id))).one_or_none()
    if row is None:
        raise _no_key(key_id)
    return ApiKey(*row)


def set_limits(
    connection: sa.Connection,
    organization_id: UUID,
    key_id: UUID,
    limits: KeyLimits,
    *,
    clock: Clock = system_clock,
) -> None:
    """Give a key other limits; what it used already counts against them. Raises InputError, NotFoundError."""
    _require_limits(limits)
    changed = sa.update(api_keys).where(*_is(organization_id, key_id, None)).values(updated_at=clock())
    if connection.execute(changed.values(**_limit_columns(limits))).rowcount == 0:
        raise _no_key(key_id)
    tell(connection, "api_key_limits_set", "UPDATE", KEY, key_id, limits=_limit_columns(limits))


def revoke_key(
    connection: sa.Connection,
    organization_id: UUID,
    key_id: UUID,
    *,
    user_id: UUID | None = None,
    clock: Clock = system_clock,
) -> None:
    """Let a key be taken no more, for good; with `user_id` only if it is theirs. Again changes nothing.

    Raises NotFoundError.
    """
    now = clock()
    revoked = (
        sa.update(api_keys)
        .where(*_is(organization_id, key_id, user_id))
        .values(is_active=False, revoked_at=sa.func.coalesce(api_keys.c.revoked_at, now), updated_at=now)
    )
    if connection.execute(revoked).rowcount == 0:
        raise _no_key(key_id)
    tell(connection, "api_key_revoked", "DELETE", KEY, key_id)


def _shown(now: datetime) -> sa.Select[Any]:
    month = now.date().replace(day=1)
    columns: list[Any] = []
    for name in ApiKey.__slots__:
        if name == "last_used_ip":
            columns.append(sa.func.host(api_keys.c.last_used_ip))
        elif name == "analyses_used_this_month":
            columns.append(sa.case((api_keys.c.analyses_month < month, 0), else_=api_keys.c.analyses_used_this_month))
        else:
            columns.append(api_keys.c[name])
    return sa.select(*columns)


def _owner_permissions(connection: sa.Connection, organization_id: UUID, user_id: UUID) -> frozenset[str]:
    row = connection.execute(
        sa.select(users.c.role, custom_permissions().label("custom_permissions")).where(
            users.c.organization_id == organization_id, users.c.id == user_id, users.c.is_active
        )
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"no active user {user_id}", remedy="see `clew user list`")
    return all_permissions(row.role, row.custom_permissions)


def _require_scopes(scopes: Sequence[str], owned: frozenset[str]) -> None:
    unknown = unknown_scopes(scopes)
    if unknown or not scopes:
        raise InputError(
            f"no such scope: {', '.join(unknown)[:200]}" if unknown else "a key needs at least one scope",
            where="scopes",
            remedy=f"write {', '.join(SCOPES)}, or codes of permissions such as entity:read",
        )
    beyond = sorted((set(scopes) & CODES) - owned)
    if beyond:
        raise InputError(
            f"the key's owner may not do this: {', '.join(beyond)}",
            where="scopes",
            remedy="leave it out, or give the owner a role that allows it",
        )


def _require_limits(limits: KeyLimits) -> None:
    for name in KeyLimits.__slots__:
        if not 0 <= getattr(limits, name) <= 2_000_000_000:
            raise InputError("a limit is 0 (none) or more", where=name, remedy="write 0 to 2000000000")


def _limit_columns(limits: KeyLimits) -> dict[str, int]:
    return {
        "rate_limit_per_minute": limits.per_minute,
        "rate_limit_per_hour": limits.per_hour,
        "rate_limit_per_day": limits.per_day,
        "quota_analyses_per_month": limits.analyses_per_month,
    }


def _is(organization_id: UUID, key_id: UUID, user_id: UUID | None) -> list[sa.ColumnElement[bool]]:
    own = [api_keys.c.user_id == user_id] if user_id is not None else []
    return [api_keys.c.organization_id == organization_id, api_keys.c.id == key_id, *own]


def _short(text: str | None) -> str | None:
    return " ".join(storable(text or "", _LONGEST_NAME).split()) or None


def _no_key(key_id: UUID) -> NotFoundError:
    return NotFoundError(f"no API key {key_id}", remedy="see `clew key list`")
