"""Links that work once: invitations, new passwords, confirmed addresses, and how they are delivered."""

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from clew.domains.audit.search import AuditQuery, search
from clew.domains.identity import account_links, failed_sign_ins, users
from clew.domains.identity.account_links import PasswordRules
from clew.domains.identity.failed_sign_ins import SignInLimits
from clew.domains.identity.invitations import (
    accept_invitation,
    invite,
    list_invitations,
    revoke_invitation,
)
from clew.domains.identity.one_time_tokens import INVITATION, PASSWORD_RESET, find_organization_of_token
from clew.domains.identity.passwords import PasswordPolicy
from clew.kernel.database import Database
from clew.kernel.errors import AuthenticationError, ConflictError, InputError, LimitError, NotFoundError
from clew.kernel.roles import AUTHENTICATOR
from clew.kernel.transactions import TenantContext
from clew.records.acts import INSTALLATION
from tests.support.identity import HASHER, PASSWORD, StoppedClock, door, new_user, session_rows, some_name
from tests.support.record import Tenant, new_organization

HOUR = timedelta(hours=1)
LIMITS = SignInLimits(secrets.token_bytes(32))
NEW_PASSWORD = "eight lanterns on the quay"


def rules(limits: SignInLimits | None = None) -> PasswordRules:
    return PasswordRules(PasswordPolicy(), HASHER, limits or SignInLimits(secrets.token_bytes(32)))


def no_longer(database: Database, token: str, clock: StoppedClock) -> None:
    with pytest.raises(AuthenticationError, match="does not work"):
        account_links.reset_password(database, token, NEW_PASSWORD, rules(), clock=clock)


