"""Revisions 0008 and 0009 on a database in use: what they brought goes and comes again, people and jobs stay."""

import sqlalchemy as sa

from clew import migrations
from clew.kernel.roles import MIGRATOR
from clew.kernel.schema_state import shipped_revisions
from tests.support.postgres import upgrade
from tests.support.record import empty_database, new_organization

BEFORE = max(revision for revision in shipped_revisions() if revision < "0008")
JOB = (
    "INSERT INTO jobs (organization_id, id, user_id, kind, status, claim_id)"
    " VALUES (:tenant, :id, :user, 'ingest', 'running', :id)"
)
UPLOAD = (
    "INSERT INTO uploads (organization_id, user_id, file_name, job_id, expires_at)"
    " VALUES (:tenant, :user, 'x', :id, now())"
)
ALLOWED = "SELECT count(*) FROM role_permissions WHERE permission LIKE 'job:%'"


def test_down_and_up_again_with_jobs_and_uploads() -> None:
    with empty_database() as database:
        upgrade(database)
        tenant = new_organization(database)
        for _ in range(2):
            with database.transaction(tenant.context) as connection:
                connection.execute(sa.text("DELETE FROM jobs"))
                for statement in (JOB, UPLOAD):
                    connection.execute(
                        sa.text(statement), {"tenant": tenant.id, "id": tenant.id, "user": tenant.operator}
                    )
                assert connection.scalar(sa.text(ALLOWED)) == 6
            with database.transaction(None, MIGRATOR) as connection:
                migrations.downgrade(connection, BEFORE)
            with database.transaction(tenant.context) as connection:
                assert connection.scalar(sa.text("SELECT to_regclass('public.uploads')")) is None
                assert connection.scalars(sa.text("SELECT kind FROM jobs WHERE payload = '{}'")).all() == ["ingest"]
                assert connection.scalar(sa.text(ALLOWED)) == 0
                connection.execute(sa.text("UPDATE users SET is_active = is_active"))  # no trigger is left
            upgrade(database)
            with database.transaction(tenant.context) as connection:  # nobody has a claim on it any more
                assert connection.scalars(sa.text("SELECT status FROM jobs WHERE parameters = '{}'")).all() == [
                    "pending"
                ]
