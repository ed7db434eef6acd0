"""Signing in: who gets in, what the others learn, and what is left behind."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import argon2
import pyotp
import pytest
import sqlalchemy as sa

from clew.domains.identity import failed_sign_ins, second_factor, users
from clew.domains.identity.callers import principal_of_session_token
from clew.domains.identity.passwords import PasswordHasher
from clew.domains.identity.sessions import SessionLimits
from clew.domains.identity.sign_in import Door, SecondFactorRequiredError
from clew.kernel.database import Database
from clew.kernel.errors import AuthenticationError, LimitError
from clew.kernel.roles import AUTHENTICATOR
from clew.kernel.transactions import TenantContext
from clew.records.acts import INSTALLATION
from tests.support.identity import (
    PASSWORD,
    SECRET,
    StoppedClock,
    door,
    new_user,
    session_rows,
    some_name,
)
from tests.support.record import Tenant

SEALER = second_factor.sealer_of(SECRET)


def enrolled(database: Database, tenant: Tenant, user: users.User, clock: StoppedClock) -> tuple[pyotp.TOTP, list[str]]:
    with database.transaction(tenant.context) as connection:
        enrolment = second_factor.begin_enrolment(connection, tenant.id, user.id, SEALER)
        totp = pyotp.TOTP(enrolment.secret)
        codes = second_factor.confirm_enrolment(connection, tenant.id, user.id, SEALER, totp.at(clock()), clock=clock)
    clock.advance(seconds=30)
    return totp, codes


def answer(entrance: Door, name: str, password: str, **more: str) -> tuple[str, str | None, str | None, str]:
    with pytest.raises(AuthenticationError) as caught:
        entrance.sign_in(name, password, **more)
    return caught.value.message, caught.value.where, caught.value.remedy, caught.value.code


def test_name_or_address_and_password_open_a_session(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user = new_user(database, tenant, role="analyst")
    entrance = door(database, clock)
    for name in (user.username, user.email, f"  {user.email.upper()} "):
        signed_in = entrance.sign_in(name, PASSWORD, client_ip="192.0.2.1", user_agent="browser")
        with database.transaction(None, role=AUTHENTICATOR) as connection:
            principal = principal_of_session_token(
                connection, signed_in.session.token, limits=SessionLimits(), clock=clock
            )
        assert (principal.organization_id, principal.user_id) == (tenant.id, user.id)
        assert "entity:write" in principal.permissions
        assert "user:write" not in principal.permissions
        assert signed_in.session.token not in repr(signed_in)
    with database.transaction(tenant.context) as connection:
        assert users.find_user(connection, tenant.id, user.id).last_login == clock()


def test_whoever_does_not_get_in_learns_nothing(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = StoppedClock()
    entrance = door(database, clock)
    known, gone = new_user(database, tenant), new_user(database, tenant)
    without = new_user(database, tenant, password=None)
    guarded = new_user(database, tenant)
    enrolled(database, tenant, guarded, clock)
    with database.transaction(tenant.context) as connection:
        users.set_active(connection, tenant.id, gone.id, active=False)
    hashed: list[int] = []
    original = argon2.PasswordHasher.verify

    def counted(self: argon2.PasswordHasher, stored: str, password: str) -> bool:
        hashed.append(argon2.extract_parameters(stored).memory_cost)
        return original(self, stored, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    answers = {
        answer(entrance, known.username, "not the password at all"),
        answer(entrance, some_name(), PASSWORD),
        answer(entrance, f"{some_name()}@lantern.example", PASSWORD),
        answer(entrance, gone.username, PASSWORD),
        answer(entrance, without.username, "!"),
        answer(entrance, f"operator@{tenant.slug}", "!"),
        answer(entrance, guarded.username, "not the password at all"),
        answer(entrance, guarded.username, PASSWORD, code="000000"),
        answer(entrance, "x\udcff'; --", PASSWORD),
    }
    assert len(answers) == 1
    assert len(hashed) == 9
    assert len(set(hashed)) == 1


def test_failures_make_the_next_one_wait_known_or_not(database: Database, tenant: Tenant) -> None:
    waits = []
    for name in (new_user(database, tenant).username, some_name()):
        clock = StoppedClock()
        entrance = door(database, clock)
        for _ in range(5):
            answer(entrance, name, "wrong and wrong again")
        seen = []
        for _ in range(12):
            with pytest.raises(LimitError) as caught:
                entrance.sign_in(name, PASSWORD)
            seen.append(caught.value.retry_after)
            clock.advance(seconds=caught.value.retry_after)
            answer(entrance, name, "wrong and wrong again")
        waits.append(seen)
    assert waits[0] == waits[1] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_a_name_that_nobody_has_is_told_to_the_installation_and_to_no_organization(
    database: Database, tenant: Tenant
) -> None:
    clock, name = StoppedClock(), some_name()
    entrance = door(database, clock)
    for _ in range(6):
        answer(entrance, f" {name.upper()} ", "spring2025 spring2025", client_ip="192.0.2.9", user_agent="a tool")
        clock.advance(seconds=2)
    digest = failed_sign_ins.digest_of_account(entrance.limits, name)
    with database.transaction(TenantContext(INSTALLATION)) as connection:
        told = connection.execute(
            sa.text("SELECT * FROM audit.events WHERE request_data ->> 'name_digest' = :digest ORDER BY id"),
            {"digest": digest},
        ).all()
    assert [row.event_type for row in told] == 4 * ["sign_in_failed"] + 2 * ["sign_in_locked"]
    assert {(str(row.source_ip), row.user_agent, row.success) for row in told} == {("192.0.2.9", "a tool", False)}
    assert name not in str(told)
    with database.transaction(tenant.context) as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM audit.events WHERE event_type LIKE 'sign_in%'")) == 0


def test_success_forgets_the_accounts_failures(database: Database, tenant: Tenant) -> None:
    user, entrance = new_user(database, tenant), door(database, StoppedClock())
    for _ in range(3):
        for _ in range(4):
            answer(entrance, user.username, "wrong and wrong again")
        entrance.sign_in(user.username, PASSWORD)


def test_a_day_later_all_is_forgotten(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user, entrance = new_user(database, tenant), door(database, clock)
    for _ in range(5):
        answer(entrance, user.username, "wrong and wrong again")
    clock.advance(hours=25)
    for _ in range(5):
        answer(entrance, user.username, "wrong and wrong again")
    with pytest.raises(LimitError):
        entrance.sign_in(user.username, PASSWORD)


def test_an_address_that_tries_many_names_has_to_wait_too(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user, entrance = new_user(database, tenant), door(database, clock)
    for _ in range(49):
        answer(entrance, some_name(), "spring2025 spring2025", client_ip="192.0.2.7")
    entrance.sign_in(user.username, PASSWORD, client_ip="192.0.2.7")  # an own account does not wipe the slate
    answer(entrance, some_name(), "spring2025 spring2025", client_ip="192.0.2.7")
    with pytest.raises(LimitError):
        entrance.sign_in(user.username, PASSWORD, client_ip="192.0.2.7")
    entrance.sign_in(user.username, PASSWORD, client_ip="192.0.2.8")


@pytest.mark.parametrize(
    ("addresses", "another"),
    [
        ([f"2001:db8:1:2::{number:x}" for number in range(50)], "2001:db8:1:3::1"),
        (["::ffff:192.0.2.7", "192.0.2.7"] * 25, "::ffff:192.0.2.8"),
    ],
)
def test_what_one_caller_has_to_themselves_counts_as_one_address(
    database: Database, tenant: Tenant, addresses: list[str], another: str
) -> None:
    user, entrance = new_user(database, tenant), door(database, StoppedClock())
    for address in addresses:
        answer(entrance, some_name(), "spring2025 spring2025", client_ip=address)
    with pytest.raises(LimitError):
        entrance.sign_in(user.username, PASSWORD, client_ip=addresses[0])
    entrance.sign_in(user.username, PASSWORD, client_ip=another)


def test_guesses_at_once_are_counted_one_by_one(database: Database, tenant: Tenant) -> None:
    user, entrance = new_user(database, tenant), door(database, StoppedClock())
    start = threading.Barrier(20)

    def guess(number: int) -> type[BaseException]:
        start.wait()
        with pytest.raises((AuthenticationError, LimitError)) as caught:
            entrance.sign_in(user.username, f"guess number {number}")
        return caught.type

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(guess, range(20)))
    assert outcomes.count(AuthenticationError) == 5
    assert outcomes.count(LimitError) == 15


def test_names_that_were_typed_are_not_kept(database: Database, tenant: Tenant) -> None:
    answer(door(database, StoppedClock()), "a password typed by mistake", "x" * 12)
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        subjects = connection.scalars(sa.text("SELECT subject FROM sign_in_failures")).all()
    assert all(len(subject) == 32 for subject in subjects)


def test_a_session_that_was_planted_is_ended_and_never_taken_over(database: Database, tenant: Tenant) -> None:
    user, entrance = new_user(database, tenant), door(database, StoppedClock())
    planted = entrance.sign_in(user.username, PASSWORD).session
    own = entrance.sign_in(user.username, PASSWORD, brought_session=planted.token).session
    assert own.id != planted.id
    assert own.token != planted.token
    assert dict(session_rows(database, tenant, user.id)) == {planted.id: "signed in anew", own.id: None}
    made_up = entrance.sign_in(user.username, PASSWORD, brought_session="clew_session_chosen-by-an-attacker").session
    assert made_up.token != "clew_session_chosen-by-an-attacker"


def test_a_brought_session_of_somebody_else_stays_theirs(database: Database, tenant: Tenant) -> None:
    entrance = door(database, StoppedClock())
    victim, other = new_user(database, tenant), new_user(database, tenant)
    theirs = entrance.sign_in(victim.username, PASSWORD).session
    entrance.sign_in(other.username, PASSWORD, brought_session=theirs.token)
    assert session_rows(database, tenant, victim.id) == [(theirs.id, None)]


def test_a_hash_of_old_parameters_is_replaced(database: Database, tenant: Tenant) -> None:
    user = new_user(database, tenant)
    stronger = PasswordHasher(memory_kib=64, passes=2)
    read = sa.text("SELECT password_hash FROM users WHERE id = :id")
    door(database, StoppedClock(), stronger).sign_in(user.username, PASSWORD)
    with database.transaction(tenant.context) as connection:
        stored = connection.scalar(read, {"id": user.id})
    assert isinstance(stored, str)
    assert not stronger.is_outdated(stored)
    door(database, StoppedClock(), stronger).sign_in(user.username, PASSWORD)


def test_with_a_second_factor_the_password_alone_opens_nothing(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user, entrance = new_user(database, tenant), door(database, clock)
    totp, _ = enrolled(database, tenant, user, clock)
    with pytest.raises(SecondFactorRequiredError):
        entrance.sign_in(user.username, PASSWORD)
    assert session_rows(database, tenant, user.id) == []
    entrance.sign_in(user.username, PASSWORD, code=totp.at(clock()))
    assert len(session_rows(database, tenant, user.id)) == 1


def test_a_code_is_taken_once_and_no_earlier_one_after_it(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user, entrance = new_user(database, tenant), door(database, clock)
    totp, _ = enrolled(database, tenant, user, clock)
    code, before = totp.at(clock()), totp.at(clock() - timedelta(seconds=30))
    entrance.sign_in(user.username, PASSWORD, code=f" {code[:3]} {code[3:]} ")
    for used in (code, before):
        answer(entrance, user.username, PASSWORD, code=used)
    clock.advance(seconds=30)
    entrance.sign_in(user.username, PASSWORD, code=totp.at(clock()))


@pytest.mark.parametrize("drift", [0, 1])
def test_a_code_is_taken_in_its_own_half_minute_and_as_far_beside_it_as_the_settings_say(
    database: Database, tenant: Tenant, drift: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "settings", database.settings.model_copy(update={"totp_drift_steps": drift}))
    clock = StoppedClock()
    user = new_user(database, tenant)
    entrance = replace(door(database, clock), drift_steps=Door.of(database).drift_steps)
    totp, _ = enrolled(database, tenant, user, clock)
    clock.advance(seconds=-(clock().timestamp() % 30) + 30)  # the first moment of a step
    late = totp.at(clock())
    clock.advance(seconds=30 * drift + 30)
    answer(entrance, user.username, PASSWORD, code=late)
    late = totp.at(clock())
    clock.advance(seconds=30 * drift + 29.9)
    entrance.sign_in(user.username, PASSWORD, code=late)
    clock.advance(seconds=0.1)
    early = totp.at(clock() + timedelta(seconds=30 * drift + 30))
    answer(entrance, user.username, PASSWORD, code=early)
    entrance.sign_in(user.username, PASSWORD, code=totp.at(clock() + timedelta(seconds=30 * drift)))


def test_two_at_once_with_one_code_are_one_sign_in(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user, entrance = new_user(database, tenant), door(database, clock)
    totp, codes = enrolled(database, tenant, user, clock)
    for code in (totp.at(clock()), codes[0]):
        start = threading.Barrier(4)

        def enter(_: int, code: str = code, start: threading.Barrier = start) -> bool:
            start.wait()
            try:
                entrance.sign_in(user.username, PASSWORD, code=code)
            except (AuthenticationError, LimitError):
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(enter, range(4))) == 1
        clock.advance(hours=1)  # who failed too often may try again


def test_codes_cannot_be_guessed_by_sending_the_password_in_between(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user, entrance = new_user(database, tenant), door(database, clock)
    enrolled(database, tenant, user, clock)
    for number in range(5):
        with pytest.raises(SecondFactorRequiredError):
            entrance.sign_in(user.username, PASSWORD)
        answer(entrance, user.username, PASSWORD, code=f"{number:06}")
    with pytest.raises(LimitError):
        entrance.sign_in(user.username, PASSWORD)


def test_each_recovery_code_works_once_and_new_ones_end_the_old(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user, entrance = new_user(database, tenant), door(database, clock)
    _, codes = enrolled(database, tenant, user, clock)
    assert len(set(codes)) == 10
    entrance.sign_in(user.username, PASSWORD, code=codes[0].upper().replace("-", " "))
    answer(entrance, user.username, PASSWORD, code=codes[0])
    with database.transaction(tenant.context) as connection:
        assert second_factor.recovery_codes_left(connection, tenant.id, user.id) == 9
        fresh = second_factor.new_recovery_codes(connection, tenant.id, user.id)
    answer(entrance, user.username, PASSWORD, code=codes[1])
    entrance.sign_in(user.username, PASSWORD, code=fresh[0])


def test_the_secret_of_a_second_factor_is_not_in_the_database(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user = new_user(database, tenant)
    totp, _ = enrolled(database, tenant, user, clock)
    with database.transaction(tenant.context) as connection:
        stored = connection.scalar(sa.text("SELECT mfa_secret FROM users WHERE id = :id"), {"id": user.id})
        assert isinstance(stored, bytes)
        assert totp.secret.encode() not in stored
        second_factor.remove_second_factor(connection, tenant.id, user.id)
        row = connection.execute(sa.text("SELECT mfa_enabled, mfa_secret FROM users WHERE id = :id"), {"id": user.id})
        assert tuple(row.one()) == (False, None)
    door(database, clock).sign_in(user.username, PASSWORD)


def test_a_password_changed_between_look_up_and_entry_keeps_out(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, entrance = new_user(database, tenant), door(database, StoppedClock())
    original = PasswordHasher.verify

    def verify_while_another_changes_it(self: PasswordHasher, stored: str | None, password: str) -> bool:
        with database.transaction(tenant.context) as connection:
            users.set_password(connection, tenant.id, user.id, self.hash("another password now"))
        return original(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", verify_while_another_changes_it)
    answer(entrance, user.username, PASSWORD)
    assert session_rows(database, tenant, user.id) == []
