"""Revision 0010 on a database in use: the right to rename goes and comes back, the name stays."""

import sqlalchemy as sa

from clew import migrations
from clew.domains.identity.service import own_organization, rename_organization
from clew.kernel.roles import MIGRATOR
from clew.kernel.schema_state import shipped_revisions
from tests.support.postgres import upgrade
from tests.support.record import empty_database, new_organization

BEFORE = max(revision for revision in shipped_revisions() if revision < "0010")
MAY = sa.text("SELECT has_column_privilege('clew_application', 'organizations', 'name', 'UPDATE')")


def test_down_and_up_again_with_a_new_name() -> None:
    with empty_database() as database:
        upgrade(database)
        tenant = new_organization(database)
        for name in ("Harbour", "Weir"):
            with database.transaction(tenant.context) as connection:
                assert connection.scalar(MAY)
                rename_organization(connection, tenant.id, name)
            with database.transaction(None, MIGRATOR) as connection:
                migrations.downgrade(connection, BEFORE)
            with database.transaction(tenant.context) as connection:
                assert not connection.scalar(MAY)
                assert own_organization(connection, tenant.id).name == name
            upgrade(database)
