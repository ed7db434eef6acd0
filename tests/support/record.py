"""Real databases for tests of the record, and a writer of small records by hand."""

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import sqlalchemy as sa
from psycopg import conninfo, sql
from pydantic import SecretStr

from clew import migrations
from clew.domains.identity.operator import operator_id
from clew.domains.identity.service import create_organization, operator_of
from clew.kernel.database import Database, TenantContext
from clew.kernel.roles import DIRECTORY, MIGRATOR
from clew.kernel.settings import Settings
from clew.ontology import entity_id, normalize, relationship_id
from tests.support.embedded import small_settings, temporary_base

DATABASE_URL = "CLEW_TEST_DATABASE_URL"
NOON = datetime(2025, 3, 9, 12, tzinfo=UTC)


@contextlib.contextmanager
def empty_database() -> Iterator[Database]:
    """A database of its own with the product's roles and nothing else; gone afterwards.

    On the server that CLEW_TEST_DATABASE_URL names, if set; else on an embedded server made for it.
    """
    url = os.environ.get(DATABASE_URL)
    if not url:
        with temporary_base() as base, Database(small_settings(base)) as database:
            database.bootstrap()
            yield database
        return
    name = f"clew_test_{secrets.token_hex(6)}"
    with (
        tempfile.TemporaryDirectory(prefix="k-") as folder,
        database_on(url, name) as own_url,
        Database(Settings(data_dir=Path(folder), database_url=SecretStr(own_url))) as database,
    ):
        database.bootstrap()
        yield database


@contextlib.contextmanager
def migrated_database() -> Iterator[Database]:
    """An empty database brought up to the present schema, with its partitions made."""
    with empty_database() as database:
        upgrade(database)
        yield database


def upgrade(database: Database) -> None:
    """Bring the schema up to the present and make the partitions ahead."""
    with database.transaction(None, MIGRATOR) as connection:
        migrations.upgrade(connection)
    with database.transaction(None) as connection:
        connection.execute(sa.text("SELECT create_monthly_partitions()"))


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organization of its own for one test."""

    id: UUID
    slug: str
    operator: UUID

    @property
    def context(self) -> TenantContext:
        return TenantContext(self.id, self.operator)


def new_organization(database: Database) -> Tenant:
    """An organization nobody else uses: tests that share a database do not see each other's rows."""
    organization = create_organization(database, f"t-{secrets.token_hex(6)}", "Test organization")
    with database.transaction(TenantContext(organization.id)) as connection:
        operator = operator_of(connection, organization.id)
    return Tenant(organization.id, organization.slug, operator)


def organization_of_old(database: Database) -> Tenant:
    """The same on a schema from before the audit trail, which the program itself does not work with any more."""
    slug = f"t-{secrets.token_hex(6)}"
    with database.transaction(None, DIRECTORY) as connection:
        identifier: UUID = connection.execute(
            sa.text("INSERT INTO organizations (slug, name) VALUES (:slug, 'Old organization') RETURNING id"),
            {"slug": slug},
        ).scalar_one()
    user = operator_id(identifier)
    row = {"own": identifier, "id": user, "name": f"operator@{slug}"}
    with database.transaction(TenantContext(identifier)) as connection:
        connection.execute(
            sa.text(
                "INSERT INTO users (organization_id, id, email, username, password_hash, role)"
                " VALUES (:own, :id, :name, :name, '!', 'admin')"
            ),
            row,
        )
    return Tenant(identifier, slug, user)


