"""What people change about their own accounts."""

import pyotp
import pytest

from clew.api.cross_site import HEADER
from clew.domains.identity.invitations import invite
from clew.domains.identity.one_time_tokens import Link
from tests.support.api import Api, Person, Way, problem
from tests.support.embedded import wait_until
from tests.support.identity import PASSWORD

ME = "/api/v1/me"
NEW_PASSWORD = "nine lighthouses off the cape"


@pytest.fixture
def links(api: Api, monkeypatch: pytest.MonkeyPatch) -> list[Link]:
    """Links that would have been delivered."""
    delivered: list[Link] = []
    object.__setattr__(api.serving, "deliver", delivered.append)
    return delivered


def sign_in(api: Api, person: Person, password: str) -> int:
    status = api.client.post("/api/v1/sign-in", json={"name": person.user.username, "password": password}).status_code
    api.client.cookies.clear()
    return int(status)


def test_a_profile_is_changed_only_by_who_saw_its_present_state(api: Api) -> None:
    person = api.person(api.organization())
    headers = person.headers["token"]
    seen = api.client.get(ME, headers=headers).headers["etag"]
    changed = api.client.patch(ME, json={"full_name": "Ana Ng"}, headers=headers | {"If-Match": seen})
    assert changed.json()["full_name"] == "Ana Ng"
    late = api.client.patch(ME, json={"full_name": "Bo"}, headers=headers | {"If-Match": seen})
    problem(late, 412, "precondition")
    assert api.client.get(ME, headers=headers).json()["full_name"] == "Ana Ng"


@pytest.mark.parametrize("field", ["role", "is_active", "is_verified", "organization_id", "id", "password_hash"])
def test_nobody_gives_themselves_what_is_not_theirs_to_set(api: Api, field: str) -> None:
    person = api.person(api.organization(), "readonly")
    told = problem(api.client.patch(ME, json={field: "admin"}, headers=person.headers["token"]), 422, "validation")
    assert told["errors"][0]["place"] == f"body.{field}"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", ME, {"full_name": "Eve"}),
        ("PUT", f"{ME}/password", {"present": PASSWORD, "new": NEW_PASSWORD}),
        ("POST", f"{ME}/second-factor", {"password": PASSWORD}),
        ("GET", f"{ME}/sessions", None),
        ("POST", f"{ME}/sessions/end-others", {"password": PASSWORD}),
        ("DELETE", "/api/v1/session", None),
    ],
)
def test_an_api_key_does_nothing_to_its_owner(api: Api, method: str, path: str, body: dict[str, str] | None) -> None:
    person = api.person(api.organization(), "admin")
    problem(api.client.request(method, path, json=body, headers=person.headers["key"]), 403, "forbidden")


def test_another_address_takes_the_password_and_a_link(api: Api, links: list[Link]) -> None:
    person = api.person(api.organization())
    headers = person.headers["token"]
    address = f"new-{person.user.username}@harbour.example"
    problem(api.client.patch(ME, json={"email": address}, headers=headers), 400, "input")
    wrong = {"email": address, "password": "wrong and long enough"}
    problem(api.client.patch(ME, json=wrong, headers=headers), 401, "authentication")
    changed = api.client.patch(ME, json={"email": address, "password": PASSWORD}, headers=headers).json()
    assert (changed["email"], changed["is_verified"]) == (address, False)
    wait_until(lambda: links, "the link")
    confirm = {"token": links[0].token}
    assert api.client.post("/api/v1/email-verifications/confirm", json=confirm).status_code == 204
    assert api.client.get(ME, headers=headers).json()["is_verified"]
    problem(api.client.post("/api/v1/email-verifications/confirm", json=confirm), 401, "authentication")


@pytest.mark.parametrize("way", ["session", "token"])
def test_a_changed_password_ends_every_other_session_and_renews_this_one(api: Api, way: Way) -> None:
    person = api.person(api.organization())
    other = api.headers(person.tenant, person.user, "token")
    body = {"present": PASSWORD, "new": NEW_PASSWORD}
    response = api.client.put(f"{ME}/password", json=body, headers=person.headers[way])
    assert response.status_code == 200, response.text
    api.client.cookies.clear()
    for old in (other, person.headers[way]):
        problem(api.client.get("/api/v1/session", headers=old), 401, "authentication")
    if way == "session":
        cookie = response.headers["set-cookie"].partition(";")[0]
        new = {"Cookie": cookie, HEADER: response.json()["csrf_token"]}
    else:
        new = {"Authorization": f"Bearer {response.json()['tokens']['access_token']}"}
    assert api.client.get("/api/v1/session", headers=new).status_code == 200
    assert (sign_in(api, person, PASSWORD), sign_in(api, person, NEW_PASSWORD)) == (401, 200)


def test_a_password_that_everybody_could_guess_is_refused(api: Api) -> None:
    person = api.person(api.organization())
    body = {"present": PASSWORD, "new": "short"}
    problem(api.client.put(f"{ME}/password", json=body, headers=person.headers["token"]), 400, "input")


