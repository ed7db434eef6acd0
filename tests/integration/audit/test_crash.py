"""kill -9 of a process that acts: the act and what the trail tells of it are both there, or neither is."""

import pickle
import subprocess
import sys

import pytest
import sqlalchemy as sa

from clew.kernel.database import Database
from tests.support.embedded import wait_until
from tests.support.record import Tenant, migrated_database, new_organization

ACTS = """
import pickle, sys, time
from clew.domains.identity.users import add_user
from clew.domains.investigations.service import create_investigation
from clew.domains.jobs.service import NewJob, enqueue
from clew.kernel.database import Database
settings, context, before = pickle.load(sys.stdin.buffer)
def act(connection):
    create_investigation(connection, context.organization_id, "Harbour")
    add_user(connection, context.organization_id, email="ann@lantern.example", username="ann")
    enqueue(connection, context.organization_id, NewJob("nothing"))
    print("told", flush=True)
    if before:
        time.sleep(600)
with Database(settings) as database:
    with database.transaction(context) as connection:
        act(connection)
    print("kept", flush=True)
    time.sleep(600)
"""
THINGS = sa.text("""
    SELECT (SELECT count(*) FROM investigations), (SELECT count(*) FROM users WHERE username = 'ann'),
           (SELECT count(*) FROM jobs)
""")
TOLD = sa.text("SELECT event_type FROM audit.events WHERE event_type <> 'organization_created' ORDER BY id")
OPEN = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_xid IS NOT NULL"
)


@pytest.mark.parametrize("before", [True, False], ids=["before the commit", "after the commit"])
def test_a_process_that_is_killed_leaves_the_act_and_its_row_or_neither(before: bool) -> None:
    with migrated_database() as database:
        tenant = new_organization(database)
        with subprocess.Popen([sys.executable, "-c", ACTS], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(pickle.dumps((database.settings, tenant.context, before)))
            process.stdin.close()
            said = process.stdout.readline()
            assert said == b"told\n"
            if not before:
                assert process.stdout.readline() == b"kept\n"
            process.kill()
        wait_until(lambda: not count_open(database), "the server to notice that the process is gone")
        things, told = found(database, tenant)
        assert (things, told) == (
            ((0, 0, 0), []) if before else ((1, 1, 1), ["investigation_created", "user_added", "job_enqueued"])
        )


def count_open(database: Database) -> int:
    with database.admin_engine().connect() as connection:
        return int(connection.scalar(OPEN) or 0)


def found(database: Database, tenant: Tenant) -> tuple[tuple[int, ...], list[str]]:
    with database.transaction(tenant.context) as connection:
        return tuple(connection.execute(THINGS).one()), list(connection.scalars(TOLD))
