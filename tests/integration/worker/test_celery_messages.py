"""Celery's messages may be lost, come twice, or be forged: a job is done once all the same."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from clew.kernel.database import Database
from clew.worker.celery import dispatcher as dispatching
from clew.worker.celery.application import TASK, application, lists_of
from clew.worker.celery.dispatcher import MOST_WAITING, Dispatcher
from tests.conftest import REPOSITORY
from tests.contract.jobs.conftest import CELERY, RunnerProcess
from tests.engines.redis import RedisServer, redis_server
from tests.support.embedded import SOURCES, wait_until
from tests.support.jobs import await_status, job_of, put, traced
from tests.support.record import migrated_database, new_organization

pytestmark = [pytest.mark.engines, pytest.mark.xdist_group("celery")]


@pytest.fixture(scope="module")
def engine() -> Iterator[RedisServer]:
    with redis_server() as started:
        yield started


@pytest.fixture
def database(engine: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(SOURCES), str(REPOSITORY)]))
    engine.client().flushdb()
    with migrated_database() as opened:
        changed = {"job_runner": "celery", "redis_url": SecretStr(engine.url), "job_lost_seconds": 10}
        opened.settings = opened.settings.model_copy(update=changed)
        yield opened


def waiting(engine: RedisServer, queue: str = "celery") -> int:
    return sum(engine.client().llen(key) for key in lists_of(queue))


def test_what_redis_lost_is_sent_again_and_what_comes_twice_or_is_forged_does_nothing(
    database: Database, engine: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatching, "AGAIN_SECONDS", 1.0)
    monkeypatch.setattr(dispatching, "LOOK_SECONDS", 0.2)
    tenant, trace = new_organization(database), tmp_path / "trace"
    job = put(database, tenant, "echo", trace=str(trace), say="once")
    with Dispatcher(database):
        wait_until(lambda: waiting(engine) >= 1, "the message")
        engine.client().flushdb()
        wait_until(lambda: waiting(engine) >= 1, "another message")
        engine.kill()
        time.sleep(0.5)  # it is looked for while it is away
        engine.start()
        wait_until(lambda: waiting(engine) >= 1, "a message after Redis died")
    celery = application(database.settings)
    other = new_organization(database)
    for arguments in (
        [str(tenant.id), str(job)],
        [str(tenant.id), str(job)],
        [str(other.id), str(job)],  # of another organization: names no job
        [str(tenant.id), str(uuid4())],
        ["'; DROP TABLE jobs; --", "nonsense"],
    ):
        celery.send_task(TASK, args=arguments, queue="celery", retry=False)
    celery.close()
    worker = RunnerProcess(CELERY, database, 2, 60.0)
    try:
        assert await_status(database, tenant, job, "completed").attempts == 1
        wait_until(lambda: waiting(engine) == 0, "all messages to be worked off")
        after = put(database, tenant, "echo", trace=str(trace), say="twice")
        await_status(database, tenant, after, "completed")
        worker.end()
    finally:
        worker.kill()
    assert [line[1] for line in traced(trace)] == [str(job), str(after)]
    assert job_of(database, tenant, job).attempts == 1


def test_a_bounded_number_is_sent_in_the_order_of_priorities_and_turns(
    database: Database, engine: RedisServer, tmp_path: Path
) -> None:
    flooding, other = new_organization(database), new_organization(database)
    for _ in range(3 * MOST_WAITING):
        put(database, flooding, "echo", trace=str(tmp_path / "t"))
    put(database, flooding, "echo", trace=str(tmp_path / "t"), priority=10)
    for _ in range(3):
        put(database, other, "echo", trace=str(tmp_path / "t"))
    with Dispatcher(database):
        wait_until(lambda: waiting(engine) == MOST_WAITING, "the queue to be full")
    assert engine.client().llen("celery") == 1  # step 0: what goes first
    with database.transaction(other.context) as connection:
        sent = connection.exec_driver_sql("SELECT count(*) FROM jobs WHERE sent_at IS NOT NULL").scalar_one()
    assert sent == 3
