"""Both runners run this suite: the server's own, and Celery on a real Redis. What a job is stays in PostgreSQL.

A runner of the suite is a process of its own, as users have it, which can be ended, killed and frozen.
"""

import os
import pickle
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from clew.kernel.database import Database
from tests.conftest import REPOSITORY
from tests.engines.redis import shared_redis
from tests.support import jobs
from tests.support.embedded import SOURCES
from tests.support.record import Tenant, migrated_database, new_organization

SERVER: Final = """
with Database(settings) as database, Runner(database, workers=workers, registry=place, stop_patience_seconds=patience):
    print("ready", flush=True)
    sys.stdin.buffer.read()
"""
CELERY: Final = """
import os, signal, threading
from clew.worker.celery.dispatcher import Dispatcher
from clew.worker.celery.pool import work

def end_with_input():
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)

with Database(settings) as database, Dispatcher(database):
    threading.Thread(target=end_with_input, daemon=True).start()
    work(database, workers=workers, registry=place, stop_patience_seconds=patience,
         ready=lambda: print("ready", flush=True))
"""
PRELUDE: Final = """
import pickle, sys
from clew.kernel.database import Database
from clew.worker.runner import Runner
settings, workers, place, patience = pickle.load(sys.stdin.buffer)
"""


class RunnerProcess:
    """A runner in a process of its own."""

    def __init__(self, script: str, database: Database, workers: int, patience: float) -> None:
        self.process = subprocess.Popen(
            [jobs.PYTHON, "-c", PRELUDE + script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(pickle.dumps((database.settings, workers, jobs.PLACE, patience)))
        self.process.stdin.flush()
        assert self.process.stdout.readline() == b"ready\n"

    def end(self) -> None:
        """As an operator ends it."""
        self.process.communicate(timeout=60)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)


@dataclass(frozen=True)
class Runners:
    """Makes runners of one kind."""

    name: str
    script: str
    database: Database

    def process(self, workers: int = 1, patience: float = 60.0) -> RunnerProcess:
        return RunnerProcess(self.script, self.database, workers, patience)

    @contextmanager
    def running(self, workers: int = 1, patience: float = 60.0) -> Iterator[RunnerProcess]:
        """One for the length of a block."""
        made = self.process(workers, patience)
        try:
            yield made
            made.end()
        finally:
            made.kill()


@pytest.fixture(autouse=True)
def path_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job's process finds the handlers that tests bring."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(SOURCES), str(REPOSITORY)]))


ON_CELERY: Final = pytest.param("celery", marks=[pytest.mark.engines, pytest.mark.xdist_group("celery")])


@pytest.fixture(scope="module", params=["server", ON_CELERY])
def runners(request: pytest.FixtureRequest) -> Iterator[Runners]:
    """On a database whose queues nobody else works on, and where ten seconds of silence are death."""
    changed: dict[str, Any] = {"job_lost_seconds": 10, "job_runner": request.param}
    if request.param == "celery":
        changed["redis_url"] = SecretStr(shared_redis().emptied(secrets.randbelow(15) + 1))
    with migrated_database() as opened:
        opened.settings = opened.settings.model_copy(update=changed)
        yield Runners(request.param, {"server": SERVER, "celery": CELERY}[request.param], opened)


@pytest.fixture
def database(runners: Runners) -> Database:
    return runners.database


@pytest.fixture
def tenant(database: Database) -> Iterator[Tenant]:
    tenant = new_organization(database)
    yield tenant
    with database.transaction(tenant.context) as connection:  # what a failed test left must not come to the next one
        connection.execute(sa.text("DELETE FROM jobs"))
