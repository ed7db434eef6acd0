"""What holds for every route: who may call, how errors are told, and what every answer carries."""

import re

import pytest

from clew.domains.identity.permissions import BUILT_IN
from clew.domains.identity.users import set_active
from tests.support.api import Api, Way, problem

ORGANIZATION = "/api/v1/organization"


@pytest.mark.parametrize("way", ["key", "token", "session"])
@pytest.mark.parametrize("role", sorted(BUILT_IN))
def test_every_way_of_showing_who_calls_leads_to_ones_own_organization(api: Api, role: str, way: Way) -> None:
    tenant = api.organization()
    person = api.person(tenant, role)
    response = api.client.get(ORGANIZATION, headers=person.headers[way])
    assert response.status_code == 200, response.text
    assert response.json()["id"] == str(tenant.id)


def test_nobody_is_asked_who_they_are(api: Api) -> None:
    response = api.client.get(ORGANIZATION)
    problem(response, 401, "authentication")
    assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("way", ["key", "token", "session"])
def test_a_user_who_is_shut_out_is_nobody_at_once(api: Api, way: Way) -> None:
    tenant = api.organization()
    person = api.person(tenant)
    assert api.client.get(ORGANIZATION, headers=person.headers[way]).status_code == 200
    with api.database.transaction(tenant.context) as connection:
        set_active(connection, tenant.id, person.user.id, active=False)
    problem(api.client.get(ORGANIZATION, headers=person.headers[way]), 401, "authentication")


@pytest.mark.parametrize(("one", "other"), [("key", "token"), ("key", "session"), ("token", "session")])
def test_two_credentials_at_once_are_refused_even_of_one_person(api: Api, one: Way, other: Way) -> None:
    person = api.person(api.organization())
    both = person.headers[one] | person.headers[other]
    assert problem(api.client.get(ORGANIZATION, headers=both), 400, "input")["where"]


def test_every_answer_is_safe_to_open_in_a_browser_and_kept_by_nobody(api: Api) -> None:
    for path in (ORGANIZATION, "/api/v1/nothing/here"):
        headers = api.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"


def test_a_request_keeps_the_id_it_came_with_if_that_is_well_formed(api: Api) -> None:
    assert api.client.get(ORGANIZATION, headers={"X-Request-ID": "trace-7.a"}).headers["x-request-id"] == "trace-7.a"
    for forged in ("a b", "x" * 65, 'a"; drop', "é", ""):
        given = api.client.get(ORGANIZATION, headers=[(b"x-request-id", forged.encode())])
        assert re.fullmatch(r"[0-9a-f-]{36}", given.headers["x-request-id"])


def test_a_state_that_the_caller_has_is_not_sent_again(api: Api) -> None:
    person = api.person(api.organization())
    first = api.client.get(ORGANIZATION, headers=person.headers["key"])
    tag = first.headers["etag"]
    assert tag.startswith('"')
    again = api.client.get(ORGANIZATION, headers=person.headers["key"] | {"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content) == (304, b"")
    other = api.client.get(ORGANIZATION, headers=person.headers["key"] | {"If-None-Match": '"other"'})
    assert other.status_code == 200


def test_what_no_route_answers_is_a_problem_too(api: Api) -> None:
    problem(api.client.get("/api/v1/nothing"), 404, "not_found")
    response = api.client.post(ORGANIZATION)
    problem(response, 405, "method")
    assert "GET" in response.headers["allow"]


@pytest.mark.parametrize("path", ["/api/v1/organ%00ization", "/api/v1/organization?x=%00"])
def test_an_address_with_nul_is_refused_before_anything_looks_at_it(api: Api, path: str) -> None:
    problem(api.client.get(path), 400, "input")
