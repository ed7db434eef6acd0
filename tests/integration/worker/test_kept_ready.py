"""A worker that has nothing to do has a process loaded for what may come; it does the first job."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from clew.kernel.database import Database
from clew.worker.runner import Runner
from tests.conftest import REPOSITORY
from tests.support.embedded import SOURCES, wait_until
from tests.support.jobs import PREPARED_PLACE, PREPARED_TRACE, await_status, put, traced
from tests.support.record import Tenant, migrated_database, new_organization


@pytest.fixture(scope="module")
def own() -> Iterator[Database]:
    """A record whose jobs no other test takes."""
    with migrated_database() as database:
        yield database


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "prepared"
    monkeypatch.setenv(PREPARED_TRACE, str(path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(REPOSITORY), str(SOURCES)]))
    return path


def done_by(database: Database, tenant: Tenant, trace: Path) -> list[list[str]]:
    job = put(database, tenant, "echo", trace=str(trace))
    assert await_status(database, tenant, job, "completed").attempts == 1
    return traced(trace)


def pid_in(path: Path) -> str:
    wait_until(lambda: path.exists() and path.read_text() != "", "a process to be prepared")
    return path.read_text()


def test_the_process_that_was_prepared_does_the_first_job(own: Database, prepared: Path, tmp_path: Path) -> None:
    tenant = new_organization(own)
    with Runner(own, workers=2, registry=PREPARED_PLACE):
        process = pid_in(prepared)
        ((first, *_),) = done_by(own, tenant, tmp_path / "trace")
        assert first == process


def test_one_that_was_ended_while_it_rested_costs_no_attempt(own: Database, prepared: Path, tmp_path: Path) -> None:
    tenant = new_organization(own)
    with Runner(own, workers=1, registry=PREPARED_PLACE):
        process = psutil.Process(int(pid_in(prepared)))
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, "it to be gone")
        ((other, *_),) = done_by(own, tenant, tmp_path / "trace")
        assert other != str(process.pid)


def test_where_the_setting_says_so_none_is(own: Database, prepared: Path, tmp_path: Path) -> None:
    tenant = new_organization(own)
    settings = own.settings.model_copy(update={"job_warm_process": False})
    with Database(settings) as database, Runner(database, workers=1, registry=PREPARED_PLACE):
        assert done_by(own, tenant, tmp_path / "trace")
    assert not prepared.exists()
