"""Getting into a Neo4j server: certificates that are checked, logins that are refused, servers that are not there."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clew.kernel.errors import ConfigurationError
from clew.projections.graph.errors import GraphEngineUnavailableError
from clew.projections.graph.neo4j.address import GraphAddress
from clew.projections.graph.neo4j.connection import GraphConnection
from tests.engines.door import certificate_for_loopback
from tests.engines.neo4j import USER, Neo4jServer
from tests.support.ports import free_port

pytestmark = [
    pytest.mark.same_everywhere,
    pytest.mark.engines,
    pytest.mark.xdist_group("neo4j"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphAddress]:
    """A server that speaks TLS only, with a certificate of its own."""
    directory = tmp_path_factory.mktemp("secure")
    certificate, key = certificate_for_loopback(directory)
    server = Neo4jServer(directory / "server", certificate=certificate, key=key)
    server.start()
    yield GraphAddress(
        "bolt+s",
        "127.0.0.1",
        server.port,
        user=USER,
        password=server.password,
        ca_file=certificate,
        connect_seconds=5.0,
    )
    server.kill()


def asked(address: GraphAddress) -> str:
    connection = GraphConnection(address)
    try:
        return connection.version()
    finally:
        connection.close()


def test_a_server_is_asked_over_tls_that_is_checked(secure: GraphAddress, tmp_path: Path) -> None:
    assert asked(secure).startswith("5.26")
    other = tmp_path / "other"
    other.mkdir()
    certificate, _ = certificate_for_loopback(other)
    for wrong in (replace(secure, ca_file=certificate), replace(secure, ca_file=None)):
        with pytest.raises((ConfigurationError, GraphEngineUnavailableError)) as told:
            asked(wrong)
        assert "certificate" in str(told.value).lower()
    with pytest.raises(GraphEngineUnavailableError):
        asked(replace(secure, scheme="bolt", ca_file=None))


def test_a_wrong_password_is_told_and_not_shown(secure: GraphAddress) -> None:
    with pytest.raises(ConfigurationError) as told:
        asked(replace(secure, password="wrong-secret"))
    assert "wrong-secret" not in str(told.value)


def test_a_server_that_is_not_there_is_left_alone_after_some_tries() -> None:
    connection = GraphConnection(GraphAddress("bolt", "127.0.0.1", free_port(), connect_seconds=1.0))
    for _ in range(3):
        with pytest.raises(GraphEngineUnavailableError):
            connection.read("RETURN 1")
    with pytest.raises(GraphEngineUnavailableError, match="left alone"):
        connection.read("RETURN 1")
    connection.close()
