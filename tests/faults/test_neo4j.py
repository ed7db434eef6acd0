"""The graph view in a Neo4j server to which the worst is done while the record changes: equal in the end, and soon."""

import contextlib
import secrets
from collections.abc import Iterator, Mapping

import pytest

from clew.projections.graph.neo4j.address import GraphAddress
from clew.projections.graph.neo4j.connection import GraphConnection
from clew.projections.graph.neo4j.view import Neo4jGraphView
from clew.projections.graph_projection import GraphProjection
from tests.engines.marks import ON_GRAPH_ENGINES
from tests.engines.neo4j import USER, Neo4jServer, running_neo4j
from tests.faults.harness import FAULTS, Fault, Stage, survive
from tests.faults.proxy import FaultyWire
from tests.faults.stream import DOMAINS, Changes
from tests.support.projecting import add_domain, new_place

pytestmark = [pytest.mark.same_everywhere, pytest.mark.timeout(900)]

# Domains, relationships between neighbours of them that change again and again, and domains that go with theirs.
RELATED = Changes(
    DOMAINS.add,
    """
INSERT INTO relationships (organization_id, id, source_entity_id, target_entity_id, relationship_type, confidence)
SELECT %(organization)s, md5('edge-' || n)::uuid, a.id, b.id, 'RESOLVES_TO', (%(score)s::numeric / 100)::numeric(3,2)
FROM generate_series(%(first)s::int, %(last)s::int) AS n
JOIN entities AS a ON a.organization_id = %(organization)s AND a.normalized_name = 'name-' || n || '.example'
JOIN entities AS b
    ON b.organization_id = %(organization)s AND b.normalized_name = 'name-' || (n %% 2000) + 1 || '.example'
ON CONFLICT (organization_id, id) DO UPDATE SET confidence = excluded.confidence, updated_at = now()
""",
    DOMAINS.remove,
)

_TRIES = range(30)  # a machine that others use may be too slow for a server's five seconds


@contextlib.contextmanager
def another_password(stage: Stage) -> Iterator[None]:
    """Whoever is signed in is thrown out, and nobody gets in with the password they know."""
    server = stage.node
    assert isinstance(server, Neo4jServer)
    known, other = server.password, secrets.token_hex(8)
    with server.driver() as driver:
        driver.execute_query(
            "ALTER CURRENT USER SET PASSWORD FROM $known TO $other", known=known, other=other, database_="system"
        )
        ids = driver.execute_query("CALL dbms.listConnections() YIELD connectionId RETURN connectionId").records
        with contextlib.suppress(Exception):  # our own is one of them
            driver.execute_query("CALL dbms.killConnections($ids)", ids=[record[0] for record in ids])
    yield
    server.password = other
    with server.driver() as driver:
        driver.execute_query(
            "ALTER CURRENT USER SET PASSWORD FROM $other TO $known", known=known, other=other, database_="system"
        )
    server.password = known


@contextlib.contextmanager
def read_only(stage: Stage) -> Iterator[None]:
    """The server reads and refuses to write, as one whose disk is full or whose operator is moving it."""
    server = stage.node
    assert isinstance(server, Neo4jServer)
    _restart(server, read_only=True)
    try:
        yield
    finally:
        _restart(server, read_only=False)


def _restart(server: Neo4jServer, *, read_only: bool) -> None:
    server.stop()
    server.read_only = read_only
    server.start()


ALL: Mapping[str, tuple[float, Fault]] = {
    **FAULTS,
    "read-only": (15.0, read_only),
    "another password": (15.0, another_password),
}


@pytest.fixture(params=ON_GRAPH_ENGINES)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    server = running_neo4j()
    with FaultyWire(server.port) as wire, new_place() as place:
        address = GraphAddress(
            "bolt",
            "127.0.0.1",
            wire.port,
            user=USER,
            password=server.password,
            connect_seconds=3.0,
            timeout_seconds=5.0,
        )
        connection = GraphConnection(address)
        view = Neo4jGraphView(connection, place.directory, prefix=f"v{secrets.token_hex(6)}")
        place.projection = GraphProjection.of(view)
        yield Stage(place, server, wire)
        view.remove()
        connection.close()


@pytest.mark.parametrize("fault", ALL)
def test_whatever_is_done_to_a_server_it_ends_equal_with_the_record(stage: Stage, fault: str) -> None:
    seconds, does = ALL[fault]
    survive(stage, seconds, does, RELATED)


def test_a_server_that_only_reads_says_so_to_whoever_writes_and_is_read(stage: Stage) -> None:
    place = stage.place
    assert any(place.catch_up().error is None for _ in _TRIES)
    assert isinstance(place.projection, GraphProjection)
    with read_only(stage):
        with place.writing() as connection:
            add_domain(connection, place.tenant, "later.example")
        # Tried four times each: a server that was silent so often would be left alone.
        assert any("Neo4j is read-only" in str(place.catch_up().error) for _ in _TRIES)
        assert place.projection.position() is not None, "it is read"
    assert any(place.catch_up().error is None for _ in _TRIES)
    place.assert_equal()
