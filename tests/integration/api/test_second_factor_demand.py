"""An organization demands a second factor: who began a session without may set one up, and nothing else."""

import json
from typing import Any

import pyotp
import pytest

from clew.api.cross_site import HEADER
from clew.api.routes import ROUTERS
from clew.domains.identity.configuration import set_configuration
from clew.domains.identity.roles import add_role, create_role
from clew.domains.identity.second_factor_demand import KEY
from clew.kernel.errors import InputError
from tests.support.api import Api, Person, Way, problem
from tests.support.asking import ask
from tests.support.identity import PASSWORD, some_name
from tests.support.makers import MAKERS
from tests.support.operations import described, operations_of

ENROLLING = {"get_session", "sign_out", "get_second_factor", "begin_second_factor", "confirm_second_factor"}
SESSION, FACTOR = "/api/v1/session", "/api/v1/me/second-factor"


def demand(api: Api, person: Person, value: Any) -> None:
    with api.database.transaction(person.tenant.context) as connection:
        set_configuration(connection, person.tenant.id, KEY, value)


def must_enrol(api: Api, headers: dict[str, str]) -> bool:
    told = api.client.get(SESSION, headers=headers).json()
    assert told["must_enrol"] is not bool(told["permissions"])
    return bool(told["must_enrol"])


@pytest.mark.parametrize("way", ["token", "session"])
def test_a_session_without_may_do_nothing_but_set_one_up(api: Api, way: Way) -> None:
    person = api.person(api.organization(), "admin")
    demand(api, person, value=True)
    refused = []
    for operation in operations_of(described(ROUTERS)):
        if operation.rule == "public" or operation.name in ENROLLING:
            continue
        kind, body = operation.body()
        headers = ({} if kind is None else {"Content-Type": kind}) | operation.headers() | person.headers[way]
        values = {name: MAKERS[name].absent() for name in operation.path_parameters}
        answer = ask(api, operation.method, operation.target(values), headers, body=body)
        refused.append(operation.name)
        assert (answer.status, answer.problem.get("code")) == (403, "second_factor_demanded"), operation.name
    assert len(refused) > 80, "the operations are no longer found"
    assert must_enrol(api, person.headers[way])


@pytest.mark.parametrize("way", ["token", "session"])
def test_setting_one_up_opens_everything_in_a_session_with_another_id(api: Api, way: Way) -> None:
    person = api.person(api.organization(), "admin")
    demand(api, person, value=True)
    headers = person.headers[way]
    secret = api.client.post(FACTOR, json={"password": PASSWORD}, headers=headers).json()["secret"]
    code = pyotp.TOTP(secret).at(api.serving.clock())
    confirmed = api.client.post(f"{FACTOR}/confirm", json={"code": code}, headers=headers)
    api.client.cookies.clear()
    assert len(confirmed.json()["recovery_codes"]) == 10
    problem(api.client.get(SESSION, headers=headers), 401, "authentication")
    if way == "session":
        cookie = confirmed.headers["set-cookie"].partition(";")[0]
        following = {"Cookie": cookie, HEADER: confirmed.json()["csrf_token"]}
    else:
        following = {"Authorization": f"Bearer {confirmed.json()['tokens']['access_token']}"}
    assert not must_enrol(api, following)
    assert api.client.get("/api/v1/users", headers=following).status_code == 200
    # Without the device again, as when it is replaced: the next one is set up before anything else.
    gone = {"password": PASSWORD, "code": confirmed.json()["recovery_codes"][0]}
    assert api.client.post(f"{FACTOR}/remove", json=gone, headers=following).status_code == 204
    assert must_enrol(api, following)


def test_who_signs_in_with_a_code_and_programs_with_keys_are_not_held_up(api: Api) -> None:
    person = api.person(api.organization(), "admin")
    headers = person.headers["token"]
    secret = api.client.post(FACTOR, json={"password": PASSWORD}, headers=headers).json()["secret"]
    clock = api.serving.clock()
    confirm = {"code": pyotp.TOTP(secret).at(clock)}
    codes = api.client.post(f"{FACTOR}/confirm", json=confirm, headers=headers).json()["recovery_codes"]
    demand(api, person, value=True)
    signed_in = {"name": person.user.username, "password": PASSWORD, "code": codes[0]}
    pair = api.client.post("/api/v1/tokens", json=signed_in).json()
    assert not must_enrol(api, {"Authorization": f"Bearer {pair['access_token']}"})
    assert not must_enrol(api, person.headers["key"])


@pytest.mark.parametrize("way", ["token", "session"])
def test_it_is_demanded_of_roles_built_in_and_custom(api: Api, way: Way) -> None:
    tenant = api.organization()
    admin, analyst, reader, special = (api.person(tenant, role) for role in ("admin", "analyst", "readonly", "user"))
    name = f"Custom {some_name()}"
    with api.database.transaction(tenant.context) as connection:
        create_role(connection, tenant.id, name, permissions=["quarantine:read"])
        add_role(connection, tenant.id, special.user.id, name)
    demand(api, admin, ["analyst", name])
    people = (admin, analyst, reader, special)
    held = [must_enrol(api, api.headers(tenant, person.user, way)) for person in people]
    assert held == [False, True, False, True]
    other = api.person(api.organization(), "analyst")
    assert not must_enrol(api, other.headers[way]), "another organization demands nothing"
    demand(api, admin, value=False)
    assert not must_enrol(api, analyst.headers[way])


@pytest.mark.parametrize("value", ["admin", 1, {"admin": True}, ["admin", 1], ["no such role"], None])
def test_what_says_nothing_is_refused(api: Api, value: Any) -> None:
    person = api.person(api.organization(), "admin")
    with pytest.raises(InputError):
        demand(api, person, value)
    path = f"/api/v1/configuration/{KEY}"
    refused = api.client.put(path, content=json.dumps({"value": value}), headers=person.headers["token"] | JSON)
    problem(refused, 400, "input")


JSON = {"Content-Type": "application/json"}


def test_tokens_can_be_closed_to_passwords(api: Api, request: pytest.FixtureRequest) -> None:
    person = api.person(api.organization())
    body = {"name": person.user.username, "password": PASSWORD}
    assert api.client.post("/api/v1/tokens", json=body).status_code == 200
    closed = api.serving.settings.model_copy(update={"api_tokens_by_password": False})
    was = api.serving.settings
    object.__setattr__(api.serving, "settings", closed)
    request.addfinalizer(lambda: object.__setattr__(api.serving, "settings", was))
    problem(api.client.post("/api/v1/tokens", json=body), 403, "forbidden")
    problem(api.client.post("/api/v1/tokens", json=body | {"password": "wrong"}), 403, "forbidden")
    assert api.client.post("/api/v1/sign-in", json=body).status_code == 200
    api.client.cookies.clear()
