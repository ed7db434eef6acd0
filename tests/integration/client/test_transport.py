"""The client's requests, on a server that answers well, badly, late or not at all."""

import datetime as dt
import ipaddress
import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from clew.client import Client, Patience, ServerUnreachableError, Transport, UnknownAnswerError, models, problem_of
from clew.client.transport import Outgoing, asked, path_of
from clew.kernel.errors import (
    AuthenticationError,
    ClewError,
    ConflictError,
    DatabaseUnavailableError,
    ForbiddenError,
    InputError,
    LimitError,
    NotFoundError,
)
from tests.support.scripted_server import Reply, ScriptedServer, answer, problem, scripted

pytestmark = pytest.mark.same_everywhere

KEY = "clew_live_" + "k3Y" * 12
ID = UUID("0190c6a1-7f3e-7b2a-9c4d-2f1e8a6b5c4d")
ORGANIZATION = {"id": str(ID), "slug": "s", "name": "n", "is_active": True, "created_at": "2026-01-01T00:00:00Z"}
ONCE = Patience(attempts=1)


def client_of(server: ScriptedServer, naps: list[float] | None = None, patience: Patience | None = None) -> Client:
    naps = [] if naps is None else naps
    return Client(Transport(server.address, KEY, patience=patience, sleep=naps.append))


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (problem(404, "not_found"), NotFoundError, "not_found"),
        (problem(404, "no_such_cursor"), NotFoundError, "no_such_cursor"),
        (problem(403, "cross_site"), ForbiddenError, "cross_site"),
        (problem(401, "authentication"), AuthenticationError, "authentication"),
        (problem(409, "conflict"), ConflictError, "conflict"),
        (problem(412, "precondition"), ConflictError, "precondition"),
        (problem(413, "too_large"), InputError, "too_large"),
        (problem(503, "database_unavailable"), DatabaseUnavailableError, "database_unavailable"),
        (problem(500, "unexpected"), ClewError, "unexpected"),
    ],
)
def test_a_problem_is_the_error_of_its_code(reply: Reply, kind: type[ClewError], code: str) -> None:
    with scripted(reply) as server, client_of(server, patience=ONCE) as client, pytest.raises(kind) as caught:
        client.get_organization()
    assert caught.value.code == code
    told = problem_of(caught.value)
    assert told is not None
    assert (told.request_id, told.status) == ("r-1", reply.status)


def test_an_error_keeps_what_the_problem_says() -> None:
    told = problem(400, "input", where="name", remedy="write one", detail="no name")
    with scripted(told) as server, client_of(server) as client, pytest.raises(InputError) as caught:
        client.get_organization()
    assert (caught.value.message, caught.value.where, caught.value.remedy) == ("no name", "name", "write one")


def test_faults_of_validation_are_named() -> None:
    told = problem(422, "validation", errors=[{"place": "query.limit", "message": "too large"}])
    with scripted(told) as server, client_of(server) as client, pytest.raises(InputError) as caught:
        client.get_organization()
    assert caught.value.where == "query.limit"
    assert "too large" in caught.value.message


def test_what_is_safe_is_asked_again_after_a_pause_that_grows() -> None:
    naps: list[float] = []
    replies = (problem(503, "database_unavailable"), Reply(cut=True), answer(ORGANIZATION))
    with scripted(*replies) as server, client_of(server, naps) as client:
        assert client.get_organization().slug == "s"
    assert len(server.heard) == 3
    assert len(naps) == 2
    assert 0.25 <= naps[0] <= 0.5 <= naps[1]


def test_a_limit_is_waited_for_as_long_as_the_server_says() -> None:
    naps: list[float] = []
    replies = (problem(429, "limit", retry_after=7), answer(ORGANIZATION))
    with scripted(*replies) as server, client_of(server, naps) as client:
        client.get_organization()
    assert naps == [7.0]


def test_a_limit_that_lasts_too_long_is_an_error_at_once() -> None:
    reply = problem(429, "limit", retry_after=3600)
    with scripted(reply) as server, client_of(server) as client, pytest.raises(LimitError) as caught:
        client.get_organization()
    assert caught.value.retry_after == 3600
    assert len(server.heard) == 1


def test_a_post_that_makes_something_is_repeated_with_the_same_idempotency_key() -> None:
    made = answer({"detail": "not a case"}, 201)
    with scripted(Reply(cut=True), problem(503, "database_unavailable"), made) as server, client_of(server) as client:
        with pytest.raises(UnknownAnswerError):
            client.create_investigation(models.NewInvestigation(name="Harbour"))
        keys = [each.headers["Idempotency-Key"] for each in server.heard]
        with pytest.raises(UnknownAnswerError):
            client.create_investigation(models.NewInvestigation(name="Harbour"))
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert server.heard[-1].headers["Idempotency-Key"] not in keys
    assert server.heard[0].body == b'{"name":"Harbour"}', "what was not given does not travel"


@pytest.mark.parametrize("reply", [Reply(cut=True), problem(503, "database_unavailable")])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_may_have_been_done_is_not_sent_again(reply: Reply, method: str) -> None:
    with scripted(reply) as server, client_of(server) as client, pytest.raises(ClewError):
        client.transport.send(asked(method, "/x", body={}))
    assert len(server.heard) == 1


