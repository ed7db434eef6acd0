"""Bytes that no honest client sends, to a real server: what is ambiguous, too long or too slow, or would end a line.

Whatever comes, the server gives one answer or none, hangs up, and goes on answering others.
"""

from collections.abc import Iterator

import pytest

from clew.api import edge, server
from clew.api.routing import MOST_BODY_BYTES
from clew.kernel.database import Database
from tests.support.record import migrated_database
from tests.support.wire import Wire, message, served, statuses

pytestmark = pytest.mark.same_everywhere

SIGN_IN = "/api/v1/sign-in"
JSON = "Content-Type: application/json"
SMUGGLED = message("GET", "/healthz")


@pytest.fixture(scope="module")
def wire(database: Database) -> Iterator[Wire]:
    with served(database) as opened:
        yield opened


@pytest.fixture(scope="module")
def another_database() -> Iterator[Database]:
    """For a second server: only one works on a record."""
    with migrated_database() as opened:
        yield opened


@pytest.fixture
def impatient(another_database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """A server that gives nobody longer than half a second."""
    monkeypatch.setattr(server, "HEADER_SECONDS", 0.5)
    monkeypatch.setattr(edge, "_GRACE_SECONDS", 0.5)
    with served(another_database) as opened:
        yield opened


AMBIGUOUS = {
    "two lengths": (["Content-Length: 2", "Content-Length: 40"], b"{}"),
    "a list of lengths": (["Content-Length: 2, 40"], b"{}"),
    "length and chunks": (["Content-Length: 2", "Transfer-Encoding: chunked"], b"0\r\n\r\n"),
    "chunks and length": (["Transfer-Encoding: chunked", "Content-Length: 5"], b"0\r\n\r\n"),
    "a negative length": (["Content-Length: -1"], b"{}"),
    "a length with a sign": (["Content-Length: +2"], b"{}"),
    "a length that is no number": (["Content-Length: 0x02"], b"{}"),
    "a length beyond all bounds": (["Content-Length: 99999999999999999999999"], b"{}"),
    "chunks that are not last": (["Transfer-Encoding: chunked, identity"], b"0\r\n\r\n"),
    "an encoding nobody knows": (["Transfer-Encoding: xchunked"], b"0\r\n\r\n"),
    "an encoding behind a control character": (["Transfer-Encoding: \x0bchunked"], b"0\r\n\r\n"),
    "two encodings": (["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], b"0\r\n\r\n"),
    "a space before the colon": (["Content-Length : 2"], b"{}"),
    "a folded line": (["X-Folded: a\r\n Content-Length: 2"], b"{}"),
    "a bare carriage return": (["X-Split: a\rContent-Length: 2"], b"{}"),
    "a bare line feed": (["X-Split: a\nContent-Length: 2"], b"{}"),
    "NUL in a value": (["X-Nul: a\x00b", "Content-Length: 2"], b"{}"),
    "a name with a control character": (["X\x01: a", "Content-Length: 2"], b"{}"),
    "a chunk size that is no number": (["Transfer-Encoding: chunked"], b"0x2\r\n{}\r\n0\r\n\r\n"),
    "a negative chunk size": (["Transfer-Encoding: chunked"], b"-2\r\n{}\r\n0\r\n\r\n"),
    "a chunk size that overflows": (["Transfer-Encoding: chunked"], b"FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n"),
    "a chunk longer than its size": (["Transfer-Encoding: chunked"], b"2\r\n{}}}\r\n0\r\n\r\n"),
    "chunks parted by line feeds": (["Transfer-Encoding: chunked"], b"2\n{}\n0\n\n"),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_message_that_two_servers_could_read_differently_is_refused_and_nothing_behind_it_is_read(
    wire: Wire, name: str
) -> None:
    headers, body = AMBIGUOUS[name]
    told = statuses(wire.send(message("POST", SIGN_IN, JSON, *headers, body=body, close=False) + SMUGGLED))
    assert told in ([400], []), told
    assert wire.is_well()


@pytest.mark.parametrize(
    "first",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",  # the beginning of TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"\x00" * 100,
    ],
)
def test_what_is_not_this_protocol_is_not_answered_as_if_it_were(wire: Wire, first: bytes) -> None:
    told = statuses(wire.send(first + SMUGGLED))
    assert 200 not in told
    assert wire.is_well()


def test_nothing_behind_a_request_of_the_oldest_kind_is_read(wire: Wire) -> None:
    assert len(statuses(wire.send(b"GET /healthz\r\n\r\n" + SMUGGLED))) <= 1
    assert wire.is_well()


def test_requests_one_behind_the_other_are_answered_in_turn(wire: Wire) -> None:
    many = message("GET", "/healthz", close=False) * 200
    assert statuses(wire.send(many + message("GET", "/api/v1/organization"))) == [200] * 200 + [401]


def test_nobody_is_handed_another_protocol(wire: Wire) -> None:
    for upgrade in ("websocket", "h2c", "TLS/1.3"):
        told = wire.send(message("GET", "/healthz", f"Upgrade: {upgrade}", "Connection: Upgrade"))
        assert 101 not in statuses(told)
    told = wire.send(message("CONNECT", "127.0.0.1:22"))
    assert not set(statuses(told)) & {101, 200}
    assert wire.is_well()


def test_a_request_is_not_sent_back_to_who_sent_it(wire: Wire) -> None:
    told = wire.send(message("TRACE", "/healthz", "Cookie: clew_session=secret"))
    assert statuses(told) == [405]
    assert b"secret" not in told


def test_headers_without_end_are_cut(wire: Wire) -> None:
    for headers in (["X-Long: " + "a" * 200_000], [f"X-{number}: a" for number in range(20_000)]):
        told = statuses(wire.send(message("GET", "/healthz", *headers)))
        assert told in ([400], [431], []), told
    told = statuses(wire.send(message("GET", "/healthz?" + "a" * 200_000)))
    assert told in ([400], [414], []), told
    assert wire.is_well()


def test_a_body_that_says_it_is_too_large_is_refused_unread(wire: Wire) -> None:
    told = wire.send(message("POST", SIGN_IN, JSON, f"Content-Length: {MOST_BODY_BYTES + 1}"), b"{")
    assert statuses(told) == [413]
    assert b"urn:clew:problem:too_large" in told
    assert wire.is_well()


def test_a_body_in_chunks_is_counted_and_cut(wire: Wire) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    told = wire.send(message("POST", SIGN_IN, JSON, "Transfer-Encoding: chunked"), *[chunk] * 40)
    assert statuses(told) in ([413], [])  # it may hang up before all that was sent is read
    assert wire.is_well()


def test_a_body_in_crumbs_is_put_together(wire: Wire) -> None:
    crumbs = b"".join(b"1\r\n%c\r\n" % byte for byte in b'{"name": "a", "password": "b", "more": "c"}')
    told = wire.send(message("POST", SIGN_IN, JSON, "Transfer-Encoding: chunked", body=crumbs + b"0\r\n\r\n"))
    assert statuses(told) == [422]


def test_a_body_that_does_not_come_is_not_waited_for(impatient: Wire) -> None:
    told = impatient.send(message("POST", SIGN_IN, JSON, "Content-Length: 100"), b"{")
    assert statuses(told) == [408]
    assert b"urn:clew:problem:slow_request" in told
    assert impatient.is_well()


@pytest.mark.parametrize("begun", [b"", b"GET /healthz HTTP/1.1\r\n", b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: "])
def test_headers_that_do_not_come_are_not_waited_for(impatient: Wire, begun: bytes) -> None:
    assert statuses(impatient.send(begun)) in ([], [408])
    assert impatient.is_well()


def test_slow_callers_keep_nobody_else_waiting(impatient: Wire) -> None:
    with impatient.connection() as one, impatient.connection() as two:
        for slow in (one, two):
            slow.sendall(message("POST", SIGN_IN, JSON, "Content-Length: 100") + b"{")
        assert impatient.is_well()
        assert [statuses(impatient.rest(slow)) for slow in (one, two)] == [[408], [408]]


def test_who_hangs_up_in_the_middle_leaves_nothing_behind(wire: Wire) -> None:
    for part in (b"", b"GET", message("POST", SIGN_IN, JSON, "Content-Length: 100") + b"{"):
        with wire.connection() as connection:
            connection.sendall(part)
    assert wire.is_well()


@pytest.mark.parametrize("place", ["/api/v1/nothing/{}", "/api/v1/organization?cursor={}"])
@pytest.mark.parametrize("break_", ["%0d%0a", "%0a", "%0d", "%e5%98%8a%e5%98%8d", "%c4%8d%c4%8a"])
def test_an_encoded_end_of_line_ends_none_in_the_answer(wire: Wire, place: str, break_: str) -> None:
    told = wire.send(message("GET", place.format(f"a{break_}Set-Cookie:%20planted=1{break_}{break_}<script>")))
    head = told.partition(b"\r\n\r\n")[0].lower()
    assert len(statuses(told)) == 1
    assert b"planted" not in head
    assert b"application/problem+json" in head


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For: 198.51.100.1", "X-Real-IP: 127.0.0.1", "Forwarded: for=127.0.0.1", "Via: 1.1 a"]
)
def test_who_calls_cannot_be_claimed_by_a_header(wire: Wire, header: str) -> None:
    assert statuses(wire.send(message("GET", "/metrics"))) == [200]
    assert statuses(wire.send(message("GET", "/metrics", header))) == [403]


def test_another_host_in_the_request_goes_nowhere(wire: Wire) -> None:
    told = wire.send(message("GET", "/api/v1/nothing", host="elsewhere.example"))
    assert statuses(told) == [404]
    assert b"elsewhere.example" not in told
    assert b"location:" not in told.lower()
