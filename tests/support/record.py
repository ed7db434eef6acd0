"""Real databases for tests of the record, and a writer of small records by hand."""

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import psycopg
import sqlalchemy as sa

from clew.domains.identity.operator import operator_id
from clew.domains.identity.service import create_organization, operator_of
from clew.kernel.database import Database, TenantContext
from clew.kernel.roles import DIRECTORY
from clew.ontology import entity_id, normalize, relationship_id
from tests.support.embedded import small_settings, temporary_base
from tests.support.postgres import SHARED, opened_by, upgrade

NOON = datetime(2025, 3, 9, 12, tzinfo=UTC)


@contextlib.contextmanager
def empty_database() -> Iterator[Database]:
    """A database of its own with the product's roles and nothing else; gone afterwards."""
    with SHARED.database() as url, opened_by(url) as database:
        yield database


@contextlib.contextmanager
def migrated_database() -> Iterator[Database]:
    """The same, brought up to the present schema, with its partitions made."""
    with SHARED.migrated_database() as url, opened_by(url) as database:
        yield database


@contextlib.contextmanager
def embedded_database() -> Iterator[Database]:
    """A migrated database on an embedded server of its own, as users have it: to be killed, copied or filled."""
    with temporary_base() as base, Database(small_settings(base)) as database:
        database.bootstrap()
        upgrade(database)
        yield database


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
