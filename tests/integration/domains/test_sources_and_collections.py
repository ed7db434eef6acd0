"""Sources and collections: made, changed, listed; no secret is taken, none is given."""

from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from clew.domains.collections import service
from clew.kernel.database import Database
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from clew.records.files import FileDescription, register
from clew.records.paging import PageRequest
from tests.support.record import NOON, Tenant, Writer, new_organization

SECRETS: list[Any] = [
    {"password": "x"},
    {"headers": {"X-Api-Key": "y", "api_key": "z"}},
    {"list": [{"client_SECRET": 1}]},
    {"accessToken": ""},
]


def test_a_source_is_added_changed_and_switched_off(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        made = service.add_source(
            connection,
            tenant.id,
            " Feed  one ",
            {"base_url": "https://feed.example.net/v1", "reliability_score": 0.456},
        )
        assert (made.name, made.source_type, made.reliability_score, made.has_credentials) == (
            "Feed one",
            "custom",
            0.46,
            False,
        )
        off = service.change_source(connection, tenant.id, made.id, {"is_active": False, "config": {"page": 2}})
        assert (off.is_active, off.config, off.name) == (False, {"page": 2}, "Feed one")
        assert service.read_source(connection, tenant.id, made.id) == off
        with pytest.raises(ConflictError):
            service.add_source(connection, tenant.id, "Feed one", {})
        wanted = service.SourceFilter(is_active=False)
        assert service.list_sources(connection, tenant.id, wanted, PageRequest()).items == [off]
        wanted = service.SourceFilter(is_active=True, source_type="custom")
        assert service.list_sources(connection, tenant.id, wanted, PageRequest()).items == []
    with database.transaction(None, "clew_auditor") as connection:
        told = sa.text(
            "SELECT event_type FROM audit.events WHERE organization_id = :tenant AND event_type LIKE 'source%'"
            " ORDER BY id"
        )
        assert list(connection.scalars(told, {"tenant": tenant.id})) == ["source_added", "source_changed"]


@pytest.mark.parametrize("config", SECRETS)
def test_secrets_are_refused_rather_than_kept_in_the_open(database: Database, tenant: Tenant, config: Any) -> None:
    with database.transaction(tenant.context) as connection:
        with pytest.raises(InputError, match="secret"):
            service.add_source(connection, tenant.id, "Feed", {"config": config})
        with pytest.raises(InputError, match="secret"):
            service.define_collection(connection, tenant.id, tenant.operator, "C", "news", {"config": config})
        with pytest.raises(InputError, match="secret"):
            service.define_collection(connection, tenant.id, tenant.operator, "C", "news", {"schedule": config})


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "ftp://a.example",
        "https://",
        "//a.example",
        "https://me:secret@a.example/",
        "https://me@a.example/",
        "http://[::1",
        "http://a.example:99999/",
        "https://a.example/\n",
        "gopher://a",
        "",
    ],
)
def test_addresses_that_nothing_is_collected_from_are_refused(database: Database, tenant: Tenant, address: str) -> None:
    with database.transaction(tenant.context) as connection, pytest.raises(InputError):
        service.add_source(connection, tenant.id, "Feed", {"base_url": address})


def test_credentials_that_are_there_do_not_come_out(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        made = service.add_source(connection, tenant.id, "Feed", {})
        connection.execute(
            sa.text("UPDATE sources SET credentials = 'hidden'::bytea WHERE organization_id = :tenant"),
            {"tenant": tenant.id},
        )
        found = service.read_source(connection, tenant.id, made.id)
    assert found.has_credentials
    assert "hidden" not in repr(found)


def test_a_file_of_a_source_that_was_added_by_hand_belongs_to_it(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        made = service.add_source(connection, tenant.id, "cowrie", {"source_type": "honeypot"})
    described = FileDescription("a.json", "0" * 64, 1, "cowrie", False, "json", "lines", 1, "{}")
    with database.transaction(None) as connection:
        connection.execute(sa.text("SELECT ensure_partitions('collection_items', ARRAY[DATE '2025-03-01'])"))
    raw = database.connect_raw()
    with raw, raw.transaction():
        raw.execute("SELECT set_config('app.current_organization_id', %s, false)", (str(tenant.id),))
        registered = register(raw, tenant.id, tenant.operator, described, NOON)
    assert registered.item.source_id == made.id


def test_a_collection_is_defined_and_changed_while_it_does_not_run(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        made = service.define_collection(connection, tenant.id, tenant.operator, "Posts", "social_media", {})
        assert (made.status, made.progress, made.user_id) == ("pending", 0.0, tenant.operator)
        after = service.change_collection(connection, tenant.id, made.id, {"schedule": {"every": "1h"}})
        assert after.schedule == {"every": "1h"}
        with pytest.raises(InputError, match="collector"):
            service.define_collection(connection, tenant.id, tenant.operator, "Posts", "telepathy", {})
        connection.execute(
            sa.text("UPDATE collections SET status = 'running' WHERE organization_id = :tenant"), {"tenant": tenant.id}
        )
        with pytest.raises(ConflictError):
            service.change_collection(connection, tenant.id, made.id, {"name": "Other"})
        listed = service.list_collections(
            connection, tenant.id, service.CollectionFilter(status="running"), PageRequest()
        )
        assert [each.id for each in listed.items] == [made.id]


def test_the_files_of_a_collection_without_the_rows_in_them(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        source = writer.source("sherlock")
        file = writer.item(source, "a.csv")
        writer.item(source, "a.csv", parent_id=file)
        assert service.files_of_collection(connection, tenant.id, writer.collection) == [file]
        with pytest.raises(NotFoundError):
            service.files_of_collection(connection, tenant.id, uuid4())


def test_another_organization_finds_none_of_them(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        source = service.add_source(connection, tenant.id, "Feed", {})
        collection = service.define_collection(connection, tenant.id, tenant.operator, "Posts", "news", {})
    other = new_organization(database)
    with database.transaction(other.context) as connection:
        with pytest.raises(NotFoundError):
            service.change_source(connection, other.id, source.id, {"is_active": False})
        with pytest.raises(NotFoundError):
            service.change_collection(connection, other.id, collection.id, {"name": "Mine"})
        assert service.list_sources(connection, other.id, service.SourceFilter(), PageRequest()).items == []