@dataclass(slots=True)
class Writer:
    """Writes rows of a record by plain SQL, in the transaction of its tenant."""

    connection: sa.Connection
    tenant: Tenant
    collection: UUID = field(default_factory=uuid4)

    def __post_init__(self) -> None:
        self.insert(
            "collections", id=self.collection, user_id=self.tenant.operator, name="by hand", collector_type="custom"
        )

    def insert(self, table: str, **values: Any) -> None:
        row = {"organization_id": self.tenant.id, **values}
        names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
        self.connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({places})"), row)

    def entity(self, entity_type: str, value: str, qualifier: str | None = None, **columns: Any) -> UUID:
        known = normalize(entity_type, value, qualifier)
        identifier = entity_id(self.tenant.id, entity_type, known.identity)
        platform = f'{{"platform": "{known.properties["platform"]}"}}' if "platform" in known.properties else "{}"
        defaults = {"properties": platform, "flags": list(known.flags)}
        self.insert(
            "entities",
            id=identifier,
            entity_type=entity_type,
            name=known.name,
            normalized_name=known.normalized_name,
            **(defaults | columns),
        )
        return identifier

    def relationship(self, source: UUID, kind: str, target: UUID, **columns: Any) -> UUID:
        identifier = relationship_id(self.tenant.id, source, kind, target)
        self.insert(
            "relationships",
            id=identifier,
            source_entity_id=source,
            target_entity_id=target,
            relationship_type=kind,
            **columns,
        )
        return identifier

    def source(self, name: str) -> UUID:
        identifier = uuid4()
        self.insert("sources", id=identifier, name=name, source_type="tool")
        return identifier

    def item(self, source: UUID, file_name: str, **columns: Any) -> UUID:
        identifier = uuid4()
        values = {"hash": sha256(identifier.bytes).hexdigest(), "collected_at": NOON, **columns}
        self.connection.execute(
            sa.text("SELECT ensure_partitions('collection_items', ARRAY[CAST(:month AS date)])"),
            {"month": values["collected_at"]},
        )
        self.insert(
            "collection_item_hashes",
            hash=values["hash"],
            collection_item_id=identifier,
            collected_at=values["collected_at"],
        )
        self.insert(
            "collection_items",
            id=identifier,
            collection_id=self.collection,
            source_id=source,
            file_name=file_name,
            **values,
        )
        if "parent_id" in values:
            self.insert(
                "collection_item_places",
                collection_item_id=identifier,
                file_id=values["parent_id"],
                line=values.get("line", 1),
            )
        return identifier

    def sighting(self, entity: UUID, item: UUID, **columns: Any) -> None:
        self.insert("entity_sources", entity_id=entity, collection_item_id=item, **columns)

    def session(self, address: str, started: datetime = NOON, commands: tuple[str, ...] = (), **columns: Any) -> UUID:
        identifier = uuid4()
        micros = int(started.timestamp() * 1_000_000)
        activity = [[micros + number, str(uuid4()), text] for number, text in enumerate(commands)]
        payload = "\n".join(commands)
        defaults = {
            "id": identifier,
            "source_ip": address,
            "timestamp": started,
            "ended_at": started + timedelta(minutes=1),
            "payload": payload,
            "payload_hash": sha256(payload.encode()).hexdigest(),
            "source": "cowrie",
            "session_key": identifier.hex,
            "honeypot_id": "east",
            "protocol": "ssh",
            "event_count": 3,
            "activity": psycopg.types.json.Jsonb(activity) if commands else None,
        }
        self.connection.execute(
            sa.text("SELECT ensure_partitions('attack_sessions', ARRAY[CAST(:month AS date)])"), {"month": started}
        )
        self.insert("attack_sessions", **(defaults | columns))
        self.insert("attack_session_keys", id=identifier, timestamp=started)
        return identifier


@contextlib.contextmanager
def database_on(url: str, name: str) -> Iterator[str]:
    """The URL of a new database of that server, dropped afterwards."""
    parameters = conninfo.conninfo_to_dict(url)
    with psycopg.connect(url, autocommit=True) as connection:
        create = sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0")
        connection.execute(create.format(sql.Identifier(name)))
    try:
        yield _url_of({**parameters, "dbname": name})
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _url_of(parameters: dict[str, Any]) -> str:
    keys = ("user", "password", "host", "port", "dbname")
    query = sa.URL.create(
        "postgresql",
        username=parameters.get("user"),
        password=parameters.get("password"),
        database=parameters["dbname"],
        query={key: str(value) for key, value in parameters.items() if key == "host" or key not in keys},
    )
    port = {"port": str(parameters["port"])} if parameters.get("port") else {}
    return query.update_query_dict(port).render_as_string(hide_password=False)
