"""What people do to people, roles, keys and sessions is told in the transaction that does it, or not done."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pyotp
import pytest
import sqlalchemy as sa

from clew.domains.identity import (
    account_links,
    api_keys,
    changing_password,
    configuration,
    invitations,
    refreshing,
    roles,
    second_factor,
    service,
    sessions,
    users,
)
from clew.domains.identity.passwords import PasswordPolicy
from clew.domains.identity.principal import Principal
from clew.domains.identity.second_factor import sealer_of
from clew.domains.identity.sessions import SessionLimits
from clew.kernel.database import Database
from clew.kernel.errors import AuthenticationError, LimitError
from clew.kernel.transactions import TenantContext
from clew.records import acts as recording
from tests.support.identity import PASSWORD, SECRET, StoppedClock, door, new_user, some_name
from tests.support.record import Tenant

LIMITS = SessionLimits()
Change = Callable[[sa.Connection, UUID, UUID], object]


def acts(database: Database, tenant: Tenant) -> list[Any]:
    with database.transaction(tenant.context) as connection:
        return list(connection.execute(sa.text("SELECT * FROM audit.events ORDER BY id")).all())


def new_acts(database: Database, tenant: Tenant, before: list[Any]) -> list[str]:
    return [row.event_type for row in acts(database, tenant)[len(before) :]]


def _key(connection: sa.Connection, where: UUID, who: UUID) -> UUID:
    return api_keys.create_key(connection, where, who).id


def _session(connection: sa.Connection, where: UUID, who: UUID) -> UUID:
    return sessions.begin_session(connection, where, who, limits=LIMITS).id


def _role(connection: sa.Connection, where: UUID, who: UUID) -> str:
    return roles.create_role(connection, where, some_name(), permissions=["entity:read"]).name


CHANGES: dict[str, tuple[Change, list[str]]] = {
    "add": (
        lambda c, o, _: users.add_user(c, o, email=f"{some_name()}@lantern.example", username=some_name()),
        ["user_added"],
    ),
    "change": (lambda c, o, u: users.update_user(c, o, u, full_name="Ann"), ["user_changed"]),
    "set role": (lambda c, o, u: users.set_built_in_role(c, o, u, "readonly"), ["user_role_set"]),
    "deactivate": (lambda c, o, u: users.set_active(c, o, u, active=False), ["user_deactivated"]),
    "activate": (lambda c, o, u: users.set_active(c, o, u, active=True), ["user_activated"]),
    "set password": (lambda c, o, u: users.set_password(c, o, u, "x"), ["password_set"]),
    "create role": (_role, ["role_created"]),
    "change role": (
        lambda c, o, u: roles.grant_permissions(c, o, _role(c, o, u), remove=["entity:read"]),
        ["role_created", "role_changed"],
    ),
    "delete role": (lambda c, o, u: roles.delete_role(c, o, _role(c, o, u)), ["role_created", "role_deleted"]),
    "give role": (lambda c, o, u: roles.add_role(c, o, u, _role(c, o, u)), ["role_created", "role_given"]),
    "create key": (_key, ["api_key_created"]),
    "limit key": (
        lambda c, o, u: api_keys.set_limits(c, o, _key(c, o, u), api_keys.KeyLimits(1, 2, 3, 4)),
        ["api_key_created", "api_key_limits_set"],
    ),
    "revoke key": (
        lambda c, o, u: api_keys.revoke_key(c, o, _key(c, o, u)),
        ["api_key_created", "api_key_revoked"],
    ),
    "sign out": (lambda c, o, u: sessions.revoke_session(c, o, _session(c, o, u)), ["signed_out"]),
    "end session": (
        lambda c, o, u: sessions.revoke_session(c, o, _session(c, o, u), reason="ended by an administrator"),
        ["session_revoked"],
    ),
    "end sessions": (
        lambda c, o, u: (_session(c, o, u), sessions.revoke_sessions(c, o, u, reason="gone")),
        ["sessions_revoked"],
    ),
    "renew session": (
        lambda c, o, u: sessions.renew_session(c, o, _session(c, o, u), limits=LIMITS),
        ["session_renewed"],
    ),
    "invite": (lambda c, o, _: invitations.invite(c, o, "guest@lantern.example"), ["invitation_made"]),
    "revoke invitation": (
        lambda c, o, _: invitations.revoke_invitation(c, o, invitations.invite(c, o, "g@lantern.example")[0].id),
        ["invitation_made", "invitation_revoked"],
    ),
    "reset link": (
        lambda c, o, u: account_links.reset_link(c, o, u, lifetime=timedelta(hours=1)),
        ["password_reset_link_made"],
    ),
    "remove second factor": (second_factor.remove_second_factor, ["second_factor_removed"]),
}


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_each_change_leaves_its_acts_and_none_of_both_if_it_is_undone(
    database: Database, tenant: Tenant, change: str
) -> None:
    user = new_user(database, tenant)
    act, expected = CHANGES[change]
    before = acts(database, tenant)
    with pytest.raises(ZeroDivisionError):
        _change_and_fail(database, tenant, act, user.id)
    assert new_acts(database, tenant, before) == []
    with database.transaction(tenant.context) as connection:
        act(connection, tenant.id, user.id)
    assert new_acts(database, tenant, before) == expected
    for row in acts(database, tenant)[len(before) :]:
        assert row.user_id == tenant.operator
        assert PASSWORD not in str(row)
        assert "clew_" not in str(row.request_data)


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_without_its_act_a_change_is_not_done(
    database: Database, tenant: Tenant, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = new_user(database, tenant)
    before = row_counts(database, tenant)
    monkeypatch.setattr(recording, "_RECORD", recording._Writing("SELECT 1 / 0"))  # as when the trail takes no row
    with pytest.raises(sa.exc.DataError, match="division by zero"), database.transaction(tenant.context) as connection:
        CHANGES[change][0](connection, tenant.id, user.id)
    assert row_counts(database, tenant) == before
    with database.transaction(tenant.context) as connection:
        assert users.find_user(connection, tenant.id, user.id) == user


def _change_and_fail(database: Database, tenant: Tenant, act: Change, user: UUID) -> None:
    with database.transaction(tenant.context) as connection:
        act(connection, tenant.id, user)
        raise ZeroDivisionError


def row_counts(database: Database, tenant: Tenant) -> dict[str, int]:
    tables = ("users", "roles", "user_roles", "api_keys", "sessions", "invitations", "one_time_tokens")
    with database.transaction(tenant.context) as connection:
        return {
            table: connection.scalar(
                sa.text(f"SELECT count(*) FROM {table} WHERE organization_id = :own"), {"own": tenant.id}
            )
            for table in tables
        }


def test_what_changes_nothing_is_not_told(database: Database, tenant: Tenant) -> None:
    user = new_user(database, tenant)
    before = acts(database, tenant)
    with database.transaction(tenant.context) as connection:
        users.update_user(connection, tenant.id, user.id, email=user.email.upper())
        assert sessions.revoke_sessions(connection, tenant.id, user.id, reason="none there") == 0
    assert new_acts(database, tenant, before) == []


def test_an_act_names_key_request_and_program(database: Database, tenant: Tenant) -> None:
    key = uuid4()
    context = TenantContext(
        tenant.id, tenant.operator, None, "192.0.2.9", key, "request-7", "a program/1.0\x00" + "x" * 5000
    )
    with database.transaction(context) as connection:
        roles.create_role(connection, tenant.id, "Tagger", permissions=["entity:write"])
    told = acts(database, tenant)[-1]
    assert (told.event_type, told.resource_name, str(told.source_ip)) == ("role_created", "Tagger", "192.0.2.9")
    assert told.request_data == {
        "permissions": ["entity:write"],
        "request_id": "request-7",
        "api_key_id": str(key),
    }
    assert told.user_agent.startswith("a program/1.0\ufffd")


def test_signing_in_and_out_is_told(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user, entry = new_user(database, tenant), door(database, clock)
    before = acts(database, tenant)
    signed_in = entry.sign_in(user.username, PASSWORD, client_ip="192.0.2.7", user_agent="browser/1")
    with database.transaction(TenantContext(tenant.id, user.id, signed_in.session.id)) as connection:
        sessions.revoke_session(connection, tenant.id, signed_in.session.id, user_id=user.id)
    first, second = acts(database, tenant)[len(before) :]
    assert (first.event_type, first.user_id, first.user_agent) == ("signed_in", user.id, "browser/1")
    assert (str(first.source_ip), first.resource_id, first.success) == ("192.0.2.7", str(signed_in.session.id), True)
    assert (second.event_type, second.session_id) == ("signed_out", signed_in.session.id)
    assert signed_in.session.token not in str((first, second))


def test_failures_are_told_to_the_users_organization_and_when_they_lock(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user, entry = new_user(database, tenant), door(database, clock)
    before = acts(database, tenant)
    for _ in range(6):
        with pytest.raises((AuthenticationError, LimitError)):
            entry.sign_in(user.email, "wrong guess", client_ip="192.0.2.8", user_agent="guesser")
    told = acts(database, tenant)[len(before) :]
    assert [row.event_type for row in told] == ["sign_in_failed"] * 4 + ["sign_in_locked"]
    assert {(row.success, row.user_id, row.resource_id, str(row.source_ip)) for row in told} == {
        (False, None, str(user.id), "192.0.2.8")
    }
    assert told[-1].request_data["seconds_to_wait"] == 1
    assert "wrong guess" not in str(told)
    with database.transaction(tenant.context) as connection:
        users.set_active(connection, tenant.id, user.id, active=False)
    clock.advance(hours=25)
    with pytest.raises(AuthenticationError):
        entry.sign_in(user.email, PASSWORD)
    assert "not active" in acts(database, tenant)[-1].error_message


def test_a_wrong_code_is_told_and_a_code_that_is_still_to_come_is_not(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user, entry, sealer = new_user(database, tenant), door(database, clock), sealer_of(SECRET)
    with database.transaction(tenant.context) as connection:
        enrolment = second_factor.begin_enrolment(connection, tenant.id, user.id, sealer)
        code = pyotp.TOTP(enrolment.secret).at(clock())
        recovery = second_factor.confirm_enrolment(connection, tenant.id, user.id, sealer, code, clock=clock)
    before = acts(database, tenant)
    with pytest.raises(AuthenticationError):
        entry.sign_in(user.username, PASSWORD)
    assert new_acts(database, tenant, before) == []
    with pytest.raises(AuthenticationError):
        entry.sign_in(user.username, PASSWORD, code="000000 wrong")
    entry.sign_in(user.username, PASSWORD, code=recovery[0])
    assert new_acts(database, tenant, before) == ["sign_in_failed", "recovery_code_used", "signed_in"]
    assert recovery[0] not in str(acts(database, tenant))


def test_names_that_nobody_has_are_refused_and_told_nowhere(database: Database, tenant: Tenant) -> None:
    before = acts(database, tenant)
    with pytest.raises(AuthenticationError):
        door(database, StoppedClock()).sign_in(some_name(), "a password typed in the wrong place")
    assert new_acts(database, tenant, before) == []


def test_a_stolen_refresh_token_and_a_wrong_present_password_are_told(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user, entry = new_user(database, tenant), door(database, clock)
    session = entry.sign_in(user.username, PASSWORD).session
    with database.transaction(tenant.context) as connection:
        token = refreshing.first_refresh_token(connection, tenant.id, session.id, clock=clock)
    refreshing.refresh(database, token, limits=LIMITS, clock=clock)
    before = acts(database, tenant)
    with pytest.raises(refreshing.ReuseError):
        refreshing.refresh(database, token, limits=LIMITS, clock=clock)
    own = Principal(tenant.id, user.id, user.username, frozenset(), session.id)
    with pytest.raises(AuthenticationError):
        changing_password.change_password(entry, PasswordPolicy(), own, "wrong", "some other lanterns here")
    assert new_acts(database, tenant, before) == ["refresh_token_reused", "password_change_failed"]


def test_settings_are_told_with_what_they_were_and_no_secret(database: Database, tenant: Tenant) -> None:
    user = new_user(database, tenant)
    with database.transaction(tenant.context) as connection:
        configuration.set_configuration(connection, tenant.id, "retention.days", 30)
        configuration.set_configuration(connection, tenant.id, "retention.days", 60)
        configuration.set_configuration(
            connection, tenant.id, "feeds", {"kind": "x", "api_key": "k-1", "a": [{"token": 1}]}
        )
        configuration.remove_configuration(connection, tenant.id, "retention.days")
        configuration.set_user_setting(connection, tenant.id, user.id, "language", "de")
        configuration.remove_user_setting(connection, tenant.id, user.id, "language")
    with database.transaction(tenant.context) as connection:
        told = connection.execute(sa.text("SELECT * FROM audit.configuration_changes ORDER BY id")).all()
    assert [(row.operation, row.resource_path, row.old_value, row.new_value) for row in told] == [
        ("CREATE", "retention.days", None, 30),
        ("UPDATE", "retention.days", 30, 60),
        ("CREATE", "feeds", None, {"kind": "x", "api_key": "(secret)", "a": [{"token": "(secret)"}]}),
        ("DELETE", "retention.days", 60, None),
        ("CREATE", f"{user.id}/language", None, "de"),
        ("DELETE", f"{user.id}/language", "de", None),
    ]
    assert {row.changed_by for row in told} == {tenant.operator}


def test_an_organization_comes_about_with_its_act(database: Database) -> None:
    made = service.create_organization(database, f"t-{uuid4().hex[:10]}", "Harbour")
    with database.transaction(TenantContext(made.id)) as connection:
        rows = connection.execute(sa.text("SELECT event_type, resource_id FROM audit.events")).all()
    assert [tuple(row) for row in rows] == [("organization_created", str(made.id))]
