"""Limits over HTTP: what is held, whom it does not touch, and what answers tell."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from clew.api.application import create_application
from clew.domains.identity.limiting import Limiter, LimiterRules
from clew.kernel.cache.memory import MemoryCache
from tests.support.api import Api, problem

ORGANIZATION = "/api/v1/organization"


@pytest.fixture
def limited(api: Api) -> Iterator[Api]:
    """The same server with small limits and a cache of its own."""
    limiter = Limiter(MemoryCache(), LimiterRules(caller_per_minute=3, address_per_hour=4, everybody_per_minute=1000))
    serving = replace(api.serving, limiter=limiter)
    application = create_application(serving)
    with TestClient(application, base_url="http://testserver") as client:
        yield Api(application, serving, client)


def test_a_caller_is_held_at_the_limit_of_a_route(limited: Api) -> None:
    tenant = limited.organization()
    person, other = limited.person(tenant, "admin"), limited.person(tenant, "admin")
    for left in ("2", "1", "0"):
        response = limited.client.get(ORGANIZATION, headers=person.headers["token"])
        assert response.status_code == 200
        assert response.headers["ratelimit-policy"] == '"caller";q=3;w=60'
        assert response.headers["ratelimit"].startswith(f'"caller";r={left};t=')
        assert (response.headers["ratelimit-limit"], response.headers["ratelimit-remaining"]) == ("3", left)
        assert 1 <= int(response.headers["ratelimit-reset"]) <= 60
    refused = limited.client.get(ORGANIZATION, headers=person.headers["session"])
    problem(refused, 429, "too_many_requests")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit-remaining"] == "0"
    for fine in (other.headers["token"], person.headers["key"]):
        assert limited.client.get(ORGANIZATION, headers=fine).status_code == 200
    assert limited.client.get("/api/v1/roles", headers=person.headers["token"]).status_code == 200


def test_the_windows_of_a_key_are_told_beside_it(limited: Api) -> None:
    tenant = limited.organization()
    admin = limited.person(tenant, "admin").headers["token"]
    made = limited.client.post("/api/v1/api-keys", json={"scopes": ["read"]}, headers=admin).json()
    headers = limited.client.get(ORGANIZATION, headers={"X-API-Key": made["key"]}).headers
    assert headers["ratelimit-policy"] == (
        '"caller";q=3;w=60, "minute";q=10;w=60, "hour";q=100;w=3600, "day";q=1000;w=86400'
    )
    assert headers["ratelimit-limit"] == "3"


@pytest.mark.parametrize("shown", [{}, {"X-API-Key": "clew_live_" + "a" * 49}, {"Authorization": "Bearer a.b.c"}])
def test_whoever_guesses_is_held_by_address(limited: Api, shown: dict[str, str]) -> None:
    for _ in range(4):
        problem(limited.client.get(ORGANIZATION, headers=shown), 401, "authentication")
    refused = limited.client.get(ORGANIZATION, headers=shown)
    problem(refused, 429, "too_many_requests")
    assert int(refused.headers["retry-after"]) > 3000
    known = limited.person(limited.organization()).headers["token"]
    assert limited.client.get(ORGANIZATION, headers=known).status_code == 200


def test_public_routes_are_held_by_address_and_health_is_not(limited: Api) -> None:
    body = {"email": "nobody@lantern.example"}
    for _ in range(4):
        assert limited.client.post("/api/v1/password-resets", json=body).status_code == 202
    problem(limited.client.post("/api/v1/password-resets", json=body), 429, "too_many_requests")
    for _ in range(10):
        response = limited.client.get("/healthz")
        assert response.status_code == 200
        assert "ratelimit" not in response.headers
