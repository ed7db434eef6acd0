"""Sessions end when they must; refresh tokens are exchanged once; signing keys follow each other."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jwt
import pytest
import sqlalchemy as sa

from clew.domains.identity import sessions, signing_keys, users
from clew.domains.identity.access_tokens import TokenRules, issue_access_token, read_access_token
from clew.domains.identity.callers import principal_of_claims, principal_of_session_token
from clew.domains.identity.principal import Principal
from clew.domains.identity.refreshing import Refreshed, ReuseError, first_refresh_token, refresh
from clew.domains.identity.sessions import NewSession, SessionLimits
from clew.kernel.database import Database
from clew.kernel.errors import AuthenticationError, ConfigurationError, NotFoundError
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.roles import AUTHENTICATOR
from tests.support.identity import SECRET, StoppedClock, new_user, session_rows
from tests.support.record import Tenant, new_organization

LIMITS = SessionLimits()
RULES = TokenRules("https://clew.example")
SEALER = signing_keys.signing_sealer(SECRET)


def begin(database: Database, tenant: Tenant, user: users.User, clock: StoppedClock) -> tuple[NewSession, str]:
    with database.transaction(tenant.context) as connection:
        session = sessions.begin_session(connection, tenant.id, user.id, limits=LIMITS, clock=clock)
        return session, first_refresh_token(connection, tenant.id, session.id, clock=clock)


def caller(database: Database, token: str, clock: StoppedClock) -> Principal:
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        return principal_of_session_token(connection, token, limits=LIMITS, clock=clock)


def ended(database: Database, token: str, clock: StoppedClock) -> None:
    with pytest.raises(AuthenticationError, match="ended"):
        caller(database, token, clock)


def test_a_session_ends_unused(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    session, _ = begin(database, tenant, new_user(database, tenant), clock)
    for _ in range(3):
        clock.advance(minutes=59)
        caller(database, session.token, clock)
    clock.advance(minutes=60)
    ended(database, session.token, clock)


def test_a_session_ends_however_it_is_used(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    session, token = begin(database, tenant, new_user(database, tenant), clock)
    for _ in range(47):
        clock.advance(minutes=30)
        caller(database, session.token, clock)
        token = refresh(database, token, limits=LIMITS, clock=clock).token
    clock.advance(minutes=30)
    ended(database, session.token, clock)
    with pytest.raises(AuthenticationError):
        refresh(database, token, limits=LIMITS, clock=clock)


def test_only_the_token_itself_is_taken(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    session, token = begin(database, tenant, new_user(database, tenant), clock)
    with database.transaction(tenant.context) as connection:
        digest = connection.scalar(sa.text("SELECT token_hash FROM sessions WHERE id = :id"), {"id": session.id})
    for wrong in (digest, f"clew_session_{digest}", token, session.token[:-1], str(session.id), "", "\x00", "\udcff"):
        ended(database, str(wrong), clock)


def test_activity_is_noted_once_a_minute(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    session, _ = begin(database, tenant, new_user(database, tenant), clock)
    began = clock()
    for seconds, noted in ((59, began), (1, began + timedelta(seconds=60))):
        clock.advance(seconds=seconds)
        caller(database, session.token, clock)
        with database.transaction(tenant.context) as connection:
            (shown,) = sessions.list_sessions(connection, tenant.id, limits=LIMITS, clock=clock)
        assert shown.last_activity == noted


def test_sessions_are_listed_and_revoked_by_their_owner_only(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    owner, other = new_user(database, tenant), new_user(database, tenant)
    first, _ = begin(database, tenant, owner, clock)
    clock.advance(seconds=1)
    second, token = begin(database, tenant, owner, clock)
    with database.transaction(tenant.context) as connection:
        listed = sessions.list_sessions(connection, tenant.id, owner.id, limits=LIMITS, clock=clock)
        assert [session.id for session in listed] == [second.id, first.id]
        with pytest.raises(NotFoundError):
            sessions.revoke_session(connection, tenant.id, second.id, user_id=other.id)
        sessions.revoke_session(connection, tenant.id, second.id, user_id=owner.id)
        with pytest.raises(NotFoundError):
            sessions.revoke_session(connection, tenant.id, second.id, user_id=owner.id)
    ended(database, second.token, clock)
    with pytest.raises(AuthenticationError):
        refresh(database, token, limits=LIMITS, clock=clock)
    caller(database, first.token, clock)


def test_another_organization_finds_no_session(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    session, _ = begin(database, tenant, new_user(database, tenant), clock)
    stranger = new_organization(database)
    with database.transaction(stranger.context) as connection:
        for organization in (tenant.id, stranger.id):
            assert sessions.list_sessions(connection, organization, limits=LIMITS, clock=clock) == []
            with pytest.raises(NotFoundError):
                sessions.revoke_session(connection, organization, session.id)
    caller(database, session.token, clock)


@pytest.mark.parametrize("change", ["role", "deactivate", "password"])
def test_what_changes_a_user_ends_their_sessions(database: Database, tenant: Tenant, change: str) -> None:
    clock = StoppedClock()
    user = new_user(database, tenant, role="admin")
    session, token = begin(database, tenant, user, clock)
    with database.transaction(tenant.context) as connection:
        if change == "role":
            users.set_built_in_role(connection, tenant.id, user.id, "readonly")
        elif change == "deactivate":
            users.set_active(connection, tenant.id, user.id, active=False)
        else:
            users.set_password(connection, tenant.id, user.id, "!")
    ended(database, session.token, clock)
    with pytest.raises(AuthenticationError):
        refresh(database, token, limits=LIMITS, clock=clock)


def test_an_organization_that_is_shut_lets_nobody_in(database: Database) -> None:
    from clew.kernel.roles import DIRECTORY

    clock, own = StoppedClock(), new_organization(database)
    session, token = begin(database, own, new_user(database, own), clock)
    with database.transaction(None, role=DIRECTORY) as connection:
        connection.execute(sa.text("UPDATE organizations SET is_active = false WHERE id = :id"), {"id": own.id})
    ended(database, session.token, clock)
    with pytest.raises(AuthenticationError):
        refresh(database, token, limits=LIMITS, clock=clock)


def test_a_renewed_session_has_another_id_and_token_and_the_same_end(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    old, token = begin(database, tenant, new_user(database, tenant), clock)
    clock.advance(minutes=5)
    with database.transaction(tenant.context) as connection:
        new = sessions.renew_session(connection, tenant.id, old.id, limits=LIMITS, second_factor=True, clock=clock)
        with pytest.raises(NotFoundError):
            sessions.renew_session(connection, tenant.id, old.id, limits=LIMITS, clock=clock)
    assert (new.id, new.token, new.expires_at) != (old.id, old.token, old.expires_at)
    assert new.id != old.id
    assert new.token != old.token
    assert new.expires_at == old.expires_at
    ended(database, old.token, clock)
    with pytest.raises(AuthenticationError):
        refresh(database, token, limits=LIMITS, clock=clock)
    assert caller(database, new.token, clock).session_id == new.id


def test_ended_sessions_are_forgotten_with_their_tokens(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user = new_user(database, tenant)
    begin(database, tenant, user, clock)
    clock.advance(days=40)
    begin(database, tenant, user, clock)
    with database.transaction(tenant.context) as connection:
        gone = sessions.delete_ended_sessions(connection, tenant.id, older_than=timedelta(days=30), clock=clock)
        assert gone == 1
        assert connection.scalar(sa.text("SELECT count(*) FROM refresh_tokens")) == 1


def test_a_refresh_token_that_comes_again_ends_the_session(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user = new_user(database, tenant)
    session, stolen = begin(database, tenant, user, clock)
    other, _ = begin(database, tenant, user, clock)
    second = refresh(database, stolen, limits=LIMITS, clock=clock)
    third = refresh(database, second.token, limits=LIMITS, clock=clock)
    assert third.token not in repr(third)
    with pytest.raises(ReuseError):
        refresh(database, stolen, limits=LIMITS, clock=clock)
    for token in (third.token, second.token, stolen):
        with pytest.raises(AuthenticationError):
            refresh(database, token, limits=LIMITS, clock=clock)
    ended(database, session.token, clock)
    caller(database, other.token, clock)
    assert dict(session_rows(database, tenant, user.id))[session.id] == "refresh token used twice"


@pytest.mark.parametrize("round_number", range(3))
def test_two_refreshes_at_once_are_one_success_and_one_theft(
    database: Database, tenant: Tenant, round_number: int
) -> None:
    clock = StoppedClock()
    user = new_user(database, tenant)
    session, token = begin(database, tenant, user, clock)
    start = threading.Barrier(8)

    def exchange(_: int) -> Refreshed | AuthenticationError:
        start.wait()
        try:
            return refresh(database, token, limits=LIMITS, clock=clock)
        except AuthenticationError as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(exchange, range(8)))
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Refreshed)]
    assert all(isinstance(outcome, ReuseError) for outcome in outcomes if outcome is not winner)
    with pytest.raises(AuthenticationError):
        refresh(database, winner.token, limits=LIMITS, clock=clock)
    ended(database, session.token, clock)


@pytest.mark.parametrize(
    "token", ["", "clew_refresh_", "clew_refresh_x", "clew_session_x", "\x00", "clew_refresh_\udcff"]
)
def test_a_token_that_never_was_is_refused(database: Database, token: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        refresh(database, token, limits=LIMITS)
    assert not isinstance(caught.value, ReuseError)


@pytest.fixture
def no_signing_keys(database: Database) -> None:
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        connection.execute(sa.text("DELETE FROM signing_keys"))


def ring(database: Database, clock: StoppedClock) -> signing_keys.KeyRing:
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        signing_keys.ensure_signing_keys(connection, SEALER, clock=clock)
        return signing_keys.load_key_ring(connection, SEALER, accept_retired_for=RULES.accept_retired_for, clock=clock)


def rotate(database: Database, clock: StoppedClock, older_than: timedelta | None = None) -> bool:
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        return signing_keys.rotate_signing_keys(connection, SEALER, if_older_than=older_than, clock=clock)


@pytest.mark.usefixtures("no_signing_keys")
def test_keys_follow_each_other_and_stale_ones_are_refused(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    session, _ = begin(database, tenant, user := new_user(database, tenant), clock)
    who: dict[str, Any] = {"organization_id": tenant.id, "user_id": user.id, "session_id": session.id}
    before = ring(database, clock)
    assert len(before.jwks()["keys"]) == 2
    token = issue_access_token(before, RULES, **who, clock=clock)
    assert rotate(database, clock)
    after = ring(database, clock)
    # the next key was published before it signed, so a process that has not looked since takes its tokens
    assert after.kid in before.public_keys
    assert after.kid != before.kid
    fresh = issue_access_token(after, RULES, **who, clock=clock)
    read_access_token(before, RULES, fresh, clock=clock)
    read_access_token(after, RULES, token, clock=clock)
    clock.advance(minutes=6)
    late = ring(database, clock)
    assert before.kid not in late.public_keys
    forged_in_time = issue_access_token(before, RULES, **who, clock=clock)  # by whoever has the old private key
    with pytest.raises(AuthenticationError):
        read_access_token(late, RULES, forged_in_time, clock=clock)
    for key in late.jwks()["keys"]:
        assert jwt.PyJWK(key).key_type == "OKP"


@pytest.mark.usefixtures("no_signing_keys")
def test_keys_are_rotated_by_age_and_by_many_at_once_once(database: Database) -> None:
    clock = StoppedClock()
    ring(database, clock)
    assert not rotate(database, clock, timedelta(days=30))
    clock.advance(days=31)
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda _: rotate(database, clock, timedelta(days=30)), range(6)))
    assert sorted(done) == [False] * 5 + [True]
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        states = connection.scalars(sa.text("SELECT state FROM signing_keys ORDER BY state")).all()
        assert states == ["current", "next", "retired"]
        clock.advance(days=1)
        assert signing_keys.delete_retired_keys(connection, retired_for=timedelta(hours=1), clock=clock) == 1


@pytest.mark.usefixtures("no_signing_keys")
def test_private_keys_are_worth_nothing_without_the_secret(database: Database) -> None:
    ring(database, StoppedClock())
    other = signing_keys.signing_sealer(InstallationSecret(b"x" * 40, "another secret"))
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        with pytest.raises(ConfigurationError, match="another secret"):
            signing_keys.load_key_ring(connection, other, accept_retired_for=timedelta())
        stored = connection.scalars(sa.text("SELECT private_key FROM signing_keys")).all()
    assert all(len(key) == 32 + 29 for key in stored)


@pytest.mark.usefixtures("no_signing_keys")
def test_an_access_token_ends_with_its_session(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock()
    user = new_user(database, tenant)
    session, _ = begin(database, tenant, user, clock)
    keys = ring(database, clock)
    token = issue_access_token(
        keys, RULES, organization_id=tenant.id, user_id=user.id, session_id=session.id, clock=clock
    )
    claims = read_access_token(keys, RULES, token, clock=clock)
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        principal = principal_of_claims(connection, claims, limits=LIMITS, client_ip="192.0.2.1", clock=clock)
    assert (principal.user_id, principal.session_id, principal.client_ip) == (user.id, session.id, "192.0.2.1")
    with database.transaction(tenant.context) as connection:
        sessions.revoke_sessions(connection, tenant.id, user.id, reason="test", clock=clock)
    with (
        database.transaction(None, role=AUTHENTICATOR) as connection,
        pytest.raises(AuthenticationError),
    ):
        principal_of_claims(connection, claims, limits=LIMITS, clock=clock)
