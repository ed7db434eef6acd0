"""What was judged to be the same stays so when it is loaded again, through any number of judgements."""

import itertools
import json
from pathlib import Path

import sqlalchemy as sa

from clew.kernel.database import Database
from clew.records.cards import card
from tests.support.loading import load, log, rows
from tests.support.record import NOON, Tenant, Writer


def alias(writer: Writer, merged: object, into: object) -> None:
    writer.insert("entity_aliases", alias_id=merged, entity_id=into, reason="the same", created_at=NOON)


def hosts(path: Path, *rows: tuple[str, str, str]) -> Path:
    lines = [
        json.dumps({"host": host, "input": "example.com", "ip": ip, "source": source}) for host, ip, source in rows
    ]
    return log(path, [line.encode() for line in lines])


def test_a_chain_of_judgements_is_followed_to_its_end(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        names = [writer.entity("domain", f"{name}.example.com") for name in "abcd"]
        for merged, into in itertools.pairwise(names):
            alias(writer, merged, into)

    load(
        database,
        tenant,
        hosts(tmp_path / "h.jsonl", ("a.example.com", "192.0.2.1", "x"), ("c.example.com", "192.0.2.2", "x")),
    )

    query = (
        "SELECT e.name FROM relationships r JOIN entities e ON e.id = r.source_entity_id"
        " WHERE relationship_type = 'RESOLVES_TO'"
    )
    assert rows(database, tenant, query) == [("d.example.com",), ("d.example.com",)]
    seen = (
        "SELECT DISTINCT e.name FROM entity_sources s JOIN entities e ON e.id = s.entity_id"
        " WHERE right(e.name, 12) = '.example.com'"
    )
    assert rows(database, tenant, seen) == [("d.example.com",)]
    with database.transaction(tenant.context) as connection:
        assert card(connection, tenant.id, names[0]).name == "d.example.com"


def test_a_circle_of_judgements_has_one_representative(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        names = [writer.entity("domain", f"{name}.example.com") for name in "ab"]
        alias(writer, names[0], names[1])
        alias(writer, names[1], names[0])

    load(
        database,
        tenant,
        hosts(tmp_path / "h.jsonl", ("a.example.com", "192.0.2.1", "x"), ("b.example.com", "192.0.2.1", "x")),
    )

    (found,) = rows(
        database, tenant, "SELECT source_entity_id FROM relationships WHERE relationship_type = 'RESOLVES_TO'"
    )
    with database.transaction(tenant.context) as connection:
        shown = {card(connection, tenant.id, name).id for name in names}
    assert shown == {found[0]} == {min(names)}


def test_relationships_that_become_one_keep_the_newest_properties(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    loaded = []
    for order in (1, -1):
        with database.transaction(tenant.context) as connection:
            for table in ("entity_aliases", "collection_items", "collection_item_hashes", "ingest_files", "entities"):
                connection.execute(sa.text(f"DELETE FROM {table}"))
            writer = Writer(connection, tenant)
            kept = writer.entity("domain", "kept.example.com")
            for name in "ab":
                alias(writer, writer.entity("domain", f"{name}.example.com"), kept)
        found = [("a.example.com", "192.0.2.1", "alpha"), ("b.example.com", "192.0.2.1", "omega")]
        load(database, tenant, hosts(tmp_path / f"{order}" / "h.jsonl", *found[::order]))
        loaded.append(
            rows(database, tenant, "SELECT properties FROM relationships WHERE relationship_type = 'RESOLVES_TO'")
        )

    assert loaded[0] == loaded[1] == [({"sources": ["omega"]},)]  # of equal age, so the greater text decides
