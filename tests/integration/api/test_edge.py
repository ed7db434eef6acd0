"""What holds around every route, shown on routes made for it: defects, bodies, repeats, limits, figures."""

import concurrent.futures
import gzip
from dataclasses import replace
from typing import Annotated, Any

import pytest
import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.responses import Response
from starlette.testclient import TestClient

from clew.api.application import create_application, routes_of
from clew.api.callers import Call, Visitor, needs, public, signed_in
from clew.api.models.base import Body
from clew.api.repeating import REPLAYED, IdempotencyKey, once
from clew.api.routing import MOST_BODY_BYTES, Route, RuleError
from clew.api.routing import router as routes
from clew.domains.identity.api_keys import KeyLimits, create_key
from clew.kernel.errors import ConfigurationError, DatabaseUnavailableError
from clew.records.acts import Act
from tests.support.api import Api, Person, problem
from tests.support.embedded import wait_until

router = routes("trial")


class Thing(Body):
    """Something that is made."""

    name: str = Field(max_length=20)
    count: int = 1


@router.post("/trial/things", status_code=201)
def make_thing(call: Annotated[Call, needs("entity:write")], body: Thing, key: IdempotencyKey = None) -> Response:
    """Makes a row each time it is really run."""

    def make(connection: sa.Connection) -> Response:
        call.note(connection, Act("trial", "CREATE", "thing", None, body.name))
        number = connection.scalar(sa.text("SELECT count(*) FROM audit.events WHERE event_type = 'trial'"))
        return JSONResponse({"number": number}, 201, {"Location": f"/things/{number}"})

    return once(call, key, make)


@router.get("/trial/read")
def read_thing(call: Annotated[Call, signed_in()], limit: int = 1) -> Response:
    """Tells a read."""
    call.tell_read(Act("trial_read", "READ", "thing", str(limit)))
    return JSONResponse({"text": "a" * 5000})


@router.get("/trial/fails/{how}")
def fail(_visitor: Annotated[Visitor, public()], how: str) -> Response:
    """Fails in that way."""
    secret = "postgresql://clew:secret@db"
    raise {
        "defect": ZeroDivisionError(secret),
        "configuration": ConfigurationError(secret, where=secret),
        "database": DatabaseUnavailableError(secret, where=secret),
    }[how]


@pytest.fixture(scope="module")
def client(api: Api) -> TestClient:
    """The application with the routes above."""
    application = create_application(api.serving)
    application.router.routes.extend(router.routes)
    return TestClient(application, base_url="http://testserver", client=("127.0.0.1", 50_000))


@pytest.fixture
def person(api: Api) -> Person:
    return api.person(api.organization())


def test_a_route_without_a_rule_stops_the_program_at_its_start(api: Api) -> None:
    with pytest.raises(RuleError, match="needs"):

        @router.get("/trial/forgotten")
        def forgotten() -> Response:
            return Response()

    with pytest.raises(LookupError, match="no permission"):
        needs("entity:fly")
    application = create_application(api.serving)
    application.router.routes.extend(APIRouter().routes)
    application.get("/behind-its-back")(lambda: None)
    with pytest.raises(RuleError):
        routes_of(application)
    assert all(isinstance(route, Route) for route in routes_of(api.application))


