"""Users, roles, invitations and sessions of others over HTTP: who may, and that nobody raises themselves."""

from typing import Any
from uuid import uuid4

import pytest

from clew.domains.identity.roles import add_role, create_role
from clew.domains.identity.service import operator_of
from tests.support.api import Api, Person, problem
from tests.support.identity import some_name
from tests.support.record import Tenant

USERS, ROLES, INVITATIONS = "/api/v1/users", "/api/v1/roles", "/api/v1/invitations"
PASSWORD = "nine herons over the weir"


def new_user(**more: Any) -> dict[str, Any]:
    name = some_name()
    return {"username": name, "email": f"{name}@lantern.example"} | more


def manager(api: Api, tenant: Tenant, *codes: str) -> Person:
    """An analyst who may manage users and roles besides, and is no administrator."""
    person = api.person(tenant, "analyst")
    with api.database.transaction(tenant.context) as connection:
        name = create_role(connection, tenant.id, some_name(), permissions=["user:write", "role:write", *codes]).name
        add_role(connection, tenant.id, person.user.id, name)
    return Person(person.user, tenant, {"token": api.headers(tenant, person.user, "token")})  # the other one ended


@pytest.fixture
def tenant(api: Api) -> Tenant:
    return api.organization()


@pytest.fixture
def admin(api: Api, tenant: Tenant) -> dict[str, str]:
    return api.person(tenant, "admin").headers["key"]


def test_a_user_is_added_shown_changed_and_shut_out(api: Api, admin: dict[str, str]) -> None:
    body = new_user(full_name="Ann Keeper", role="analyst", password=PASSWORD)
    made = api.client.post(USERS, json=body, headers=admin)
    assert made.status_code == 201, made.text
    assert PASSWORD not in made.text
    assert "$argon2" not in made.text
    assert made.json()["link"] is None
    path = made.headers["location"]
    shown = api.client.get(path, headers=admin)
    assert (shown.json()["role"], shown.json()["custom_roles"]) == ("analyst", [])
    assert "entity:write" in shown.json()["permissions"]
    tag = shown.headers["etag"]
    changed = api.client.patch(path, json={"full_name": None}, headers=admin | {"If-Match": tag})
    assert changed.json()["full_name"] is None
    problem(api.client.patch(path, json={"full_name": "X"}, headers=admin | {"If-Match": tag}), 412, "precondition")
    signed_in = api.client.post("/api/v1/tokens", json={"name": body["username"], "password": PASSWORD})
    assert signed_in.status_code == 200, signed_in.text
    own = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
    assert api.client.get("/api/v1/organization", headers=own).status_code == 200
    assert api.client.post(f"{path}/deactivate", headers=admin).json()["is_active"] is False
    problem(api.client.get("/api/v1/organization", headers=own), 401, "authentication")
    assert api.client.post(f"{path}/activate", headers=admin).json()["is_active"] is True


def test_without_a_password_there_is_a_link_once(api: Api, admin: dict[str, str]) -> None:
    made = api.client.post(USERS, json=new_user(), headers=admin)
    link = made.json()["link"]
    assert "#clew_link_" in link
    assert "clew_link_" not in api.client.get(made.headers["location"], headers=admin).text
    taken = api.client.post(
        "/api/v1/password-resets/confirm", json={"token": link.partition("#")[2], "password": PASSWORD}
    )
    assert taken.status_code == 204, taken.text
    again = api.client.post(f"{made.headers['location']}/reset-link", headers=admin)
    assert again.status_code == 201
    assert again.json()["link"] != link


