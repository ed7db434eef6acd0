"""What a case's report says is what the case's files told, no more and no less."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from clew.domains.investigations.reports import write_html_report, write_json_report
from clew.domains.investigations.service import add_target, attach_items, create_investigation
from clew.kernel.database import Database
from clew.kernel.errors import NotFoundError
from clew.reporting import assembly
from tests.support.record import NOON, Tenant, Writer, new_organization

MADE = datetime(2025, 6, 1, tzinfo=UTC)
CASE = "Harbour lantern"


@dataclass(slots=True)
class Filled:
    """A case written by hand: a log, a tool's report with rows, and a file of another case about the same things."""

    writer: Writer
    log: UUID = field(init=False)
    rows: UUID = field(init=False)
    address: UUID = field(init=False)
    host: UUID = field(init=False)
    elsewhere: UUID = field(init=False)

    def __post_init__(self) -> None:
        writer = self.writer
        source = writer.source("cowrie")
        self.log = self.file(source, "cowrie.json", counts={"read": 5, "new": 3, "rejected": 2, "events": 3})
        self.rows = self.file(writer.source("subfinder"), "subfinder.json", counts={"read": 1, "new": 1})
        row = writer.item(source, "subfinder.json", parent_id=self.rows, line=7)
        other = self.file(source, "other.json", counts={"read": 9, "new": 9})
        seen: dict[str, Any] = {"first_seen": NOON, "last_seen": NOON + timedelta(hours=2)}
        self.address = writer.entity("ip_address", "192.0.2.77", confidence=0.95, **seen)
        self.host = writer.entity("domain", "lantern.example", properties='{"latitude": 52.5, "longitude": 13.4}')
        self.elsewhere = writer.entity("domain", "elsewhere.example")
        writer.sighting(self.address, self.log, line=12, confidence=0.95, extraction_method="event_source")
        writer.sighting(self.address, row, confidence=0.8, extraction_method="dns_resolution")
        writer.sighting(self.host, row, confidence=0.8)
        writer.sighting(self.elsewhere, other, line=1)
        told = writer.relationship(self.host, "RESOLVES_TO", self.address)
        untold = writer.relationship(self.elsewhere, "RESOLVES_TO", self.address)
        for relationship, item in ((told, row), (untold, other)):
            writer.insert("relationship_sources", relationship_id=relationship, collection_item_id=item)
        self.session(self.log, "192.0.2.77", ("uname -a", "<script>alert(1)</script>"), login_successes=1)
        self.session(other, "192.0.2.78", ("id",), login_successes=1)
        for reason, line in (("invalid_json", 2), ("invalid_timestamp", 4)):
            writer.insert(
                "quarantine", id=UUID(int=line), collection_item_id=self.log, file_name="cowrie.json", source="cowrie",
                record=line, line=line, byte_offset=line, byte_length=3, reason=reason, detail="bad", content=b"{x}",
            )  # fmt: skip

    def file(self, source: UUID, name: str, counts: dict[str, int]) -> UUID:
        identifier = self.writer.item(source, name, raw_data=json.dumps({"size": 345}), item_type="file")
        self.writer.insert(
            "ingest_files", id=identifier, collection_item_id=identifier, file_name=name, digest="0" * 64,
            source="cowrie", variant="json", framing="lines", counts=json.dumps(counts), status="completed",
            warnings=json.dumps([f"a warning about {name}"]),
        )  # fmt: skip
        return identifier

    def session(self, item: UUID, address: str, commands: tuple[str, ...], **columns: Any) -> None:
        writer = self.writer
        identifier = writer.session(address, NOON, commands, **columns)
        writer.connection.execute(
            sa.text("SELECT ensure_partitions('events', ARRAY[CAST(:month AS date)])"), {"month": NOON}
        )
        for second in range(3):
            writer.insert(
                "events", id=UUID(int=hash((address, second)) & (1 << 100) - 1), item_id=item, line=second,
                occurred_at=NOON + timedelta(seconds=second), source="cowrie", kind="x", session_id=identifier,
            )  # fmt: skip


def fill(connection: sa.Connection, tenant: Tenant) -> Filled:
    filled = Filled(Writer(connection, tenant))
    case = create_investigation(connection, tenant.id, CASE, description="Who lit it?")
    add_target(connection, tenant.id, case.id, "lantern.example")
    attach_items(connection, tenant.id, case.id, [filled.log, filled.rows])
    return filled


def as_json(connection: sa.Connection, tenant: Tenant, case: str = CASE) -> dict[str, Any]:
    return dict(json.loads(_written(write_json_report, connection, tenant, case)))


def as_page(connection: sa.Connection, tenant: Tenant, case: str = CASE) -> str:
    return _written(write_html_report, connection, tenant, case)


