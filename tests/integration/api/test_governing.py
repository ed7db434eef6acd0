"""Organization, configuration and audit trail over HTTP."""

import time
from pathlib import Path
from uuid import uuid4

import orjson
import pytest

from clew.domains.audit.export import verify_export
from clew.domains.audit.service import seal_now
from tests.support.api import Api, problem
from tests.support.embedded import wait_until
from tests.support.record import Tenant

ORGANIZATION, CONFIGURATION, AUDIT = "/api/v1/organization", "/api/v1/configuration", "/api/v1/audit"


@pytest.fixture
def tenant(api: Api) -> Tenant:
    return api.organization()


@pytest.fixture
def admin(api: Api, tenant: Tenant) -> dict[str, str]:
    return api.person(tenant, "admin").headers["key"]


def test_an_organization_is_renamed_and_nothing_else(api: Api, tenant: Tenant, admin: dict[str, str]) -> None:
    other = api.organization()
    shown = api.client.get(ORGANIZATION, headers=admin)
    tag = shown.headers["etag"]
    changed = api.client.patch(ORGANIZATION, json={"name": " Harbour  Office "}, headers=admin | {"If-Match": tag})
    assert (changed.status_code, changed.json()["name"]) == (200, "Harbour Office")
    problem(api.client.patch(ORGANIZATION, json={"name": "X"}, headers=admin | {"If-Match": tag}), 412, "precondition")
    others: list[dict[str, object]] = [{"slug": "x"}, {"is_active": False}, {"id": str(uuid4())}, {"settings": {}}]
    for extra in others:
        problem(api.client.patch(ORGANIZATION, json=extra, headers=admin), 422, "validation")
    analyst = api.person(tenant, "analyst").headers["key"]
    problem(api.client.patch(ORGANIZATION, json={"name": "X"}, headers=analyst), 403, "forbidden")
    theirs = api.client.get(ORGANIZATION, headers=api.person(other, "admin").headers["key"]).json()
    assert theirs["name"] == "Test organization"
    found = api.client.get(f"{AUDIT}/events", params={"event_type": "organization_renamed"}, headers=admin).json()
    assert [each["request_data"]["before"] for each in found["items"]] == ["Test organization"]


def test_values_are_configured_shown_and_forgotten(api: Api, admin: dict[str, str]) -> None:
    path = f"{CONFIGURATION}/retention.days"
    made = api.client.put(path, json={"value": 30}, headers=admin)
    assert (made.status_code, made.json()) == (200, {"key": "retention.days", "value": 30})
    tag = api.client.get(path, headers=admin).headers["etag"]
    assert made.headers["etag"] == tag
    assert api.client.put(path, json={"value": {"a": [1]}}, headers=admin | {"If-Match": tag}).status_code == 200
    problem(api.client.put(path, json={"value": 1}, headers=admin | {"If-Match": tag}), 412, "precondition")
    items = api.client.get(CONFIGURATION, headers=admin).json()["items"]
    assert items == [{"key": "retention.days", "value": {"a": [1]}}]
    assert api.client.delete(path, headers=admin).status_code == 204
    problem(api.client.get(path, headers=admin), 404, "not_found")
    problem(api.client.delete(path, headers=admin), 404, "not_found")
    problem(api.client.put(f"{CONFIGURATION}/Retention", json={"value": 1}, headers=admin), 422, "validation")
    problem(api.client.put(path, json={"value": 1, "key": "other"}, headers=admin), 422, "validation")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("feeds.url", "http://169.254.169.254/latest/meta-data"),
        ("alerts.webhook", "http://localhost:5432"),
        ("feeds", {"name": "x", "base_url": "http://10.0.0.1"}),
        ("feeds", [{"urls": ["https://feeds.example.org", "http://[::1]/"]}]),
        ("misp.endpoint", "file:///etc/passwd"),
    ],
)
def test_no_address_leads_inside(api: Api, admin: dict[str, str], key: str, value: object) -> None:
    problem(api.client.put(f"{CONFIGURATION}/{key}", json={"value": value}, headers=admin), 400, "input")
    assert api.client.get(CONFIGURATION, headers=admin).json()["items"] == []


