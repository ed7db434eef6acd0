import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest

from clew.kernel.directories import myself
from clew.kernel.embedded import EmbeddedServer
from clew.kernel.embedded.lease import start_lock
from clew.kernel.embedded.process import PID_FILE, find_postmaster, stop_postmaster
from clew.kernel.errors import DatabaseUnavailableError
from clew.kernel.settings import Settings
from tests.support.embedded import (
    SOURCES,
    Holder,
    command_line,
    environment_with,
    is_alive,
    processes_about,
    wait_until,
)

pytestmark = pytest.mark.same_everywhere

WATCHDOG_BYTES = 12_000_000


def watchdogs(settings: Settings) -> list[psutil.Process]:
    return [p for p in processes_about(settings.data_dir) if any("watchdog.py" in word for word in command_line(p))]


@pytest.mark.usefixtures("made_before")
def test_the_last_to_leave_stops_the_server(settings: Settings) -> None:
    first, second = EmbeddedServer(settings), EmbeddedServer(settings)
    pid = first.ensure_running().pid
    assert second.ensure_running().pid == pid
    first.leave()
    assert is_alive(pid)
    second.leave()
    assert not second.status().running
    wait_until(lambda: not watchdogs(settings), "the watchdog to end")


@pytest.mark.usefixtures("made_before")
def test_a_nested_lease_ends_with_the_outermost_block(server: EmbeddedServer) -> None:
    with server.lease() as outer:
        with server.lease() as inner:
            assert inner.pid == outer.pid
        assert server.status().running
    assert not server.status().running


@pytest.mark.usefixtures("made_before")
def test_a_process_that_ends_normally_stops_the_server(settings: Settings, hold: Callable[[], Holder]) -> None:
    holder = hold()
    pid = holder.server_pid()
    holder.leave()
    assert not EmbeddedServer(settings).status().running
    assert not is_alive(pid)


def test_two_processes_that_start_at_once_share_one_server(hold: Callable[[], Holder]) -> None:
    holders = [hold() for _ in range(4)]
    assert len({holder.server_pid() for holder in holders}) == 1
    for holder in holders:
        holder.leave()


@pytest.mark.usefixtures("made_before")
def test_the_server_outlives_a_killed_user_only_as_long_as_another_uses_it(
    settings: Settings, server: EmbeddedServer, hold: Callable[[], Holder]
) -> None:
    holder = hold()
    pid = holder.server_pid()
    assert server.ensure_running().pid == pid
    holder.kill()
    with psycopg.connect(server.dsn()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    server.leave()
    assert not server.status().running


@pytest.mark.usefixtures("made_before")
def test_the_watchdog_stops_the_server_when_the_last_user_was_killed(
    settings: Settings, hold: Callable[[], Holder]
) -> None:
    holder = hold()
    pid = holder.server_pid()
    holder.kill()
    wait_until(lambda: not is_alive(pid), "the watchdog to stop the server")
    wait_until(lambda: not watchdogs(settings), "the watchdog to end")


@pytest.mark.usefixtures("made_before")
def test_one_small_watchdog_waits_and_a_killed_one_is_replaced(settings: Settings, server: EmbeddedServer) -> None:
    server.ensure_running()
    wait_until(lambda: len(watchdogs(settings)) == 1, "the watchdog to have detached itself")
    (watchdog,) = watchdogs(settings)
    assert watchdog.memory_info().rss < WATCHDOG_BYTES
    watchdog.kill()
    wait_until(lambda: not is_alive(watchdog.pid), "the watchdog and its locks to be gone")
    other = EmbeddedServer(settings)
    other.ensure_running()
    assert len(watchdogs(settings)) >= 1
    other.leave()


@pytest.mark.usefixtures("made_before")
def test_ctrl_c_in_a_terminal_does_not_reach_the_server(server: EmbeddedServer, hold: Callable[[], Holder]) -> None:
    holder = hold()
    pid = holder.server_pid()
    server.ensure_running()
    os.killpg(holder.process.pid, signal.SIGINT)
    holder.process.wait(30)
    assert server.ensure_running().pid == pid


@pytest.mark.usefixtures("made_before")
def test_a_pinned_server_stays_until_it_is_stopped(settings: Settings, hold: Callable[[], Holder]) -> None:
    server = EmbeddedServer(settings)
    pid = server.start_pinned().pid
    server.leave()
    holder = hold()
    assert holder.server_pid() == pid
    holder.kill()
    wait_until(lambda: not watchdogs(settings), "the watchdog to see that there is nothing to watch")
    assert server.status().pinned
    assert server.status().pid == pid
    assert server.stop()
    assert not server.status().running
    assert not server.status().pinned
    assert not server.stop()


@pytest.mark.usefixtures("made_before")
def test_a_server_that_was_killed_is_started_again_with_what_was_committed(server: EmbeddedServer) -> None:
    pid = server.ensure_running().pid
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(pid), "the server to die")
    assert server.ensure_running().pid != pid
    with psycopg.connect(server.dsn()) as connection:
        assert connection.execute("SELECT value FROM kept").fetchone() == (7,)


