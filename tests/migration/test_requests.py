"""Revision 0007 on a database in use: kept answers go and can be kept again."""

import sqlalchemy as sa

from clew import migrations
from clew.kernel.database import Database
from clew.kernel.roles import MIGRATOR
from tests.support.postgres import upgrade
from tests.support.record import Tenant, empty_database, new_organization

KEEP = "INSERT INTO idempotency_keys (organization_id, caller, key, request_digest) VALUES (:tenant, :user, 'k', 'd')"


def keep(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        connection.execute(sa.text(KEEP), {"tenant": tenant.id, "user": tenant.operator})


def test_down_and_up_again_with_answers_kept() -> None:
    with empty_database() as database:
        upgrade(database)
        tenant = new_organization(database)
        for _ in range(2):
            keep(database, tenant)
            with database.transaction(None, MIGRATOR) as connection:
                migrations.downgrade(connection, "0006")
            with database.transaction(tenant.context) as connection:
                assert connection.scalar(sa.text("SELECT to_regclass('public.idempotency_keys')")) is None
            upgrade(database)
