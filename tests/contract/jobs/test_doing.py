"""Runners with real processes: jobs are done, stopped, given back, taken over, and never by two at once."""

import signal
from pathlib import Path

from clew.domains.jobs.service import cancel_job
from clew.kernel.database import Database
from tests.contract.jobs.conftest import Runners
from tests.support.embedded import is_alive, wait_until
from tests.support.jobs import await_status, job_of, put, traced
from tests.support.record import Tenant


def test_a_job_is_done_at_once_in_the_name_of_its_organization(
    runners: Runners, database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    with runners.running():
        job = put(database, tenant, "echo", trace=str(tmp_path / "t"), say="hello")
        done = await_status(database, tenant, job, "completed")
    assert done.result == {"said": "hello", "organization": str(tenant.id)}
    assert (done.attempts, done.error) == (1, None)
    assert done.started_at is not None
    assert done.completed_at is not None


def test_a_process_does_one_job_after_the_other_and_ends_with_the_runner(
    runners: Runners, database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    trace = tmp_path / "t"
    with runners.running():
        for _ in range(5):
            await_status(database, tenant, put(database, tenant, "echo", trace=str(trace)), "completed")
    processes = {line[0] for line in traced(trace)}
    assert len(processes) == 1
    assert not is_alive(int(processes.pop()))


def test_errors_are_told_as_they_are(runners: Runners, database: Database, tenant: Tenant, tmp_path: Path) -> None:
    trace = str(tmp_path / "t")
    with runners.running():
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


def test_progress_shows_and_a_running_job_can_be_cancelled(
    runners: Runners, database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    with runners.running():
        job = put(database, tenant, "wait", trace=str(tmp_path / "t"), until=str(tmp_path / "never"))
        wait_until(lambda: job_of(database, tenant, job).records_done > 1, "progress to show")
        assert job_of(database, tenant, job).step == "waiting"
        with database.transaction(tenant.context) as connection:
            cancel_job(connection, tenant.id, job)
        cancelled = await_status(database, tenant, job, "cancelled")
    assert cancelled.result is not None
    assert cancelled.result["steps"] > 1


def test_a_job_that_does_not_stop_is_killed(
    runners: Runners, database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    trace = tmp_path / "t"
    with runners.running(patience=0.5):
        job = put(database, tenant, "deaf", trace=str(trace))
        wait_until(lambda: traced(trace), "the job to begin")
        with database.transaction(tenant.context) as connection:
            cancel_job(connection, tenant.id, job)
        await_status(database, tenant, job, "cancelled")
    assert not is_alive(int(traced(trace)[0][0]))


def test_a_runner_that_ends_gives_its_job_back_and_the_next_one_takes_it(
    runners: Runners, database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    trace, until = tmp_path / "t", tmp_path / "until"
    with runners.running():
        job = put(database, tenant, "wait", trace=str(trace), until=str(until))
        wait_until(lambda: traced(trace), "the job to begin")
    given_back = job_of(database, tenant, job)
    assert (given_back.status, given_back.attempts) == ("pending", 0)
    until.touch()
    with runners.running():
        await_status(database, tenant, job, "completed")
    assert len(traced(trace)) == 2


def test_kill_9_ends_the_process_of_the_job_too_and_another_runner_takes_it_up(
    runners: Runners, database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    trace, until = tmp_path / "t", tmp_path / "until"
    server = runners.process()
    try:
        job = put(database, tenant, "wait", trace=str(trace), until=str(until))
        wait_until(lambda: traced(trace), "the job to begin")
        first = int(traced(trace)[0][0])
    finally:
        server.kill()
    wait_until(lambda: not is_alive(first), "the job's process to end with its server")
    assert job_of(database, tenant, job).status == "running"  # nobody knows yet
    until.touch()
    with runners.running():
        done = await_status(database, tenant, job, "completed")
    assert done.attempts == 2
    assert [line[2] for line in traced(trace)] == ["1", "2"]


def test_a_frozen_runner_loses_its_job_and_cannot_finish_it_later(
    runners: Runners, database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    trace, until = tmp_path / "t", tmp_path / "until"
    server = runners.process()
    try:
        job = put(database, tenant, "wait", trace=str(trace), until=str(until))
        wait_until(lambda: traced(trace), "the job to begin")
        server.send(signal.SIGSTOP)
        with runners.running():
            wait_until(lambda: len(traced(trace)) == 2, "another runner to take over")
            server.send(signal.SIGCONT)
            frozen = int(traced(trace)[0][0])
            wait_until(lambda: not is_alive(frozen), "the first process to be ended by its runner")
            assert job_of(database, tenant, job).status == "running"
            until.touch()
            done = await_status(database, tenant, job, "completed")
        assert done.attempts == 2
    finally:
        server.kill()


def test_two_runners_share_the_work_and_do_nothing_twice(
    runners: Runners, database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    trace = tmp_path / "t"
    # There before anybody does them: of jobs that come one by one, whoever has a process at hand may do all.
    wanted = [put(database, tenant, "echo", trace=str(trace)) for _ in range(40)]
    with runners.running(workers=2), runners.running(workers=2):
        for job in wanted:
            await_status(database, tenant, job, "completed")
    assert sorted(line[1] for line in traced(trace)) == sorted(map(str, wanted))
    assert len({line[0] for line in traced(trace)}) > 1
