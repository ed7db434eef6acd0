"""A load that is stopped, killed or cut off anywhere goes on where it was, and ends as if nothing had happened."""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bench.generate import Plan, write
from clew.ingest.filestore import FileStore, FileStoreError
from clew.ingest.service import LoadReport, Progress
from clew.kernel.database import Database
from clew.kernel.errors import DatabaseUnavailableError
from tests.support.embedded import is_alive, wait_until
from tests.support.loading import LoadingProcess, count, facts_without_ids, held, load, small_batches
from tests.support.record import Tenant, embedded_database, new_organization

COUNTED = ("read", "new", "merged", "duplicate", "rejected", "entities", "relationships", "events", "by_reason")
EVENTS = 8_000


def spoil(path: Path) -> None:
    """Break every thousandth line, so that rejecting is interrupted as well."""
    lines = path.read_bytes().splitlines(keepends=True)
    for number in range(500, len(lines), 1000):
        lines[number] = lines[number][:60] + b"\n"
    path.write_bytes(b"".join(lines))


def counted(report: LoadReport | dict[str, object]) -> dict[str, object]:
    said = report.as_dict() if isinstance(report, LoadReport) else report
    return {name: said[name] for name in COUNTED}


def load_in_peace(database: Database, path: Path) -> tuple[dict[str, object], dict[str, list[str]], list[object]]:
    """What the report, the record and the quarantine hold after an undisturbed load."""
    tenant = new_organization(database)
    report = load(database, tenant, path)
    return counted(report), facts_without_ids(database, tenant), [*held(database, tenant)]


def assert_as_in_peace(
    database: Database, tenant: Tenant, report: LoadReport | dict[str, object], peaceful: tuple[object, ...]
) -> None:
    assert counted(report) == peaceful[0]
    assert facts_without_ids(database, tenant) == peaceful[1]
    assert held(database, tenant) == peaceful[2]


@pytest.fixture(scope="module")
def log_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "cowrie.json"
    write(Plan(events=EVENTS, seed=3), path)
    spoil(path)
    return path


@pytest.fixture(scope="module")
def peaceful(database: Database, log_file: Path) -> tuple[object, ...]:
    return load_in_peace(database, log_file)


def kill_repeatedly(database: Database, tenant: Tenant, path: Path, times: int, batches: int, seed: int) -> int:
    """Load in processes that are killed at random moments; how many of them were killed in the middle."""
    chance = random.Random(seed)
    killed = 0
    for _ in range(times):
        process = LoadingProcess(database, tenant, path)
        if process.wait_for_batches(1 + chance.randrange(batches)):
            time.sleep(chance.random() * 0.05)  # the moment within a batch is what is being varied
            killed += 1
        process.kill()
    return killed


def test_killed_loads_end_as_an_undisturbed_one(
    database: Database, tenant: Tenant, log_file: Path, peaceful: tuple[object, ...]
) -> None:
    assert kill_repeatedly(database, tenant, log_file, times=3, batches=8, seed=1) == 3
    unfinished = count(database, tenant, "events")
    assert 0 < unfinished < EVENTS

    report = load(database, tenant, log_file, settings=small_batches(database.settings))

    assert report.resumed > 0
    assert_as_in_peace(database, tenant, report, peaceful)


