"""Cases and their targets are listed, changed and deleted, each change told in the transaction that makes it."""

import threading
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from clew.domains.investigations import service
from clew.kernel.database import Database
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from clew.records.entity_changes import change_entity
from clew.records.entity_reading import read_entity
from clew.records.paging import PageRequest
from tests.support.record import Tenant, Writer, new_organization

ACTS = sa.text(
    "SELECT event_type, request_data, response_data FROM audit.events"
    " WHERE organization_id = :tenant AND event_type = :name ORDER BY id"
)


def acts(database: Database, tenant: Tenant, name: str) -> list[tuple[Any, ...]]:
    with database.transaction(None, "clew_auditor") as connection:
        return [tuple(row) for row in connection.execute(ACTS, {"tenant": tenant.id, "name": name})]


def opened(database: Database, tenant: Tenant, name: str = "Harbour") -> service.Investigation:
    with database.transaction(tenant.context) as connection:
        return service.create_investigation(connection, tenant.id, name)


def test_a_change_changes_what_is_given_and_is_told(database: Database, tenant: Tenant) -> None:
    case = opened(database, tenant)
    with database.transaction(tenant.context) as connection:
        after = service.change_investigation(
            connection, tenant.id, case.id, {"priority": "high", "description": None, "name": "  Harbour   two "}
        )
    assert (after.name, after.priority, after.status) == ("Harbour two", "high", "pending")
    assert after.updated_at > case.updated_at
    told = acts(database, tenant, "investigation_changed")
    expected = {"priority": "high", "name": "Harbour two"}, {"priority": "normal", "name": "Harbour"}
    assert told == [("investigation_changed", *expected)]
    with database.transaction(None, "clew_auditor") as connection:
        states = sa.text("SELECT priority FROM audit.investigations WHERE investigation_id = :case ORDER BY id")
        assert list(connection.scalars(states, {"case": case.id})) == ["normal", "high"]


def test_what_is_so_already_is_no_change(database: Database, tenant: Tenant) -> None:
    case = opened(database, tenant)
    with database.transaction(tenant.context) as connection:
        assert service.change_investigation(connection, tenant.id, case.id, {"priority": "normal"}) == case
        assert service.change_investigation(connection, tenant.id, case.id, {}) == case
    assert acts(database, tenant, "investigation_changed") == []


def test_a_case_begins_and_ends_by_its_status(database: Database, tenant: Tenant) -> None:
    case = opened(database, tenant)

    def set_to(status: str) -> service.Investigation:
        with database.transaction(tenant.context) as connection:
            return service.change_investigation(connection, tenant.id, case.id, {"status": status})

    running = set_to("running")
    assert running.started_at is not None
    assert running.completed_at is None
    done = set_to("completed")
    assert (done.started_at, done.completed_at is None) == (running.started_at, False)
    assert set_to("archived").completed_at == done.completed_at
    again = set_to("running")
    assert (again.started_at, again.completed_at) == (running.started_at, None)


@pytest.mark.parametrize(
    "changes",
    [{"status": "open"}, {"priority": "x"}, {"name": ""}, {"name": "a\x00b"}, {"stage": 9}, {"description": "\ud800"}],
)
def test_values_that_cannot_be_are_refused(database: Database, tenant: Tenant, changes: Any) -> None:
    case = opened(database, tenant)
    with database.transaction(tenant.context) as connection, pytest.raises(InputError):
        service.change_investigation(connection, tenant.id, case.id, changes)


def test_a_name_that_another_case_has_is_refused_and_the_transaction_goes_on(
    database: Database, tenant: Tenant
) -> None:
    case = opened(database, tenant)
    opened(database, tenant, "Quay")
    with database.transaction(tenant.context) as connection:
        with pytest.raises(ConflictError):
            service.change_investigation(connection, tenant.id, case.id, {"name": "Quay"})
        assert service.read_investigation(connection, tenant.id, case.id).name == "Harbour"


