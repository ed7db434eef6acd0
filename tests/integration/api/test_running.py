"""What runs beside the requests, and what the server says about its own state."""

import asyncio
import threading
from dataclasses import replace
from typing import Any

import psutil
import pytest

from clew.api import edge
from clew.api.readiness import projection_lags, reasons_not_ready
from clew.api.services import Work, standard_services
from clew.kernel import schema_state
from clew.kernel.database import Database
from clew.kernel.errors import DatabaseUnavailableError
from clew.projections.following import FollowingProcess
from tests.support.api import Api
from tests.support.embedded import command_line, is_alive, wait_until


@pytest.mark.parametrize("error", [DatabaseUnavailableError("away"), ZeroDivisionError("a fault of the program")])
def test_work_that_fails_is_begun_again_and_ends_when_told(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr("clew.api.services._FIRST_PAUSE_SECONDS", 0.01)
    begun: list[int] = []

    def work(stop: threading.Event) -> None:
        begun.append(1)
        if len(begun) < 3:
            raise error
        stop.wait()

    service = Work("trial", work)
    service.start()
    wait_until(lambda: len(begun) == 3, "the third beginning")
    service.stop()
    assert len(begun) == 3


def test_work_that_never_began_is_stopped_all_the_same() -> None:
    Work("trial", lambda _stop: None).stop()


def test_the_process_that_keeps_the_views_is_replaced_when_it_is_killed(api: Api) -> None:
    service = FollowingProcess(api.serving.settings)
    service.start()
    try:
        first = followers()
        first[0].kill()
        wait_until(lambda: any(each.pid != first[0].pid for each in followers()), "another process")
    finally:
        service.stop()
    assert not [each for each in _children() if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def followers() -> list[psutil.Process]:
    wait_until(_children, "the process that keeps the views")
    return _children()


def _children() -> list[psutil.Process]:
    return [
        each
        for each in psutil.Process().children()
        if is_alive(each.pid) and any("companion_process" in word for word in command_line(each))
    ]


def test_services_start_and_stop_in_any_state(api: Api) -> None:
    services = standard_services(api.database)
    assert [service.name for service in services] == [
        "sealer",
        "housekeeping",
        "projector",
        "series ageing",
        "files",
    ]
    for service in services:
        service.start()
    for service in reversed(services):
        service.stop()


def test_a_server_says_why_it_is_not_ready(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    serving = api.serving
    assert "search" in projection_lags(serving)
    stopping = threading.Event()
    stopping.set()
    assert reasons_not_ready(replace(serving, stopping=stopping)) == ["stopping"]
    monkeypatch.setattr("clew.api.readiness.projection_lags", lambda _: {"search": 1e6})
    assert reasons_not_ready(serving) == ["projection search: 1000000 s behind"]
    monkeypatch.setattr(schema_state, "shipped_revisions", lambda: ["0001", "9999"])
    assert reasons_not_ready(serving)[0].startswith("schema:")

    def away(_: Database) -> None:
        raise DatabaseUnavailableError("secret place")

    monkeypatch.setattr("clew.api.readiness.read_schema", away)
    assert reasons_not_ready(serving) == ["database: does not answer"]
    response = api.client.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "not_ready")


def test_a_body_that_does_not_come_is_not_waited_for(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "_GRACE_SECONDS", 0.05)
    sent: list[Any] = []

    async def never() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/sign-in",
        "raw_path": b"/api/v1/sign-in",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"10")],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }
    asyncio.run(api.application(scope, never, send))
    assert sent[0]["status"] == 408
    assert b'"slow_request"' in sent[1]["body"]
