"""Attacks that concern every operation alike: slipped-in fields, planted lines, addresses to visit, other sites."""

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from clew.kernel.logs import configure_logs
from tests.support.api import Api
from tests.support.asking import ask, ask_exactly
from tests.support.callers import Caller, new_caller
from tests.support.makers import MAKERS, Workshop
from tests.support.matrix import comparable
from tests.support.operations import Operation, described_routes, operations_of

OPERATIONS = operations_of(described_routes())
WITH_JSON = [each for each in OPERATIONS if (each.body()[0] or "").endswith("json")]
REFERRING = [
    (each, place, name)
    for each in OPERATIONS
    for place, names in (("body", each.fields()), ("query", each.query_parameters))
    for name in names
    if name in MAKERS and not MAKERS[name].shared
]
TAKES_ANYTHING = {"put_exchanged": "a document of another program's format is kept as it comes"}
NOT_THEIRS = (
    "id",
    "organization_id",
    "user_id",
    "created_at",
    "role",
    "is_admin",
    "is_active",
    "permissions",
    "__proto__",
)
METADATA = "http://169.254.169.254/latest/meta-data/"


@pytest.fixture(scope="module")
def workshop(api: Api) -> Workshop:
    return Workshop(api, api.organization())


@pytest.fixture(scope="module")
def admin(workshop: Workshop) -> Caller:
    return new_caller(workshop.api, workshop.tenant, "admin", "token")


def named(operation: Operation) -> str:
    return operation.name


def _sent(workshop: Workshop, caller: Caller, operation: Operation, body: Any) -> tuple[int, str]:
    """Status and text of the answer to a request about the caller's own things that is whole but for its body."""
    values = {name: workshop.thing(name) for name in operation.path_parameters}
    headers = {"Content-Type": "application/json", **operation.headers(), **caller.headers}
    answer = ask(workshop.api, operation.method, operation.target(values), headers, body=json.dumps(body).encode())
    return answer.status, answer.content.decode()


@pytest.mark.parametrize("operation", WITH_JSON, ids=named)
def test_no_body_takes_what_it_does_not_name(workshop: Workshop, admin: Caller, operation: Operation) -> None:
    whole = json.loads(operation.body()[1])
    known = set(whole) | set(operation.fields())
    for field in NOT_THEIRS:
        if field not in known and operation.name not in TAKES_ANYTHING:
            status, told = _sent(workshop, admin, operation, {**whole, field: "x"})
            assert status == 422, f"{field}: {status} {told}"
            assert re.search(rf"body\.(\w+\.)?{field}\b", told)  # of one of several kinds, with its name between


@pytest.mark.parametrize("operation", WITH_JSON, ids=named)
def test_an_address_in_a_body_is_not_visited(workshop: Workshop, admin: Caller, operation: Operation) -> None:
    # Tests may speak to this machine only: an attempt to go there would be a failure of the server.
    whole = json.loads(operation.body()[1])
    for field in operation.fields():
        status, told = _sent(workshop, admin, operation, {**whole, field: METADATA})
        assert status < 500, f"{field}: {told}"


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_no_other_sites_page_may_read_an_answer(workshop: Workshop, operation: Operation) -> None:
    target = operation.target({name: workshop.thing(name) for name in operation.path_parameters})
    for method in (operation.method, "OPTIONS"):
        asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": operation.method}
        answer = ask(workshop.api, method, target, asked)
        assert not [name for name, _ in answer.headers if name.startswith("access-control-")]
        assert answer.header("x-content-type-options") == "nosniff"
        assert answer.header("content-security-policy") == "default-src 'none'; frame-ancestors 'none'"


@pytest.fixture
def log(api: Api) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    configure_logs(api.serving.settings, stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def abroad(api: Api) -> Workshop:
    return Workshop(api, api.organization())


def test_what_a_body_or_filter_names_of_others_is_as_if_it_were_not(
    workshop: Workshop, abroad: Workshop, admin: Caller
) -> None:
    for operation, place, name in REFERRING:
        of_other = _naming(workshop, admin, operation, (place, name), abroad.thing(name))
        of_none = _naming(workshop, admin, operation, (place, name), MAKERS[name].absent())
        assert of_other == of_none, f"{operation.name} tells another organization's {name} in its {place} from none"
        assert place == "query" or of_other[0] >= 400, f"{operation.name} takes another organization's {name}"


def _naming(
    workshop: Workshop, caller: Caller, operation: Operation, place: tuple[str, str], identifier: str
) -> tuple[int, list[str], str]:
    """The answer to a request that names that thing in its body or query, without the name."""
    where, name = place
    values = {each: workshop.thing(each) for each in operation.path_parameters}
    target = operation.target(values, {name: identifier} if where == "query" else None)
    headers = {**operation.headers(), **caller.headers}
    body = b""
    if where == "body":
        headers["Content-Type"] = "application/json"
        body = json.dumps({**json.loads(operation.body()[1]), name: identifier}).encode()
    return comparable(ask(workshop.api, operation.method, target, headers, body=body), {name: identifier})


PLANTED = "\r\n2026-01-01T00:00:00Z [info     ] request planted \x1b[2J\x1b]0;owned\x07 \u2028planted\x85planted"


def test_nothing_of_a_request_begins_a_line_of_the_log(api: Api, admin: Caller, log: io.StringIO) -> None:
    planted = PLANTED.encode()
    places: list[list[tuple[bytes, bytes]]] = [
        [(b"user-agent", planted)],
        [(b"x-request-id", planted)],
        [(b"authorization", b"Bearer " + planted)],
        [(b"x-api-key", b"clew_live_" + planted)],
        [(b"cookie", b"clew_session=" + planted)],
        [(b"host", planted)],
        [(b"origin", planted)],
        [(b"content-type", planted)],
    ]
    for headers in places:
        ask_exactly(api, "POST", "/api/v1/sign-in", headers, body=b"{}")
    for target in (f"/api/v1/{'planted%0d%0a%1b'}", "/api/v1/organization?cursor=planted%0a"):
        ask(api, "GET", target, admin.headers)
    ask(api, "PLANTED\n", "/healthz")
    lines = log.getvalue().split("\n")
    assert len([line for line in lines if " request " in line]) == len(places) + 3
    for line in lines:
        assert line == "" or line[:4].isdigit(), line
        assert "planted" not in line.partition("[info")[0]
        assert line.isprintable(), line
    assert admin.headers["Authorization"].split()[1] not in log.getvalue()
