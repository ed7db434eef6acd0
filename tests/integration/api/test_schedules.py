"""Schedules over the API: each kind takes what doing it once takes, and a change only what the caller saw."""

import pytest

from clew.domains.identity.permissions import BUILT_IN
from tests.support.api import Api, problem
from tests.support.identity import new_user
from tests.support.record import Tenant

ANALYSIS = {"name": "nightly", "kind": "analyze", "every_seconds": 86_400}
VERIFICATION = {"name": "weekly", "kind": "projection_verify", "every_seconds": 604_800}
PLACE = "/api/v1/schedules"


def test_one_is_made_shown_changed_and_removed(api: Api, tenant: Tenant) -> None:
    headers = api.headers(tenant, new_user(api.database, tenant, role="analyst"), "key")
    once = headers | {"Idempotency-Key": "one"}
    made = api.client.post(PLACE, json=ANALYSIS | {"parameters": {"depth": "deep"}}, headers=once)
    assert made.status_code == 201, made.text
    schedule = made.json()
    assert (schedule["queue"], schedule["parameters"], schedule["is_active"]) == ("analysis", {"depth": "deep"}, True)
    again = api.client.post(PLACE, json=ANALYSIS | {"parameters": {"depth": "deep"}}, headers=once)
    assert again.json()["id"] == schedule["id"]
    assert api.client.get(PLACE, headers=headers).json()["items"] == [schedule]

    place = made.headers["location"]
    seen = api.client.get(place, headers=headers)
    assert seen.json() == schedule
    match = headers | {"If-Match": seen.headers["etag"]}
    assert api.client.patch(place, json={"is_active": False}, headers=match).json()["is_active"] is False
    problem(api.client.patch(place, json={"is_active": True}, headers=match), 412, "precondition")
    problem(api.client.delete(place, headers=match), 412, "precondition")
    assert api.client.get(place, headers=headers).json()["every_seconds"] == 86_400
    assert api.client.delete(place, headers=headers).status_code == 204
    problem(api.client.get(place, headers=headers), 404, "not_found")


def test_each_kind_takes_the_permission_of_doing_it_once(api: Api, tenant: Tenant) -> None:
    assert "projection:write" not in BUILT_IN["analyst"]
    analyst = api.headers(tenant, new_user(api.database, tenant, role="analyst"), "key")
    refused = problem(api.client.post(PLACE, json=VERIFICATION, headers=analyst), 403, "forbidden")
    assert "projection:write" in str(refused)
    admin = api.headers(tenant, new_user(api.database, tenant, role="admin"), "key")
    made = api.client.post(PLACE, json=VERIFICATION, headers=admin)
    assert made.json()["parameters"] == {"projection": "search", "repair": False}
    assert len(api.client.get(PLACE, headers=analyst).json()["items"]) == 1


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"every_seconds": 59}, 422),
        ({"every_seconds": 10**9}, 422),
        ({"kind": "ingest"}, 422),
        ({"priority": 11}, 422),
        ({"parameters": {"depth": "abyss"}}, 422),
        ({"parameters": {"shell": "id"}}, 422),
        ({"name": ""}, 422),
        ({"name": "a\0b"}, 422),
    ],
)
def test_what_is_no_schedule_is_refused(api: Api, tenant: Tenant, changed: dict[str, object], status: int) -> None:
    headers = api.headers(tenant, new_user(api.database, tenant, role="admin"), "key")
    answer = api.client.post(PLACE, json=ANALYSIS | changed, headers=headers)
    assert answer.status_code == status, answer.text
    assert api.client.get(PLACE, headers=headers).json()["items"] == []


def test_a_name_that_is_taken_and_a_view_that_is_not(api: Api, tenant: Tenant) -> None:
    headers = api.headers(tenant, new_user(api.database, tenant, role="admin"), "key")
    assert api.client.post(PLACE, json=ANALYSIS, headers=headers).status_code == 201
    problem(api.client.post(PLACE, json=ANALYSIS, headers=headers), 409, "conflict")
    other = VERIFICATION | {"parameters": {"projection": "moon"}}
    problem(api.client.post(PLACE, json=other, headers=headers), 404, "not_found")