@pytest.mark.usefixtures("made_before")
def test_a_query_that_outlives_a_killed_server_does_not_stop_the_next(server: EmbeddedServer) -> None:
    pid = server.ensure_running().pid
    busy = psycopg.connect(server.dsn(), autocommit=True)
    backend = busy.info.backend_pid
    busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 100000000000) a")
    wait_until(lambda: psutil.Process(backend).cpu_times().user > 0.1, "the query to be busy")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(pid), "the server to die")
    assert server.ensure_running().pid != pid
    assert not is_alive(backend)
    busy.close()


@pytest.mark.usefixtures("made_before")
def test_a_pid_that_belongs_to_another_process_now_is_no_server(settings: Settings, server: EmbeddedServer) -> None:
    with server.lease():
        lines = (settings.data_dir / "postgres" / PID_FILE).read_text().splitlines()
    # A process of the very user that the server runs as: PostgreSQL by itself would take it for a live server.
    owner = (settings.data_dir / "postgres").stat()
    other = subprocess.Popen(["sleep", "600"], user=owner.st_uid if os.geteuid() == 0 else None)
    try:
        stale = settings.data_dir / "postgres" / PID_FILE
        stale.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        os.chown(stale, owner.st_uid, owner.st_gid)
        assert not server.status().running
        with server.lease() as information:
            assert information.pid != other.pid
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_backend_without_a_server_is_no_server(tmp_path: Path) -> None:
    (tmp_path / PID_FILE).write_text(f"-{os.getpid()}\n{tmp_path}\n1700000000\n0\n\n\n\nready\n")
    assert find_postmaster(tmp_path) is None
    assert not stop_postmaster(tmp_path)


@pytest.mark.usefixtures("made_before")
def test_a_forked_child_does_not_give_up_its_parents_lease(settings: Settings) -> None:
    script = """
import os, sys
from pathlib import Path
from clew.kernel.embedded import EmbeddedServer
from clew.kernel.settings import Settings
server = EmbeddedServer(Settings(data_dir=Path(sys.argv[1]), embedded_fallback_dir=Path(sys.argv[2])))
pid = server.ensure_running().pid
if (child := os.fork()) == 0:
    server.leave()
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
assert server.status().pid == pid
"""
    subprocess.run(
        [sys.executable, "-c", script, str(settings.data_dir), str(settings.embedded_fallback_dir)],
        check=True,
        env=environment_with(SOURCES),
        timeout=60,
    )
    assert not EmbeddedServer(settings).status().running


@pytest.mark.usefixtures("made_before")
def test_a_relative_path_to_the_product_is_enough_for_the_watchdog(settings: Settings) -> None:
    script = """
import os, signal, sys
from pathlib import Path
from clew.kernel.embedded import EmbeddedServer
from clew.kernel.settings import Settings
EmbeddedServer(Settings(data_dir=Path(sys.argv[1]), embedded_fallback_dir=Path(sys.argv[2]))).ensure_running()
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run(
        [sys.executable, "-c", script, str(settings.data_dir), str(settings.embedded_fallback_dir)],
        check=False,
        env=environment_with(Path(SOURCES.name)),
        cwd=SOURCES.parent,
        timeout=60,
    )
    wait_until(lambda: not EmbeddedServer(settings).status().running, "the watchdog to stop the server")


def test_waiting_for_a_start_that_never_ends_is_given_up(tmp_path: Path) -> None:
    with (
        start_lock(tmp_path, myself(), 1),
        pytest.raises(DatabaseUnavailableError, match="another process"),
        start_lock(tmp_path, myself(), 0.05),
    ):
        pytest.fail("two processes had the start lock at once")
