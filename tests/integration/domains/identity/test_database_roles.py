"""What each role of the database may do with what people sign in with, and above all what it may not."""

import pytest
import sqlalchemy as sa
import sqlalchemy.exc

from clew.domains.identity import permissions, second_factor_demand
from clew.domains.identity.configuration import set_configuration
from clew.kernel.database import Database
from clew.kernel.roles import APPLICATION, AUTHENTICATOR, DIRECTORY, PROJECTOR
from tests.support.record import Tenant, new_organization

DENIED = "42501"
# has_any_column_privilege also counts privileges on the whole table; there is none for DELETE and the like.
GRANTED = sa.text("""
    SELECT c.relname, may FROM pg_class c CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS may
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
      AND has_any_column_privilege(:role, c.oid, may)
    UNION ALL
    SELECT c.relname, may FROM pg_class c CROSS JOIN unnest(ARRAY['DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES']) AS may
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
      AND has_table_privilege(:role, c.oid, may)
""")
UPDATABLE = sa.text("""
    SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT a.attisdropped
      AND has_column_privilege(:role, c.oid, a.attnum, 'UPDATE')
""")


def refused(database: Database, role: str, statement: str, tenant: Tenant | None = None) -> None:
    with (
        pytest.raises(sqlalchemy.exc.ProgrammingError) as caught,
        database.transaction(tenant.context if tenant else None, role=role) as connection,
    ):
        connection.execute(sa.text(statement))
    assert getattr(caught.value.orig, "sqlstate", None) == DENIED, statement


def test_the_authenticator_has_these_rights_and_no_others(database: Database) -> None:
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        found = {tuple(row) for row in connection.execute(GRANTED, {"role": AUTHENTICATOR})}
        updatable = {tuple(row) for row in connection.execute(UPDATABLE, {"role": AUTHENTICATOR})}
    read = {
        "schema_version",
        "organizations",
        "users",
        "user_roles",
        "roles",
        "role_permissions",
        "sessions",
        "refresh_tokens",
        "one_time_tokens",
        "api_keys",
        "api_key_counters",
        "sign_in_failures",
        "signing_keys",
        "system_configuration",
    }
    written = {
        ("sessions", "UPDATE"),
        ("api_keys", "UPDATE"),
        ("api_key_counters", "UPDATE"),
        ("api_usage_logs", "INSERT"),
        *((name, may) for name in ("sign_in_failures", "signing_keys") for may in ("INSERT", "UPDATE", "DELETE")),
    }
    assert found == {(name, "SELECT") for name in read} | written
    assert {pair for pair in updatable if pair[0] in {"sessions", "api_keys", "signing_keys"}} == {
        ("sessions", "last_activity"),
        ("api_keys", "last_used_at"),
        ("api_keys", "last_used_ip"),
        ("signing_keys", "state"),
        ("signing_keys", "activated_at"),
        ("signing_keys", "retired_at"),
    }


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT mfa_secret FROM users",
        "SELECT full_name FROM users",
        "SELECT settings FROM organizations",
        "UPDATE users SET password_hash = 'x'",
        "UPDATE users SET role = 'admin'",
        "UPDATE sessions SET revoked_at = NULL",
        "UPDATE api_keys SET is_active = true",
        "UPDATE api_keys SET scopes = '{admin}'",
        "UPDATE signing_keys SET private_key = ''",
        "INSERT INTO sessions DEFAULT VALUES",
        "INSERT INTO user_roles DEFAULT VALUES",
        "DELETE FROM refresh_tokens",
        "SELECT FROM api_usage_logs",
        "SELECT FROM entities",
        "SELECT FROM mfa_recovery_codes",
        "SELECT FROM invitations",
        "SELECT updated_by FROM system_configuration",
        "SELECT install_operator(gen_random_uuid(), gen_random_uuid())",
        "SELECT drop_old_api_usage_logs()",
    ],
)
def test_the_authenticator_cannot(database: Database, statement: str) -> None:
    refused(database, AUTHENTICATOR, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT FROM signing_keys",
        "SELECT FROM sign_in_failures",
        "INSERT INTO permissions (code, description) VALUES ('all:write', 'x')",
        "DELETE FROM permissions",
        "INSERT INTO roles (name, is_builtin) VALUES ('root', true)",
        "INSERT INTO role_permissions (role_id, permission) SELECT id, 'user:write' FROM roles WHERE name = 'readonly'",
        "UPDATE api_usage_logs SET endpoint = 'x'",
        "INSERT INTO organizations (slug, name) VALUES ('x', 'x')",
    ],
)
def test_the_application_cannot(database: Database, tenant: Tenant, statement: str) -> None:
    refused(database, APPLICATION, statement, tenant)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT FROM users",
        "SELECT FROM api_keys",
        "SELECT FROM sessions",
        "DELETE FROM organizations",
        "UPDATE organizations SET id = gen_random_uuid()",
        "UPDATE organizations SET slug = 'x'",
        "SELECT FROM audit.events",
        "INSERT INTO users DEFAULT VALUES",
    ],
)
def test_the_directory_cannot(database: Database, statement: str) -> None:
    refused(database, DIRECTORY, statement)


