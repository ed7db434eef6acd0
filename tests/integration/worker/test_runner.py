"""The runner with real processes: jobs are done, stopped, given back, taken over, and never by two at once."""

import os
import pickle
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from clew.domains.jobs.service import cancel_job
from clew.kernel.database import Database
from clew.worker.runner import Runner
from tests.support import jobs
from tests.support.embedded import is_alive, wait_until
from tests.support.jobs import await_status, job_of, put, traced
from tests.support.record import Tenant, migrated_database, new_organization


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """A database whose queues nobody else works on, and where ten seconds of silence are death."""
    with migrated_database() as opened:
        opened.settings = opened.settings.model_copy(update={"job_lost_seconds": 10})
        yield opened


@pytest.fixture
def tenant(database: Database) -> Iterator[Tenant]:
    tenant = new_organization(database)
    yield tenant
    with database.transaction(tenant.context) as connection:  # what a failed test left must not come to the next one
        connection.execute(sa.text("DELETE FROM jobs"))


def runner(database: Database, workers: int = 1, patience: float = 60.0) -> Runner:
    return Runner(database, workers=workers, registry=jobs.PLACE, stop_patience_seconds=patience)


class Server:
    """Another process with a runner, to be killed."""

    def __init__(self, database: Database) -> None:
        self.process = subprocess.Popen(
            [jobs.PYTHON, "-c", jobs.RUN, jobs.PLACE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(pickle.dumps(database.settings))
        self.process.stdin.flush()
        assert self.process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def test_a_job_is_done_at_once_in_the_name_of_its_organization(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    with runner(database):
        job = put(database, tenant, "echo", trace=str(tmp_path / "t"), say="hello")
        done = await_status(database, tenant, job, "completed")
    assert done.result == {"said": "hello", "organization": str(tenant.id)}
    assert (done.attempts, done.error) == (1, None)
    assert done.started_at is not None
    assert done.completed_at is not None


def test_a_process_does_one_job_after_the_other_and_ends_with_the_runner(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    trace = tmp_path / "t"
    with runner(database):
        for _ in range(5):
            await_status(database, tenant, put(database, tenant, "echo", trace=str(trace)), "completed")
    processes = {line[0] for line in traced(trace)}
    assert len(processes) == 1
    assert not is_alive(int(processes.pop()))


def test_errors_are_told_as_they_are(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    trace = str(tmp_path / "t")
    with runner(database):
        refused = await_status(database, tenant, put(database, tenant, "refuse", trace=trace), "failed")
        blundered = await_status(database, tenant, put(database, tenant, "blunder", trace=trace), "failed")
        away = put(database, tenant, "unavailable", trace=trace, attempts=2)
        wait_until(lambda: job_of(database, tenant, away).error is not None, "the first attempt to fail")
        crashed = put(database, tenant, "crash", trace=trace, attempts=1)
        died = await_status(database, tenant, crashed, "failed")
    assert refused.error == {"code": "input", "message": "this is no input", "where": "here", "remedy": "give another"}
    assert refused.attempts == 1
    assert blundered.error is not None
    assert blundered.error["code"] == "unexpected"
    assert "ZeroDivisionError" in blundered.error["message"]
    waiting = job_of(database, tenant, away)
    assert (waiting.status, waiting.attempts) == ("pending", 1)
    assert died.error is not None
    assert died.error["code"] == "process_died"
    assert "signal 9" in died.error["message"]


def test_progress_shows_and_a_running_job_can_be_cancelled(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    with runner(database):
        job = put(database, tenant, "wait", trace=str(tmp_path / "t"), until=str(tmp_path / "never"))
        wait_until(lambda: job_of(database, tenant, job).records_done > 1, "progress to show")
        assert job_of(database, tenant, job).step == "waiting"
        with database.transaction(tenant.context) as connection:
            cancel_job(connection, tenant.id, job)
        cancelled = await_status(database, tenant, job, "cancelled")
    assert cancelled.result is not None
    assert cancelled.result["steps"] > 1


def test_a_job_that_does_not_stop_is_killed(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    trace = tmp_path / "t"
    with runner(database, patience=0.5):
        job = put(database, tenant, "deaf", trace=str(trace))
        wait_until(lambda: traced(trace), "the job to begin")
        with database.transaction(tenant.context) as connection:
            cancel_job(connection, tenant.id, job)
        await_status(database, tenant, job, "cancelled")
    assert not is_alive(int(traced(trace)[0][0]))


def test_a_runner_that_ends_gives_its_job_back_and_the_next_one_takes_it(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    trace, until = tmp_path / "t", tmp_path / "until"
    with runner(database):
        job = put(database, tenant, "wait", trace=str(trace), until=str(until))
        wait_until(lambda: traced(trace), "the job to begin")
    given_back = job_of(database, tenant, job)
    assert (given_back.status, given_back.attempts) == ("pending", 0)
    until.touch()
    with runner(database):
        await_status(database, tenant, job, "completed")
    assert len(traced(trace)) == 2


def test_kill_9_ends_the_process_of_the_job_too_and_another_runner_takes_it_up(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    trace, until = tmp_path / "t", tmp_path / "until"
    server = Server(database)
    try:
        job = put(database, tenant, "wait", trace=str(trace), until=str(until))
        wait_until(lambda: traced(trace), "the job to begin")
        first = int(traced(trace)[0][0])
    finally:
        server.kill()
    wait_until(lambda: not is_alive(first), "the job's process to end with its server")
    assert job_of(database, tenant, job).status == "running"  # nobody knows yet
    until.touch()
    with runner(database):
        done = await_status(database, tenant, job, "completed")
    assert done.attempts == 2
    assert [line[2] for line in traced(trace)] == ["1", "2"]


def test_a_frozen_runner_loses_its_job_and_cannot_finish_it_later(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    trace, until = tmp_path / "t", tmp_path / "until"
    server = Server(database)
    try:
        job = put(database, tenant, "wait", trace=str(trace), until=str(until))
        wait_until(lambda: traced(trace), "the job to begin")
        os.kill(server.process.pid, signal.SIGSTOP)
        with runner(database):
            wait_until(lambda: len(traced(trace)) == 2, "another runner to take over")
            os.kill(server.process.pid, signal.SIGCONT)
            frozen = int(traced(trace)[0][0])
            wait_until(lambda: not is_alive(frozen), "the first process to be ended by its runner")
            assert job_of(database, tenant, job).status == "running"
            until.touch()
            done = await_status(database, tenant, job, "completed")
        assert done.attempts == 2
    finally:
        server.kill()


def test_two_runners_share_the_work_and_do_nothing_twice(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    trace = tmp_path / "t"
    with runner(database, workers=2), runner(database, workers=2):
        wanted = [put(database, tenant, "echo", trace=str(trace)) for _ in range(40)]
        for job in wanted:
            await_status(database, tenant, job, "completed")
    assert sorted(line[1] for line in traced(trace)) == sorted(map(str, wanted))
    assert len({line[0] for line in traced(trace)}) > 1
