"""From signing in to the last request, as the API will call it; and what is tidied up behind it."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from clew.domains.identity import signing_keys
from clew.domains.identity.access_tokens import TokenRules
from clew.domains.identity.changing_password import change_password
from clew.domains.identity.housekeeping import keep_house
from clew.domains.identity.passwords import PasswordPolicy
from clew.domains.identity.principal import Principal
from clew.domains.identity.refreshing import ReuseError
from clew.domains.identity.sessions import SessionLimits, begin_session
from clew.domains.identity.sign_in import Door
from clew.domains.identity.token_desk import TokenDesk
from clew.domains.identity.usage_log import Usage, write_usage
from clew.kernel.database import Database
from clew.kernel.errors import AuthenticationError, ForbiddenError, InputError, LimitError
from clew.kernel.roles import AUTHENTICATOR
from clew.kernel.sealing import Sealer
from tests.support.identity import PASSWORD, SECRET, StoppedClock, door, new_user, session_rows
from tests.support.record import Tenant

SEALER = signing_keys.signing_sealer(SECRET)


@pytest.fixture(autouse=True)
def no_signing_keys(database: Database) -> None:
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        connection.execute(sa.text("DELETE FROM signing_keys"))


def desk(database: Database, clock: StoppedClock) -> TokenDesk:
    return TokenDesk(database, SEALER, TokenRules("https://clew.example"), SessionLimits(), clock=clock)


def test_a_visit_by_tokens(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user, counter = new_user(database, tenant, role="analyst"), desk(database, clock)
    pair = counter.hand_out(door(database, clock).sign_in(user.username, PASSWORD))
    assert pair.expires_in == 300
    assert pair.access_token not in repr(pair)
    caller = counter.caller(pair.access_token, client_ip="192.0.2.1")
    assert (caller.user_id, caller.client_ip) == (user.id, "192.0.2.1")
    assert "entity:write" in caller.permissions
    clock.advance(minutes=5)
    with pytest.raises(AuthenticationError):
        counter.caller(pair.access_token)
    following = counter.exchange(pair.refresh_token)
    counter.caller(following.access_token)
    with pytest.raises(ReuseError):
        counter.exchange(pair.refresh_token)
    with pytest.raises(AuthenticationError):
        counter.caller(following.access_token)  # the session is over, though the token is not


def test_another_process_rotates_and_tokens_go_on(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user, ours, theirs = new_user(database, tenant), desk(database, clock), desk(database, clock)
    signed_in = door(database, clock).sign_in(user.username, PASSWORD)
    pair = ours.hand_out(signed_in)
    theirs.caller(pair.access_token)
    for _ in range(2):  # twice: the key that signs next was not even published when ours last looked
        with database.transaction(None, role=AUTHENTICATOR) as connection:
            signing_keys.rotate_signing_keys(connection, SEALER, clock=clock)
    clock.advance(seconds=10)
    fresh = desk(database, clock).exchange(pair.refresh_token)
    ours.caller(fresh.access_token)
    theirs.caller(pair.access_token)


def test_made_up_keys_do_not_become_queries(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = StoppedClock()
    read: list[StoppedClock] = []
    counter = desk(database, clock)
    original = signing_keys.load_key_ring

    def counted(connection: sa.Connection, sealer: Sealer, **more: Any) -> signing_keys.KeyRing:
        read.append(clock)
        return original(connection, sealer, **more)

    monkeypatch.setattr("clew.domains.identity.token_desk.load_key_ring", counted)
    counter.jwks()
    before = len(read)
    for number in range(50):
        with pytest.raises(AuthenticationError):
            counter.caller(f"eyJhbGciOiJFZERTQSIsImtpZCI6I{number:02}iJ9.e30.AA")
    assert len(read) == before == 2  # none was there at first


def test_a_password_is_changed_by_who_knows_the_present_one(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user, entrance, counter = new_user(database, tenant), door(database, clock), desk(database, clock)
    other = entrance.sign_in(user.username, PASSWORD)
    clock.advance(seconds=1)
    caller = counter.caller(counter.hand_out(entrance.sign_in(user.username, PASSWORD)).access_token)
    with pytest.raises(AuthenticationError):
        change_password(entrance, PasswordPolicy(), caller, "wrong and wrong again", "nine lanterns at the mole")
    with pytest.raises(InputError):
        change_password(entrance, PasswordPolicy(), caller, PASSWORD, "short")
    session = change_password(entrance, PasswordPolicy(), caller, PASSWORD, "nine lanterns at the mole")
    assert dict(session_rows(database, tenant, user.id)) == {
        other.session.id: "password changed",
        caller.session_id: "renewed",
        session.id: None,
    }
    entrance.sign_in(user.username, "nine lanterns at the mole")


def test_the_present_password_cannot_be_guessed(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user, entrance, counter = new_user(database, tenant), door(database, clock), desk(database, clock)
    caller = counter.caller(counter.hand_out(entrance.sign_in(user.username, PASSWORD)).access_token)
    for _ in range(5):
        with pytest.raises(AuthenticationError):
            change_password(entrance, PasswordPolicy(), caller, "wrong and wrong again", "nine lanterns at the mole")
    with pytest.raises(LimitError):
        change_password(entrance, PasswordPolicy(), caller, PASSWORD, "nine lanterns at the mole")


def test_a_key_changes_nobodys_password(database: Database, tenant: Tenant) -> None:
    caller = Principal(tenant.id, tenant.operator, "operator", frozenset(), key_id=uuid4())
    with pytest.raises(ForbiddenError):
        change_password(door(database, StoppedClock()), PasswordPolicy(), caller, PASSWORD, PASSWORD)


def test_a_door_and_a_desk_are_made_from_settings(database: Database, tenant: Tenant) -> None:
    """With the real secret of the data directory, and with Argon2 as it is set by default."""
    user, entrance = new_user(database, tenant), Door.of(database)
    pair = TokenDesk.of(database).hand_out(entrance.sign_in(user.username, PASSWORD, client_ip="192.0.2.99"))
    assert TokenDesk.of(database).caller(pair.access_token).user_id == user.id
    with database.transaction(tenant.context) as connection:
        stored = connection.scalar(sa.text("SELECT password_hash FROM users WHERE id = :id"), {"id": user.id})
    assert "m=65536,t=3,p=4" in str(stored)  # made anew at sign-in: it was weaker


def test_what_is_old_goes_and_what_counts_stays(database: Database, tenant: Tenant) -> None:
    now = datetime.now(UTC)
    clock = StoppedClock(now - timedelta(days=60))
    user = new_user(database, tenant)
    entrance = door(database, clock)
    with pytest.raises(AuthenticationError):
        entrance.sign_in(secrets.token_hex(8), PASSWORD)
    with database.transaction(tenant.context) as connection:
        begin_session(connection, tenant.id, user.id, limits=SessionLimits(), clock=clock)
        kept = begin_session(connection, tenant.id, user.id, limits=SessionLimits())
    lines = [Usage(tenant.id, user.id, "/", "GET", now - timedelta(days=days), 200, 1) for days in (1, 29)]
    with database.transaction(None) as connection:
        connection.execute(
            sa.text("SELECT ensure_partitions('api_usage_logs', CAST(:months AS date[]))"),
            {"months": [line.request_timestamp for line in lines]},
        )
    write_usage(database, lines)
    keep_house(database, clock=clock)  # the first signing keys, 60 days ago
    done = keep_house(database)
    assert done.keys_rotated
    assert (done.failures_forgotten >= 1, done.sessions_forgotten >= 1) == (True, True)
    again = keep_house(database)
    assert not again.keys_rotated
    assert (again.failures_forgotten, again.sessions_forgotten, again.usage_deleted) == (0, 0, 0)
    assert session_rows(database, tenant, user.id) == [(kept.id, None)]
    with database.transaction(tenant.context) as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM api_usage_logs")) == 2
