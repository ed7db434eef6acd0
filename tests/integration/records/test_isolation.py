"""Two organizations that hold the same things never see each other's, whatever SQL the application writes.

Everything is generated from the database's own catalogue, so a new table is held to it without being named here. Both
organizations use the same ids and values on purpose: only the organization tells their rows apart.
"""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
import sqlalchemy.exc

from clew.kernel.database import Database
from clew.kernel.roles import APPLICATION, DIRECTORY, MIGRATOR, PROJECTOR
from tests.support.record import NOON, Tenant, new_organization

SHARED_ID = UUID("01960000-0000-7000-8000-000000000001")
NOWHERE = UUID("01960000-0000-7000-8000-00000000ffff")
DENIED = "42501"
FILLERS: dict[str, Any] = {
    "uuid": SHARED_ID,
    "text": "shared",
    "character(64)": "0" * 64,
    "timestamp with time zone": NOON,
    "inet": "203.0.113.77",
    "bytea": b"shared",
    "bigint": 1,
    "integer": 1,
    "numeric(5,4)": 1,
    "double precision": 1.0,
    "uuid[]": [SHARED_ID],
    "jsonb": "{}",
}
# Signing in names a user without an organization, and the directory names organizations: the rest is nobody's.
UNIQUE_OVER_ALL = {
    "organizations_pkey",
    "organizations_slug_key",
    "users_email_key",
    "users_username_key",
    "api_keys_key_hash_key",
    "sessions_token_hash_key",
    "refresh_tokens_token_hash_key",
    "one_time_tokens_token_hash_key",
}
# What can be allowed is the same for everybody; failures and signing keys only the authenticator may open.
UNIQUE_IN_THE_INSTALLATION = {
    "permissions_pkey",
    "permissions_code_key",
    "signing_keys_pkey",
    "signing_keys_state_idx",
    "sign_in_failures_pkey",
}
NEVER_EDITED = ("changes", "api_usage_logs", "campaign_activity")
NEVER_DELETED = ("changes", "campaign_activity")
# Where not every column may be changed, one that may.
CHANGEABLE = {"idempotency_keys": "response_status"}
# The installation's own books, which only the projector may open.
PROJECTORS_OWN = ("feed_epochs", "projections", "projection_failures", "series_state")
UNIQUE_IN_BOOKS = {"feed_epochs_pkey", "feed_epochs_epoch_key", "projections_pkey", "series_state_pkey"}

# What may be written to the trail is tried in tests/integration/audit; raw documents are collected items.
READ_ONLY_VIEWS = {"audit_log", "audit_logs", "raw_documents"}

TENANT_TABLES = sa.text("""
SELECT c.relname, c.relkind = 'v' AS is_view
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
  AND c.relname <> 'projection_failures'
ORDER BY c.relname
""")
REQUIRED_COLUMNS = sa.text("""
SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS kind,
       (SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k
        WHERE k.conrelid = a.attrelid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum]) AS rule
FROM pg_attribute a
WHERE a.attrelid = to_regclass('public.' || :name) AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = ''
  AND a.attname <> 'organization_id' AND ((a.attnotnull AND NOT a.atthasdef) OR a.attname = 'id')
""")
PARTITIONS = sa.text(
    "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relispartition AND c.relkind = 'r' ORDER BY 1"
)


@dataclass(frozen=True)
class Neighbours:
    """Two organizations, each with a row in every table."""

    database: Database
    ours: Tenant
    theirs: Tenant
    tables: tuple[str, ...]
    views: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        return self.tables + self.views


@pytest.fixture(scope="module")
def neighbours(database: Database) -> Neighbours:
    ours, theirs = new_organization(database), new_organization(database)
    with database.transaction(None) as connection:
        listed = connection.execute(TENANT_TABLES).all()
        for parent in (
            "api_usage_logs",
            "collection_items",
            "events",
            "attack_sessions",
            "social_posts",
            "series_blocks",
        ):
            connection.execute(
                sa.text("SELECT ensure_partitions(:parent, ARRAY[CAST(:month AS date)])"),
                {"parent": parent, "month": NOON},
            )
    tables = tuple(name for name, is_view in listed if not is_view)
    found = Neighbours(database, ours, theirs, tables, tuple(name for name, is_view in listed if is_view))
    for tenant in (ours, theirs):
        with database.transaction(tenant.context) as connection:
            fill(connection, tenant, tables)
    with database.transaction(None, MIGRATOR) as connection:
        connection.execute(sa.text("ANALYZE"))
    return found


