"""API keys over HTTP: shown once, within what their maker may do, and their use."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from clew.domains.identity.api_keys import KeyLimits, create_key
from clew.domains.identity.key_format import is_well_formed
from clew.domains.identity.usage_log import Usage, write_usage
from tests.support.api import Api, Person, problem
from tests.support.record import Tenant

KEYS = "/api/v1/api-keys"
BOUNDS = {"per_minute": 5, "per_hour": 50, "per_day": 500, "analyses_per_month": 7}


@pytest.fixture
def tenant(api: Api) -> Tenant:
    return api.organization()


@pytest.fixture
def person(api: Api, tenant: Tenant) -> Person:
    return api.person(tenant, "user")


def key_of(api: Api, person: Person, *scopes: str) -> dict[str, str]:
    with api.database.transaction(person.tenant.context) as connection:
        made = create_key(connection, person.tenant.id, person.user.id, scopes=scopes, limits=KeyLimits(0, 0, 0, 0))
    return {"X-API-Key": made.key}


def test_a_key_is_shown_once_and_works(api: Api, person: Person, capsys: pytest.CaptureFixture[str]) -> None:
    own = person.headers["token"]
    made = api.client.post(KEYS, json={"name": "nightly", "scopes": ["read"]}, headers=own)
    assert made.status_code == 201, made.text
    text = made.json()["key"]
    assert is_well_formed(text)
    assert (made.json()["user_id"], made.json()["rate_limit_per_minute"]) == (str(person.user.id), 10)
    assert api.client.get("/api/v1/organization", headers={"X-API-Key": text}).status_code == 200
    places = (made.headers["location"], KEYS, "/api/v1/session", "/api/v1/me")
    everything = [api.client.get(path, headers=own).text for path in places]
    secret = text.removeprefix(made.json()["prefix"])
    assert not any(secret in shown for shown in everything)
    assert secret not in "".join(capsys.readouterr())
    assert api.client.delete(made.headers["location"], headers=own).status_code == 204
    problem(api.client.get("/api/v1/organization", headers={"X-API-Key": text}), 401, "authentication")
    assert api.client.get(made.headers["location"], headers=own).json()["is_active"] is False


def test_its_making_cannot_be_repeated(api: Api, person: Person) -> None:
    response = api.client.post(KEYS, json={}, headers=person.headers["token"] | {"Idempotency-Key": "a"})
    assert "shown once" in problem(response, 400, "input")["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"key": "clew_live_mine"},
        {"key_hash": "x"},
        {"organization_id": str(uuid4())},
        {"is_active": True},
        {"analyses_used_this_month": -5},
        {"scopes": []},
        {"scopes": ["x" * 101]},
        {"limits": {"per_minute": -1}},
        {"expires_at": "2030-01-01T00:00:00"},
    ],
)
def test_nothing_is_set_that_is_not_offered(api: Api, person: Person, body: dict[str, Any]) -> None:
    problem(api.client.post(KEYS, json=body, headers=person.headers["token"]), 422, "validation")


def test_bad_scopes_and_times_are_refused(api: Api, person: Person) -> None:
    own = person.headers["token"]
    problem(api.client.post(KEYS, json={"scopes": ["everything"]}, headers=own), 400, "input")
    problem(api.client.post(KEYS, json={"scopes": ["audit:read"]}, headers=own), 400, "input")
    past = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    problem(api.client.post(KEYS, json={"expires_at": past}, headers=own), 400, "input")


def test_limits_and_keys_of_others_take_the_permission(api: Api, tenant: Tenant, person: Person) -> None:
    own, admin = person.headers["token"], api.person(tenant, "admin").headers["token"]
    problem(api.client.post(KEYS, json={"limits": BOUNDS}, headers=own), 403, "forbidden")
    other = api.person(tenant, "user")
    problem(api.client.post(KEYS, json={"user_id": str(other.user.id)}, headers=own), 403, "forbidden")
    problem(api.client.get(KEYS, params={"user_id": str(other.user.id)}, headers=own), 403, "forbidden")
    problem(api.client.get(KEYS, params={"everybody": True}, headers=own), 403, "forbidden")
    body = {"user_id": str(other.user.id), "limits": BOUNDS, "scopes": ["read"]}
    made = api.client.post(KEYS, json=body, headers=admin)
    assert made.status_code == 201, made.text
    assert made.json()["quota_analyses_per_month"] == 7
    path = made.headers["location"]
    problem(api.client.get(path, headers=own), 404, "not_found")
    problem(api.client.delete(path, headers=own), 404, "not_found")
    problem(api.client.get(f"{path}/usage", headers=own), 404, "not_found")
    problem(api.client.put(f"{path}/limits", json=BOUNDS, headers=own), 403, "forbidden")
    assert api.client.get(path, headers=other.headers["token"]).status_code == 200
    changed = api.client.put(f"{path}/limits", json=BOUNDS | {"per_minute": 9}, headers=admin)
    assert changed.json()["rate_limit_per_minute"] == 9
    everybody = api.client.get(KEYS, params={"everybody": True, "is_active": True}, headers=admin).json()["items"]
    assert {each["user_id"] for each in everybody} >= {str(other.user.id), str(person.user.id)}
    assert api.client.delete(path, headers=admin).status_code == 204


def test_a_key_makes_no_key_that_may_do_more(api: Api, tenant: Tenant) -> None:
    admin = api.person(tenant, "admin")
    narrow = key_of(api, admin, "key:write", "entity:read")
    for scopes in (["read"], ["admin"], ["entity:write"], ["key:write", "audit:export"]):
        problem(api.client.post(KEYS, json={"scopes": scopes}, headers=narrow), 403, "forbidden")
    assert api.client.post(KEYS, json={"scopes": ["entity:read"]}, headers=narrow).status_code == 201
    problem(api.client.get(KEYS, params={"everybody": True}, headers=narrow), 403, "forbidden")
    stranger = {"username": "x1", "email": "x@y.example"}
    problem(api.client.post("/api/v1/users", json=stranger, headers=narrow), 403, "forbidden")


def test_use_is_shown_by_the_page_to_its_owner_and_to_whoever_may(api: Api, tenant: Tenant, person: Person) -> None:
    own = person.headers["token"]
    key = api.client.post(KEYS, json={"scopes": ["read"]}, headers=own)
    noon = datetime.now(UTC).replace(microsecond=0)
    lines = [
        Usage(tenant.id, key.json()["id"], "/api/v1/search", "GET", noon - timedelta(minutes=number), 200, 5)
        for number in range(5)
    ]
    write_usage(api.database, lines)
    path = f"{key.headers['location']}/usage"
    page = api.client.get(path, params={"limit": 3}, headers=own).json()
    rest = api.client.get(path, params={"limit": 3, "cursor": page["next_cursor"]}, headers=own).json()
    stamps = [each["request_timestamp"] for each in page["items"] + rest["items"]]
    assert (len(stamps), stamps) == (5, sorted(stamps, reverse=True))
    since = (noon - timedelta(minutes=1)).isoformat()
    assert len(api.client.get(path, params={"since": since}, headers=own).json()["items"]) == 2
    problem(api.client.get("/api/v1/usage", headers=own), 403, "forbidden")
    admin = api.person(tenant, "admin").headers["token"]
    shown = api.client.get("/api/v1/usage", params={"api_key_id": key.json()["id"], "until": since}, headers=admin)
    assert len(shown.json()["items"]) == 3
    problem(api.client.get(path, params={"since": "2026-01-01T00:00:00"}, headers=own), 422, "validation")