def test_users_are_listed_by_the_page_in_any_order(api: Api, tenant: Tenant, admin: dict[str, str]) -> None:
    for _ in range(5):
        api.person(tenant, "readonly")
    for sort in ("username", "-username", "email", "-created_at"):
        seen, cursor, pages = [], None, 0
        while pages == 0 or cursor:
            asked = {"sort": sort, "limit": "3"} | ({"cursor": cursor} if cursor else {})
            page = api.client.get(USERS, params=asked, headers=admin).json()
            seen += page["items"]
            cursor, pages = page["next_cursor"], pages + 1
        values = [each[sort.removeprefix("-")] for each in seen]
        assert values == sorted(values, reverse=sort.startswith("-"))
        assert len({each["id"] for each in seen}) == len(seen) == 7
    found = api.client.get(USERS, params={"role": "readonly"}, headers=admin).json()["items"]
    assert len(found) == 5
    one = found[0]["username"]
    page = api.client.get(USERS, params={"beginning": one}, headers=admin).json()
    assert [each["username"] for each in page["items"]] == [one]
    problem(api.client.get(USERS, params={"sort": "password_hash"}, headers=admin), 422, "validation")
    problem(api.client.get(USERS, params={"cursor": "x"}, headers=admin), 400, "input")


@pytest.mark.parametrize(
    "extra",
    [
        {"id": str(uuid4())},
        {"organization_id": str(uuid4())},
        {"is_verified": True},
        {"password_hash": "x"},
        {"mfa_enabled": True},
        {"permissions": ["audit:read"]},
    ],
)
def test_nothing_is_set_that_is_not_offered(api: Api, admin: dict[str, str], extra: dict[str, Any]) -> None:
    problem(api.client.post(USERS, json=new_user() | extra, headers=admin), 422, "validation")
    path = api.client.post(USERS, json=new_user(), headers=admin).headers["location"]
    problem(api.client.patch(path, json=extra, headers=admin), 422, "validation")
    problem(api.client.patch(path, json={"role": "admin"}, headers=admin), 422, "validation")
    problem(api.client.patch(path, json={"email": None}, headers=admin), 422, "validation")


def test_nobody_gives_what_they_do_not_have(api: Api, tenant: Tenant) -> None:
    person = manager(api, tenant)
    own, me = person.headers["token"], person.user.id
    problem(api.client.post(USERS, json=new_user(role="admin"), headers=own), 403, "forbidden")
    problem(api.client.post(INVITATIONS, json={"email": "x@y.example", "role": "admin"}, headers=own), 403, "forbidden")
    wanted = {"name": some_name(), "permissions": ["audit:read"]}
    problem(api.client.post(ROLES, json=wanted, headers=own), 403, "forbidden")
    role = api.client.post(ROLES, json=wanted | {"permissions": ["entity:read"]}, headers=own)
    assert role.status_code == 201, role.text
    problem(api.client.patch(role.headers["location"], json={"add": ["audit:read"]}, headers=own), 403, "forbidden")
    with api.database.transaction(tenant.context) as connection:
        strong = create_role(connection, tenant.id, some_name(), permissions=["audit:export"])
    other = api.person(tenant, "user").user.id
    problem(api.client.put(f"{USERS}/{other}/custom-roles/{strong.id}", headers=own), 403, "forbidden")
    problem(api.client.put(f"{USERS}/{other}/role", json={"role": "admin"}, headers=own), 403, "forbidden")
    problem(api.client.put(f"{USERS}/{me}/role", json={"role": "admin"}, headers=own), 409, "conflict")
    problem(api.client.put(f"{USERS}/{me}/custom-roles/{role.json()['id']}", headers=own), 409, "conflict")
    given = api.client.put(f"{USERS}/{other}/custom-roles/{role.json()['id']}", headers=own)
    assert given.json()["custom_roles"] == [wanted["name"]]
    taken = api.client.delete(f"{USERS}/{other}/custom-roles/{role.json()['id']}", headers=own)
    assert taken.json()["custom_roles"] == []
    assert api.client.put(f"{USERS}/{other}/role", json={"role": "analyst"}, headers=own).status_code == 200


