"""Signing in over HTTP: by cookie and by tokens, and what tries to get around it."""

from datetime import timedelta

import pyotp
import pytest
import sqlalchemy as sa

from clew.api.cross_site import HEADER
from clew.domains.identity import second_factor
from clew.domains.identity.users import User
from tests.support.api import Api, Person, problem
from tests.support.identity import PASSWORD, some_name
from tests.support.record import Tenant

SIGN_IN, SESSION, TOKENS = "/api/v1/sign-in", "/api/v1/session", "/api/v1/tokens"


def credentials(user: User, password: str = PASSWORD, **more: str) -> dict[str, str]:
    return {"name": user.username, "password": password, **more}


def sign_in(api: Api, user: User, **headers: str) -> tuple[str, str]:
    """The cookie and the proof of a new session."""
    response = api.client.post(SIGN_IN, json=credentials(user), headers=headers)
    assert response.status_code == 200, response.text
    cookie = response.headers["set-cookie"].partition(";")[0]
    api.client.cookies.clear()
    return cookie, response.json()["csrf_token"]


def acts_of(api: Api, person: Person) -> list[tuple[str, bool]]:
    api.serving.reads.drain()
    with api.database.transaction(person.tenant.context) as connection:
        rows = connection.execute(
            sa.text(
                "SELECT event_type, success FROM audit.events"
                " WHERE user_id = :user OR resource_id = CAST(:user AS text) ORDER BY id"
            ),
            {"user": person.user.id},
        )
        return [(row.event_type, row.success) for row in rows]


def test_a_cookie_that_scripts_and_other_sites_do_not_get(api: Api) -> None:
    person = api.person(api.organization())
    response = api.client.post(SIGN_IN, json=credentials(person.user))
    set_cookie = response.headers["set-cookie"].lower()
    assert "httponly" in set_cookie
    assert "samesite=strict" in set_cookie
    assert "path=/" in set_cookie
    assert "domain" not in set_cookie
    cookie = response.headers["set-cookie"].partition(";")[0]
    api.client.cookies.clear()
    who = api.client.get(SESSION, headers={"Cookie": cookie}).json()
    assert who["user_id"] == str(person.user.id)
    assert who["csrf_token"] == response.json()["csrf_token"]
    assert acts_of(api, person)[-1] == ("signed_in", True)


def test_signing_out_ends_the_session_at_once(api: Api) -> None:
    person = api.person(api.organization())
    cookie, proof = sign_in(api, person.user)
    out = api.client.delete(SESSION, headers={"Cookie": cookie, HEADER: proof})
    assert out.status_code == 204
    assert "max-age=0" in out.headers["set-cookie"].lower()
    problem(api.client.get(SESSION, headers={"Cookie": cookie}), 401, "authentication")
    assert acts_of(api, person)[-1] == ("signed_out", True)


@pytest.mark.parametrize("body", [{"name": "nobody-of-that-name"}, {"password": "wrong and long enough"}])
def test_unknown_names_and_wrong_passwords_are_answered_alike(api: Api, body: dict[str, str]) -> None:
    person = api.person(api.organization())
    told = problem(api.client.post(SIGN_IN, json=credentials(person.user) | body), 401, "authentication")
    assert told["detail"] == "name, password or code is wrong"
    assert "set-cookie" not in api.client.post(SIGN_IN, json=credentials(person.user) | body).headers


def test_a_password_is_hashed_for_unknown_names_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    person = api.person(api.organization())
    hashed: list[bool] = []
    verify = type(api.serving.door.hasher).verify

    def counted(hasher: object, stored: str | None, password: str) -> bool:
        hashed.append(stored is None)
        return verify(api.serving.door.hasher, stored, password)

    monkeypatch.setattr(type(api.serving.door.hasher), "verify", counted)
    for name in (person.user.username, some_name()):
        api.client.post(SIGN_IN, json={"name": name, "password": "wrong and long enough"})
    assert hashed == [False, True]


def test_a_refused_attempt_on_an_account_is_in_its_trail(api: Api) -> None:
    person = api.person(api.organization())
    problem(api.client.post(SIGN_IN, json=credentials(person.user, "wrong and long enough")), 401, "authentication")
    assert acts_of(api, person)[-1] == ("sign_in_failed", False)


def test_a_session_brought_along_is_ended_and_never_taken_over(api: Api) -> None:
    person = api.person(api.organization())
    fixed, _ = sign_in(api, person.user)
    new, _ = sign_in(api, person.user, Cookie=fixed)
    assert new != fixed
    problem(api.client.get(SESSION, headers={"Cookie": fixed}), 401, "authentication")
    planted = f"{api.serving.cookies.name}=clew_session_planted"
    taken, _ = sign_in(api, person.user, Cookie=planted)
    assert taken != planted


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_another_sites_page_signs_nobody_in(api: Api, headers: dict[str, str]) -> None:
    person = api.person(api.organization())
    problem(api.client.post(SIGN_IN, json=credentials(person.user), headers=headers), 403, "cross_site")


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_form_of_another_site_can_send_is_not_read(api: Api, media: str) -> None:
    content = b'{"name": "a", "password": "b"}'
    problem(api.client.post(SIGN_IN, content=content, headers={"Content-Type": media}), 415, "unsupported_media")


