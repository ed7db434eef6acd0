"""Callers of every kind for the matrix: who they are, how they show it, and what they may do by the permission table.

What a caller may do is put together here from clew.domains.identity.permissions alone, never asked of the program.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from clew.api.credentials import KEY_HEADER
from clew.api.cross_site import HEADER as CROSS_SITE_HEADER
from clew.domains.identity.api_keys import create_key, list_keys, revoke_key
from clew.domains.identity.permissions import ADMIN, BUILT_IN, CODES, READONLY
from clew.domains.identity.roles import add_role, create_role
from clew.domains.identity.sessions import begin_session, revoke_session
from clew.domains.identity.sign_in import SignedIn
from clew.domains.identity.users import User, set_active
from clew.kernel.clock import Clock, system_clock
from tests.support.api import ALL_SCOPES, UNLIMITED, Api, Way
from tests.support.identity import new_user, some_name
from tests.support.record import Tenant

CUSTOM = "custom"
BEYOND_READING = frozenset({"investigation:write", "quarantine:read", "user:read", "configuration:read"})
"""What the custom role of the matrix allows; whoever has it is readonly besides. Reaches into every scope's field."""
NARROW = frozenset({"entity:read", "search:read"})
"""What the narrow key of an administrator is scoped to."""
KINDS = (*sorted(BUILT_IN), CUSTOM)
WAYS: tuple[Way, ...] = ("key", "token", "session")


@dataclass(frozen=True)
class Caller:
    """Somebody who calls. `permissions` is what they may by the table."""

    label: str
    role: str
    way: Way
    permissions: frozenset[str]
    user: User
    headers: dict[str, str] = field(repr=False)

    def may(self, rule: str) -> bool:
        """Whether a route with that rule is theirs to call."""
        return rule == "signed-in" or (rule == "in-person" and self.way != "key") or rule in self.permissions


def permissions_of(kind: str) -> frozenset[str]:
    """What a role allows by the table. Administrators have everything that can be allowed."""
    found = BUILT_IN[READONLY] | BEYOND_READING if kind == CUSTOM else BUILT_IN[kind]
    assert found <= CODES
    return found


def new_caller(api: Api, tenant: Tenant, kind: str, way: Way) -> Caller:
    """A user of that role, made for this, who shows who they are that way."""
    user = person_of(api, tenant, kind)
    return Caller(f"{kind} by {way}", kind, way, permissions_of(kind), user, api.headers(tenant, user, way))


def cast(api: Api, tenant: Tenant) -> list[Caller]:
    """One caller for each role and way of showing it, and an administrator's key of few scopes."""
    callers = []
    for kind in KINDS:
        user = person_of(api, tenant, kind)
        callers += [
            Caller(f"{kind} by {way}", kind, way, permissions_of(kind), user, api.headers(tenant, user, way))
            for way in WAYS
        ]
    user = person_of(api, tenant, ADMIN)
    narrow = _key(api, tenant, user.id, scopes=tuple(sorted(NARROW)))
    return [*callers, Caller("admin by narrow key", ADMIN, "key", NARROW, user, narrow)]


def person_of(api: Api, tenant: Tenant, kind: str) -> User:
    """A new user of a built-in role, or one who is readonly and has a custom role besides."""
    if kind != CUSTOM:
        return new_user(api.database, tenant, role=kind)
    user = new_user(api.database, tenant, role=READONLY)
    name = f"Custom {some_name()}"
    with api.database.transaction(tenant.context) as connection:
        create_role(connection, tenant.id, name, permissions=BEYOND_READING)
        add_role(connection, tenant.id, user.id, name)
    return user


def nobodies(api: Api, tenant: Tenant) -> Iterator[tuple[str, dict[str, str]]]:
    """Credentials that are none (any more), each of an administrator's: name and headers."""
    yield "anonymous", {}
    for name, make in _SPOILED.items():
        yield name, make(api, tenant, new_user(api.database, tenant, role=ADMIN))


def _key(
    api: Api,
    tenant: Tenant,
    user: UUID,
    *,
    scopes: tuple[str, ...] = ALL_SCOPES,
    clock: Clock = system_clock,
    lifetime: timedelta | None = None,
) -> dict[str, str]:
    expires = None if lifetime is None else clock() + lifetime
    with api.database.transaction(tenant.context) as connection:
        made = create_key(connection, tenant.id, user, scopes=scopes, limits=UNLIMITED, expires_at=expires, clock=clock)
    return {KEY_HEADER: made.key}


def _expired_key(api: Api, tenant: Tenant, user: User) -> dict[str, str]:
    return _key(api, tenant, user.id, clock=lambda: system_clock() - timedelta(hours=1), lifetime=timedelta(minutes=59))


def _revoked_key(api: Api, tenant: Tenant, user: User) -> dict[str, str]:
    headers = _key(api, tenant, user.id)
    with api.database.transaction(tenant.context) as connection:
        (key,) = list_keys(connection, tenant.id, user.id)
        revoke_key(connection, tenant.id, key.id)
    return headers


def _mistyped_key(api: Api, tenant: Tenant, user: User) -> dict[str, str]:
    key = _key(api, tenant, user.id)[KEY_HEADER]
    return {KEY_HEADER: key[:-1] + ("0" if key[-1] != "0" else "1")}


def _key_of_one_shut_out(api: Api, tenant: Tenant, user: User) -> dict[str, str]:
    headers = _key(api, tenant, user.id)
    with api.database.transaction(tenant.context) as connection:
        set_active(connection, tenant.id, user.id, active=False)
    return headers


def _session(api: Api, tenant: Tenant, user: User, way: Way, *, began: timedelta | None = None) -> dict[str, str]:
    """A session that was ended, or that began so long ago and was not used since."""
    clock: Clock = system_clock if began is None else lambda: system_clock() - began
    with api.database.transaction(tenant.context) as connection:
        made = begin_session(connection, tenant.id, user.id, limits=api.serving.door.session_limits, clock=clock)
    pair = api.serving.desk.hand_out(SignedIn(tenant.id, user.id, made))
    if began is None:
        with api.database.transaction(tenant.context) as connection:
            revoke_session(connection, tenant.id, made.id)
    if way == "token":
        return {"Authorization": f"Bearer {pair.access_token}"}
    cookies = api.serving.cookies
    return {"Cookie": f"{cookies.name}={made.token}", CROSS_SITE_HEADER: cookies.proof(made.token)}


def _refresh_token(api: Api, tenant: Tenant, user: User) -> dict[str, str]:
    with api.database.transaction(tenant.context) as connection:
        made = begin_session(connection, tenant.id, user.id, limits=api.serving.door.session_limits)
    pair = api.serving.desk.hand_out(SignedIn(tenant.id, user.id, made))
    return {"Authorization": f"Bearer {pair.refresh_token}"}


_UNUSED = timedelta(days=1)
_SPOILED: dict[str, Callable[[Api, Tenant, User], dict[str, str]]] = {
    "key that expired": _expired_key,
    "key that was revoked": _revoked_key,
    "key that is mistyped": _mistyped_key,
    "key of somebody shut out": _key_of_one_shut_out,
    "cookie of a session that was ended": lambda api, tenant, user: _session(api, tenant, user, "session"),
    "cookie of a session unused for long": lambda api, tenant, user: _session(
        api, tenant, user, "session", began=_UNUSED
    ),
    "token of a session that was ended": lambda api, tenant, user: _session(api, tenant, user, "token"),
    "token of a session unused for long": lambda api, tenant, user: _session(api, tenant, user, "token", began=_UNUSED),
    "refresh token in place of an access token": _refresh_token,
}
