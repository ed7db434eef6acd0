"""API keys: what they let do, when they stop, and that their limits are exact."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from clew.domains.identity import api_keys, permissions, quotas, roles, users
from clew.domains.identity.api_keys import KeyLimits, NewKey
from clew.domains.identity.callers import principal_of_session_token
from clew.domains.identity.key_callers import KeyCaller, caller_of_key
from clew.domains.identity.key_format import is_well_formed, new_key
from clew.domains.identity.sessions import SessionLimits, begin_session
from clew.kernel.database import Database
from clew.kernel.errors import AuthenticationError, InputError, LimitError, NotFoundError
from clew.kernel.roles import AUTHENTICATOR, DIRECTORY
from tests.support.identity import StoppedClock, new_user
from tests.support.record import Tenant, new_organization

NONE = KeyLimits(0, 0, 0, 0)


def made(
    database: Database, tenant: Tenant, user: UUID, *, limits: KeyLimits = NONE, clock: StoppedClock, **more: object
) -> NewKey:
    with database.transaction(tenant.context) as connection:
        return api_keys.create_key(
            connection,
            tenant.id,
            user,
            limits=limits,
            clock=clock,
            **more,  # type: ignore[arg-type]
        )


def refused(database: Database, key: str, clock: StoppedClock) -> None:
    with pytest.raises(AuthenticationError, match="not valid"):
        caller_of_key(database, key, clock=clock)


def test_a_key_lets_do_what_scopes_and_owner_both_allow(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    analyst, reader = new_user(database, tenant, role="analyst"), new_user(database, tenant, role="readonly")
    expected = {
        (analyst.id, ("read",)): permissions.BUILT_IN["analyst"] & permissions.expand_scopes(["read"]),
        (analyst.id, ("read", "write", "admin")): permissions.BUILT_IN["analyst"],
        (analyst.id, ("entity:write",)): {"entity:write"},
        (reader.id, ("read", "write", "admin")): permissions.BUILT_IN["readonly"],
    }
    for (user, scopes), allowed in expected.items():
        key = made(database, tenant, user, clock=clock, scopes=scopes)
        principal = caller_of_key(database, key.key, client_ip="192.0.2.1", clock=clock).principal
        assert principal.permissions == allowed
        assert (principal.organization_id, principal.user_id, principal.key_id) == (tenant.id, user, key.id)
        assert principal.session_id is None


def test_a_key_follows_what_its_owner_may(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user = new_user(database, tenant, role="readonly")
    key = made(database, tenant, user.id, clock=clock)
    assert "entity:write" not in caller_of_key(database, key.key, clock=clock).principal.permissions
    with database.transaction(tenant.context) as connection:
        roles.create_role(connection, tenant.id, "Tagger", permissions=["entity:write"])
        roles.add_role(connection, tenant.id, user.id, "Tagger")
    assert "entity:write" in caller_of_key(database, key.key, clock=clock).principal.permissions
    with database.transaction(tenant.context) as connection:
        roles.grant_permissions(connection, tenant.id, "Tagger", remove=["entity:write"])
    assert "entity:write" not in caller_of_key(database, key.key, clock=clock).principal.permissions


def test_what_one_users_custom_roles_allow_is_nobody_elses(database: Database, tenant: Tenant) -> None:
    """A role that somebody has, and one that nobody has, in this organization and another of the same names."""
    clock, stranger = StoppedClock(), new_organization(database)
    callers = []
    for own in (tenant, stranger):
        given, other = new_user(database, own, role="readonly"), new_user(database, own, role="readonly")
        with database.transaction(own.context) as connection:
            roles.create_role(connection, own.id, "Tagger", permissions=["entity:write"])
            roles.create_role(connection, own.id, "Boss", permissions=["user:write"])
            roles.add_role(connection, own.id, given.id, "Tagger")
        for user in (given, other):
            key = made(database, own, user.id, clock=clock, scopes=["read", "write", "admin"])
            with database.transaction(own.context) as connection:
                session = begin_session(connection, own.id, user.id, limits=SessionLimits(), clock=clock)
            with database.transaction(None, role=AUTHENTICATOR) as connection:
                by_session = principal_of_session_token(
                    connection, session.token, limits=SessionLimits(), clock=clock
                ).permissions
            assert caller_of_key(database, key.key, clock=clock).principal.permissions == by_session
            callers.append(by_session - permissions.BUILT_IN["readonly"])
    assert callers == [{"entity:write"}, set(), {"entity:write"}, set()]


def test_the_key_is_shown_once_and_kept_nowhere(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user = new_user(database, tenant)
    key = made(database, tenant, user.id, clock=clock, name="nightly")
    assert is_well_formed(key.key)
    assert key.key not in repr(key)
    with database.transaction(tenant.context) as connection:
        stored = connection.execute(sa.text("SELECT * FROM api_keys WHERE id = :id"), {"id": key.id}).one()
        (listed,) = api_keys.list_keys(connection, tenant.id, user.id)
    assert not any(key.key in str(value) or key.key[-20:] in str(value) for value in stored)
    assert key.key.startswith(listed.prefix)
    assert "key_hash" not in listed.as_dict()


def test_defaults_are_those_that_were_promised(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        made_key = api_keys.create_key(connection, tenant.id, new_user(database, tenant).id)
        plain = uuid4()
        connection.execute(
            sa.text(
                "INSERT INTO api_keys (organization_id, id, user_id, key_hash, prefix)"
                " SELECT organization_id, :id, user_id, :hash, 'p' FROM api_keys WHERE id = :like"
            ),
            {"id": plain, "hash": plain.hex, "like": made_key.id},
        )
        for identifier in (made_key.id, plain):
            key = api_keys.find_key(connection, tenant.id, identifier)
            limits = (key.rate_limit_per_minute, key.rate_limit_per_hour, key.rate_limit_per_day)
            assert limits == (10, 100, 1000)
            assert (key.quota_analyses_per_month, key.analyses_used_this_month) == (10_000, 0)
            assert (key.scopes, key.is_active) == (["read", "write"], True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": ["read", "everything"]},
        {"scopes": []},
        {"scopes": ["user:write"]},  # the owner lacks it
        {"limits": KeyLimits(-1)},
        {"limits": KeyLimits(per_day=2**31)},
        {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)},
    ],
)
def test_bad_wishes_are_refused(database: Database, tenant: Tenant, wrong: dict[str, object]) -> None:
    user = new_user(database, tenant, role="analyst")
    with pytest.raises(InputError):
        made(database, tenant, user.id, clock=StoppedClock(), **wrong)  # type: ignore[arg-type]


def test_nobody_makes_a_key_for_whom_there_is_not(database: Database, tenant: Tenant) -> None:
    stranger = new_organization(database)
    theirs = new_user(database, stranger)
    gone = new_user(database, tenant)
    with database.transaction(tenant.context) as connection:
        users.set_active(connection, tenant.id, gone.id, active=False)
        for user in (theirs.id, uuid4(), gone.id):
            with pytest.raises(NotFoundError):
                api_keys.create_key(connection, tenant.id, user)


@pytest.mark.parametrize("end", ["revoked", "expired", "owner", "organization"])
def test_a_key_stops_at_once(database: Database, end: str) -> None:
    clock, own = StoppedClock(), new_organization(database)
    user = new_user(database, own)
    key = made(database, own, user.id, clock=clock, expires_at=clock() + timedelta(hours=1))
    caller_of_key(database, key.key, clock=clock)
    if end == "organization":
        with database.transaction(None, role=DIRECTORY) as connection:
            connection.execute(sa.text("UPDATE organizations SET is_active = false WHERE id = :id"), {"id": own.id})
    with database.transaction(own.context) as connection:
        if end == "revoked":
            api_keys.revoke_key(connection, own.id, key.id, clock=clock)
            api_keys.revoke_key(connection, own.id, key.id, clock=clock)
        elif end == "owner":
            users.set_active(connection, own.id, user.id, active=False)
    if end == "expired":
        clock.advance(hours=1)
    refused(database, key.key, clock)


def test_a_key_that_never_was_or_is_mistyped_is_refused(database: Database) -> None:
    refused(database, new_key(), StoppedClock())
    for wrong in ("", "clew_live_", new_key()[:-1], "Bearer x", "\x00", "\udcff", "x" * 100_000):
        with pytest.raises(AuthenticationError, match="no API key"):
            caller_of_key(database, wrong)


def test_another_organization_finds_no_key(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    key = made(database, tenant, new_user(database, tenant).id, clock=clock)
    stranger = new_organization(database)
    with database.transaction(stranger.context) as connection:
        for organization in (tenant.id, stranger.id):
            assert api_keys.list_keys(connection, organization) == []
            for act in (api_keys.find_key, api_keys.revoke_key):
                with pytest.raises(NotFoundError):
                    act(connection, organization, key.id)
            with pytest.raises(NotFoundError):
                quotas.take_analyses(connection, organization, key.id)
    caller_of_key(database, key.key, clock=clock)


def test_use_is_noted_once_a_minute(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    began = clock()
    key = made(database, tenant, new_user(database, tenant).id, clock=clock)
    for seconds, noted in ((0, began), (30, began), (30, began + timedelta(seconds=60))):
        clock.advance(seconds=seconds)
        caller_of_key(database, key.key, client_ip="2001:db8::7", clock=clock)
        with database.transaction(tenant.context) as connection:
            shown = api_keys.find_key(connection, tenant.id, key.id)
        assert (shown.last_used_at, shown.last_used_ip) == (noted, "2001:db8::7")


def at_the_start_of_a_day() -> StoppedClock:
    return StoppedClock(datetime(2025, 3, 30, tzinfo=UTC))


def test_limits_are_told_and_windows_begin_anew(database: Database, tenant: Tenant) -> None:
    clock = at_the_start_of_a_day()
    key = made(database, tenant, new_user(database, tenant).id, clock=clock, limits=KeyLimits(2, 3, 5))

    def call() -> tuple[int | None, ...]:
        return tuple(one.remaining for one in caller_of_key(database, key.key, clock=clock).allowances)

    def limited() -> int:
        with pytest.raises(LimitError) as caught:
            caller_of_key(database, key.key, clock=clock)
        return caught.value.retry_after

    assert [call(), call()] == [(1, 2, 4), (0, 1, 3)]
    clock.advance(seconds=20)
    assert [limited(), limited()] == [40, 40]
    clock.advance(seconds=40)
    assert call() == (1, 0, 2)
    assert limited() == 59 * 60
    clock.advance(minutes=59)
    assert [call(), call()] == [(1, 2, 1), (0, 1, 0)]
    assert limited() == 23 * 3600
    clock.advance(hours=23)
    assert call() == (1, 2, 4)


def test_a_limit_of_nothing_is_none(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    key = made(database, tenant, new_user(database, tenant).id, clock=clock)
    for _ in range(30):
        assert {one.remaining for one in caller_of_key(database, key.key, clock=clock).allowances} == {None}


def test_a_process_whose_clock_is_behind_counts_in_the_same_window(database: Database, tenant: Tenant) -> None:
    clock = at_the_start_of_a_day()
    key = made(database, tenant, new_user(database, tenant).id, clock=clock, limits=KeyLimits(3, 0, 0))
    for seconds in (0, -1, 1):
        clock.advance(seconds=seconds)
        caller_of_key(database, key.key, clock=clock)
    clock.advance(seconds=-1)
    with pytest.raises(LimitError):
        caller_of_key(database, key.key, clock=clock)


def test_fifty_at_once_get_exactly_what_the_limit_allows(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    key = made(database, tenant, new_user(database, tenant).id, clock=clock, limits=KeyLimits(0, 0, 37))
    start = threading.Barrier(50)

    def call(_: int) -> KeyCaller | None:
        start.wait()
        try:
            return caller_of_key(database, key.key, clock=clock)
        except LimitError:
            return None

    with ThreadPoolExecutor(50) as pool:
        callers = [caller for caller in pool.map(call, range(50)) if caller]
    assert len(callers) == 37
    assert sorted(caller.allowances[2].used for caller in callers) == list(range(1, 38))


def test_fifty_at_once_take_exactly_the_quota_of_the_month(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    key = made(database, tenant, new_user(database, tenant).id, clock=clock, limits=KeyLimits(analyses_per_month=41))
    start = threading.Barrier(50)

    def take(number: int) -> bool:
        start.wait()
        try:
            with database.transaction(tenant.context) as connection:
                quotas.take_analyses(connection, tenant.id, key.id, clock=clock)
                if number % 10 == 0:
                    raise ValueError("the analysis could not be started")  # noqa: TRY301 - this is what is tested
        except (LimitError, ValueError):
            return False
        return True

    with ThreadPoolExecutor(50) as pool:
        taken = sum(pool.map(take, range(50)))
    with database.transaction(tenant.context) as connection:
        used = api_keys.find_key(connection, tenant.id, key.id, clock=clock).analyses_used_this_month
    assert taken == used == 41  # those that failed gave theirs back


def test_the_quota_begins_anew_with_the_month(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock(datetime(2025, 1, 31, 23, 59, 30, tzinfo=UTC))
    key = made(database, tenant, new_user(database, tenant).id, clock=clock, limits=KeyLimits(analyses_per_month=5))
    with database.transaction(tenant.context) as connection:
        assert quotas.take_analyses(connection, tenant.id, key.id, 4, clock=clock).remaining == 1
        with pytest.raises(LimitError) as caught:
            quotas.take_analyses(connection, tenant.id, key.id, 2, clock=clock)
        assert caught.value.retry_after == 30
        clock.advance(seconds=30)
        assert api_keys.find_key(connection, tenant.id, key.id, clock=clock).analyses_used_this_month == 0
        assert quotas.take_analyses(connection, tenant.id, key.id, 5, clock=clock).remaining == 0
        api_keys.set_limits(connection, tenant.id, key.id, NONE)
        assert quotas.take_analyses(connection, tenant.id, key.id, 100, clock=clock).remaining is None
