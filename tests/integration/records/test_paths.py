"""Ways between entities, and what no way may lead through."""

import itertools
from collections import deque
from uuid import UUID, uuid4

import hypothesis
import pytest
from hypothesis import strategies as st

from clew.kernel.database import Database
from clew.kernel.errors import InputError, NotFoundError
from clew.records.paths import find_path
from tests.support.record import Tenant, Writer, new_organization


def chain(writer: Writer, *names: str) -> list[UUID]:
    """Usernames, each linked to the next."""
    found = [writer.entity("username", name) for name in names]
    for one, other in itertools.pairwise(found):
        writer.relationship(one, "ASSOCIATED_WITH", other)
    return found


def test_the_way_is_told_in_order_with_each_relationships_own_direction(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        a, b, c = (writer.entity("username", name) for name in ("anton", "berta", "caesar"))
        first = writer.relationship(a, "USES", b, confidence=0.7)
        second = writer.relationship(c, "OWNS", b)
        found = find_path(connection, tenant.id, a, c).as_dict()
        assert (found["found"], found["length"], found["truncated"]) == (True, 2, False)
        assert [node["name"] for node in found["nodes"]] == ["anton", "berta", "caesar"]
        assert found["relationships"] == [
            {"id": str(first), "type": "USES", "source": str(a), "target": str(b), "confidence": 0.7},
            {"id": str(second), "type": "OWNS", "source": str(c), "target": str(b), "confidence": 0.5},
        ]
        back = find_path(connection, tenant.id, c, a).as_dict()
        assert back["relationships"] == found["relationships"][::-1]
        same = find_path(connection, tenant.id, a, a)
        assert (same.found, same.length, [node.id for node in same.nodes]) == (True, 0, [a])


def test_no_way_is_said_plainly_and_a_bound_is_said_to_be_one(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        way = chain(writer, *(f"keeper{number}" for number in range(8)))
        alone = writer.entity("username", "hermit")
        apart = find_path(connection, tenant.id, way[0], alone)
        assert (apart.found, apart.length, apart.truncated) == (False, None, False)
        short = find_path(connection, tenant.id, way[0], way[7], max_length=6)
        assert (short.found, short.truncated) == (False, True)
        assert find_path(connection, tenant.id, way[0], way[7], max_length=7).length == 7
        with pytest.raises(NotFoundError):
            find_path(connection, tenant.id, way[0], uuid4())
        with pytest.raises(InputError):
            find_path(connection, tenant.id, way[0], alone, max_length=0)


def test_no_way_leads_through_a_hub_but_one_may_end_there(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        hub = writer.entity("credential", "root:root")
        users = [writer.entity("ip_address", f"203.0.113.{number}") for number in range(12)]
        for user in users:
            writer.relationship(user, "USES", hub)
        through = find_path(connection, tenant.id, users[0], users[1], max_degree=10)
        assert (through.found, [node.id for node in through.hubs_skipped]) == (False, [hub])
        assert find_path(connection, tenant.id, users[0], users[1], max_degree=12).length == 2
        assert find_path(connection, tenant.id, hub, users[1], max_degree=10).length == 1
        longer = chain(writer, "keeper1", "keeper2")
        writer.relationship(users[0], "OWNS", longer[0])
        writer.relationship(users[1], "OWNS", longer[1])
        around = find_path(connection, tenant.id, users[0], users[1], max_degree=10)
        assert [node.id for node in around.nodes] == [users[0], *longer, users[1]]
        assert around.hub_count == 1


@pytest.mark.parametrize(
    ("entity_type", "value", "walkable"),
    [
        ("ip_address", "10.0.0.1", False),
        ("ip_address", "127.0.0.1", False),
        ("username", "admin", False),
        ("ip_address", "203.0.113.77", True),
        ("domain", "lantern.example", True),
    ],
)
def test_what_stands_for_nothing_in_particular_joins_nothing(
    database: Database, tenant: Tenant, entity_type: str, value: str, walkable: bool
) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        middle = writer.entity(entity_type, value)
        one, other = writer.entity("username", "keeper1"), writer.entity("username", "keeper2")
        writer.relationship(one, "USES", middle)
        writer.relationship(other, "USES", middle)
        found = find_path(connection, tenant.id, one, other)
        assert found.found is walkable
        assert [node.id for node in found.hubs_skipped] == ([] if walkable else [middle])
        assert find_path(connection, tenant.id, one, middle).length == 1


def test_the_surest_of_the_shortest_ways_is_taken(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        a, b = writer.entity("username", "anton"), writer.entity("username", "berta")
        middles = [writer.entity("username", f"keeper{number}") for number in range(4)]
        for middle, (first, second) in zip(middles, [(0.9, 0.1), (0.6, 0.6), (0.5, 0.7), (0.6, 0.6)], strict=True):
            writer.relationship(a, "USES", middle, confidence=first)
            writer.relationship(middle, "USES", b, confidence=second)
        ways = [find_path(connection, tenant.id, a, b) for _ in range(3)]
        assert {way.nodes[1].id for way in ways} <= {middles[1], middles[3]}
        assert len({way.nodes[1].id for way in ways}) == 1


def test_a_great_end_does_not_hide_a_short_way(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        great = writer.entity("domain", "great.example")
        for number in range(60):
            writer.relationship(writer.entity("domain", f"s{number}.great.example"), "SUBDOMAIN_OF", great)
        way = chain(writer, "keeper1", "keeper2")
        writer.relationship(way[1], "OWNS", great)
        found = find_path(connection, tenant.id, great, way[0], max_visited=20)
        assert [node.id for node in found.nodes] == [great, way[1], way[0]]
        lost = find_path(connection, tenant.id, great, writer.entity("username", "hermit"), max_visited=20)
        assert not lost.found


edges = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25)


@hypothesis.settings(max_examples=30, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(edges=edges)
def test_the_length_is_that_of_a_plain_search(database: Database, edges: list[tuple[int, int]]) -> None:
    most = 4
    tenant = new_organization(database)
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        nodes = [writer.entity("username", f"keeper{number}") for number in range(10)]
        distinct = sorted({edge for edge in edges if edge[0] != edge[1]})
        for source, target in distinct:
            writer.relationship(nodes[source], "USES", nodes[target])
        found = find_path(connection, tenant.id, nodes[0], nodes[9], max_degree=most, max_length=6)
    assert found.length == plain_distance(distinct, most)
    if found.length is not None:
        ends = [(step.source, step.target) for step in found.relationships]
        hops = list(itertools.pairwise(node.id for node in found.nodes))
        assert all(hop in (end, end[::-1]) for hop, end in zip(hops, ends, strict=True))


def plain_distance(edges: list[tuple[int, int]], most: int) -> int | None:
    """From 0 to 9 over at most six edges, through no node of more than `most`."""
    near: dict[int, list[int]] = {node: [] for node in range(10)}
    for source, target in edges:
        near[source].append(target)
        near[target].append(source)
    distance, queue = {0: 0}, deque([0])
    while queue:
        here = queue.popleft()
        if here == 9:
            return distance[here] if distance[here] <= 6 else None
        if here != 0 and len(near[here]) > most:
            continue
        for other in near[here]:
            if other not in distance:
                distance[other] = distance[here] + 1
                queue.append(other)
    return None