@pytest.mark.slow
def test_ten_kills_of_a_large_load(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    path = tmp_path / "cowrie.json"
    write(Plan(events=200_000, seed=5), path)
    spoil(path)
    peaceful = load_in_peace(database, path)

    assert kill_repeatedly(database, tenant, path, times=10, batches=90, seed=2) == 10

    report = load(database, tenant, path, settings=small_batches(database.settings))
    assert_as_in_peace(database, tenant, report, peaceful)


def test_a_stop_ends_after_the_batch_and_the_same_call_goes_on(
    database: Database, tenant: Tenant, log_file: Path, peaceful: tuple[object, ...]
) -> None:
    stop = threading.Event()
    seen: list[Progress] = []

    def observe(progress: Progress) -> None:
        seen.append(progress)
        if progress.records > EVENTS // 3:
            stop.set()

    settings = small_batches(database.settings)
    report = load(database, tenant, log_file, log_file.parent, settings=settings, observe=observe, stop=stop)

    assert report.interrupted
    assert [file.status for file in report.files] == ["interrupted"]
    assert report.counts.read == seen[-1].records < EVENTS
    assert count(database, tenant, "events") == report.counts.events

    again = load(database, tenant, log_file, settings=settings)
    assert not again.interrupted
    assert again.resumed == report.counts.read
    assert_as_in_peace(database, tenant, again, peaceful)


def test_ctrl_c_in_a_process_leaves_a_report_that_says_interrupted(
    database: Database, tenant: Tenant, log_file: Path, peaceful: tuple[object, ...]
) -> None:
    process = LoadingProcess(database, tenant, log_file)
    assert process.wait_for_batches(5)
    process.process.send_signal(signal.SIGINT)
    code, report, complaint = process.end()

    assert code == 0, complaint
    assert report["interrupted"]
    assert 0 < report["read"] < EVENTS
    again = load(database, tenant, log_file, settings=small_batches(database.settings))
    assert_as_in_peace(database, tenant, again, peaceful)


def test_dropped_connections_are_said_and_the_same_call_goes_on(
    database: Database, tenant: Tenant, log_file: Path, peaceful: tuple[object, ...]
) -> None:
    dropped: list[object] = []

    def drop(progress: Progress) -> None:
        if progress.records > EVENTS // 2 and not dropped:
            with database.admin_engine().begin() as connection:
                found = connection.execute(
                    sa.text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )
                dropped.extend(found)

    settings = small_batches(database.settings)
    with pytest.raises(DatabaseUnavailableError, match="run the same command again"):
        load(database, tenant, log_file, settings=settings, observe=drop)
    assert len(dropped) >= 2

    report = load(database, tenant, log_file, settings=settings)
    assert 0 < report.resumed < EVENTS
    assert_as_in_peace(database, tenant, report, peaceful)


@pytest.fixture
def own_database() -> Iterator[Database]:
    """An embedded server that nobody else needs."""
    with embedded_database() as database:
        yield database


@pytest.mark.same_everywhere
def test_a_stopped_and_a_killed_server_are_said_and_the_same_call_goes_on(
    own_database: Database, log_file: Path
) -> None:
    peaceful = load_in_peace(own_database, log_file)
    tenant = new_organization(own_database)
    settings = small_batches(own_database.settings)
    for death, place in ((signal.SIGINT, EVENTS // 3), (signal.SIGKILL, EVENTS * 2 // 3)):  # fast shutdown; kill -9
        with Database(own_database.settings) as database:
            database.bootstrap()
            assert database.embedded is not None
            pid = database.embedded.ensure_running().pid

            def end(progress: Progress, pid: int = pid, place: int = place, death: int = death) -> None:
                if progress.records > place and is_alive(pid):
                    os.kill(pid, death)
                    wait_until(lambda: not is_alive(pid), "the server to be gone")

            with pytest.raises(DatabaseUnavailableError, match="again"):
                load(database, tenant, log_file, settings=settings, observe=end)

    with Database(own_database.settings) as afterwards:
        afterwards.bootstrap()
        report = load(afterwards, tenant, log_file, settings=settings)
        assert EVENTS // 2 < report.resumed < EVENTS
        assert_as_in_peace(afterwards, tenant, report, peaceful)


def test_a_full_disk_for_the_files_is_said_and_leaves_nothing_half_done(
    database: Database, tenant: Tenant, log_file: Path, peaceful: tuple[object, ...]
) -> None:
    # Nobody may write files larger than 100 kB in that process: as on a full disk, but not reserved to root.
    code, _, complaint = LoadingProcess(database, tenant, log_file, largest_file=100_000).end()

    assert code != 0
    assert FileStoreError.__name__ in complaint
    assert "the disk is full" in complaint
    assert "run the same command again" in complaint
    assert count(database, tenant, "events") == count(database, tenant, "ingest_files") == 0
    store = FileStore(database.settings.data_dir / "files")
    assert [path for path in store.root.iterdir() if path.is_file()] == []
    assert_as_in_peace(database, tenant, load(database, tenant, log_file), peaceful)


def test_what_a_killed_process_left_in_the_file_store_is_removed(
    database: Database, tenant: Tenant, log_file: Path
) -> None:
    root = database.settings.data_dir / "files"
    root.mkdir(exist_ok=True)
    left = root / ".incoming-of-a-dead-process"
    left.write_bytes(b"half a file")
    an_hour_ago = time.time() - 3600
    os.utime(left, (an_hour_ago, an_hour_ago))

    load(database, tenant, log_file.parent / "cowrie.json", stop=_set())

    assert not left.exists()


def _set() -> threading.Event:
    event = threading.Event()
    event.set()
    return event
