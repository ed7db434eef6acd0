"""What a person who looks something up finds."""

from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from clew.kernel.database import Database
from clew.kernel.errors import InputError, NotFoundError
from clew.records.cards import card, find_entities
from tests.support.record import NOON, Tenant, Writer

PROMISED = (
    {"id", "type", "name", "normalized_name", "properties", "confidence", "first_seen", "last_seen", "sources"}
    | {"neighbours"},
    ("source", "item_id", "file", "line", "confidence"),
    {"id", "type", "name", "relationship_type"},
)


def test_a_value_is_found_in_any_spelling_and_by_its_id(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        address = Writer(connection, tenant).entity("ip_address", "203.0.113.77")
        for text in ("203.0.113.77", " 203.0.113[.]77 ", "::ffff:203.0.113.77", str(address), address.hex):
            assert [row.id for row in find_entities(connection, tenant.id, text)] == [address], text
        assert find_entities(connection, tenant.id, "203.0.113.78") == []
        assert find_entities(connection, tenant.id, "203.0.113.77", "domain") == []
        assert find_entities(connection, tenant.id, str(uuid4())) == []
        assert find_entities(connection, tenant.id, "") == []
        for unstorable in ("a\x00b", "root:\x00", "a\udcffb", "root:\udcff", "x" * 100_000):
            assert find_entities(connection, tenant.id, unstorable) == []
        with pytest.raises(InputError, match="no entity type"):
            find_entities(connection, tenant.id, "203.0.113.77", "spaceship")


def test_a_handle_comes_without_platform_first_then_by_number_of_sources(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        github = writer.entity("username", "Keeper", "github")
        tiktok = writer.entity("social_profile", "keeper", "tiktok")
        source = writer.source("sherlock")
        writer.sighting(tiktok, writer.item(source, "a.csv"))
        assert [row.id for row in find_entities(connection, tenant.id, "keeper")] == [tiktok, github]
        plain = writer.entity("username", "keeper")
        assert [row.id for row in find_entities(connection, tenant.id, "@KEEPER")] == [plain, tiktok, github]
        assert [row.id for row in find_entities(connection, tenant.id, "github:keeper")] == [github]
        assert [row.id for row in find_entities(connection, tenant.id, "keeper", "social_profile")] == [tiktok]


def test_people_are_found_by_name_though_it_does_not_identify_them(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        people = {writer.entity("person", "Zoë Muster", f"registry:{number}") for number in (1, 2)}
        found = find_entities(connection, tenant.id, "zoe muster")
        assert {row.id for row in found} == people
        assert [row.id for row in found] == sorted(people)


def test_a_credential_and_a_platform_that_look_alike_are_both_offered(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        credential, handle = writer.entity("credential", "github:alice"), writer.entity("username", "alice", "github")
        assert {row.id for row in find_entities(connection, tenant.id, "github:alice")} == {credential, handle}


def test_a_merged_entity_leads_to_the_one_it_was_merged_into(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        kept, gone = writer.entity("username", "keeper"), writer.entity("username", "keeper2")
        writer.insert("entity_aliases", alias_id=gone, entity_id=kept, reason="same mailbox", judged_by="analyst")
        for text in ("keeper2", str(gone)):
            assert [row.id for row in find_entities(connection, tenant.id, text)] == [kept], text
        shown = card(connection, tenant.id, gone).as_dict()
        assert shown["id"] == str(kept)
        assert shown["aliases"] == [{"id": str(gone), "reason": "same mailbox", "judged_by": "analyst"}]
        connection.execute(sa.text("UPDATE entity_aliases SET undone_at = now()"))
        assert [row.id for row in find_entities(connection, tenant.id, "keeper2")] == [gone]


def test_a_card_says_where_each_fact_came_from(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        handle = writer.entity("username", "keeper", confidence=0.8, first_seen=NOON, last_seen=NOON)
        tool, honeypot = writer.source("sherlock"), writer.source("cowrie")
        report = writer.item(tool, "keeper.csv")
        row = writer.item(tool, "keeper.csv", parent_id=report, line=3)
        log = writer.item(honeypot, "cowrie.json", collected_at=NOON + timedelta(days=90))
        writer.sighting(handle, row, line=9, confidence=0.9)
        writer.sighting(handle, log, line=41, confidence=0.4)
        shown = card(connection, tenant.id, handle).as_dict()
    assert [[source[key] for key in PROMISED[1]] for source in shown["sources"]] == [
        ["sherlock", str(row), "keeper.csv", 3, 0.9],
        ["cowrie", str(log), "cowrie.json", 41, 0.4],
    ]
    assert shown["source_count"] == 2
    assert shown["confidence"] == 0.8
    assert shown["first_seen"] == "2025-03-09T12:00:00+00:00"
    assert PROMISED[0] <= shown.keys()


def test_a_cut_card_shows_every_kind_of_neighbour_and_says_how_many_there_are(
    database: Database, tenant: Tenant
) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        address = writer.entity("ip_address", "203.0.113.77")
        for number in range(30):
            credential = writer.entity("credential", f"root:{number}")
            writer.relationship(address, "USES", credential, confidence=0.9)
        url = writer.entity("url", "http://203.0.113.77/x.sh")
        writer.relationship(url, "LOCATED_AT", address, confidence=0.3)
        shown = card(connection, tenant.id, address, limit=5).as_dict()
        again = card(connection, tenant.id, address, limit=5).as_dict()
    assert shown == again
    assert shown["neighbour_count"] == 31
    assert len(shown["neighbours"]) == 5
    found = {(one["relationship_type"], one["direction"], one["type"]) for one in shown["neighbours"]}
    assert found == {("USES", "out", "credential"), ("LOCATED_AT", "in", "url")}
    assert PROMISED[2] <= shown["neighbours"][0].keys()


def test_an_address_has_its_first_and_last_sessions(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        address = writer.entity("ip_address", "203.0.113.77")
        for day in range(40):
            writer.session("203.0.113.77", NOON + timedelta(days=day), (f"echo {day}", "uname -a"))
        writer.session("203.0.113.78", NOON, ("exit",))
        sessions = card(connection, tenant.id, address, limit=6).timeline
        silent = writer.entity("ip_address", "203.0.113.79")
        assert card(connection, tenant.id, silent).timeline == []
    assert [session["commands"][0] for session in sessions] == [f"echo {day}" for day in (0, 1, 2, 37, 38, 39)]
    assert {session["kind"] for session in sessions} == {"session"}
    assert sessions[0]["command_count"] == 2


def test_everything_else_has_its_dated_relationships(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        domain, address = writer.entity("domain", "dl.lantern.example"), writer.entity("ip_address", "203.0.113.77")
        writer.relationship(domain, "RESOLVES_TO", address, first_seen=NOON, last_seen=NOON)
        entries = card(connection, tenant.id, domain).timeline
        assert [(entry["at"][:10], entry["relationship_type"], entry["name"]) for entry in entries] == [
            ("2025-03-09", "RESOLVES_TO", "203.0.113.77")
        ]


def test_an_unknown_entity_is_an_error_not_an_empty_card(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection, pytest.raises(NotFoundError):
        card(connection, tenant.id, uuid4())