def test_with_a_cookie_a_change_must_prove_where_it_comes_from(api: Api) -> None:
    person = api.person(api.organization())
    cookie, proof = sign_in(api, person.user)
    other = api.person(person.tenant)
    _, foreign = sign_in(api, other.user)
    own_page = {"Cookie": cookie, HEADER: proof, "Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    for headers in (
        {"Cookie": cookie},
        {"Cookie": cookie, HEADER: foreign},
        {"Cookie": cookie, HEADER: ""},
        own_page | {"Origin": "https://evil.example"},
        own_page | {"Origin": "null"},
        own_page | {"Sec-Fetch-Site": "same-site"},
    ):
        problem(api.client.patch("/api/v1/me", json={"full_name": "Eve"}, headers=headers), 403, "cross_site")
    assert api.client.patch("/api/v1/me", json={"full_name": "Ana"}, headers=own_page).status_code == 200


def test_a_cookie_that_comes_twice_is_nobodys(api: Api) -> None:
    person = api.person(api.organization())
    cookie, _ = sign_in(api, person.user)
    tossed = f"{cookie}; {api.serving.cookies.name}=clew_session_other"
    problem(api.client.get(SESSION, headers={"Cookie": tossed}), 400, "input")


def test_a_second_factor_is_asked_for_and_each_code_counts_once(api: Api) -> None:
    person = api.person(api.organization())
    secret = enrolled(api, person.tenant, person.user)
    told = problem(api.client.post(SIGN_IN, json=credentials(person.user)), 401, "second_factor")
    assert told["remedy"]
    code = pyotp.TOTP(secret).at(api.serving.clock() + timedelta(seconds=30))
    assert api.client.post(SIGN_IN, json=credentials(person.user, code=code)).status_code == 200
    api.client.cookies.clear()
    problem(api.client.post(SIGN_IN, json=credentials(person.user, code=code)), 401, "authentication")


def enrolled(api: Api, tenant: Tenant, user: User) -> str:
    with api.database.transaction(tenant.context) as connection:
        sealer = api.serving.door.sealer
        made = second_factor.begin_enrolment(connection, tenant.id, user.id, sealer)
        code = pyotp.TOTP(made.secret).at(api.serving.clock())
        second_factor.confirm_enrolment(connection, tenant.id, user.id, sealer, code)
    return made.secret


def test_tokens_are_handed_out_exchanged_once_and_end_with_their_session(api: Api) -> None:
    person = api.person(api.organization())
    first = api.client.post(TOKENS, json=credentials(person.user)).json()
    bearer = {"Authorization": f"Bearer {first['access_token']}"}
    assert api.client.get(SESSION, headers=bearer).json()["csrf_token"] is None
    second = api.client.post(f"{TOKENS}/refresh", json={"refresh_token": first["refresh_token"]}).json()
    replayed = api.client.post(f"{TOKENS}/refresh", json={"refresh_token": first["refresh_token"]})
    problem(replayed, 401, "token_reuse")
    for token in (first["access_token"], second["access_token"]):
        problem(api.client.get(SESSION, headers={"Authorization": f"Bearer {token}"}), 401, "authentication")
    problem(
        api.client.post(f"{TOKENS}/refresh", json={"refresh_token": second["refresh_token"]}), 401, "authentication"
    )


def test_too_many_failures_wait_and_say_how_long(api: Api) -> None:
    person = api.person(api.organization())
    free = api.serving.settings.sign_in_free_failures
    wrong = credentials(person.user, "wrong and long enough")
    for _ in range(free):
        problem(api.client.post(SIGN_IN, json=wrong), 401, "authentication")
    response = api.client.post(SIGN_IN, json=wrong)
    problem(response, 429, "limit")
    assert int(response.headers["retry-after"]) >= 1


def test_a_password_opens_by_tokens_what_it_opens_by_cookie_and_waits_are_counted_together(api: Api) -> None:
    person = api.person(api.organization())
    enrolled(api, person.tenant, person.user)
    for door in (SIGN_IN, TOKENS):
        problem(api.client.post(door, json=credentials(person.user)), 401, "second_factor")
        problem(api.client.post(door, json=credentials(person.user, code="000000x")), 401, "authentication")
    other = api.person(person.tenant).user
    wrong = credentials(other, "wrong and long enough")
    for number in range(api.serving.settings.sign_in_free_failures):
        problem(api.client.post((SIGN_IN, TOKENS)[number % 2], json=wrong), 401, "authentication")
    for door in (TOKENS, SIGN_IN):
        problem(api.client.post(door, json=credentials(other)), 429, "limit")


def test_the_keys_of_tokens_are_public_and_hold_nothing_private(api: Api) -> None:
    response = api.client.get("/.well-known/jwks.json")
    assert response.headers["cache-control"].startswith("public")
    keys = response.json()["keys"]
    assert keys
    assert all(key["kty"] == "OKP" and "d" not in key for key in keys)