def test_the_authenticator_sees_of_what_is_configured_only_whom_a_second_factor_is_demanded_of(
    database: Database, tenant: Tenant
) -> None:
    with database.transaction(tenant.context) as connection:
        for key in (second_factor_demand.KEY, "mail.relay"):
            set_configuration(connection, tenant.id, key, value=True)
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        seen = connection.scalars(sa.text("SELECT DISTINCT key FROM system_configuration")).all()
    assert seen == [second_factor_demand.KEY]


@pytest.mark.parametrize("name", ["users", "sessions", "api_keys", "signing_keys", "one_time_tokens", "api_usage_logs"])
def test_the_projector_sees_nothing_of_people(database: Database, name: str) -> None:
    refused(database, PROJECTOR, f"SELECT FROM {name}")


def test_built_in_roles_are_seen_by_everybody_and_changed_by_nobody(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        assert connection.execute(sa.text("UPDATE roles SET name = 'x' RETURNING 1")).all() == []
        assert connection.execute(sa.text("DELETE FROM roles RETURNING 1")).all() == []
        assert connection.execute(sa.text("DELETE FROM role_permissions RETURNING 1")).all() == []
        assert connection.scalar(sa.text("SELECT count(*) FROM roles WHERE is_builtin")) == len(permissions.ROLES)


def test_the_database_and_the_module_say_the_same(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        known = {tuple(row) for row in connection.execute(sa.text("SELECT code, description FROM permissions"))}
        roles = {
            tuple(row) for row in connection.execute(sa.text("SELECT name, description FROM roles WHERE is_builtin"))
        }
        allowed = connection.execute(
            sa.text(
                "SELECT name, array_agg(permission) FROM roles JOIN role_permissions ON role_id = roles.id"
                " WHERE is_builtin GROUP BY name"
            )
        ).all()
    assert known == {(permission.code, permission.description) for permission in permissions.PERMISSIONS}
    assert roles == {(role.name, role.description) for role in permissions.ROLES}
    assert {name: frozenset(codes) for name, codes in allowed} == permissions.BUILT_IN


def test_the_application_renames_its_own_organization_and_changes_nothing_else_of_any(
    database: Database, tenant: Tenant
) -> None:
    for column in ("slug = 'mine'", "is_active = false", "settings = '{}'", "id = gen_random_uuid()"):
        refused(database, APPLICATION, f"UPDATE organizations SET {column}", tenant)
    refused(database, APPLICATION, "DELETE FROM organizations", tenant)
    other = new_organization(database)
    rename = sa.text("UPDATE organizations SET name = 'Renamed' RETURNING id")
    with database.transaction(tenant.context, role=APPLICATION) as connection:
        assert connection.scalars(rename).all() == [tenant.id]
    with database.transaction(other.context) as connection:
        assert connection.scalar(sa.text("SELECT name FROM organizations")) == "Test organization"
    with database.transaction(None, role=APPLICATION) as connection:
        assert connection.scalars(rename).all() == []