def fill(connection: sa.Connection, tenant: Tenant, tables: tuple[str, ...]) -> None:
    """A row in every table, parents before children: what still lacks its parent is tried again."""
    waiting = list(tables)
    while waiting:
        left = [name for name in waiting if not inserted(connection, name, row_of(connection, name, tenant))]
        assert len(left) < len(waiting), f"no row could be made for {left}"
        waiting = left


def row_of(connection: sa.Connection, name: str, tenant: Tenant, organization: UUID | None = None) -> dict[str, Any]:
    row: dict[str, Any] = {"organization_id": organization or tenant.id}
    for column, kind, rule in connection.execute(REQUIRED_COLUMNS, {"name": name}):
        allowed = re.search(r"ARRAY\['([^']+)'", rule or "")
        row[column] = allowed[1] if allowed else FILLERS[kind]
    if name == "entities":
        row["entity_type"] = "domain"
    if name == "users":
        row |= {"email": f"shared@{tenant.slug}", "username": f"shared@{tenant.slug}"}
    if name == "role_permissions":
        row["permission"] = "entity:read"
    if name == "one_time_tokens":
        row["user_id"] = SHARED_ID
    for column in {"token_hash", "key_hash"} & row.keys():
        row[column] = f"shared-{tenant.slug}"
    return row


def inserted(connection: sa.Connection, name: str, row: dict[str, Any]) -> bool:
    try:
        with connection.begin_nested():
            insert(connection, name, row)
    except sqlalchemy.exc.IntegrityError:
        return False
    return True


def insert(connection: sa.Connection, name: str, row: dict[str, Any]) -> None:
    columns, places = ", ".join(row), ", ".join(f":{column}" for column in row)
    connection.execute(sa.text(f"INSERT INTO {name} ({columns}) VALUES ({places})"), row)


