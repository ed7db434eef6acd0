"""`clew serve` as a user runs it: begins, answers, ends in every way a process ends."""

import json
import signal
import socket
from collections.abc import Iterator

import pytest

from tests.support.embedded import wait_until
from tests.support.program import Program, set_up_program
from tests.support.serving import PATIENCE_SECONDS, Server, served

pytestmark = pytest.mark.same_everywhere


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    with set_up_program() as made:
        yield made


@pytest.fixture(scope="module")
def other() -> Iterator[Program]:
    """A record of its own, for servers that come and go: only one works on a record."""
    with set_up_program() as made:
        yield made


@pytest.fixture(scope="module")
def standing(program: Program) -> Iterator[Server]:
    """One server for tests that do not end it."""
    with served(program) as running:
        yield running


@pytest.fixture
def server(other: Program) -> Iterator[Server]:
    with served(other) as running:
        yield running


def read_all(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def test_one_line_tells_the_address_and_all_is_well(standing: Server) -> None:
    assert standing.get("/healthz").json() == {"status": "ok"}
    assert standing.get("/readyz").json() == {"status": "ready", "reasons": []}
    assert "http_requests_total" in standing.get("/metrics").text
    assert standing.get("/api/v1/openapi.json").json()["openapi"].startswith("3.1")
    assert standing.get("/api/v1/organization").status_code == 401


def test_figures_are_for_this_machine_only_unless_a_token_is_set(other: Program, standing: Server) -> None:
    assert standing.get("/metrics", **{"X-Forwarded-For": "127.0.0.1"}).status_code == 403
    with served(other, CLEW_METRICS_TOKEN="for prometheus") as guarded:
        assert guarded.get("/metrics").status_code == 403
        assert guarded.get("/metrics", Authorization="Bearer for prometheus").status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_when_asked_to(server: Server, number: int) -> None:
    assert server.end(number) == 0


def test_what_is_being_answered_when_sigterm_comes_is_answered(server: Server) -> None:
    body = json.dumps({"name": "nobody", "password": "wrong and long enough"}).encode()
    head = f"POST /api/v1/sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    head += "Content-Type: application/json\r\n\r\n"
    with server.socket() as connection:
        connection.sendall(head.encode() + body[:5])
        wait_until(lambda: server.get("/healthz").status_code == 200, "the request to have begun")
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(server), "the port to be closed")
        connection.sendall(body[5:])
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 401")
    assert b'"authentication"' in answer
    assert server.process.wait(PATIENCE_SECONDS) == 0


def refuses(server: Server) -> bool:
    try:
        server.socket().close()
    except OSError:
        return True
    return False


def test_after_kill_9_it_starts_again_and_nothing_is_left_running(other: Program) -> None:
    with served(other) as first:
        assert first.end(signal.SIGKILL) == -signal.SIGKILL
    with served(other) as second:
        assert second.get("/readyz").status_code == 200
        assert second.end() == 0


def test_a_second_server_on_the_port_is_told_so(program: Program, standing: Server) -> None:
    port = str(standing.port)
    told = program.error("serve", "--port", port, expect=3)
    assert port in told["where"]
    assert "--port" in told["remedy"]


def test_a_second_server_of_the_record_is_refused_with_the_reason(standing: Server, program: Program) -> None:
    told = program.error("serve", "--port", "0", expect=6)
    assert "another server" in told["message"]
    assert "Redis" in told["remedy"]
    assert standing.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--workers", "2"), "Redis"),
        (("--host", "0.0.0.0"), "unencrypted"),
        (("--tls-certificate", "chain.pem"), "key"),
        (("--tls-certificate", "missing.pem", "--tls-key", "missing.pem"), "certificate"),
    ],
)
def test_what_would_be_unsafe_is_refused_with_the_reason(
    other: Program, arguments: tuple[str, ...], words: str
) -> None:
    assert words in other.error("serve", "--port", "0", *arguments, expect=3)["message"]


def test_headers_without_end_are_not_collected(standing: Server) -> None:
    with standing.socket() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        line = b"X-Long: " + b"a" * 8000 + b"\r\n"
        try:
            for _ in range(20):
                connection.sendall(line)
            answer = read_all(connection)
        except ConnectionError:  # it hung up while this was still talking
            answer = b"HTTP/1.1 400"
    assert answer.startswith(b"HTTP/1.1 400")
    assert standing.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /api/v1/sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /api/v1/sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"POST /api/v1/sign-in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\x00c\r\n\r\n",
        b"GARBAGE\r\n\r\n",
    ],
)
def test_requests_that_two_programs_would_read_differently_are_refused(standing: Server, request_bytes: bytes) -> None:
    with standing.socket() as connection:
        connection.sendall(request_bytes)
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 4"), answer
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_body_beyond_the_limit_is_refused_before_it_is_all_here(standing: Server) -> None:
    head = b"POST /api/v1/sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with standing.socket() as connection:
        connection.sendall(head + b"Content-Length: 999999999\r\n\r\n{")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413")


def test_a_request_id_forges_no_line_of_the_log(program: Program, standing: Server) -> None:
    standing.get("/healthz", **{"X-Request-ID": "a b; level=error"})
    standing.get("/healthz", **{"X-Request-ID": "kept-1"})
    log = program.base / "serve.log"
    wait_until(lambda: "kept-1" in log.read_text(), "the log")
    assert "level=error" not in log.read_text()


def test_no_secret_stands_in_the_log(program: Program, standing: Server) -> None:
    standing.get("/api/v1/organization?api_key=clew_live_query", Authorization="Bearer clew_live_secret", Cookie="a=b")
    standing.get("/healthz", **{"X-Request-ID": "after-1"})
    log = program.base / "serve.log"
    wait_until(lambda: "after-1" in log.read_text(), "the log")
    for secret in ("clew_live_query", "clew_live_secret", "a=b"):
        assert secret not in log.read_text()