def test_whoever_may_do_more_is_out_of_reach(api: Api, tenant: Tenant) -> None:
    own, boss = manager(api, tenant).headers["token"], api.person(tenant, "admin").user.id
    for method, path, body in (
        ("PATCH", "", {"email": "mine@lantern.example"}),
        ("POST", "/reset-link", None),
        ("POST", "/deactivate", None),
        ("PUT", "/role", {"role": "readonly"}),
    ):
        response = api.client.request(method, f"{USERS}/{boss}{path}", json=body, headers=own)
        problem(response, 403, "forbidden")
    with api.database.transaction(tenant.context) as connection:
        operator = operator_of(connection, tenant.id)
    admin = api.person(tenant, "admin")
    problem(api.client.post(f"{USERS}/{operator}/reset-link", headers=admin.headers["key"]), 409, "conflict")
    problem(api.client.post(f"{USERS}/{admin.user.id}/deactivate", headers=admin.headers["key"]), 409, "conflict")


def test_a_role_is_made_shown_changed_and_deleted(api: Api, admin: dict[str, str]) -> None:
    body = {"name": some_name(), "description": "Tags", "permissions": ["entity:write"]}
    made = api.client.post(ROLES, json=body, headers=admin | {"Idempotency-Key": "one"})
    again = api.client.post(ROLES, json=body, headers=admin | {"Idempotency-Key": "one"})
    assert (again.status_code, again.json()) == (201, made.json())
    path = made.headers["location"]
    changed = api.client.patch(path, json={"add": ["report:write"], "remove": ["entity:write"]}, headers=admin)
    assert changed.json()["permissions"] == ["report:write"]
    names = [each["name"] for each in api.client.get(ROLES, headers=admin).json()["items"]]
    assert names[:4] == ["admin", "analyst", "readonly", "user"]
    assert body["name"] in names
    problem(api.client.patch(path, json={"add": ["entity:fly"]}, headers=admin), 403, "forbidden")
    built_in = next(each for each in api.client.get(ROLES, headers=admin).json()["items"] if each["is_builtin"])
    problem(api.client.delete(f"{ROLES}/{built_in['id']}", headers=admin), 409, "conflict")
    assert api.client.delete(path, headers=admin).status_code == 204
    problem(api.client.get(path, headers=admin), 404, "not_found")


def test_an_invitation_is_made_accepted_and_taken_back(api: Api, admin: dict[str, str]) -> None:
    name = some_name()
    made = api.client.post(INVITATIONS, json={"email": f"{name}@y.example", "role": "analyst"}, headers=admin)
    assert made.status_code == 201, made.text
    token = made.json()["link"].partition("#")[2]
    joined = api.client.post(f"{INVITATIONS}/accept", json={"token": token, "username": name, "password": PASSWORD})
    assert joined.status_code == 201, joined.text
    assert joined.json()["role"] == "analyst"
    other = api.client.post(INVITATIONS, json={"email": "z@y.example"}, headers=admin).json()
    page = api.client.get(INVITATIONS, params={"limit": 1}, headers=admin).json()
    assert [each["id"] for each in page["items"]] == [other["id"]]
    rest = api.client.get(INVITATIONS, params={"cursor": page["next_cursor"]}, headers=admin).json()["items"]
    assert [(each["id"], each["accepted_by"]) for each in rest] == [(made.json()["id"], joined.json()["id"])]
    assert "clew_link" not in str(rest)
    path = f"{INVITATIONS}/{other['id']}"
    assert api.client.delete(path, headers=admin).status_code == 204
    problem(api.client.delete(path, headers=admin), 404, "not_found")


def test_sessions_of_others_are_listed_and_ended(api: Api, tenant: Tenant, admin: dict[str, str]) -> None:
    person = api.person(tenant)
    path = f"{USERS}/{person.user.id}/sessions"
    found = api.client.get(path, headers=admin).json()["items"]
    assert len(found) == 2
    assert "token" not in str(found)
    assert api.client.delete(f"{path}/{found[0]['id']}", headers=admin).status_code == 204
    assert len(api.client.get(path, headers=admin).json()["items"]) == 1
    assert api.client.delete(path, headers=admin).status_code == 204
    for way in ("token", "session"):
        problem(api.client.get("/api/v1/organization", headers=person.headers[way]), 401, "authentication")
    assert api.client.get("/api/v1/organization", headers=person.headers["key"]).status_code == 200