def _written(write: Callable[..., None], connection: sa.Connection, tenant: Tenant, case: str) -> str:
    pieces: list[str] = []
    write(connection, tenant.id, case, pieces.append, organization="Test", clock=lambda: MADE)
    return "".join(pieces)


def test_the_figures_are_of_the_case_alone(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        fill(connection, tenant)
        report = as_json(connection, tenant)
    figures = report["figures"]
    assert figures["entities"] == {"domain": 1, "ip_address": 1}
    assert figures["relationships"] == {"RESOLVES_TO": 1}
    assert figures["files"] == 2
    assert figures["records"] == {"read": 6, "new": 4, "merged": 0, "duplicate": 0, "rejected": 2}
    assert (figures["events"], figures["quarantine_count"]) == (3, 2)
    assert figures["first_seen"] == "2025-03-09T12:00:00Z"
    assert report["generated_at"] == "2025-06-01T00:00:00Z"
    assert report["case"]["description"] == "Who lit it?"


def test_every_entity_says_which_file_and_line_told_of_it(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        filled = fill(connection, tenant)
        report = as_json(connection, tenant)
    entities = {each["name"]: each for each in report["entities"]}
    assert entities.keys() == {"192.0.2.77", "lantern.example"}
    assert [(each["file_id"], each["line"]) for each in entities["192.0.2.77"]["sources"]] == [
        (str(filled.log), 12),
        (str(filled.rows), 7),
    ]
    assert [(each["file_id"], each["line"]) for each in entities["lantern.example"]["sources"]] == [
        (str(filled.rows), 7)
    ]
    assert (entities["192.0.2.77"]["source_count"], entities["192.0.2.77"]["relationship_count"]) == (2, 1)
    assert entities["lantern.example"]["is_target"]
    assert [each["target"] for each in report["relationships"]] == [str(filled.address)]


def test_sessions_places_files_and_quarantine(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        fill(connection, tenant)
        report = as_json(connection, tenant)
    assert [(each["address"], each["command_count"]) for each in report["sessions"]] == [("192.0.2.77", 2)]
    assert report["timeline"]["events"] == {
        "unit": "minute",
        "step": 1,
        "bins": [{"at": "2025-03-09T12:00:00Z", "series": "cowrie", "count": 3}],
    }
    assert [(each["latitude"], each["longitude"], each["entity_count"]) for each in report["places"]] == [
        (52.5, 13.4, 1)
    ]
    assert [(each["name"], each["size_bytes"], each["entity_count"]) for each in report["files"]] == [
        ("cowrie.json", 345, 1),
        ("subfinder.json", 345, 2),
    ]
    assert report["files"][0]["readings"][0]["warnings"] == ["a warning about cowrie.json"]
    assert [(each["line"], each["reason"]) for each in report["quarantine"]] == [
        (2, "invalid_json"),
        (4, "invalid_timestamp"),
    ]


def test_the_page_tells_the_same(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        filled = fill(connection, tenant)
        page = as_page(connection, tenant)
        assert page == as_page(connection, tenant), "the same case gave another page"
    assert f'id="e-{filled.address}"' in page
    assert f'id="e-{filled.elsewhere}"' not in page
    assert "elsewhere.example" not in page
    assert "192.0.2.78" not in page
    assert re.search(r'<a href="#file-1">\[1\]</a>:12', page)
    assert "a warning about subfinder.json" in page
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_case_without_files_has_a_report(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        create_investigation(connection, tenant.id, CASE)
        assert "No file belongs to the case yet" in as_page(connection, tenant)
        report = as_json(connection, tenant)
    assert (report["entities"], report["files"], report["figures"]["entity_count"]) == ([], [], 0)
    assert report["timeline"] == {"events": None, "first_seen": None}


def test_nobody_reports_on_another_organizations_case(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        fill(connection, tenant)
    stranger = new_organization(database)
    with database.transaction(stranger.context) as connection:
        for write in (as_page, as_json):
            with pytest.raises(NotFoundError):
                write(connection, stranger)
            with pytest.raises(NotFoundError):
                write(connection, tenant)  # names the organization, but is not in its transaction


def test_a_large_case_is_bounded_on_the_page_and_whole_in_json(database: Database, tenant: Tenant) -> None:
    most = assembly.ENTITIES_LISTED
    with database.transaction(tenant.context) as connection:
        filled = fill(connection, tenant)
        for number in range(most + 20):
            made = filled.writer.entity("domain", f"h{number}.lantern.example", confidence=0.3)
            filled.writer.sighting(made, filled.log, line=number + 1)
        page = as_page(connection, tenant)
        report = as_json(connection, tenant)
    assert len(report["entities"]) == most + 22
    assert page.count('<tr id="e-') == most
    assert f"The {most} weightiest of {most + 22}" in page
    assert page.count('<span class="at">') <= 2 * assembly.MENTIONS_LISTED
    assert f"and {most + 21 - assembly.MENTIONS_LISTED} more; the JSON report has all" in page