def test_of_two_who_saw_the_same_state_one_changes_it(database: Database, tenant: Tenant) -> None:
    case = opened(database, tenant)
    outcomes: list[str] = []
    ready = threading.Barrier(2)

    def as_seen(present: service.Investigation) -> None:
        if present.updated_at != case.updated_at:
            raise ConflictError("changed since")

    def change(priority: str) -> None:
        ready.wait(20)
        try:
            with database.transaction(tenant.context) as connection:
                service.change_investigation(connection, tenant.id, case.id, {"priority": priority}, check=as_seen)
            outcomes.append("changed")
        except ConflictError:
            outcomes.append("refused")

    threads = [threading.Thread(target=change, args=(priority,)) for priority in ("low", "high")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["changed", "refused"]


def test_a_change_that_is_rolled_back_is_not_told(database: Database, tenant: Tenant) -> None:
    case = opened(database, tenant)
    with database.engine().connect() as connection:
        organization = {"id": str(tenant.id)}
        connection.execute(sa.text("SELECT set_config('app.current_organization_id', :id, true)"), organization)
        service.delete_investigation(connection, tenant.id, case.id)
        connection.rollback()
    assert acts(database, tenant, "investigation_deleted") == []
    with database.transaction(tenant.context) as connection:
        assert service.read_investigation(connection, tenant.id, case.id).name == "Harbour"


def test_a_deleted_case_takes_its_targets_and_leaves_what_was_collected(database: Database, tenant: Tenant) -> None:
    case = opened(database, tenant)
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        item = writer.item(writer.source("cowrie"), "a.json")
        service.add_target(connection, tenant.id, case.id, "c2.example.net")
        service.attach_items(connection, tenant.id, case.id, [item])
        service.delete_investigation(connection, tenant.id, case.id)
        counts = [
            connection.scalar(sa.text(f"SELECT count(*) FROM {table}"))
            for table in ("investigations", "targets", "investigation_items", "collection_items")
        ]
    assert counts == [0, 0, 0, 1]
    assert len(acts(database, tenant, "investigation_deleted")) == 1


def test_another_organization_finds_nothing_of_it(database: Database, tenant: Tenant) -> None:
    case = opened(database, tenant)
    with database.transaction(tenant.context) as connection:
        target = service.add_target(connection, tenant.id, case.id, "c2.example.net")
    other = new_organization(database)
    with database.transaction(other.context) as connection:
        for attempt in (
            lambda: service.read_investigation(connection, other.id, case.id),
            lambda: service.change_investigation(connection, other.id, case.id, {"priority": "low"}),
            lambda: service.delete_investigation(connection, other.id, case.id),
            lambda: service.page_of_targets(connection, other.id, case.id, PageRequest()),
            lambda: service.read_target(connection, other.id, case.id, target.id),
            lambda: service.remove_target(connection, other.id, case.id, target.id),
        ):
            with pytest.raises(NotFoundError):
                attempt()
        assert (
            service.page_of_investigations(connection, other.id, service.InvestigationFilter(), PageRequest()).items
            == []
        )


def test_cases_by_the_page(database: Database, tenant: Tenant) -> None:
    names = [f"Case {number}" for number in range(7)]
    for name in names:
        opened(database, tenant, name)

    def listed(sort: str | None, **filters: Any) -> list[str]:
        found: list[str] = []
        cursor = None
        with database.transaction(tenant.context) as connection:
            while True:
                request = PageRequest(3, cursor, sort)
                wanted = service.InvestigationFilter(**filters)
                page = service.page_of_investigations(connection, tenant.id, wanted, request)
                found += [case.name for case in page.items]
                cursor = page.next_cursor
                if cursor is None:
                    return found

    assert listed(None) == names[::-1]
    assert listed("name") == listed("created_at") == listed("updated_at") == names
    assert listed("-name", priority="high") == []
    assert listed("-name", status="pending") == names[::-1]


def test_targets_are_changed_and_removed(database: Database, tenant: Tenant) -> None:
    case = opened(database, tenant)
    with database.transaction(tenant.context) as connection:
        made = service.add_target(connection, tenant.id, case.id, "c2.example.net", notes="seen twice")
        entity = Writer(connection, tenant).entity("domain", "c2.example.net")
        page = service.page_of_targets(connection, tenant.id, case.id, PageRequest())
        assert [(each.notes, each.entity_id) for each in page.items] == [("seen twice", entity)]
        after = service.change_target(connection, tenant.id, case.id, made.id, {"status": "completed", "notes": None})
        assert (after.status, after.notes) == ("completed", None)
        with pytest.raises(InputError):
            service.change_target(connection, tenant.id, case.id, made.id, {"status": "gone"})
        with pytest.raises(NotFoundError):
            service.remove_target(connection, tenant.id, uuid4(), made.id)
        service.remove_target(connection, tenant.id, case.id, made.id)
        assert service.targets_of(connection, tenant.id, case.id) == []
    assert [len(acts(database, tenant, name)) for name in ("target_changed", "target_removed")] == [1, 1]


def test_an_entity_is_corrected_and_a_later_load_leaves_that(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        entity = Writer(connection, tenant).entity("domain", "c2.example.net")
        before = read_entity(connection, tenant.id, entity)
        after = change_entity(
            connection, tenant.id, entity, {"tags": ["b", " a  a ", "b"], "is_verified": True}, check=lambda _: None
        )
        assert (after.tags, after.is_verified) == (["a a", "b"], True)
        assert after.updated_at > before.updated_at
        assert change_entity(connection, tenant.id, entity, {"tags": ["b", "a a"]}, check=lambda _: None) == after
        for tags in ([""], ["x" * 101], [str(number) for number in range(101)], ["a\x07"]):
            with pytest.raises(InputError):
                change_entity(connection, tenant.id, entity, {"tags": tags}, check=lambda _: None)
        with pytest.raises(NotFoundError):
            change_entity(connection, tenant.id, uuid4(), {"tags": []}, check=lambda _: None)
    told = acts(database, tenant, "entity_changed")
    assert told == [("entity_changed", {"tags": ["a a", "b"], "is_verified": True}, {"tags": [], "is_verified": False})]
