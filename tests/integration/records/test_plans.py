"""What the record is asked all day is answered from indexes, as the application's role under row-level security."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from clew.kernel.database import Database
from clew.kernel.roles import MIGRATOR
from clew.records import cards, paths, timeline
from tests.support.record import Tenant, Writer, new_organization

ROWS = 4000
FILL = (
    """INSERT INTO entities (organization_id, id, entity_type, name, normalized_name)
       SELECT :organization, md5('e' || n)::uuid, 'username', 'Name ' || n, 'name ' || n
       FROM generate_series(1, :n) n""",
    """INSERT INTO relationships (organization_id, source_entity_id, target_entity_id, relationship_type)
       SELECT :organization, md5('e' || n)::uuid, md5('e' || (n * 7 % :n) + 1)::uuid, 'USES'
       FROM generate_series(1, :n) n""",
    """INSERT INTO collection_item_hashes (organization_id, hash, collection_item_id, collected_at)
       SELECT :organization, lpad(n::text, 64, '0'), md5('i' || n)::uuid, now() FROM generate_series(1, :n) n""",
    """INSERT INTO collection_items (organization_id, id, collection_id, hash, collected_at, parent_id)
       SELECT :organization, md5('i' || n)::uuid, :collection, lpad(n::text, 64, '0'), now(),
              md5('i' || (n / 100) * 100)::uuid
       FROM generate_series(1, :n) n""",
    """INSERT INTO entity_sources (organization_id, entity_id, collection_item_id)
       SELECT :organization, md5('e' || n)::uuid, md5('i' || n)::uuid FROM generate_series(1, :n) n""",
    """INSERT INTO attack_sessions (organization_id, id, source_ip, timestamp, ended_at, payload_hash, source,
                                    session_key)
       SELECT :organization, md5('s' || n)::uuid, '198.51.0.0'::inet + n, now() - make_interval(mins => n), now(),
              lpad((n / 3)::text, 64, '0'), 'cowrie', n::text
       FROM generate_series(1, :n) n""",
)
LOOKUPS = {
    "an entity by id": "SELECT FROM entities WHERE organization_id = :organization AND id = :entity",
    "entities by normalised name": (
        "SELECT FROM entities WHERE organization_id = :organization AND normalized_name = 'name 7'"
    ),
    "entities by name": "SELECT FROM entities WHERE organization_id = :organization AND name = 'Name 7'",
    "relationships by their source": (
        "SELECT FROM relationships WHERE organization_id = :organization AND source_entity_id = :entity"
    ),
    "relationships by their target": (
        "SELECT FROM relationships WHERE organization_id = :organization AND target_entity_id = :entity"
    ),
    "sessions by source": (
        "SELECT FROM attack_sessions WHERE organization_id = :organization AND source_ip = CAST('198.51.0.7' AS inet)"
    ),
    "sessions by payload": (
        "SELECT FROM attack_sessions"
        " WHERE organization_id = :organization AND payload_hash = CAST(repeat('0', 64) AS char(64))"
    ),
    "an item by id": (
        "SELECT FROM collection_item_hashes WHERE organization_id = :organization AND collection_item_id = :entity"
    ),
    "the rows of a file": "SELECT FROM collection_items WHERE organization_id = :organization AND parent_id = :entity",
    "the sources of an entity": (
        "SELECT FROM entity_sources WHERE organization_id = :organization AND entity_id = :entity"
    ),
}
READERS = {
    "a card's sources": cards._SOURCES,
    "a card's neighbours": cards._NEIGHBOURS,
    "an address's sessions": timeline._SESSIONS,
    "an entity's dated relationships": timeline._RELATIONSHIPS,
    "one level of a path": paths._EDGES,
    "hubs among entities": paths._HUBS,
}


@pytest.fixture(scope="module")
def crowded(database: Database) -> Tenant:
    """An organization with thousands of rows of each kind, beside another with as many."""
    for tenant in (new_organization(database), new_organization(database)):
        with database.transaction(tenant.context) as connection:
            parameters = {"organization": tenant.id, "n": ROWS, "collection": Writer(connection, tenant).collection}
            connection.execute(
                sa.text(
                    "SELECT ensure_partitions('attack_sessions', ARRAY[CAST(now() AS date),"
                    " CAST(now() - interval '4 days' AS date)])"
                )
            )
            for statement in FILL:
                connection.execute(sa.text(statement), parameters)
    with database.transaction(None, MIGRATOR) as connection:
        connection.execute(sa.text("ANALYZE"))
    return tenant


def scans(plan: Any) -> Iterator[dict[str, Any]]:
    """Every node of a plan that reads a table."""
    if isinstance(plan, list):
        for part in plan:
            yield from scans(part)
    elif isinstance(plan, dict):
        if "Relation Name" in plan:
            yield plan
        for part in plan.values():
            yield from scans(part)


def explained(database: Database, tenant: Tenant, statement: str) -> list[dict[str, Any]]:
    parameters = {
        "organization": tenant.id,
        "entity": "e4da3b7f-bbce-2345-d777-2b0674a318d5",
        "address": "198.51.0.7",
        "limit": 50,
        "half": 25,
        "commands": "$[0 to 19][2]",
        "nodes": ["e4da3b7f-bbce-2345-d777-2b0674a318d5"],
        "flags": ["private"],
        "walls": True,
        "cap": 201,
        "most": 200,
    }
    used = {name: value for name, value in parameters.items() if f":{name}" in statement}
    with database.transaction(tenant.context) as connection:
        plan = connection.scalar(sa.text(f"EXPLAIN (FORMAT JSON) {statement}"), used)
    return list(scans(plan))


def great_tables(database: Database) -> set[str]:
    """Tables and partitions with more rows than anyone reads as a whole; of the others, a scan is no harm."""
    counted = sa.text("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > 200")
    with database.transaction(None) as connection:
        return set(connection.scalars(counted))


@pytest.mark.parametrize("what", LOOKUPS)
def test_a_lookup_reads_an_index(database: Database, crowded: Tenant, what: str) -> None:
    great = great_tables(database)
    found = [scan for scan in explained(database, crowded, LOOKUPS[what]) if scan["Relation Name"] in great]
    assert found
    asked = re.findall(r"(\w+) = ", LOOKUPS[what])
    assert len(asked) == 2
    for scan in found:
        assert scan["Node Type"] in ("Index Scan", "Index Only Scan", "Bitmap Heap Scan"), scan
        conditions = str(scan.get("Index Cond") or scan.get("Recheck Cond"))
        assert all(f"{column} = " in conditions for column in asked), scan


@pytest.mark.parametrize("what", READERS)
def test_a_reader_scans_no_great_table(database: Database, crowded: Tenant, what: str) -> None:
    great = great_tables(database)
    found = [scan for scan in explained(database, crowded, READERS[what].text) if scan["Relation Name"] in great]
    assert found
    assert [scan for scan in found if scan["Node Type"] == "Seq Scan"] == []


def test_the_rule_that_it_is_measured_by_can_be_broken(database: Database, crowded: Tenant) -> None:
    unindexed = "SELECT FROM entities WHERE organization_id = :organization AND metadata = '{}'"
    (scan,) = explained(database, crowded, unindexed)
    assert "metadata = " not in str(scan.get("Index Cond") or scan.get("Recheck Cond"))
    assert "metadata = " in scan["Filter"]