READS = {
    USERS: {"admin", "analyst"},
    ROLES: {"admin", "analyst"},
    INVITATIONS: {"admin", "analyst"},
    "/api/v1/api-keys": {"admin", "analyst", "user"},
    "/api/v1/api-keys?everybody=true": {"admin"},
    "/api/v1/configuration": {"admin"},
    "/api/v1/audit/events": {"admin"},
    "/api/v1/audit/state": {"admin"},
    "/api/v1/audit/export": {"admin"},
    "/api/v1/usage": {"admin"},
}


@pytest.mark.parametrize("role", ["admin", "analyst", "user", "readonly"])
def test_each_role_sees_what_it_may(api: Api, tenant: Tenant, role: str) -> None:
    person = api.person(tenant, role)
    for path, allowed in READS.items():
        response = api.client.get(path, headers=person.headers["key"])
        if role in allowed:
            assert response.status_code == 200, (path, response.text)
        else:
            problem(response, 403, "forbidden")
        problem(api.client.get(path), 401, "authentication")
    for path, body in ((USERS, new_user()), (ROLES, {"name": some_name()}), (INVITATIONS, {"email": "a@b.example"})):
        response = api.client.post(path, json=body, headers=person.headers["key"])
        assert response.status_code == (201 if role == "admin" else 403)


def test_other_organizations_are_not_found(api: Api, admin: dict[str, str]) -> None:
    other = api.organization()
    theirs = api.person(other, "user")
    their_admin = api.person(other, "admin").headers["key"]
    role = api.client.post(ROLES, json={"name": some_name()}, headers=their_admin).json()["id"]
    invitation = api.client.post(INVITATIONS, json={"email": "a@b.example"}, headers=their_admin).json()["id"]
    key = api.client.get("/api/v1/api-keys", headers=theirs.headers["key"]).json()["items"][0]["id"]
    user, keys = f"{USERS}/{theirs.user.id}", "/api/v1/api-keys"
    session = api.client.get(f"{user}/sessions", headers=their_admin).json()["items"][0]["id"]
    bounds = {"per_minute": 1, "per_hour": 1, "per_day": 1, "analyses_per_month": 1}
    for method, path, body in (
        ("GET", user, None),
        ("PATCH", user, {"full_name": "X"}),
        ("POST", f"{user}/deactivate", None),
        ("POST", f"{user}/activate", None),
        ("POST", f"{user}/reset-link", None),
        ("PUT", f"{user}/role", {"role": "user"}),
        ("PUT", f"{user}/custom-roles/{role}", None),
        ("GET", f"{user}/sessions", None),
        ("DELETE", f"{user}/sessions", None),
        ("DELETE", f"{user}/sessions/{session}", None),
        ("GET", f"{ROLES}/{role}", None),
        ("PATCH", f"{ROLES}/{role}", {"add": ["entity:read"]}),
        ("DELETE", f"{ROLES}/{role}", None),
        ("DELETE", f"{INVITATIONS}/{invitation}", None),
        ("GET", f"{keys}/{key}", None),
        ("PUT", f"{keys}/{key}/limits", bounds),
        ("DELETE", f"{keys}/{key}", None),
        ("GET", f"{keys}/{key}/usage", None),
        ("POST", keys, {"user_id": str(theirs.user.id)}),
    ):
        problem(api.client.request(method, path, json=body, headers=admin), 404, "not_found")
    assert api.client.get(user, headers=their_admin).json()["is_active"] is True
    usage = api.client.get("/api/v1/usage", params={"api_key_id": key}, headers=admin).json()
    assert usage == {"items": [], "next_cursor": None}
