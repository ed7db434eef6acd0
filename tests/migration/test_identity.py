"""Revision 0005 on a database in use: people and organizations stay, what it brought goes and comes again."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from clew import migrations
from clew.kernel.database import Database
from clew.kernel.roles import AUTHENTICATOR, MIGRATOR
from clew.kernel.schema_state import shipped_revisions
from tests.support.postgres import upgrade
from tests.support.record import Tenant, empty_database, new_organization, organization_of_old

ROWS = (
    "INSERT INTO roles (organization_id, id, name) VALUES (:tenant, :id, 'custom')",
    "INSERT INTO role_permissions VALUES (:tenant, :id, 'entity:read')",
    "INSERT INTO user_roles (organization_id, user_id, role_id) VALUES (:tenant, :user, :id)",
    "INSERT INTO user_settings (organization_id, user_id, key) VALUES (:tenant, :user, 'theme')",
    "INSERT INTO system_configuration (organization_id, key, updated_by) VALUES (:tenant, 'retention', :user)",
    "INSERT INTO invitations (organization_id, id, email, expires_at) VALUES (:tenant, :id, 'a@b.example', now())",
    (
        "INSERT INTO sessions (organization_id, id, user_id, token_hash, username, role, expires_at)"
        " VALUES (:tenant, :id, :user, 'h', 'n', 'user', now())"
    ),
    (
        "INSERT INTO refresh_tokens (organization_id, session_id, token_hash, expires_at)"
        " VALUES (:tenant, :id, 'h', now())"
    ),
    (
        "INSERT INTO one_time_tokens (organization_id, purpose, invitation_id, token_hash, email, expires_at)"
        " VALUES (:tenant, 'invitation', :id, 'h', 'a@b.example', now())"
    ),
    "INSERT INTO mfa_recovery_codes (organization_id, user_id, code_hash) VALUES (:tenant, :user, 'h')",
    "INSERT INTO api_keys (organization_id, id, user_id, key_hash, prefix) VALUES (:tenant, :id, :user, 'h', '')",
    "INSERT INTO api_key_counters (organization_id, api_key_id) VALUES (:tenant, :id)",
    "INSERT INTO api_usage_logs (organization_id, api_key_id, endpoint, method) VALUES (:tenant, :id, '/', 'GET')",
)
BEFORE = max(revision for revision in shipped_revisions() if revision < "0005")
PARTITIONS = sa.text("SELECT relname FROM pg_class WHERE relname LIKE 'api\\_usage\\_logs\\_2%' AND relkind = 'r'")


def fill(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        for statement in ROWS:
            connection.execute(sa.text(statement), {"tenant": tenant.id, "user": tenant.operator, "id": tenant.id})
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        connection.execute(
            sa.text("INSERT INTO signing_keys VALUES ('k', 'EdDSA', '', '', 'current', now(), now(), NULL)")
        )
        connection.execute(sa.text("INSERT INTO sign_in_failures (kind, subject) VALUES ('account', 'x')"))


def test_down_and_up_again_with_people_and_their_keys() -> None:
    with empty_database() as database:
        upgrade(database)
        tenant = new_organization(database)
        for _ in range(2):
            fill(database, tenant)
            with database.transaction(None, MIGRATOR) as connection:
                migrations.downgrade(connection, BEFORE)
            with database.transaction(tenant.context) as connection:
                assert connection.scalars(sa.text("SELECT id FROM users")).all() == [tenant.operator]
                assert connection.scalar(sa.text("SELECT to_regclass('public.api_keys')")) is None
                assert connection.scalar(sa.text("SELECT create_monthly_partitions()")) == 0
            organization_of_old(database)  # the directory has its rights back
            upgrade(database)


def test_old_months_of_the_log_go_and_young_ones_stay() -> None:
    with empty_database() as database:
        upgrade(database)
        tenant = new_organization(database)
        today = datetime.now(UTC)
        old, young = today - timedelta(days=100), today - timedelta(days=29)
        with database.transaction(tenant.context) as connection:
            for moment in (old, young):
                connection.execute(
                    sa.text("SELECT ensure_partitions('api_usage_logs', ARRAY[CAST(:month AS date)])"),
                    {"month": moment},
                )
                connection.execute(
                    sa.text(
                        "INSERT INTO api_usage_logs (organization_id, api_key_id, endpoint, method, request_timestamp)"
                        " VALUES (:tenant, :tenant, '/', 'GET', :moment)"
                    ),
                    {"tenant": tenant.id, "moment": moment},
                )
            assert f"api_usage_logs_{old:%Y_%m}" in connection.scalars(PARTITIONS).all()
            assert connection.scalar(sa.text("SELECT drop_old_api_usage_logs()")) == 1
            assert f"api_usage_logs_{old:%Y_%m}" not in connection.scalars(PARTITIONS).all()
            assert connection.scalars(sa.text("SELECT request_timestamp FROM api_usage_logs")).all() == [young]