def test_a_second_factor_from_beginning_to_end(api: Api) -> None:
    person = api.person(api.organization())
    headers = person.headers["token"]
    other = api.headers(person.tenant, person.user, "token")
    secret = api.client.post(f"{ME}/second-factor", json={"password": PASSWORD}, headers=headers).json()["secret"]
    problem(api.client.post(f"{ME}/second-factor/confirm", json={"code": "000000x"}, headers=headers), 400, "input")
    code = pyotp.TOTP(secret).at(api.serving.clock())
    confirmed = api.client.post(f"{ME}/second-factor/confirm", json={"code": code}, headers=headers).json()
    codes = confirmed["recovery_codes"]
    headers = {"Authorization": f"Bearer {confirmed['tokens']['access_token']}"}
    assert len(codes) == 10
    problem(api.client.get("/api/v1/session", headers=other), 401, "authentication")
    state = api.client.get(f"{ME}/second-factor", headers=headers).json()
    assert state == {"enabled": True, "recovery_codes_left": 10}
    made = api.client.post(f"{ME}/recovery-codes", json={"password": PASSWORD}, headers=headers).json()[
        "recovery_codes"
    ]
    assert set(made).isdisjoint(codes)
    gone = {"password": PASSWORD, "code": codes[0]}
    problem(api.client.post(f"{ME}/second-factor/remove", json=gone, headers=headers), 401, "authentication")
    removed = api.client.post(f"{ME}/second-factor/remove", json=gone | {"code": made[0]}, headers=headers)
    assert removed.status_code == 204
    assert not api.client.get(f"{ME}/second-factor", headers=headers).json()["enabled"]


def test_sessions_are_listed_and_ended_by_their_owner_only(api: Api) -> None:
    person, stranger = api.person(api.organization()), api.person(api.organization())
    headers = person.headers["token"]
    listed = api.client.get(f"{ME}/sessions", headers=headers).json()["items"]
    assert [each["current"] for each in listed].count(True) == 1
    other = next(each["id"] for each in listed if not each["current"])
    end, proof = f"{ME}/sessions/{other}/end", {"password": PASSWORD}
    problem(api.client.post(end, json=proof, headers=stranger.headers["token"]), 404, "not_found")
    problem(api.client.post(end, headers=headers), 422, "validation")
    guessed = api.client.post(end, json={"password": "wrong and long enough"}, headers=headers)
    problem(guessed, 401, "authentication")
    assert other in {each["id"] for each in api.client.get(f"{ME}/sessions", headers=headers).json()["items"]}
    assert api.client.post(end, json=proof, headers=headers).status_code == 204
    assert other not in {each["id"] for each in api.client.get(f"{ME}/sessions", headers=headers).json()["items"]}
    problem(api.client.post(end, json=proof, headers=headers), 404, "not_found")
    api.headers(person.tenant, person.user, "session")
    others = f"{ME}/sessions/end-others"
    wrong = api.client.post(others, json={"password": "wrong and long enough"}, headers=headers)
    problem(wrong, 401, "authentication")
    assert len(api.client.get(f"{ME}/sessions", headers=headers).json()["items"]) > 1
    assert api.client.post(others, json={"password": PASSWORD}, headers=headers).status_code == 204
    assert [each["current"] for each in api.client.get(f"{ME}/sessions", headers=headers).json()["items"]] == [True]


def test_settings_are_each_persons_own(api: Api) -> None:
    tenant = api.organization()
    person, colleague = api.person(tenant), api.person(tenant)
    headers = person.headers["session"]
    assert api.client.put(f"{ME}/settings/theme", json={"value": {"dark": [1]}}, headers=headers).status_code == 204
    assert api.client.get(f"{ME}/settings", headers=headers).json() == {"settings": {"theme": {"dark": [1]}}}
    assert api.client.get(f"{ME}/settings", headers=colleague.headers["key"]).json() == {"settings": {}}
    problem(api.client.put(f"{ME}/settings/No Key", json={"value": 1}, headers=headers), 400, "input")
    assert api.client.delete(f"{ME}/settings/theme", headers=headers).status_code == 204
    problem(api.client.delete(f"{ME}/settings/theme", headers=headers), 404, "not_found")


def test_a_forgotten_password_is_chosen_anew_by_a_link(api: Api, links: list[Link]) -> None:
    person = api.person(api.organization())
    known = api.client.post("/api/v1/password-resets", json={"email": person.user.email})
    unknown = api.client.post("/api/v1/password-resets", json={"email": "nobody@harbour.example"})
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content) == (202, b"")
    wait_until(lambda: links, "the link")
    token = links[0].token
    confirm = "/api/v1/password-resets/confirm"
    problem(api.client.post(confirm, json={"token": token, "password": "short"}), 400, "input")
    assert api.client.post(confirm, json={"token": token, "password": NEW_PASSWORD}).status_code == 204
    problem(api.client.post(confirm, json={"token": token, "password": NEW_PASSWORD}), 401, "authentication")
    problem(api.client.get("/api/v1/session", headers=person.headers["token"]), 401, "authentication")
    assert sign_in(api, person, NEW_PASSWORD) == 200
    assert [link.email for link in links] == [person.user.email]


def test_an_invitation_becomes_an_account_of_the_role_that_was_offered(api: Api) -> None:
    tenant = api.organization()
    with api.database.transaction(tenant.context) as connection:
        _, link = invite(connection, tenant.id, f"{tenant.slug}@harbour.example", role="readonly")
    body = {"token": link.token, "username": f"new-{tenant.slug}", "password": NEW_PASSWORD}
    problem(api.client.post("/api/v1/invitations/accept", json=body | {"role": "admin"}), 422, "validation")
    made = api.client.post("/api/v1/invitations/accept", json=body)
    assert made.status_code == 201, made.text
    assert (made.json()["role"], made.json()["organization_id"]) == ("readonly", str(tenant.id))
    problem(api.client.post("/api/v1/invitations/accept", json=body), 401, "authentication")


def test_no_password_stands_in_a_problem(api: Api) -> None:
    secret = "not-to-be-told-" * 80
    response = api.client.post("/api/v1/sign-in", json={"name": "a", "password": secret})
    problem(response, 422, "validation")
    assert "not-to-be-told" not in response.text
