"""No request reaches an address of this machine or its network unless its host is allowed, whatever sends it."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
import requests

from clew.kernel.errors import ConfigurationError, InputError
from clew.kernel.outbound import Outbound, OutboundFailedError, OutboundRefusedError
from clew.kernel.outbound_requests import guard
from clew.kernel.outbound_settings import allowed_hosts
from clew.kernel.settings import load_settings
from tests.support.mail import certificate
from tests.support.ports import free_port
from tests.support.scripted_server import Reply, answer, scripted

Fetch = Callable[[Outbound, str], bytes]


def by_httpx(outbound: Outbound, url: str) -> bytes:
    with outbound.client(follow_redirects=True) as client:
        return client.get(url).content


def by_requests(outbound: Outbound, url: str) -> bytes:
    with guard(requests.Session(), outbound) as session:
        return session.get(url).content


@pytest.fixture(params=[by_httpx, by_requests])
def fetch(request: pytest.FixtureRequest) -> Fetch:
    found: Fetch = request.param
    return found


def leading_to(*addresses: str) -> Callable[[str, int], list[str]]:
    return lambda _host, _port: list(addresses)


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


LOOPBACK = Outbound(allowed_hosts("127.0.0.1"))

INSIDE = [
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%1", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_refused_before_anything_connects(address: str, fetch: Fetch) -> None:
    outbound = Outbound(resolve=leading_to(address))
    with pytest.raises(OutboundRefusedError, match=r"feeds\.example\.org:80.*outbound_allowed_hosts"):
        fetch(outbound, "http://feeds.example.org/list")


@pytest.mark.parametrize("written", ["127.0.0.1", "127.1", "0x7f.0.0.1", "2130706433", "[::1]", "localhost", "0"])
def test_an_address_of_this_machine_is_refused_however_it_is_written(written: str, fetch: Fetch) -> None:
    with scripted(answer({})) as server, pytest.raises((OutboundRefusedError, OutboundFailedError)):
        # Looked up by numbers only, so that the closed network of the tests stays closed.
        fetch(Outbound(resolve=numeric), f"http://{written}:{port_of(server.address)}/")
    assert server.heard == []


def numeric(host: str, port: int) -> list[str]:
    if host == "localhost":
        return ["127.0.0.1"]
    try:
        return [socket.inet_ntoa(socket.inet_aton(host))]
    except OSError:
        return [host]


def test_one_bad_address_among_good_ones_is_enough(fetch: Fetch) -> None:
    with pytest.raises(OutboundRefusedError):
        fetch(Outbound(resolve=leading_to("93.184.216.34", "10.0.0.1")), "http://feeds.example.org/")


def test_an_allowed_host_is_reached_at_the_checked_address_under_its_own_name(fetch: Fetch) -> None:
    with scripted(answer({"a": 1})) as server:
        port = port_of(server.address)
        outbound = Outbound(allowed_hosts("misp.lan"), resolve=leading_to("127.0.0.1"))
        assert fetch(outbound, f"http://MISP.lan:{port}/events") == b'{"a":1}'
    assert server.heard[0].headers["Host"].lower() == f"misp.lan:{port}"


def test_a_second_look_up_is_never_made_for_a_connection(fetch: Fetch) -> None:
    """DNS rebinding: the first answer is checked and used; what a second one would say does not matter."""
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    outbound = Outbound(allowed_hosts("127.0.0.1/32"), resolve=rebinding)
    with scripted(answer({})) as server:
        url = f"http://rebind.example.org:{port_of(server.address)}/"
        fetch(outbound, url)
        assert (len(asked), len(server.heard)) == (1, 1)
        with pytest.raises(OutboundRefusedError):
            fetch(outbound, url)
    assert len(server.heard) == 1


def test_a_redirection_is_checked_like_any_connection(fetch: Fetch) -> None:
    with scripted(answer({"secret": "metadata"})) as inside:
        target = f"http://127.0.0.1:{port_of(inside.address)}/latest/meta-data"
        with scripted(Reply(302, b"", {"Location": target})) as peer:
            port = port_of(peer.address)
            outbound = Outbound(allowed_hosts(f"peer.lan:{port}"), resolve=leading_to("127.0.0.1"))
            with pytest.raises(OutboundRefusedError):
                fetch(outbound, f"http://peer.lan:{port}/")
    assert len(peer.heard) == 1
    assert inside.heard == []


@pytest.mark.parametrize("scheme", ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/"])
def test_a_redirection_to_another_kind_of_address_goes_nowhere(scheme: str, fetch: Fetch) -> None:
    unsupported = pytest.raises((httpx2.HTTPError, requests.RequestException))
    with scripted(Reply(302, b"", {"Location": scheme})) as peer, unsupported:
        fetch(LOOPBACK, peer.address)
    assert len(peer.heard) == 1


def test_a_login_does_not_follow_a_redirection_to_another_host() -> None:
    with scripted(answer({})) as other:
        elsewhere = f"http://other.lan:{port_of(other.address)}/"
        with scripted(Reply(302, b"", {"Location": elsewhere})) as peer:
            outbound = Outbound(allowed_hosts("peer.lan,other.lan"), resolve=leading_to("127.0.0.1"))
            with guard(requests.Session(), outbound) as session:
                session.headers["Authorization"] = "key of the peer"
                session.get(f"http://peer.lan:{port_of(peer.address)}/")
            with outbound.client(follow_redirects=True, headers={"Authorization": "key of the peer"}) as client:
                client.get(f"http://peer.lan:{port_of(peer.address)}/")
    assert [heard.headers.get("Authorization") for heard in peer.heard] == ["key of the peer"] * 2
    assert [heard.headers.get("Authorization") for heard in other.heard] == [None, None]


def test_proxies_of_the_environment_are_not_asked(fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(answer({"from": "proxy"})) as proxy, scripted(answer({"from": "peer"})) as peer:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.address)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert fetch(LOOPBACK, peer.address) == b'{"from":"peer"}'
    assert proxy.heard == []


def test_more_than_the_limit_is_not_taken(fetch: Fetch) -> None:
    with scripted(Reply(body=b"x" * 70_000)) as peer:
        assert len(fetch(replace(LOOPBACK, maximum_bytes=70_000), peer.address)) == 70_000
        with pytest.raises(OutboundFailedError, match="more than 69999 bytes"):
            fetch(replace(LOOPBACK, maximum_bytes=69_999), peer.address)


def test_a_packed_answer_cannot_outgrow_the_limit(fetch: Fetch) -> None:
    import gzip

    bomb = Reply(body=gzip.compress(b"\0" * 5_000_000), headers={"Content-Encoding": "gzip"})
    with scripted(bomb) as peer, pytest.raises(OutboundFailedError):
        fetch(replace(LOOPBACK, maximum_bytes=1_000_000), peer.address)


def test_an_answer_that_drips_is_given_up(fetch: Fetch) -> None:
    with dripping() as address, pytest.raises(OutboundFailedError, match="not answered in full"):
        fetch(replace(LOOPBACK, total_seconds=0.05), address)


class dripping:  # noqa: N801  used as a function
    """A server that sends a byte whenever one is taken, for ever."""

    def __enter__(self) -> str:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._drip)
        self._thread.start()
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}/"

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._listening.close()

    def _drip(self) -> None:
        connection, _ = self._listening.accept()
        with connection:
            connection.recv(65_536)
            try:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
                while True:
                    connection.sendall(b"x" * 10_000)
            except OSError:
                return


def test_the_next_address_is_tried_where_nobody_listens_at_the_first(fetch: Fetch) -> None:
    with scripted(answer({})) as peer:
        port = port_of(peer.address)
        outbound = Outbound(allowed_hosts("127.0.0.0/8"), resolve=leading_to("127.0.0.99", "127.0.0.1"))
        assert fetch(outbound, f"http://peer.lan:{port}/") == b"{}"


def test_an_unknown_host_and_a_closed_port_are_said(fetch: Fetch) -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(OutboundFailedError, match=r"nobody\.example:80: this host is not known"):
        fetch(Outbound(resolve=unknown), "http://nobody.example/")
    with pytest.raises((httpx2.ConnectError, requests.ConnectionError)):
        fetch(LOOPBACK, f"http://127.0.0.1:{free_port()}/")


@pytest.fixture
def secure_peer(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    chain, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with scripted(answer({}), context=context) as server:
        yield server.address, chain


def test_certificates_are_checked_against_those_of_the_setting(secure_peer: tuple[str, Path], fetch: Fetch) -> None:
    address, authority = secure_peer
    with pytest.raises((httpx2.ConnectError, requests.exceptions.SSLError)):
        fetch(LOOPBACK, address)
    trusting = replace(LOOPBACK, ca_file=authority)
    assert fetch(trusting, address) == b"{}"
    # The name of the certificate is the one that was asked for, not the address that is connected to.
    named = replace(trusting, allowed=allowed_hosts("peer.lan"), resolve=leading_to("127.0.0.1"))
    with pytest.raises((httpx2.ConnectError, requests.exceptions.SSLError)):
        fetch(named, f"https://peer.lan:{port_of(address)}/")


def test_nobody_can_switch_the_check_of_certificates_off(secure_peer: tuple[str, Path]) -> None:
    with guard(requests.Session(), LOOPBACK) as session, pytest.raises(requests.exceptions.SSLError):
        session.get(secure_peer[0], verify=False)


def test_a_wrong_file_of_certificates_is_said(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    with pytest.raises(ConfigurationError, match="outbound_ca_file"):
        Outbound(ca_file=file).client()


@pytest.mark.parametrize(
    ("listed", "host", "address", "port", "may"),
    [
        ("misp.lan", "misp.lan", "10.1.2.3", 443, True),
        ("MISP.lan.", "misp.lan", "10.1.2.3", 443, True),
        ("misp.lan", "evil.misp.lan", "10.1.2.3", 443, False),
        ("misp.lan", "misp.lan", "169.254.169.254", 80, False),
        ("169.254.169.254", "metadata", "169.254.169.254", 80, True),
        ("misp.lan:8443", "misp.lan", "10.1.2.3", 443, False),
        ("misp.lan:8443", "misp.lan", "10.1.2.3", 8443, True),
        ("10.1.0.0/16", "any.example.org", "10.1.2.3", 443, True),
        ("10.1.0.0/16", "any.example.org", "10.2.2.3", 443, False),
        ("10.1.0.0/16", "any.example.org", "::ffff:10.1.2.3", 443, True),
        ("[fd00::1]:8443", "any.example.org", "fd00::1", 8443, True),
        ("[fd00::1]:8443", "any.example.org", "fd00::1", 443, False),
        ("fd00::/8", "any.example.org", "fd12::1", 443, True),
        ("other.lan, misp.lan ,", "misp.lan", "10.1.2.3", 443, True),
    ],
)
def test_what_the_list_allows(listed: str, host: str, address: str, port: int, may: bool) -> None:
    outbound = Outbound(allowed_hosts(listed), resolve=leading_to(address))
    if may:
        assert outbound.addresses(host, port) == [address]
    else:
        with pytest.raises(OutboundRefusedError):
            outbound.addresses(host, port)


@pytest.mark.parametrize("wrong", ["http://misp.lan", "misp lan", "10.0.0.1/8", "misp.lan:0", "misp.lan:x", "*", "1.2"])
def test_a_list_that_cannot_be_read_is_refused(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEW_OUTBOUND_ALLOWED_HOSTS", wrong)
    with pytest.raises(ConfigurationError, match="CLEW_OUTBOUND_ALLOWED_HOSTS"):
        load_settings()


def test_the_settings_become_the_rule(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLEW_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CLEW_OUTBOUND_ALLOWED_HOSTS", "misp.lan:8443")
    monkeypatch.setenv("CLEW_OUTBOUND_MAXIMUM_BYTES", "1MiB")
    outbound = Outbound.of(load_settings())
    assert outbound.allowed == allowed_hosts("misp.lan:8443")
    assert (outbound.maximum_bytes, outbound.answer_seconds) == (1024**2, 60)


def test_what_a_user_sets_is_checked_at_once() -> None:
    outbound = Outbound(allowed_hosts("misp:8443, 10.0.0.0/8"))
    assert outbound.require("https://MISP:8443/x", "peer") == "https://misp:8443/x"
    assert outbound.require("https://10.2.3.4", "peer") == "https://10.2.3.4/"
    assert outbound.require("https://feeds.example.org", "peer") == "https://feeds.example.org/"
    for wrong in ("https://misp", "http://127.1/", "http://localhost", "http://169.254.169.254/"):
        with pytest.raises(OutboundRefusedError, match="peer"):
            outbound.require(wrong, "peer")
    for wrong in ("", "ftp://feeds.example.org", "https://me:key@feeds.example.org", "https://x/" + "a" * 3000):
        with pytest.raises(InputError):
            outbound.require(wrong, "peer")
