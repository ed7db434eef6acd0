"""Lists are read page by page: everything once, while more comes in; a cursor serves one question."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clew.kernel.database import Database
from clew.kernel.errors import InputError, NotFoundError
from clew.records import paging
from clew.records.entity_reading import LISTING, Entity, EntityFilter, list_entities, read_entity
from clew.records.happenings import AttackFilter, EventFilter, list_attacks, list_events, read_attack, read_event
from clew.records.paging import Page, PageRequest, read_page
from clew.records.relationship_reading import (
    RelationshipFilter,
    list_relationships,
    list_relationships_of,
    read_relationship,
)
from clew.records.tables.entities import entities
from tests.support.record import NOON, Tenant, Writer, new_organization

MANY = """
INSERT INTO entities (organization_id, id, entity_type, name, normalized_name, created_at, confidence)
SELECT :organization, md5(:seed || n)::uuid, CASE WHEN n % 3 = 0 THEN 'domain' ELSE 'username' END, 'N' || n % 50,
       'n' || n % 50, TIMESTAMPTZ '2025-03-09 12:00Z' + make_interval(secs => n / 100), n % 100 / 100.0
FROM generate_series(1, :n) n
"""


def fill(database: Database, tenant: Tenant, count: int, seed: str = "e") -> None:
    with database.transaction(tenant.context) as connection:
        connection.execute(sa.text(MANY), {"organization": tenant.id, "n": count, "seed": seed})


def pages(read: Callable[[PageRequest], Page[Any]], request: PageRequest, most: int = 10_000) -> list[Page[Any]]:
    """All pages, from the first to the last."""
    found = [read(request)]
    while found[-1].next_cursor is not None:
        assert len(found) < most, "the list does not end"
        found.append(read(replace(request, cursor=found[-1].next_cursor)))
    return found


def entities_read(database: Database, tenant: Tenant, wanted: EntityFilter, request: PageRequest) -> list[Entity]:
    def read(asked: PageRequest) -> Page[Entity]:
        with database.transaction(tenant.context) as connection:
            return list_entities(connection, tenant.id, wanted, asked)

    return [entity for page in pages(read, request) for entity in page.items]


@pytest.mark.parametrize("sort", LISTING.sorts)
def test_ten_thousand_come_once_each_while_more_are_added(database: Database, tenant: Tenant, sort: str) -> None:
    fill(database, tenant, 10_000)
    with database.transaction(tenant.context) as connection:
        before = set(connection.scalars(sa.select(entities.c.id).where(entities.c.organization_id == tenant.id)))
    assert len(before) == 10_000
    turn = 0

    def read(asked: PageRequest) -> Page[Entity]:
        nonlocal turn
        turn += 1
        if turn % 5 == 0:
            fill(database, tenant, 20, f"later {turn} ")
        with database.transaction(tenant.context) as connection:
            return list_entities(connection, tenant.id, EntityFilter(), asked)

    found = [entity for page in pages(read, PageRequest(200, sort=sort)) for entity in page.items]
    seen = [entity.id for entity in found if entity.id in before]
    assert len(seen) == 10_000
    assert set(seen) == before
    assert len({entity.id for entity in found}) == len(found)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limit=st.integers(1, 60),
    walk=st.integers(1, 90),
    sort=st.sampled_from(LISTING.sorts),
    least=st.sampled_from([None, 0.0, 0.5, 0.98, 1.0]),
)
def test_a_page_that_may_look_at_few_rows_only_leads_on_to_all_of_them(
    crowd: tuple[Database, Tenant], limit: int, walk: int, sort: str, least: float | None
) -> None:
    database, tenant = crowd
    walked = [] if least is None else [entities.c.confidence >= least]
    rows: list[Any] = []
    with database.transaction(tenant.context) as connection:

        def read(asked: PageRequest) -> Page[Any]:
            return read_page(connection, LISTING, tenant.id, asked, filters=least, walked=walked, walk=walk)

        for page in pages(read, PageRequest(limit, sort=sort)):
            assert len(page.items) <= limit
            rows += page.items
        expected = sa.select(entities.c.id).where(entities.c.organization_id == tenant.id, *walked)
        keys = LISTING.orders[sort.removeprefix("-")]
        ordered = [key.desc() if sort.startswith("-") else key.asc() for key in keys]
        assert [row["id"] for row in rows] == list(connection.scalars(expected.order_by(*ordered)))


@pytest.fixture(scope="module")
def crowd(database: Database) -> tuple[Database, Tenant]:
    tenant = new_organization(database)
    fill(database, tenant, 150)
    return database, tenant


def test_filters_of_entities(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        tagged = writer.entity("domain", "a.example.net", tags=["red"], confidence=0.9, first_seen=NOON, last_seen=NOON)
        plain = writer.entity("domain", "b.example.net", confidence=0.2, is_verified=True, risk_score=70)
        address = writer.entity("ip_address", "192.168.7.7")
        told = writer.source("cowrie")
        writer.source("dionaea")
        writer.sighting(address, writer.item(told, "a.json"))

    def found(**filters: Any) -> set[UUID]:
        return {each.id for each in entities_read(database, tenant, EntityFilter(**filters), PageRequest(2))}

    day = timedelta(days=1)
    assert found() == {tagged, plain, address}
    assert found(entity_type="domain") == {tagged, plain}
    assert found(value_prefix="A.EX") == {tagged}
    assert found(tag="red") == {tagged}
    assert found(flag="private") == {address}
    assert found(minimum_confidence=0.9) == {tagged}
    assert found(minimum_risk=70) == {plain}
    assert found(is_verified=True) == {plain}
    assert found(is_verified=False, entity_type="domain") == {tagged}
    assert found(first_seen_since=NOON, last_seen_until=NOON + day) == {tagged}
    assert found(last_seen_until=NOON) == set()
    assert found(source="cowrie") == {address}
    assert found(source="dionaea") == found(source="unheard of") == set()
    assert found(created_until=NOON - 9000 * day) == set()


def test_what_there_is_not_is_said(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        for request in (PageRequest(0), PageRequest(201), PageRequest(sort="risk"), PageRequest(sort="--name")):
            with pytest.raises(InputError):
                list_entities(connection, tenant.id, EntityFilter(), request)
        with pytest.raises(InputError, match="entity type"):
            list_entities(connection, tenant.id, EntityFilter(entity_type="planet"), PageRequest())
        for address in ("300.1.1.1", "x", "1.1.1.1; DROP TABLE events"):
            with pytest.raises(InputError, match="address"):
                list_events(connection, tenant.id, EventFilter(source_ip=address), PageRequest())


def test_a_cursor_serves_its_own_question_and_no_other(database: Database, tenant: Tenant) -> None:
    other = new_organization(database)
    for each in (tenant, other):
        fill(database, each, 10)
    with database.transaction(tenant.context) as connection:
        cursor = list_entities(connection, tenant.id, EntityFilter(), PageRequest(2)).next_cursor
        assert cursor is not None
        raw = urlsafe_b64decode(cursor + "==")
        forged = [
            "",
            "x",
            "ü",
            cursor[:-4],
            cursor + "AAAA",
            "A" * 10_000,
            *(
                urlsafe_b64encode(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]).decode()
                for place in (0, 14)
            ),
        ]
        for text in forged:
            with pytest.raises(InputError, match="cursor"):
                list_entities(connection, tenant.id, EntityFilter(), PageRequest(2, text))
        for filters, sort in ((EntityFilter(tag="x"), None), (EntityFilter(), "name")):
            with pytest.raises(InputError, match="cursor"):
                list_entities(connection, tenant.id, filters, PageRequest(2, cursor, sort))
    with database.transaction(other.context) as connection, pytest.raises(InputError, match="cursor"):
        list_entities(connection, other.id, EntityFilter(), PageRequest(2, cursor))


def flipped(raw: bytes, place: int) -> str:
    return urlsafe_b64encode(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]).decode()


def test_a_cursor_sealed_with_impossible_values_is_refused(database: Database, tenant: Tenant) -> None:
    keys = LISTING.orders["name"]
    seal = paging._Seal(tenant.id, "q")
    for values in ([0], [1], [-1, "a", str(uuid4())], [0, 7, str(uuid4())], [0, "a", "b"], [0, "a"], ["0", "a", "b"]):
        with pytest.raises(InputError, match="cursor"):
            seal.opened(seal.closed(values), keys, 1)


def test_relationships_of_an_entity_in_both_directions(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        hub = writer.entity("username", "hub", "github")
        others = [writer.entity("domain", f"d{number}.example.net") for number in range(7)]
        going = [writer.relationship(hub, ("OWNS", "USES")[n % 2], other) for n, other in enumerate(others)]
        coming = [writer.relationship(other, "MENTIONS", hub, confidence=0.9) for other in others]
        itself = writer.relationship(hub, "SAME_AS", hub)

        def found(direction: Any = "both", **filters: Any) -> list[UUID]:
            wanted = RelationshipFilter(**filters)

            def read(asked: PageRequest) -> Page[Any]:
                return list_relationships_of(connection, tenant.id, hub, wanted, asked, direction)

            return [each.id for page in pages(read, PageRequest(3)) for each in page.items]

        assert len(found()) == len(set(found())) == 15
        assert found() == found("out") + found("in")
        assert set(found("out")) == {*going, itself}
        assert set(found("in")) == set(coming)
        assert set(found(relationship_type="USES")) == set(going[1::2])
        assert set(found(minimum_confidence=0.8)) == set(coming)
        listed = list_relationships(connection, tenant.id, RelationshipFilter(), PageRequest(200)).items
        assert {each.id for each in listed} == {*going, *coming, itself}
        one = next(each for each in listed if each.id == coming[0])
        assert (one.source.name, one.target.name, one.target.platform) == ("d0.example.net", "hub", "github")


def test_one_relationship_says_where_it_comes_from(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        item = writer.item(writer.source("sherlock"), "a.csv")
        ends = writer.entity("username", "a"), writer.entity("domain", "a.example.net")
        known = writer.relationship(ends[0], "OWNS", ends[1])
        writer.insert("relationship_sources", relationship_id=known, collection_item_id=item, confidence=0.7, line=4)
        found, sightings = read_relationship(connection, tenant.id, known)
        assert (found.type, found.source.id, found.target.id) == ("OWNS", *ends)
        assert [(each.item_id, each.line, each.confidence) for each in sightings] == [(item, 4, 0.7)]
        with pytest.raises(NotFoundError):
            read_relationship(connection, tenant.id, uuid4())


def test_an_entity_read_by_the_id_of_one_that_was_merged_into_it(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        names = [writer.entity("username", name) for name in ("a", "b", "c")]
        for gone, stays in ((names[0], names[1]), (names[1], names[2])):
            writer.insert("entity_aliases", alias_id=gone, entity_id=stays)
        assert {read_entity(connection, tenant.id, each).id for each in names} == {names[2]}
        with pytest.raises(NotFoundError):
            read_entity(connection, tenant.id, uuid4())


def test_attacks_and_their_events(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        attack = writer.session("198.51.100.7", commands=("uname", "id"), attack_type="brute")
        writer.session("198.51.100.8", NOON + timedelta(hours=1))
        connection.execute(sa.text("SELECT ensure_partitions('events', ARRAY[DATE '2025-03-01'])"))
        ids = [uuid4() for _ in range(5)]
        for number, identifier in enumerate(ids):
            writer.insert(
                "events",
                id=identifier,
                occurred_at=NOON + timedelta(seconds=number),
                source="cowrie",
                kind="login" if number else "connect",
                item_id=uuid4(),
                line=number,
                session_id=attack if number < 4 else None,
                source_ip="198.51.100.7",
            )

        def attacks(**filters: Any) -> list[str]:
            return [each["source_ip"] for each in _all(list_attacks, AttackFilter(**filters))]

        def events(**filters: Any) -> list[int]:
            return [each["line"] for each in _all(list_events, EventFilter(**filters))]

        def _all(listed: Any, wanted: Any) -> list[dict[str, Any]]:
            def read(asked: PageRequest) -> Page[Any]:
                found: Page[Any] = listed(connection, tenant.id, wanted, asked)
                return found

            return [row for page in pages(read, PageRequest(2)) for row in page.items]

        assert attacks() == ["198.51.100.8", "198.51.100.7"]
        assert attacks(source_ip="198.51.100.7") == attacks(attack_type="brute") == ["198.51.100.7"]
        assert attacks(since=NOON + timedelta(minutes=1)) == ["198.51.100.8"]
        assert attacks(target_port=22) == []
        assert events() == [4, 3, 2, 1, 0]
        assert events(kind="connect") == [0]
        assert events(session_id=attack, source_ip="198.51.100.7") == [3, 2, 1, 0]
        assert events(until=NOON + timedelta(seconds=2)) == [1, 0]
        assert read_attack(connection, tenant.id, attack)["commands"] == ["uname", "id"]
        assert read_event(connection, tenant.id, ids[1], NOON + timedelta(seconds=1))["kind"] == "login"
        with pytest.raises(NotFoundError):
            read_attack(connection, tenant.id, uuid4())
        with pytest.raises(NotFoundError):
            read_event(connection, tenant.id, ids[1], NOON)