@pytest.mark.parametrize(("how", "status"), [("defect", 500), ("configuration", 500), ("database", 503)])
def test_what_fails_inside_is_logged_and_not_told(
    client: TestClient, how: str, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    response = client.get(f"/api/v1/trial/fails/{how}")
    assert response.status_code == status
    assert "secret" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.json()["request_id"] == response.headers["x-request-id"]
    logged = "".join(capfd.readouterr())
    assert response.headers["x-request-id"] in logged
    assert (response.headers.get("retry-after") is not None) == (status == 503)


def test_who_may_not_learns_that_before_what_is_wrong_with_the_request(api: Api, client: TestClient) -> None:
    readonly = api.person(api.organization(), "readonly")
    bad: list[dict[str, Any]] = [
        {"json": {"nope": 1}},
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
    ]
    for request in [*bad, {"content": b"<a/>", "headers": {"Content-Type": "text/xml"}}]:
        shown = request.pop("headers", {})
        problem(client.post("/api/v1/trial/things", **request, headers=shown), 401, "authentication")
        told = client.post("/api/v1/trial/things", **request, headers=shown | readonly.headers["key"])
        problem(told, 403, "forbidden")


def test_a_request_is_told_each_of_its_faults(client: TestClient, person: Person) -> None:
    headers = person.headers["key"]
    told = problem(
        client.post("/api/v1/trial/things", json={"name": "a" * 30, "x": 1}, headers=headers), 422, "validation"
    )
    assert [fault["place"] for fault in told["errors"]] == ["body.name", "body.x"]
    problem(client.get("/api/v1/trial/read?limit=many", headers=headers), 422, "validation")
    no_json = client.post(
        "/api/v1/trial/things", content=b"[" * 100_000, headers=headers | {"Content-Type": "application/json"}
    )
    assert no_json.status_code in {400, 422}


def test_a_body_beyond_the_limit_is_refused_however_it_comes(client: TestClient, person: Person) -> None:
    def chunks() -> Any:
        for _ in range(3):
            yield b" " * (MOST_BODY_BYTES // 2)

    headers = person.headers["key"] | {"Content-Type": "application/json"}
    for content in (b" " * (MOST_BODY_BYTES + 1), chunks()):
        problem(client.post("/api/v1/trial/things", content=content, headers=headers), 413, "too_large")


def test_a_repeated_request_is_done_once_and_answered_twice(client: TestClient, person: Person) -> None:
    headers = person.headers["key"] | {"Idempotency-Key": "first"}
    once_, again = (client.post("/api/v1/trial/things", json={"name": "a"}, headers=headers) for _ in range(2))
    assert (once_.status_code, once_.json()) == (again.status_code, again.json()) == (201, {"number": 1})
    assert again.headers["location"] == once_.headers["location"]
    assert (once_.headers.get(REPLAYED), again.headers.get(REPLAYED)) == (None, "true")
    other = client.post("/api/v1/trial/things", json={"name": "b"}, headers=headers)
    problem(other, 422, "idempotency_key_reused")
    for bad in ("a" * 129, "with space", ""):
        shown = person.headers["key"] | {"Idempotency-Key": bad}
        problem(client.post("/api/v1/trial/things", json={"name": "a"}, headers=shown), 400, "input")


def test_repeated_at_once_it_is_still_done_once(client: TestClient, person: Person) -> None:
    headers = person.headers["key"] | {"Idempotency-Key": "at once"[:2]}

    def post() -> int:
        return int(client.post("/api/v1/trial/things", json={"name": "a"}, headers=headers).json()["number"])

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        numbers = [done.result() for done in [pool.submit(post) for _ in range(12)]]
    assert set(numbers) == {1}


def test_one_callers_keys_are_nobody_elses(api: Api, client: TestClient, person: Person) -> None:
    colleague = api.person(person.tenant)
    for number, caller in enumerate((person, colleague), 1):
        headers = caller.headers["key"] | {"Idempotency-Key": "same"}
        assert client.post("/api/v1/trial/things", json={"name": "a"}, headers=headers).json() == {"number": number}


def test_limits_of_a_key_are_told_and_kept(api: Api, client: TestClient, person: Person) -> None:
    with api.database.transaction(person.tenant.context) as connection:
        limits = KeyLimits(2, 0, 1000, 0)
        key = create_key(connection, person.tenant.id, person.user.id, limits=limits).key
    shown = {"X-API-Key": key}
    first = client.get("/api/v1/trial/read", headers=shown)
    assert first.headers["ratelimit-policy"] == '"caller";q=1200;w=60, "minute";q=2;w=60, "day";q=1000;w=86400'
    assert '"minute";r=1;t=' in first.headers["ratelimit"]
    client.get("/api/v1/trial/read", headers=shown)
    limited = [client.get("/api/v1/trial/read", headers=shown) for _ in range(2)][-1]  # a minute may just begin
    problem(limited, 429, "limit")
    assert 1 <= int(limited.headers["retry-after"]) <= 60


def test_use_of_a_key_and_reads_are_written_down(api: Api, client: TestClient, person: Person) -> None:
    client.get("/api/v1/trial/read?limit=7", headers=person.headers["key"] | {"User-Agent": "trial/1"})
    query = sa.text("SELECT endpoint, response_status, user_agent FROM api_usage_logs")

    def logged() -> list[Any]:
        with api.database.transaction(person.tenant.context) as connection:
            return [tuple(row) for row in connection.execute(query)]

    wait_until(logged, "the log of use")
    assert logged() == [("/api/v1/trial/read", 200, "trial/1")]
    reads = sa.text("SELECT resource_id, user_agent, request_data FROM audit.events WHERE event_type = 'trial_read'")

    def handed_over() -> list[Any]:
        with api.database.transaction(person.tenant.context) as connection:
            return list(connection.execute(reads))

    api.serving.reads.drain()
    wait_until(handed_over, "the read to be told, by whichever thread is at it")
    (told,) = handed_over()
    assert told[:2] == ("7", "trial/1")
    assert set(told.request_data) == {"request_id", "api_key_id"}


def test_large_answers_are_compressed_for_who_takes_that(client: TestClient, person: Person) -> None:
    with client.stream("GET", "/api/v1/trial/read", headers=person.headers["key"]) as response:
        raw = b"".join(response.iter_raw())
        assert response.headers["content-encoding"] == "gzip"
    assert b"a" * 5000 in gzip.decompress(raw)
    assert len(raw) < 1000
    plain = client.get("/api/v1/trial/read", headers=person.headers["key"] | {"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers


def test_pages_of_other_sites_read_nothing_unless_they_are_named(api: Api) -> None:
    asked = {"Origin": "https://desk.example", "Access-Control-Request-Method": "GET"}
    assert "access-control-allow-origin" not in api.client.options("/api/v1/organization", headers=asked).headers
    settings = api.serving.settings.model_copy(update={"api_cors_origins": "https://desk.example"})
    client = TestClient(create_application(_with(api, settings)))
    allowed = client.options("/api/v1/organization", headers=asked)
    assert allowed.headers["access-control-allow-origin"] == "https://desk.example"
    assert "access-control-allow-credentials" not in allowed.headers
    other = client.get("/healthz", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


def _with(api: Api, settings: Any) -> Any:
    return replace(api.serving, settings=settings)


def test_figures_count_routes_and_never_paths(client: TestClient, api: Api) -> None:
    client.get("/api/v1/trial/fails/database")
    client.get("/api/v1/somebodys-secret-path")
    text = client.get("/metrics").text
    assert 'route="/api/v1/trial/fails/{how}"' in text
    assert "somebodys-secret-path" not in text
    assert 'database_query_duration_seconds_bucket{database="postgresql"' in text
    assert "database_pool_available_connections" in text


def test_figures_tell_how_each_view_fares(client: TestClient) -> None:
    text = client.get("/metrics").text
    for figure in ("lag_seconds", "changes_waiting", "rows", "errors", "rows_set_aside"):
        assert f'projection_{figure}{{projection="search"}} ' in text
