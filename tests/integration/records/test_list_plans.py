"""Every order of every list is read from an index, however many rows there are, wherever in the list the page is."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from clew.kernel.database import Database
from clew.kernel.roles import MIGRATOR
from clew.records.entity_reading import EntityFilter, list_entities
from clew.records.happenings import AttackFilter, EventFilter, list_attacks, list_events
from clew.records.held import HeldFilter, page_of_held
from clew.records.paging import MAXIMUM_WALK, Page, PageRequest
from clew.records.relationship_reading import RelationshipFilter, list_relationships, list_relationships_of
from tests.support.record import Tenant, new_organization

ROWS = 30_000
HUB = UUID("e4da3b7f-bbce-2345-d777-2b0674a318d5")
FILL = (
    """INSERT INTO entities (organization_id, id, entity_type, name, normalized_name, created_at)
       SELECT :organization, md5('e' || n)::uuid, CASE WHEN n % 20 = 0 THEN 'domain' ELSE 'username' END, 'N' || n,
              'n' || n, now() - make_interval(secs => n) FROM generate_series(1, :n) n""",
    """INSERT INTO entities (organization_id, id, entity_type, name, normalized_name)
       VALUES (:organization, :hub, 'domain', 'hub', 'hub')""",
    """INSERT INTO relationships (organization_id, source_entity_id, target_entity_id, relationship_type)
       SELECT :organization, md5('e' || n)::uuid, :hub, 'USES' FROM generate_series(1, :n) n""",
    """INSERT INTO attack_sessions (organization_id, id, source_ip, timestamp, ended_at, payload_hash, source,
                                    session_key)
       SELECT :organization, md5('s' || n)::uuid, '198.51.0.0'::inet + n, now() - make_interval(mins => n), now(),
              lpad(n::text, 64, '0'), 'cowrie', n::text FROM generate_series(1, :n) n""",
    """INSERT INTO events (organization_id, id, occurred_at, source, kind, item_id)
       SELECT :organization, md5('v' || n)::uuid, now() - make_interval(mins => n), 'cowrie', 'k', :hub
       FROM generate_series(1, :n) n""",
    """INSERT INTO quarantine (organization_id, collection_item_id, file_name, source, reason, detail, content,
                               created_at)
       SELECT :organization, :hub, 'f', 's', 'r', 'd', '', now() - make_interval(secs => n)
       FROM generate_series(1, :n) n""",
)
Lister = Callable[[sa.Connection, UUID, PageRequest], Page[Any]]


def entities(**filters: Any) -> Lister:
    return lambda c, o, request: list_entities(c, o, EntityFilter(**filters), request)


LISTS: dict[str, Lister] = {
    "entities": entities(),
    "entities of a type": entities(entity_type="domain"),
    "entities that begin so": entities(value_prefix="n123"),
    "entities with a tag that none has": entities(tag="none"),
    "relationships": lambda c, o, request: list_relationships(c, o, RelationshipFilter(), request),
    "relationships of a hub": lambda c, o, r: list_relationships_of(c, o, HUB, RelationshipFilter(), r),
    "attacks": lambda c, o, request: list_attacks(c, o, AttackFilter(), request),
    "attacks of a sensor that is none": lambda c, o, request: list_attacks(c, o, AttackFilter(sensor="x"), request),
    "events": lambda c, o, request: list_events(c, o, EventFilter(), request),
    "events of a kind that is none": lambda c, o, request: list_events(c, o, EventFilter(kind="x"), request),
    "quarantine": lambda c, o, request: page_of_held(c, o, HeldFilter(), request),
}


@pytest.fixture(scope="module")
def crowded(database: Database) -> Tenant:
    for tenant in (new_organization(database), new_organization(database)):
        with database.transaction(tenant.context) as connection:
            for table in ("attack_sessions", "events"):
                months = (
                    f"SELECT ensure_partitions('{table}', (SELECT array_agg(DISTINCT"
                    " date_trunc('month', now() - make_interval(mins => n * 100))::date)"
                    " FROM generate_series(0, :n / 100 + 1) n))"
                )
                connection.execute(sa.text(months), {"n": ROWS})
            for statement in FILL:
                given = {"organization": tenant.id, "n": ROWS, "hub": HUB}
                used = {name: value for name, value in given.items() if f":{name}" in statement}
                connection.execute(sa.text(statement), used)
    with database.transaction(None, MIGRATOR) as connection:
        connection.execute(sa.text("ANALYZE"))
    return tenant


def nodes(plan: Any) -> Iterator[dict[str, Any]]:
    if isinstance(plan, list):
        for part in plan:
            yield from nodes(part)
    elif isinstance(plan, dict):
        if "Node Type" in plan:
            yield plan
        for part in plan.values():
            yield from nodes(part)


@pytest.mark.parametrize("what", LISTS)
def test_a_page_reads_rows_from_an_index_and_no_more_of_them_than_it_may(
    database: Database, crowded: Tenant, what: str
) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        asked.append((statement, parameters))

    with database.transaction(crowded.context) as connection:
        first = LISTS[what](connection, crowded.id, PageRequest(50))
        following = PageRequest(50, first.next_cursor)
        sa.event.listen(connection, "before_cursor_execute", note)
        LISTS[what](connection, crowded.id, following)
        sa.event.remove(connection, "before_cursor_execute", note)
        assert asked
        for statement, parameters in asked:
            explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}"
            [[plan]] = connection.exec_driver_sql(explain, parameters).all()
            for node in nodes(plan):
                assert node["Node Type"] != "Seq Scan" or node["Actual Rows"] == 0, node
                assert node["Actual Rows"] <= MAXIMUM_WALK, node
                if "Relation Name" in node and "none" not in what and "begin" not in what:
                    assert node["Actual Rows"] <= 52, node
