"""Jobs that come again: once for each time, however many look after it, and never beside the last one."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from clew.domains.jobs.schedules import (
    NewSchedule,
    Schedule,
    add_schedule,
    change_schedule,
    enqueue_due,
    find_schedule,
    list_schedules,
    remove_schedule,
)
from clew.domains.jobs.service import Job, list_jobs
from clew.kernel.database import Database
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from tests.support.record import Tenant, migrated_database, new_organization

HOURLY = NewSchedule("hourly", "analyze", 3600, {"depth": "deep"}, "analysis", 7)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with migrated_database() as opened:
        yield opened


@pytest.fixture
def tenant(database: Database) -> Iterator[Tenant]:
    made = new_organization(database)
    yield made
    with database.transaction(made.context) as connection:
        connection.execute(sa.text("DELETE FROM schedules"))


def added(database: Database, tenant: Tenant, new: NewSchedule = HOURLY) -> Schedule:
    with database.transaction(tenant.context) as connection:
        return add_schedule(connection, tenant.id, new)


def jobs_of(database: Database, tenant: Tenant) -> list[Job]:
    with database.transaction(tenant.context) as connection:
        return list(list_jobs(connection, tenant.id))


def schedule_of(database: Database, tenant: Tenant) -> Schedule:
    with database.transaction(tenant.context) as connection:
        return list_schedules(connection, tenant.id)[0]


def make_due(database: Database, tenant: Tenant, hours: float = 0.0, status: str = "completed") -> None:
    """As if time had passed, and the last job had ended."""
    with database.transaction(tenant.context) as connection:
        connection.execute(
            sa.text("UPDATE schedules SET next_at = now() - make_interval(secs => :seconds)"), {"seconds": hours * 3600}
        )
        connection.execute(sa.text("UPDATE jobs SET status = :status"), {"status": status})


def test_it_is_enqueued_at_once_and_then_at_every_interval(database: Database, tenant: Tenant) -> None:
    made = added(database, tenant)
    assert enqueue_due(database) == 1
    assert enqueue_due(database) == 0
    (job,) = jobs_of(database, tenant)
    assert (job.kind, job.parameters, job.queue, job.priority) == ("analyze", {"depth": "deep"}, "analysis", 7)
    assert job.user_id == tenant.operator
    after = schedule_of(database, tenant)
    assert after.last_job_id == job.id
    assert after.next_at - made.next_at == timedelta(hours=1)
    make_due(database, tenant)
    assert enqueue_due(database) == 1
    assert len(jobs_of(database, tenant)) == 2


def test_times_that_were_missed_are_made_up_for_once(database: Database, tenant: Tenant) -> None:
    added(database, tenant)
    make_due(database, tenant, hours=10.5)
    before = schedule_of(database, tenant)
    assert enqueue_due(database) == 1
    assert enqueue_due(database) == 0
    assert schedule_of(database, tenant).next_at - before.next_at == timedelta(hours=11)


@pytest.mark.parametrize("status", ["pending"])
def test_none_is_added_beside_one_that_has_not_ended(database: Database, tenant: Tenant, status: str) -> None:
    added(database, tenant)
    enqueue_due(database)
    make_due(database, tenant, status=status)
    assert enqueue_due(database) == 0
    assert len(jobs_of(database, tenant)) == 1
    make_due(database, tenant)
    assert enqueue_due(database) == 1


def test_many_who_look_after_it_enqueue_one(database: Database, tenant: Tenant) -> None:
    added(database, tenant)
    together = threading.Barrier(8)

    def look(_: int) -> int:
        together.wait()
        return enqueue_due(database)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(look, range(8))) == 1
    assert len(jobs_of(database, tenant)) == 1


def test_one_that_is_removed_comes_no_more(database: Database, tenant: Tenant) -> None:
    added(database, tenant)
    with database.transaction(tenant.context) as connection:
        found = find_schedule(connection, tenant.id, "hourly")
        assert remove_schedule(connection, tenant.id, found.id).name == "hourly"
        with pytest.raises(NotFoundError):
            remove_schedule(connection, tenant.id, found.id)
    assert enqueue_due(database) == 0


def test_each_organization_has_its_own(database: Database, tenant: Tenant) -> None:
    other = new_organization(database)
    added(database, tenant)
    added(database, other)
    assert enqueue_due(database) == 2
    assert len(jobs_of(database, tenant)) == len(jobs_of(database, other)) == 1
    with database.transaction(other.context) as connection:
        with pytest.raises(NotFoundError):
            remove_schedule(connection, other.id, schedule_of(database, tenant).id)
        remove_schedule(connection, other.id, find_schedule(connection, other.id, "hourly").id)
    assert schedule_of(database, tenant).name == "hourly"


@pytest.mark.parametrize(
    "new",
    [
        NewSchedule("x", "analyze", 59),
        NewSchedule("x", "analyze", 10**9),
        NewSchedule("x", "analyze", 60, queue="nowhere"),
        NewSchedule("x", "analyze", 60, priority=11),
    ],
)
def test_what_is_no_schedule_is_refused(database: Database, tenant: Tenant, new: NewSchedule) -> None:
    with pytest.raises(InputError):
        added(database, tenant, new)


def test_a_name_is_given_once(database: Database, tenant: Tenant) -> None:
    added(database, tenant)
    with pytest.raises(ConflictError):
        added(database, tenant)


def test_it_rests_goes_on_and_comes_at_another_interval(database: Database, tenant: Tenant) -> None:
    made = added(database, tenant)
    with database.transaction(tenant.context) as connection:
        assert not change_schedule(connection, tenant.id, made.id, {"is_active": False}).is_active
    assert enqueue_due(database) == 0
    with database.transaction(tenant.context) as connection:
        changed = change_schedule(
            connection, tenant.id, made.id, {"is_active": True, "every_seconds": 120, "priority": 9}
        )
    assert (changed.every_seconds, changed.priority, changed.next_at) == (120, 9, made.next_at)
    assert enqueue_due(database) == 1
    assert schedule_of(database, tenant).next_at - made.next_at == timedelta(seconds=120)
    with database.transaction(tenant.context) as connection, pytest.raises(InputError):
        change_schedule(connection, tenant.id, made.id, {"every_seconds": 59})