def test_whatever_was_not_taken_is_sent_again() -> None:
    with scripted(problem(429, "limit", retry_after=1), Reply()) as server, client_of(server) as client:
        client.transport.send(asked("POST", "/x", body={}))
    assert len(server.heard) == 2


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    naps: list[float] = []
    with Client(Transport(address, KEY, sleep=naps.append)) as client, pytest.raises(ServerUnreachableError) as caught:
        client.transport.send(asked("POST", "/x"))  # nothing was sent, so it is tried again
    assert caught.value.where == address
    assert len(naps) == Patience().attempts - 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(404, b"<html>nothing here</html>", {"Content-Type": "text/html"}),
        Reply(200, b"<html>hello</html>", {"Content-Type": "text/html"}),
        Reply(200, b'{"id": 7}', {"Content-Type": "application/json"}),
        Reply(400, b"no problem", {"Content-Type": "application/problem+json"}),
        Reply(302, b"", {"Location": "http://127.0.0.1:9/elsewhere"}),
    ],
)
def test_what_is_not_clew(reply: Reply) -> None:
    with scripted(reply) as server, client_of(server) as client, pytest.raises(UnknownAnswerError) as caught:
        client.get_organization()
    assert caught.value.where == f"{server.address}/api/v1/organization"
    assert len(server.heard) == 1, "a redirection is not followed: the key is for this server"


def test_a_gateway_without_its_server_is_tried_again() -> None:
    away = Reply(502, b"<html>bad gateway</html>", {"Content-Type": "text/html"})
    with scripted(away, answer(ORGANIZATION)) as server, client_of(server) as client:
        client.get_organization()
    assert len(server.heard) == 2


def test_the_key_is_in_no_log_no_text_and_no_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with scripted(answer(ORGANIZATION), Reply(cut=True)) as server, client_of(server) as client:
        client.get_organization()
        with pytest.raises(ServerUnreachableError) as caught:
            client.get_organization()
    assert server.heard[0].headers["Authorization"] == f"Bearer {KEY}"
    assert caplog.text
    for text in (caplog.text, repr(client), repr(client.transport), str(caught.value), repr(caught.value)):
        assert KEY not in text


@pytest.mark.parametrize("key", ["", "clew_live_ä", "two words", "line\nbreak", "x" * 5000])
def test_what_cannot_be_a_key_is_not_shown(key: str) -> None:
    with pytest.raises(InputError) as caught:
        Transport("http://127.0.0.1:1", key)
    assert not key.strip() or key not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["", "clew.example", "ftp://clew.example", "http://", "https://ann:secret@clew.example", "http://[::1"]
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(InputError) as caught:
        Transport(address)
    assert "secret" not in str(caught.value)


def test_queries_and_paths_are_written_so_that_they_mean_what_was_given() -> None:
    moment = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    query = {"a": None, "b": True, "c": ["x y", "&z"], "d": ID, "e": moment, "f": 0, "g": ""}
    with scripted(Reply()) as server, client_of(server) as client:
        client.transport.send(Outgoing("GET", path_of("/x/{name}", name="../a?b#c/é"), query))
    assert server.heard[0].path == (
        f"/x/..%2Fa%3Fb%23c%2F%C3%A9?b=true&c=x+y&c=%26z&d={ID}&e=2026-01-02T00%3A00%3A00Z&f=0&g="
    )


def test_a_thing_knows_its_etag_and_a_change_can_be_bound_to_it() -> None:
    with scripted(answer(ORGANIZATION, ETag='"abc"'), Reply(204, b"")) as server, client_of(server) as client:
        shown = client.get_organization()
        client.delete_investigation(ID, if_match=shown.etag)
    assert server.heard[1].headers["If-Match"] == '"abc"'


def test_lists_are_read_page_after_page_as_they_are_used() -> None:
    source: dict[str, object] = {
        "name": "cowrie", "source_type": "file", "base_url": None, "config": {}, "rate_limit": 0, "is_active": True,
        "reliability_score": None, "has_credentials": False, "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    pages = [answer({"items": [source | {"id": str(ID)}], "next_cursor": cursor}) for cursor in ("two", None)]
    with scripted(*pages) as server, client_of(server) as client:
        found: Iterator[models.Source] = client.iterate_sources(limit=1)
        next(found)
        assert len(server.heard) == 1
        assert len(list(found)) == 1
    assert server.heard[1].path.endswith("?limit=1&cursor=two")


def test_events_come_as_they_are_told() -> None:
    text = b'id: 1\nevent: jobs\ndata: {"a":1}\n\n: alive\n\ndata: x\ndata: y\n\n'
    reply = Reply(200, text, {"Content-Type": "text/event-stream"})
    with (
        scripted(reply) as server,
        client_of(server) as client,
        client.follow_events(topics="jobs", last_event_id="0") as events,
    ):
        told = [(each.event, each.data, each.id) for each in events]
    assert told == [("jobs", '{"a":1}', "1"), ("message", "x\ny", "1")]
    assert {name.lower(): value for name, value in server.heard[0].headers.items()}["last-event-id"] == "0"


def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Callable[[], tuple[Path, Path]]) -> None:
    chain, key = certificate()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with scripted(answer(ORGANIZATION), context=context) as server:
        with (
            Client(Transport(server.address, KEY, patience=ONCE)) as client,
            pytest.raises(ServerUnreachableError, match="certificate"),
        ):
            client.get_organization()
        assert server.heard == []
        with Client(Transport(server.address, KEY, patience=ONCE, ca_file=chain)) as client:
            assert client.get_organization().name == "n"


@pytest.fixture
def certificate(tmp_path: Path) -> Callable[[], tuple[Path, Path]]:
    """Makes a certificate of one's own for loopback: its file, and its key's."""

    def make() -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
        now = dt.datetime.now(dt.UTC)
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(names, critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        chain, secret = tmp_path / "chain.pem", tmp_path / "key.pem"
        chain.write_bytes(built.public_bytes(serialization.Encoding.PEM))
        private = serialization.PrivateFormat.PKCS8
        secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()))
        return chain, secret

    return make
