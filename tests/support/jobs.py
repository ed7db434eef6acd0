"""Handlers of jobs for tests, as registries that a job's process can import, and looking at what became of jobs."""

import os
import signal
import sys
import time
from pathlib import Path
from uuid import UUID

from clew.domains.jobs.claims import Advance
from clew.domains.jobs.service import Job, NewJob, enqueue, find_job
from clew.kernel.database import Database
from clew.kernel.errors import DatabaseUnavailableError, InputError
from clew.worker.work import Handler, Outcome, Work
from tests.support.embedded import wait_until
from tests.support.record import Tenant

PLACE = f"{__name__}:HANDLERS"
PREPARED_PLACE = f"{__name__}:PREPARED"
PREPARED_TRACE = "CLEW_TEST_PREPARED_TRACE"
"""Names the file that a process which is told to prepare writes its number to."""


def _trace(work: Work) -> Path:
    path = Path(work.parameters["trace"])
    with path.open("a") as file:
        file.write(f"{os.getpid()} {work.job_id} {work.attempt}\n")
    return path


def _echo(work: Work) -> Outcome:
    _trace(work)
    sys.stdout.write("a library that prints\n")
    work.observe(Advance("echoing", bytes_done=3, bytes_total=3, records_done=1))
    return Outcome({"said": work.parameters.get("say"), "organization": str(work.organization_id)})


def _wait(work: Work) -> Outcome:
    """Until it is stopped, or a file is there."""
    _trace(work)
    done = Path(work.parameters["until"])
    step = 0
    while not done.exists():
        step += 1
        work.observe(Advance("waiting", records_done=step))
        if work.stop.wait(0.05):
            return Outcome({"steps": step}, finished=False)
    return Outcome({"steps": step})


def _refuse(work: Work) -> Outcome:
    _trace(work)
    raise InputError("this is no input", where="here", remedy="give another")


def _unavailable(work: Work) -> Outcome:
    _trace(work)
    raise DatabaseUnavailableError("gone for a moment")


def _crash(work: Work) -> Outcome:
    _trace(work)
    os.kill(os.getpid(), signal.SIGKILL)
    return Outcome({})


def _blunder(work: Work) -> Outcome:
    _trace(work)
    raise ZeroDivisionError


def _deaf(work: Work) -> Outcome:
    """Does not stop when told to."""
    _trace(work)
    while True:
        time.sleep(0.05)


def _prepare() -> None:
    Path(os.environ[PREPARED_TRACE]).write_text(str(os.getpid()))


PREPARED = (Handler("echo", _echo, _prepare),)
HANDLERS = (
    Handler("echo", _echo),
    Handler("wait", _wait),
    Handler("refuse", _refuse),
    Handler("unavailable", _unavailable),
    Handler("crash", _crash),
    Handler("blunder", _blunder),
    Handler("deaf", _deaf),
)


def put(database: Database, tenant: Tenant, kind: str, *, priority: int = 5, attempts: int = 5, **told: object) -> UUID:
    with database.transaction(tenant.context) as connection:
        return enqueue(connection, tenant.id, NewJob(kind, told, priority=priority, max_attempts=attempts)).id


def job_of(database: Database, tenant: Tenant, job: UUID) -> Job:
    with database.transaction(tenant.context) as connection:
        return find_job(connection, tenant.id, job)


def await_status(database: Database, tenant: Tenant, job: UUID, *wanted: str) -> Job:
    wait_until(lambda: job_of(database, tenant, job).status in wanted, f"job to be {wanted}")
    return job_of(database, tenant, job)


def traced(path: Path) -> list[list[str]]:
    """Process, job and attempt of every run."""
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


PYTHON = sys.executable
