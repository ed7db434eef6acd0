"""The record at a glance."""

from datetime import UTC, datetime, timedelta

from clew.kernel.database import Database
from clew.records.summaries import honeypot_summary, record_summary
from tests.support.record import NOON, Tenant, Writer, new_organization


def test_the_record_is_counted_by_kind(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        address, domain = writer.entity("ip_address", "203.0.113.77"), writer.entity("domain", "lantern.example")
        writer.relationship(domain, "RESOLVES_TO", address)
        writer.session("203.0.113.77")
        item = writer.item(writer.source("cowrie"), "cowrie.json")
        for reason, status in (("invalid_json", "held"), ("invalid_json", "held"), ("invalid_json", "dropped")):
            writer.insert(
                "quarantine",
                collection_item_id=item,
                file_name="cowrie.json",
                source="cowrie",
                reason=reason,
                detail="",
                content=b"",
                status=status,
            )
        summary = record_summary(connection, tenant.id).as_dict()
    assert summary["entities"] == {"domain": 1, "ip_address": 1}
    assert summary["relationships"] == {"RESOLVES_TO": 1}
    assert (summary["sessions"], summary["items"], summary["events"]) == (1, 1, 0)
    assert (summary["quarantine"], summary["quarantine_count"]) == ({"invalid_json": 2}, 2)


def test_an_empty_record_is_summarised_as_such(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        assert record_summary(connection, tenant.id).as_dict()["entity_count"] == 0
        summary = honeypot_summary(connection, tenant.id).as_dict()
    assert (summary["sessions"], summary["first_seen"], summary["top_addresses"]) == (0, None, [])


def test_what_honeypots_saw_is_ranked(database: Database, tenant: Tenant) -> None:
    other = new_organization(database)
    with database.transaction(other.context) as connection:
        Writer(connection, other).session("203.0.113.99", commands=("theirs",))
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        for hour in range(3):
            writer.session("203.0.113.77", NOON + timedelta(hours=hour), ("uname -a", f"echo {hour}"))
        writer.session("203.0.113.78", NOON, ("uname -a", "echo 0"), honeypot_id="west", login_failures=4)
        writer.session("203.0.113.79", NOON, ("GET / HTTP/1.0",), protocol="http")
        writer.session("0.0.0.0", datetime(1970, 1, 1, tzinfo=UTC))
        pair = writer.entity("credential", "root:root")
        for address in ("203.0.113.77", "203.0.113.78"):
            writer.relationship(writer.entity("ip_address", address), "USES", pair)
        summary = honeypot_summary(connection, tenant.id).as_dict()
        cut = honeypot_summary(connection, tenant.id, limit=1).as_dict()
    assert (summary["sessions"], summary["addresses"], summary["commands_complete"]) == (6, 3, True)
    assert (summary["first_seen"], summary["last_seen"]) == ("2025-03-09T12:00:00+00:00", "2025-03-09T14:01:00+00:00")
    assert [(row["address"], row["sessions"]) for row in summary["top_addresses"]][:2] == [
        ("203.0.113.77", 3),
        ("203.0.113.78", 1),
    ]
    assert [(row["credential"], row["addresses"]) for row in summary["top_credentials"]] == [("root:root", 2)]
    assert [(row["command"], row["sessions"]) for row in summary["top_commands"]] == [
        ("uname -a", 4),
        ("echo 0", 2),
        ("echo 1", 1),
        ("echo 2", 1),
    ]
    assert [(row["addresses"], row["sessions"], row["payload"]) for row in summary["shared_payloads"]] == [
        (2, 2, "uname -a\necho 0")
    ]
    assert {(row["sensor"], row["sessions"]) for row in summary["sensors"]} == {("east", 5), ("west", 1)}
    assert [len(cut[name]) for name in ("top_addresses", "top_commands", "sensors")] == [1, 1, 1]