def test_a_reset_link_lets_in_with_the_new_password_once(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user, entrance = new_user(database, tenant), door(database, clock)
    entrance.sign_in(user.username, PASSWORD)
    link = account_links.request_password_reset(database, user.email.upper(), limits=LIMITS, lifetime=HOUR, clock=clock)
    assert link is not None
    assert link.token not in repr(link)
    assert link.address("https://clew.example/") == f"https://clew.example/password-reset#{link.token}"
    entrance.sign_in(user.username, PASSWORD)  # asking alone changes nothing
    changed = account_links.reset_password(database, link.token, NEW_PASSWORD, rules(), clock=clock)
    assert changed.id == user.id
    assert {reason for _, reason in session_rows(database, tenant, user.id)} == {"password changed"}
    entrance.sign_in(user.username, NEW_PASSWORD)
    with pytest.raises(AuthenticationError):
        entrance.sign_in(user.username, PASSWORD)
    no_longer(database, link.token, clock)


def test_a_bad_password_leaves_the_link_in_force(database: Database, tenant: Tenant) -> None:
    clock, user = StoppedClock(), new_user(database, tenant)
    link = account_links.request_password_reset(database, user.email, limits=LIMITS, lifetime=HOUR, clock=clock)
    assert link is not None
    for bad in ("short", f"my name is {user.username}"):
        with pytest.raises(InputError):
            account_links.reset_password(database, link.token, bad, rules(), clock=clock)
    account_links.reset_password(database, link.token, NEW_PASSWORD, rules(), clock=clock)


def test_a_reset_lets_the_owner_in_whom_somebody_locked_out(database: Database, tenant: Tenant) -> None:
    clock, user = StoppedClock(), new_user(database, tenant)
    entrance = door(database, clock)
    for _ in range(5):
        with pytest.raises(AuthenticationError):
            entrance.sign_in(user.username, "wrong and wrong again")
    with pytest.raises(LimitError):
        entrance.sign_in(user.username, PASSWORD)
    link = account_links.request_password_reset(database, user.email, limits=LIMITS, lifetime=HOUR, clock=clock)
    assert link is not None
    account_links.reset_password(database, link.token, NEW_PASSWORD, rules(entrance.limits), clock=clock)
    entrance.sign_in(user.username, NEW_PASSWORD)


def test_nobody_gets_a_link_who_is_unknown_shut_out_or_no_address(database: Database, tenant: Tenant) -> None:
    gone = new_user(database, tenant)
    with database.transaction(tenant.context) as connection:
        users.set_active(connection, tenant.id, gone.id, active=False)
    for address in (gone.email, f"{some_name()}@lantern.example", "no address", "", "a\x00@b.example"):
        assert account_links.request_password_reset(database, address, limits=LIMITS, lifetime=HOUR) is None


def test_a_link_that_nobody_gets_is_told_to_the_installation_alone(database: Database, tenant: Tenant) -> None:
    address = f"{some_name()}@lantern.example"
    for _ in range(2):
        account_links.request_password_reset(
            database, address, limits=LIMITS, lifetime=HOUR, client_ip="198.51.100.7", user_agent="a browser"
        )
    told = [row for row in installation_acts(database) if row.request_data["name_digest"] == digest_of(address)]
    assert [(row.event_type, row.success, str(row.source_ip), row.user_agent) for row in told] == 2 * [
        ("password_reset_asked_for", False, "198.51.100.7", "a browser")
    ]
    assert address not in str([row._mapping for row in told])
    with database.transaction(tenant.context) as connection:
        assert search(connection, tenant.id, AuditQuery(text="password_reset_asked_for")).events == []
        assert search(connection, INSTALLATION, AuditQuery()).events == [], "no tenant sees what is of none"


def digest_of(address: str) -> str:
    return failed_sign_ins.digest_of_account(LIMITS, address)


def installation_acts(database: Database) -> list[Any]:
    with database.transaction(TenantContext(INSTALLATION)) as connection:
        found = connection.execute(sa.text("SELECT * FROM audit.events WHERE request_data ? 'name_digest' ORDER BY id"))
        return list(found)


@pytest.mark.parametrize("end", ["time", "newer", "address", "deactivated"])
def test_a_link_ends(database: Database, tenant: Tenant, end: str) -> None:
    clock, user = StoppedClock(), new_user(database, tenant)
    link = account_links.request_password_reset(database, user.email, limits=LIMITS, lifetime=HOUR, clock=clock)
    assert link is not None
    if end == "time":
        clock.advance(hours=1)
    elif end == "newer":
        account_links.request_password_reset(database, user.email, limits=LIMITS, lifetime=HOUR, clock=clock)
    with database.transaction(tenant.context) as connection:
        if end == "address":
            users.update_user(connection, tenant.id, user.id, email=f"{some_name()}@lantern.example")
        elif end == "deactivated":
            users.set_active(connection, tenant.id, user.id, active=False)
    no_longer(database, link.token, clock)


def test_two_at_once_with_one_link_are_one(database: Database, tenant: Tenant) -> None:
    clock, user = StoppedClock(), new_user(database, tenant)
    link = account_links.request_password_reset(database, user.email, limits=LIMITS, lifetime=HOUR, clock=clock)
    assert link is not None
    token, start = link.token, threading.Barrier(6)

    def reset(number: int) -> bool:
        start.wait()
        try:
            account_links.reset_password(database, token, f"{NEW_PASSWORD} {number}", rules(), clock=clock)
        except AuthenticationError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(reset, range(6))) == 1


def test_a_token_of_one_kind_is_none_of_another(database: Database, tenant: Tenant) -> None:
    clock, user = StoppedClock(), new_user(database, tenant)
    with database.transaction(tenant.context) as connection:
        verification = account_links.verification_link(connection, tenant.id, user.id, clock=clock)
        _, invitation = invite(connection, tenant.id, f"{some_name()}@lantern.example", clock=clock)
    no_longer(database, verification.token, clock)
    no_longer(database, invitation.token, clock)
    for wrong in ("", "clew_link_x", "\x00", "\udcff"):
        no_longer(database, wrong, clock)
    assert account_links.verify_email(database, verification.token, clock=clock).is_verified
    with pytest.raises(AuthenticationError):
        account_links.verify_email(database, verification.token, clock=clock)


