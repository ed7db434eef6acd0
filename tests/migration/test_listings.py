"""Revision 0011 on a record with rows: its indexes come, go and come again, and the rows stay."""

import sqlalchemy as sa

from clew import migrations
from clew.kernel.database import Database
from clew.kernel.roles import MIGRATOR
from clew.kernel.schema_state import shipped_revisions
from tests.support.postgres import upgrade
from tests.support.record import Tenant, Writer, empty_database, new_organization

BEFORE = max(revision for revision in shipped_revisions() if revision < "0011")
INDEXES = sa.text(
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
    " AND tablename IN ('entities', 'relationships', 'collections', 'quarantine', 'investigations', 'targets')"
)


def indexes(database: Database) -> set[str]:
    with database.transaction(None) as connection:
        return {text.partition("USING ")[2] + text.split()[3] for text in connection.scalars(INDEXES)}


def rows(database: Database, tenant: Tenant) -> int:
    with database.transaction(tenant.context) as connection:
        return connection.scalar(sa.text("SELECT count(*) FROM entities")) or 0


def test_down_and_up_again_with_rows() -> None:
    with empty_database() as database:
        upgrade(database)
        tenant = new_organization(database)
        with database.transaction(tenant.context) as connection:
            writer = Writer(connection, tenant)
            writer.relationship(writer.entity("username", "a"), "OWNS", writer.entity("domain", "a.example.net"))
        after = indexes(database)
        for _ in range(2):
            with database.transaction(None, MIGRATOR) as connection:
                migrations.downgrade(connection, BEFORE)
            assert not any("created_at, id" in text for text in indexes(database))
            assert rows(database, tenant) == 2
            upgrade(database)
            assert indexes(database) == after
            assert rows(database, tenant) == 2