def sqlstate_of(error: sqlalchemy.exc.DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def test_the_catalogue_of_tables_was_found(neighbours: Neighbours) -> None:
    assert {"entities", "events", "changes", "jobs", "targets", "collection_item_hashes"} <= set(neighbours.tables)
    assert {"domains", "ip_addresses"} <= set(neighbours.views)


def test_each_organization_sees_its_own_rows_and_no_others(neighbours: Neighbours) -> None:
    for mine, other in ((neighbours.ours, neighbours.theirs), (neighbours.theirs, neighbours.ours)):
        with neighbours.database.transaction(mine.context) as connection:
            for name in (*neighbours.tables, "domains"):
                owned = f"SELECT DISTINCT organization_id FROM {name} WHERE organization_id IS NOT NULL"
                owners = connection.scalars(sa.text(owned)).all()
                assert owners == [mine.id], name
            for name in neighbours.all:
                asked = sa.text(f"SELECT count(*) FROM {name} WHERE organization_id = :other")
                assert connection.scalar(asked, {"other": other.id}) == 0, name


def test_without_a_context_nothing_is_visible(neighbours: Neighbours) -> None:
    with neighbours.database.transaction(None) as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM organizations")) == 0
        for name in neighbours.all:
            assert connection.scalar(sa.text(f"SELECT count(organization_id) FROM {name}")) == 0, name


def test_a_context_that_is_no_organization_shows_nothing_or_fails(neighbours: Neighbours) -> None:
    with neighbours.database.transaction(None) as connection:
        connection.execute(sa.text("SELECT set_config('app.current_organization_id', :id, true)"), {"id": str(NOWHERE)})
        for name in neighbours.all:
            assert connection.scalar(sa.text(f"SELECT count(organization_id) FROM {name}")) == 0, name
        connection.execute(sa.text("SELECT set_config('app.current_organization_id', 'x'' OR true', true)"))
        with pytest.raises(sqlalchemy.exc.DataError, match="uuid"):
            connection.execute(sa.text("SELECT count(*) FROM entities"))


def test_partitions_are_no_side_door(neighbours: Neighbours) -> None:
    with neighbours.database.transaction(neighbours.ours.context) as connection:
        partitions = connection.scalars(PARTITIONS).all()
        assert len(partitions) > 8
        for name in partitions:
            for statement in (f"SELECT FROM {name}", f"DELETE FROM {name}", f"INSERT INTO {name} DEFAULT VALUES"):
                with pytest.raises(sqlalchemy.exc.ProgrammingError) as caught, connection.begin_nested():
                    connection.execute(sa.text(statement))
                assert sqlstate_of(caught.value) == DENIED, statement


def test_statistics_tell_nothing_of_values(neighbours: Neighbours) -> None:
    shown = sa.text("SELECT DISTINCT tablename FROM pg_stats WHERE tablename = ANY (:names)")
    with neighbours.database.transaction(neighbours.ours.context) as connection:
        assert connection.scalars(shown, {"names": list(neighbours.tables)}).all() == []


def test_no_row_can_be_given_to_the_other_organization(neighbours: Neighbours) -> None:
    with neighbours.database.transaction(neighbours.ours.context) as connection:
        for name in neighbours.tables:
            row = row_of(connection, name, neighbours.ours, organization=neighbours.theirs.id)
            with pytest.raises(sqlalchemy.exc.ProgrammingError) as caught, connection.begin_nested():
                insert(connection, name, row)
            assert sqlstate_of(caught.value) == DENIED, name
            with pytest.raises(sqlalchemy.exc.ProgrammingError) as caught, connection.begin_nested():
                connection.execute(
                    sa.text(f"UPDATE {name} SET organization_id = :theirs"), {"theirs": neighbours.theirs.id}
                )
            assert sqlstate_of(caught.value) == DENIED, name
        for name in set(neighbours.views) - READ_ONLY_VIEWS:
            with pytest.raises(sqlalchemy.exc.ProgrammingError) as caught, connection.begin_nested():
                connection.execute(
                    sa.text(f"INSERT INTO {name} (organization_id, id, normalized_name) VALUES (:theirs, :id, 'x')"),
                    {"theirs": neighbours.theirs.id, "id": NOWHERE},
                )
            assert sqlstate_of(caught.value) == DENIED, name


def test_the_others_rows_can_be_neither_changed_nor_deleted(neighbours: Neighbours) -> None:
    writable = [name for name in neighbours.tables if name not in NEVER_EDITED]
    with neighbours.database.transaction(neighbours.ours.context) as connection:
        for name in writable:
            column = CHANGEABLE.get(name, "organization_id")
            for statement in (f"UPDATE {name} SET {column} = {column}", f"DELETE FROM {name}"):
                aimed = sa.text(f"{statement} WHERE organization_id = :theirs RETURNING 1")
                assert connection.execute(aimed, {"theirs": neighbours.theirs.id}).all() == [], statement


def test_whoever_deletes_everything_deletes_only_their_own(neighbours: Neighbours) -> None:
    third = new_organization(neighbours.database)
    with neighbours.database.transaction(third.context) as connection:
        fill(connection, third, neighbours.tables)
    with neighbours.database.transaction(third.context) as connection:
        for name in neighbours.tables:
            if name not in NEVER_DELETED:
                connection.execute(sa.text(f"DELETE FROM {name}"))
    with neighbours.database.transaction(neighbours.theirs.context) as connection:
        for name in neighbours.tables:
            assert connection.scalar(sa.text(f"SELECT count(*) > 0 FROM {name}")), name


def test_what_the_other_holds_is_in_nobodys_way(neighbours: Neighbours) -> None:
    """A third organization takes every id and value that the two hold: it works as if they did not exist."""
    third = new_organization(neighbours.database)
    with neighbours.database.transaction(third.context) as connection:
        fill(connection, third, neighbours.tables)
        for name in neighbours.tables:
            # … and it is not that nothing is ever in the way: its own rows are
            assert inserted(connection, name, row_of(connection, name, third)) is (name == "changes"), name


def test_only_what_a_person_signs_in_with_is_unique_over_all(neighbours: Neighbours) -> None:
    unique = sa.text("""
        SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
        WHERE x.indisunique AND t.relnamespace = 'public'::regnamespace AND t.relname <> 'schema_version'
          AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = x.indkey[0]
                          AND a.attname = 'organization_id')
    """)
    with neighbours.database.transaction(None) as connection:
        assert set(connection.scalars(unique)) == UNIQUE_OVER_ALL | UNIQUE_IN_BOOKS | UNIQUE_IN_THE_INSTALLATION


@pytest.mark.parametrize("name", PROJECTORS_OWN)
def test_the_projectors_books_are_closed_to_everybody_else(neighbours: Neighbours, name: str) -> None:
    for role, context in ((APPLICATION, neighbours.ours.context), (DIRECTORY, None)):
        with neighbours.database.transaction(context, role=role) as connection:
            statements = [f"SELECT FROM {name}", f"DELETE FROM {name}", f"INSERT INTO {name} DEFAULT VALUES"]
            if (role, name) == (APPLICATION, "feed_epochs"):
                del statements[0]  # an analysis notes in which epoch it read the record
            for statement in statements:
                with pytest.raises(sqlalchemy.exc.ProgrammingError) as caught, connection.begin_nested():
                    connection.execute(sa.text(statement))
                assert sqlstate_of(caught.value) == DENIED, statement


def test_the_projector_changes_nothing_but_its_books(neighbours: Neighbours) -> None:
    allowed = sa.text("""
        SELECT c.relname, may FROM pg_class c
        CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) AS may
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
          AND has_table_privilege(:role, c.oid, may)
    """)
    with neighbours.database.transaction(None, role=PROJECTOR) as connection:
        found = connection.execute(allowed, {"role": PROJECTOR}).all()
    of_series = ("series_state", "series_blocks", "series_days")  # counts of what is recorded
    own = ("projections", "projection_failures", "embedding_cache", "embedding_costs", *of_series)
    kept = {(name, may) for name in own for may in ("INSERT", "UPDATE", "DELETE")}
    tells = {("changes", "INSERT"), ("changes", "DELETE"), ("series", "INSERT")}
    assert {tuple(row) for row in found} == kept | tells | {("feed_epochs", "INSERT")}


def test_a_reference_to_the_others_row_fails_as_one_to_no_row(neighbours: Neighbours) -> None:
    with neighbours.database.transaction(neighbours.theirs.context) as connection:
        theirs = connection.scalar(
            sa.text("INSERT INTO investigations (organization_id, name) VALUES (:id, 'secret') RETURNING id"),
            {"id": neighbours.theirs.id},
        )
        entity = connection.scalar(
            sa.text(
                "INSERT INTO entities (organization_id, entity_type, name, normalized_name)"
                " VALUES (:id, 'username', 'secret', 'secret') RETURNING id"
            ),
            {"id": neighbours.theirs.id},
        )
    statements = {
        "INSERT INTO targets (organization_id, investigation_id, target_type, value, normalized_value)"
        " VALUES (:ours, :id, 'url', 'x', 'x')": theirs,
        "INSERT INTO relationships (organization_id, source_entity_id, target_entity_id, relationship_type)"
        " VALUES (:ours, :id, :id, 'USES')": entity,
        "INSERT INTO risk_scores (organization_id, entity_id, level) VALUES (:ours, :id, 'low')": entity,
    }
    with neighbours.database.transaction(neighbours.ours.context) as connection:
        for statement, known in statements.items():
            messages = []
            for identifier in (known, NOWHERE):
                with pytest.raises(sqlalchemy.exc.IntegrityError) as caught, connection.begin_nested():
                    connection.execute(sa.text(statement), {"ours": neighbours.ours.id, "id": identifier})
                messages.append(str(caught.value.orig).replace(str(identifier), "…"))
            assert messages[0] == messages[1], statement


def test_the_directory_reads_organizations_and_nothing_else(neighbours: Neighbours) -> None:
    allowed = sa.text(
        "SELECT name FROM unnest(CAST(:names AS text[])) AS name WHERE has_table_privilege(:role, name, 'SELECT')"
    )
    with neighbours.database.transaction(None, role=DIRECTORY) as connection:
        readable = connection.scalars(allowed, {"names": list(neighbours.all), "role": DIRECTORY}).all()
        assert readable == []
        assert connection.scalar(sa.text("SELECT count(*) >= 2 FROM organizations"))


def test_what_runs_with_its_owners_power_is_known_and_pinned(neighbours: Neighbours) -> None:
    definers = sa.text("""
        SELECT p.proname, p.proconfig FROM pg_proc p
        WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace ORDER BY 1
    """)
    with neighbours.database.transaction(None) as connection:
        found = connection.execute(definers).all()
    assert [name for name, _ in found] == [
        "audit_trigger_function",
        "create_monthly_partitions",
        "drop_old_api_usage_logs",
        "ensure_partitions",
        "install_operator",
    ]
    assert all("search_path=pg_catalog, public" in settings for _, settings in found)


def test_the_application_cannot_lay_row_security_down(neighbours: Neighbours) -> None:
    for statement in (
        "ALTER TABLE entities DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE entities NO FORCE ROW LEVEL SECURITY",
        "CREATE POLICY mine ON entities USING (true)",
        f"ALTER ROLE {APPLICATION} BYPASSRLS",
        "TRUNCATE entities",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ):
        with (
            pytest.raises(sqlalchemy.exc.ProgrammingError) as caught,
            neighbours.database.transaction(neighbours.ours.context) as connection,
        ):
            connection.execute(sa.text(statement))
        assert sqlstate_of(caught.value) == DENIED, statement