def test_only_a_digest_of_a_link_is_kept(database: Database, tenant: Tenant) -> None:
    user = new_user(database, tenant)
    link = account_links.request_password_reset(database, user.email, limits=LIMITS, lifetime=HOUR)
    assert link is not None
    with database.transaction(tenant.context) as connection:
        (row,) = connection.execute(sa.text("SELECT * FROM one_time_tokens"))
    assert not any(link.token in str(value) for value in row)


def test_an_invited_person_makes_their_own_account(database: Database, tenant: Tenant) -> None:
    clock, name = StoppedClock(), some_name()
    with database.transaction(tenant.context) as connection:
        made, link = invite(
            connection, tenant.id, f"{name}@Lantern.example", role="analyst", invited_by=tenant.operator, clock=clock
        )
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        assert find_organization_of_token(connection, INVITATION, link.token) == tenant.id
        with pytest.raises(AuthenticationError):
            find_organization_of_token(connection, PASSWORD_RESET, link.token)
    with database.transaction(tenant.context) as connection:
        user = accept_invitation(
            connection, tenant.id, link.token, username=name, password_hash=HASHER.hash(PASSWORD), clock=clock
        )
        assert (user.email, user.role, user.is_verified) == (f"{name}@lantern.example", "analyst", True)
        (listed,) = list_invitations(connection, tenant.id)
        assert (listed.id, listed.accepted_by) == (made.id, user.id)
        with pytest.raises(AuthenticationError):
            accept_invitation(connection, tenant.id, link.token, username=some_name(), password_hash="!", clock=clock)
        with pytest.raises(NotFoundError):
            revoke_invitation(connection, tenant.id, made.id)
    door(database, clock).sign_in(name, PASSWORD)


def test_a_taken_name_leaves_the_invitation_open(database: Database, tenant: Tenant) -> None:
    taken, name = new_user(database, new_organization(database)), some_name()
    with database.transaction(tenant.context) as connection:
        _, link = invite(connection, tenant.id, f"{name}@lantern.example")
    with pytest.raises(ConflictError), database.transaction(tenant.context) as connection:
        accept_invitation(connection, tenant.id, link.token, username=taken.username, password_hash="!")
    with database.transaction(tenant.context) as connection:
        accept_invitation(connection, tenant.id, link.token, username=name, password_hash="!")


def test_an_invitation_ends_by_time_taking_back_or_a_newer_one(database: Database, tenant: Tenant) -> None:
    clock, address = StoppedClock(), f"{some_name()}@lantern.example"
    with database.transaction(tenant.context) as connection:
        _, first = invite(connection, tenant.id, address, clock=clock)
        second_made, second = invite(connection, tenant.id, address, clock=clock)
        revoke_invitation(connection, tenant.id, second_made.id)
        _, third = invite(connection, tenant.id, address, lifetime=HOUR, clock=clock)
        clock.advance(hours=1)
        for link in (first, second, third):
            with pytest.raises(AuthenticationError), connection.begin_nested():
                accept_invitation(
                    connection, tenant.id, link.token, username=some_name(), password_hash="!", clock=clock
                )


def test_an_invitation_of_another_organization_is_none(database: Database, tenant: Tenant) -> None:
    stranger = new_organization(database)
    with database.transaction(tenant.context) as connection:
        made, link = invite(connection, tenant.id, f"{some_name()}@lantern.example")
    with database.transaction(stranger.context) as connection:
        assert list_invitations(connection, tenant.id) == []
        for organization in (tenant.id, stranger.id):
            with pytest.raises(NotFoundError):
                revoke_invitation(connection, organization, made.id)
            with pytest.raises(AuthenticationError):
                accept_invitation(connection, organization, link.token, username=some_name(), password_hash="!")
