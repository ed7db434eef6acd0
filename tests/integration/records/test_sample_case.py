"""The shipped case, loaded as a user loads it: what its description promises can be asked of the record."""

import json

import pytest

from clew.domains.investigations.service import attach_items, create_investigation, investigation_overview
from clew.ingest.service import IngestRequest, LoadReport, ingest
from clew.kernel.database import Database
from clew.records.cards import card, find_entities
from clew.records.paths import find_path
from clew.records.summaries import honeypot_summary, record_summary
from clew.samples import sample_case_path
from tests.support.record import Tenant, new_organization


@pytest.fixture(scope="module")
def case(database: Database) -> tuple[Tenant, LoadReport]:
    tenant = new_organization(database)
    with sample_case_path() as folder:
        request = IngestRequest(tenant.id, tenant.operator, (folder,))
        return tenant, ingest(database, database.settings, request)


def test_the_two_threads_meet_within_the_usual_bounds(database: Database, case: tuple[Tenant, LoadReport]) -> None:
    tenant, _ = case
    with database.transaction(tenant.context) as connection:
        keeper, attacker = (
            find_entities(connection, tenant.id, text)[0] for text in ("lanternkeeper_example", "198.51.100.21")
        )
        found = find_path(connection, tenant.id, keeper.id, attacker.id)
    assert found.found
    names = [node.name for node in found.nodes]
    assert (names[0], names[-1]) == ("lanternkeeper_example", "198.51.100.21")
    assert {"keeper@lantern-harbour.example", "lantern-harbour.example", "203.0.113.77"} <= set(names)


def test_the_card_of_the_download_host_shows_every_tool_that_saw_it(
    database: Database, case: tuple[Tenant, LoadReport]
) -> None:
    tenant, _ = case
    with database.transaction(tenant.context) as connection:
        (host,) = find_entities(connection, tenant.id, "203.0.113.77")
        shown = card(connection, tenant.id, host.id).as_dict()
    assert {source["source"] for source in shown["sources"]} >= {"cowrie", "subfinder"}
    assert all(source["file"] and source["line"] for source in shown["sources"])
    assert shown["neighbour_count"] == len(shown["neighbours"])
    assert any("wick.sh" in command for entry in shown["timeline"] for command in entry.get("commands", []))
    assert json.loads(json.dumps(shown)) == shown


def test_summaries_agree_with_the_load_report(database: Database, case: tuple[Tenant, LoadReport]) -> None:
    tenant, report = case
    with database.transaction(tenant.context) as connection:
        record = record_summary(connection, tenant.id).as_dict()
        honeypots = honeypot_summary(connection, tenant.id).as_dict()
        investigation = create_investigation(connection, tenant.id, "Harbour lantern")
        assert attach_items(connection, tenant.id, investigation.id, report.item_ids) == len(set(report.item_ids))
        overview = investigation_overview(connection, tenant.id, investigation.id).as_dict()
    counts = report.counts
    assert (record["entity_count"], record["relationship_count"]) == (counts.entities, counts.relationships)
    assert record["events"] == overview["events"] == counts.events
    assert record["quarantine_count"] == counts.rejected
    assert honeypots["sessions"] == record["sessions"]
    assert overview["entities"] == record["entities"]
    assert overview["items"] == record["items"]
    assert overview["file_count"] == len(report.item_ids)
    assert json.loads(json.dumps(honeypots)) == honeypots