def test_patterns_do_not_run_away(api: Api, admin: dict[str, str]) -> None:
    hostile = "a" * 50_000 + "!"
    began = time.perf_counter()
    problem(api.client.put(f"{CONFIGURATION}/{'a.' * 2000}!", json={"value": 1}, headers=admin), 422, "validation")
    name = {"username": hostile[:64], "email": "a" * 200 + "@" + "a." * 40 + "!"}
    problem(api.client.post("/api/v1/users", json=name, headers=admin), 400, "input")
    problem(api.client.post("/api/v1/users", json=name | {"email": hostile}, headers=admin), 422, "validation")
    text = "(a+)+$" * 50
    assert api.client.get(f"{AUDIT}/events", params={"text": text}, headers=admin).json()["items"] == []
    secret_like = "_".join(["secre"] * 9000)
    assert api.client.put(f"{CONFIGURATION}/x", json={"value": {secret_like: 1}}, headers=admin).status_code == 200
    assert time.perf_counter() - began < 5


def test_the_trail_is_searched_and_tells_of_the_search(api: Api, tenant: Tenant, admin: dict[str, str]) -> None:
    made = api.client.post(
        "/api/v1/roles", json={"name": "Tagger"}, headers=admin | {"X-Request-ID": "made-it", "User-Agent": "clerk/2"}
    )
    found = api.client.get(f"{AUDIT}/events", params={"event_type": "role_created"}, headers=admin).json()["items"]
    assert [(each["resource_id"], each["user_agent"]) for each in found] == [(made.json()["id"], "clerk/2")]
    assert found[0]["request_data"]["request_id"] == "made-it"
    assert found[0]["request_data"]["api_key_id"]
    first = api.client.get(f"{AUDIT}/events", params={"limit": 1}, headers=admin).json()
    second = api.client.get(
        f"{AUDIT}/events", params={"limit": 1, "cursor": first["next_cursor"]}, headers=admin
    ).json()
    assert first["items"][0]["id"] > second["items"][0]["id"]

    def told() -> bool:
        asked = {"event_type": "audit_search"}
        return bool(api.client.get(f"{AUDIT}/events", params=asked, headers=admin).json()["items"])

    wait_until(told, "the search to be told")
    stranger = api.person(api.organization(), "admin").headers["key"]
    theirs = api.client.get(f"{AUDIT}/events", params={"text": "Tagger"}, headers=stranger).json()["items"]
    assert not [each for each in theirs if each["event_type"] == "role_created"]
    problem(api.client.get(f"{AUDIT}/events", params={"action": "STEAL"}, headers=admin), 400, "input")
    problem(api.client.get(f"{AUDIT}/events", params={"cursor": "%%%"}, headers=admin), 400, "input")


def test_the_trail_is_proved_and_exported_for_ones_own_organization(
    api: Api, tenant: Tenant, admin: dict[str, str], tmp_path: Path
) -> None:
    api.client.put(f"{CONFIGURATION}/x", json={"value": 1}, headers=admin)
    seal_now(api.database)
    state = api.client.get(f"{AUDIT}/state", headers=admin).json()
    assert state["rows"] > 3
    proved = api.client.post(f"{AUDIT}/verify", headers=admin).json()
    assert (proved["ok"], proved["rows"], proved["first_bad"]) == (True, state["rows"], None)
    response = api.client.get(f"{AUDIT}/export", headers=admin)
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.headers["content-disposition"].startswith("attachment")
    file = tmp_path / "trail.ndjson"
    file.write_bytes(response.content)
    checked = verify_export(file, state["public_key"])
    assert checked.ok
    assert checked.rows >= state["rows"]
    rows = [orjson.loads(line) for line in response.content.splitlines()]
    payloads = [orjson.loads(row["payload"]) for row in rows if "payload" in row]
    assert {payload["organization_id"] for payload in payloads} == {str(tenant.id)}
    analyst = api.person(tenant, "analyst").headers["key"]
    for method, path in (("GET", "state"), ("POST", "verify"), ("GET", "export"), ("GET", "events")):
        problem(api.client.request(method, f"{AUDIT}/{path}", headers=analyst), 403, "forbidden")
