"""What holds for every route: who may call, how errors are told, and what every answer carries."""

import re

import pytest

from clew.api.routes import ROUTERS
from clew.domains.identity.configuration import set_configuration, set_user_setting
from clew.domains.identity.permissions import BUILT_IN
from clew.domains.identity.users import set_active
from tests.support.api import Api, Way, problem
from tests.support.asking import ask
from tests.support.makers import MAKERS, Workshop
from tests.support.matrix import BODIES
from tests.support.operations import Operation, described, operations_of

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


def test_a_compressed_answer_has_an_etag_of_its_own_and_either_names_the_state(api: Api) -> None:
    person = api.person(api.organization(), "admin")
    path, headers = "/api/v1/configuration/notes", person.headers["key"]
    long = {"value": "keep the light burning " * 200}
    assert api.client.put(path, json=long, headers=headers | {"If-None-Match": "*"}).status_code in {200, 201}
    plain, coded = (api.client.get(path, headers=headers | {"Accept-Encoding": each}) for each in ("identity", "gzip"))
    assert "content-encoding" not in plain.headers
    assert coded.headers["content-encoding"] == "gzip"
    assert coded.json() == plain.json()
    tags = [each.headers["etag"] for each in (plain, coded)]
    assert tags[1] == f'{tags[0][:-1]}-gzip"'
    for tag in tags:
        for accepted in ("identity", "gzip"):
            asked = headers | {"If-None-Match": tag, "Accept-Encoding": accepted}
            again = api.client.get(path, headers=asked)
            assert (again.status_code, again.headers["etag"]) == (304, tag)
    for tag in tags:
        assert api.client.put(path, json=long, headers=headers | {"If-Match": tag}).status_code == 200
    problem(api.client.put(path, json=long, headers=headers | {"If-Match": f"W/{tags[0]}"}), 412, "precondition")
    forged = tags[0].replace('"', '"x', 1)
    problem(api.client.put(path, json=long, headers=headers | {"If-Match": forged}), 412, "precondition")


@pytest.mark.parametrize(
    "operation",
    [each for each in operations_of(described(ROUTERS)) if each.unsafe and each.rule != "public"],
    ids=lambda each: each.name,
)
def test_if_match_is_described_where_it_is_looked_at_and_nowhere_else(api: Api, operation: Operation) -> None:
    if operation.name in {"create_upload", "ingest_file", "append_upload", "revoke_other_sessions"}:
        return  # make things, or have nothing that was read before
    tenant = api.organization()
    person = api.person(tenant, "admin")
    home = Workshop(api, tenant, MAKERS, person.user)
    values = {name: home.thing(name) for name in operation.path_parameters}
    if "key" in values:  # whether it is a user's setting or the organization's, it has a state
        with api.database.transaction(tenant.context) as connection:
            set_configuration(connection, tenant.id, values["key"], "dark")
            set_user_setting(connection, tenant.id, person.user.id, values["key"], "dark")
    kind, body = operation.body()
    headers = ({} if kind is None else {"Content-Type": kind}) | operation.headers() | person.headers["token"]
    body = BODIES.get(operation.name, body)
    answer = ask(api, operation.method, operation.target(values), headers | {"If-Match": '"no state"'}, body=body)
    takes = any(each["name"] == "If-Match" for each in operation.described.get("parameters", ()))
    assert (answer.status == 412) == takes, answer


def test_what_no_route_answers_is_a_problem_too(api: Api) -> None:
    problem(api.client.get("/api/v1/nothing"), 404, "not_found")
    response = api.client.post(ORGANIZATION)
    problem(response, 405, "method")
    assert "GET" in response.headers["allow"]


@pytest.mark.parametrize("path", ["/api/v1/organ%00ization", "/api/v1/organization?x=%00"])
def test_an_address_with_nul_is_refused_before_anything_looks_at_it(api: Api, path: str) -> None:
    problem(api.client.get(path), 400, "input")
