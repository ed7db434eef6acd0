"""Reads reach the trail once each, whatever dies in between."""

import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from clew.domains.audit.reads import ReadRecorder
from clew.domains.audit.service import Act
from clew.kernel.errors import DatabaseUnavailableError
from tests.support.auditing import Trail
from tests.support.embedded import SOURCES, environment_with, wait_until

TELL = """
import os, pickle, signal, sys
from uuid import UUID
from clew.domains.audit.reads import ReadRecorder
from clew.domains.audit.service import Act
from clew.kernel.database import Database
from clew.kernel.transactions import TenantContext
settings = pickle.load(sys.stdin.buffer)
with Database(settings) as database, ReadRecorder(database, flush_seconds=3600) as reads:
    for number in range(100):
        act = Act("entity_read", "READ", "entity", resource_name=f"dying-{number}")
        reads.record(TenantContext(UUID(sys.argv[1])), act)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def told(trail: Trail, like: str) -> list[str]:
    rows = trail.read(
        "SELECT resource_name FROM audit.events WHERE resource_name LIKE :like ORDER BY resource_name", like=like
    )
    return [row[0] for row in rows]


def read(name: str) -> Act:
    return Act("entity_read", "READ", "entity", resource_name=name)


def spool(trail: Trail) -> list[Path]:
    return sorted((trail.database.settings.data_dir / "audit" / "reads").iterdir())


def test_reads_of_many_threads_arrive_within_a_second_each_once(trail: Trail) -> None:
    with ReadRecorder(trail.database, flush_seconds=0.05) as reads, ThreadPoolExecutor(8) as threads:
        for number in range(400):
            tenant = trail.ours if number % 2 else trail.theirs
            threads.submit(reads.record, tenant.context, read(f"many-{number:03}"))
        wait_until(lambda: len(told(trail, "many-%")) == 400, "the reads to arrive")
    assert told(trail, "many-%") == [f"many-{number:03}" for number in range(400)]
    assert spool(trail) == []
    trail.seal()
    assert trail.verify().ok


def test_what_a_killed_process_told_is_handed_over_by_the_next(trail: Trail) -> None:
    died = subprocess.run(
        [sys.executable, "-c", TELL, str(trail.ours.id)],
        input=pickle.dumps(trail.database.settings),  # a URL's password does not travel as JSON
        env=environment_with(SOURCES),
        check=False,
    )
    assert died.returncode == -9
    assert told(trail, "dying-%") == []
    with ReadRecorder(trail.database):
        pass
    assert len(told(trail, "dying-%")) == 100


def test_a_file_met_again_after_a_crash_is_not_told_twice(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: Any, **__: Any) -> None:
        raise OSError("killed between commit and removal")

    with ReadRecorder(trail.database, flush_seconds=3600) as reads:
        reads.record(trail.ours.context, read("twice"))
        with monkeypatch.context() as patched:
            patched.setattr(Path, "unlink", dies)
            with pytest.raises(OSError, match="killed"):
                reads.drain()
        assert len(spool(trail)) == 1
        assert reads.drain() == 0
    assert told(trail, "twice") == ["twice"]
    assert spool(trail) == []


def test_reads_wait_while_the_database_is_away(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()

    def away(*_: Any, **__: Any) -> None:
        asked.set()
        raise DatabaseUnavailableError("stopped")

    with ReadRecorder(trail.database, flush_seconds=0.02) as reads:
        with monkeypatch.context() as patched:
            patched.setattr(type(trail.database), "transaction", away)
            reads.record(trail.ours.context, read("waiting"))
            assert asked.wait(10)
        wait_until(lambda: told(trail, "waiting") == ["waiting"], "the read to arrive")


def test_a_line_that_was_never_finished_is_not_told(trail: Trail) -> None:
    with ReadRecorder(trail.database, flush_seconds=3600) as reads:
        reads.record(trail.ours.context, read("whole"))
        (path,) = spool(trail)
        with path.open("ab") as file:
            file.write(b'{"organization": "half')
    assert told(trail, "whole") == ["whole"]


def test_a_damaged_file_is_kept_aside(trail: Trail) -> None:
    with ReadRecorder(trail.database, flush_seconds=3600) as reads:
        reads.record(trail.ours.context, read("beside"))
        (path,) = spool(trail)
        with path.open("ab") as file:
            file.write(b"\xff\xfe\n")
    assert told(trail, "beside") == ["beside"]
    (kept,) = spool(trail)
    assert kept.suffix == ".damaged"
    kept.unlink()
