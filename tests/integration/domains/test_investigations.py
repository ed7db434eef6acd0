"""Cases: made, found, given targets and files, and looked over."""

from uuid import uuid4

import pytest

from clew.domains.investigations.service import (
    add_target,
    attach_items,
    create_investigation,
    ensure_investigation,
    find_investigation,
    investigation_overview,
    list_investigations,
    targets_of,
)
from clew.kernel.database import Database
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from tests.support.record import Tenant, Writer, new_organization


def test_a_case_is_found_by_name_and_by_id(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        made = create_investigation(connection, tenant.id, " Harbour  lantern ", owner_id=tenant.operator)
        assert made.name == "Harbour lantern"
        assert find_investigation(connection, tenant.id, "Harbour lantern") == made
        assert find_investigation(connection, tenant.id, str(made.id)) == made
        assert list_investigations(connection, tenant.id) == [made]


def test_a_taken_name_is_a_conflict_unless_it_may_be_there(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        made = ensure_investigation(connection, tenant.id, "Harbour lantern")
        assert ensure_investigation(connection, tenant.id, "Harbour lantern") == made
        with pytest.raises(ConflictError, match="Harbour lantern"):
            create_investigation(connection, tenant.id, "Harbour lantern")


def test_what_is_no_case_is_refused(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        with pytest.raises(InputError, match="name"):
            create_investigation(connection, tenant.id, " ")
        with pytest.raises(InputError, match="no priority 'soon'"):
            create_investigation(connection, tenant.id, "A case", priority="soon")
        with pytest.raises(InputError, match="no investigation type 'odd'"):
            create_investigation(connection, tenant.id, "A case", investigation_type="odd")
        create_investigation(connection, tenant.id, "There is one")
        with pytest.raises(NotFoundError, match="There is one"):
            find_investigation(connection, tenant.id, "Another")
        for unstorable in ("a\x00b", "a\udcffb"):
            with pytest.raises(NotFoundError):
                find_investigation(connection, tenant.id, unstorable)
            with pytest.raises(InputError):
                ensure_investigation(connection, tenant.id, unstorable)


def test_another_organizations_case_is_not_found(database: Database, tenant: Tenant) -> None:
    other = new_organization(database)
    with database.transaction(other.context) as connection:
        theirs = create_investigation(connection, other.id, "Theirs")
    with database.transaction(tenant.context) as connection:
        for wanted in ("Theirs", theirs.id):
            with pytest.raises(NotFoundError):
                find_investigation(connection, tenant.id, wanted)
        with pytest.raises(NotFoundError):
            add_target(connection, tenant.id, theirs.id, "203.0.113.77")
        with pytest.raises(NotFoundError):
            find_investigation(connection, other.id, theirs.id)


def test_a_target_is_normalised_and_added_once(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        case = create_investigation(connection, tenant.id, "Case")
        first = add_target(connection, tenant.id, case.id, " KEEPER[at]Lantern-Harbour.example ")
        again = add_target(connection, tenant.id, case.id, "keeper@lantern-harbour.example")
        assert (first.target_type, first.normalized_value) == ("email", "keeper@lantern-harbour.example")
        assert first.added
        assert not again.added
        assert again.id == first.id
        with pytest.raises(InputError, match="cannot be ip_address"):
            add_target(connection, tenant.id, case.id, "not an address", "ip_address")
        with pytest.raises(InputError, match="no entity type"):
            add_target(connection, tenant.id, case.id, "x", "spaceship")
        with pytest.raises(InputError):
            add_target(connection, tenant.id, case.id, "  ")
        with pytest.raises(InputError):
            add_target(connection, tenant.id, case.id, "root:\x00", "credential")


def test_a_person_can_be_a_target_though_a_name_identifies_nobody(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        case = create_investigation(connection, tenant.id, "Case")
        target = add_target(connection, tenant.id, case.id, "Ada Musterfrau", "person")
        assert (target.normalized_value, target.entity_id) == ("ada musterfrau", None)


def test_a_target_knows_its_entity_once_the_record_has_it(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        case = create_investigation(connection, tenant.id, "Case")
        assert add_target(connection, tenant.id, case.id, "203.0.113.77").entity_id is None
        address = Writer(connection, tenant).entity("ip_address", "203.0.113.77")
        assert [target.entity_id for target in targets_of(connection, tenant.id, case.id)] == [address]
        other = create_investigation(connection, tenant.id, "Other")
        assert add_target(connection, tenant.id, other.id, "203.0.113.77").entity_id == address


def test_a_handle_of_two_platforms_is_nobody_in_particular(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        case = create_investigation(connection, tenant.id, "Case")
        writer = Writer(connection, tenant)
        writer.entity("username", "keeper", "github")
        writer.entity("username", "keeper", "tiktok")
        assert add_target(connection, tenant.id, case.id, "keeper", "username").entity_id is None
        plain = writer.entity("username", "keeper")
        assert [target.entity_id for target in targets_of(connection, tenant.id, case.id)] == [plain]


def test_the_overview_counts_what_its_files_and_their_rows_told(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        case = create_investigation(connection, tenant.id, "Case")
        tool, honeypot = writer.source("sherlock"), writer.source("cowrie")
        report = writer.item(tool, "report.csv")
        row = writer.item(tool, "report.csv", parent_id=report, line=2)
        log, foreign = writer.item(honeypot, "cowrie.json"), writer.item(honeypot, "other.json")
        handle, address, stranger = (
            writer.entity("username", "keeper"),
            writer.entity("ip_address", "203.0.113.77"),
            writer.entity("ip_address", "203.0.113.78"),
        )
        writer.sighting(handle, row)
        writer.sighting(address, log)
        writer.sighting(address, report)
        writer.sighting(stranger, foreign)
        for item, source, events, status in (
            (report, "sherlock", 0, "completed"),
            (log, "cowrie", 7, "running"),
            (foreign, "cowrie", 9, "completed"),
        ):
            writer.insert(
                "ingest_files",
                collection_item_id=item,
                file_name="ignored",
                digest="0",
                source=source,
                variant="",
                framing="lines",
                status=status,
                counts=f'{{"read": 10, "rejected": 1, "events": {events}}}',
            )
        add_target(connection, tenant.id, case.id, "203.0.113.77")
        assert attach_items(connection, tenant.id, case.id, [report, log]) == 2
        assert attach_items(connection, tenant.id, case.id, [report, log]) == 0
        overview = investigation_overview(connection, tenant.id, case.id).as_dict()
    assert overview["entities"] == {"ip_address": 1, "username": 1}
    assert overview["items"] == 3
    assert overview["events"] == 7
    assert [(file["file"], file["sources"], file["status"], file["records"]) for file in overview["files"]] == [
        ("cowrie.json", ["cowrie"], "running", 10),
        ("report.csv", ["sherlock"], "completed", 10),
    ]
    assert [(target["value"], target["found"]) for target in overview["targets"]] == [("203.0.113.77", True)]


def test_only_what_was_collected_can_be_attached(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        case = create_investigation(connection, tenant.id, "Case")
        with pytest.raises(NotFoundError, match="no collected item"):
            attach_items(connection, tenant.id, case.id, [uuid4()])
        assert attach_items(connection, tenant.id, case.id, []) == 0
