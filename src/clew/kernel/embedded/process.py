"""The server's processes: is one running, start it, stop it, run one of its programs."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from clew.kernel.embedded.account import Account
from clew.kernel.errors import ConfigurationError, DatabaseUnavailableError

PID_FILE = "postmaster.pid"
PROGRAMS = frozenset({"postgres", "initdb", "pg_upgrade", "pg_basebackup", "pg_dump", "pg_restore", "psql"})
POLL_SECONDS = 0.02
STOP_SECONDS = 120.0
# A backend told to quit at once does so within moments, unless it hangs in the kernel.
ORPHANS_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What postmaster.pid says. `status` is starting, stopping or ready; an empty one is still being written."""

    pid: int
    port: int
    socket_directory: Path
    status: str


def run_program(
    account: Account,
    command: list[str],
    *,
    directory: Path = Path("/"),
    output: IO[bytes] | None = None,
    said: str = "",
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs as the server account, in a session of its own, with `said` as its input.

    Its output is captured unless there is a file for it (a server that it leaves behind would keep a pipe open). The
    session keeps Ctrl-C in a terminal from reaching the server. Of the environment nothing is passed on, because
    PGDATA, PGPORT and the like would change what happens.
    """
    clean = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/nonexistent", **environment}
    other = None if account.is_myself else account.owner
    try:
        return subprocess.run(
            command,
            check=False,
            input=said,
            stdout=output or subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            cwd=directory,
            env=clean,
            umask=0o077,
            start_new_session=True,
            user=other.uid if other else None,
            group=other.gid if other else None,
            extra_groups=[] if other else None,
        )
    except PermissionError as error:
        raise ConfigurationError(
            f"this program cannot be run as user {account.name}: {error.strerror}",
            where=command[0],
            remedy="run clew as an ordinary user, or allow this process to change its user (CAP_SETUID)",
        ) from error


def find_postmaster(cluster: Path) -> Postmaster | None:
    """The live server of this cluster. A file left by a dead one, even if its pid is in use again, is no server."""
    postmaster = read_pid_file(cluster)
    if postmaster is None:
        return None
    if postmaster.status == "ready" and _answers(postmaster):
        return postmaster
    return postmaster if _is_server(postmaster.pid, cluster) else None


def read_pid_file(cluster: Path) -> Postmaster | None:
    """What the pid file says, whether or not that process still exists; None without a usable file.

    A negative pid is that of a backend without a server, which initdb and `postgres --single` are.
    """
    try:
        lines = (cluster / PID_FILE).read_text(encoding="utf-8").splitlines()
        lines += [""] * (8 - len(lines))
        pid = int(lines[0])
        return Postmaster(pid, int(lines[3] or 0), Path(lines[4]), lines[7].strip()) if pid > 0 else None
    except (FileNotFoundError, NotADirectoryError, ValueError, IndexError):
        return None


def clear_away_dead_server(cluster: Path, socket_lock: Path) -> None:
    """After a crash: end backends that outlived their server, and take away lock files that would stop a new one.

    PostgreSQL clears such files away itself, unless another process has the dead server's pid now, or the dead one has
    not been collected by its parent yet. Safe because the caller holds the start lock and no server of this cluster is
    alive; PostgreSQL still checks the shared memory that a surviving backend would hold.
    """
    if not (cluster / PID_FILE).exists():
        return
    end_processes_of(cluster)
    for path in (cluster / PID_FILE, socket_lock):
        path.unlink(missing_ok=True)


def end_processes_of(directory: Path) -> None:
    """End PostgreSQL's processes that work in this directory although whoever started them is dead."""
    orphans = [process for process in psutil.process_iter() if _works_in(process, directory)]
    for process in orphans:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGQUIT)
    _, surviving = psutil.wait_procs(orphans, timeout=ORPHANS_SECONDS)
    for process in surviving:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(surviving, timeout=ORPHANS_SECONDS)


def wait_until_ready(cluster: Path, seconds: float) -> Postmaster | None:
    """Wait while a server starts, recovers or stops. The server once it accepts connections, None if it is gone.

    Raises DatabaseUnavailableError after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while postmaster := find_postmaster(cluster):
        if postmaster.status == "ready" and _answers(postmaster):
            return postmaster
        if time.monotonic() > deadline:
            raise DatabaseUnavailableError(
                f"the embedded server (pid {postmaster.pid}) is {postmaster.status or 'starting'} since {seconds:g} s",
                where=str(cluster),
                remedy="wait for it, or run `clew db stop` and try again",
            )
        time.sleep(POLL_SECONDS)
    return None


def stop_postmaster(cluster: Path) -> bool:
    """Stop the server: sessions are cut off, committed data is written out. False if it was not running.

    Raises DatabaseUnavailableError if it does not end within two minutes.
    """
    postmaster = find_postmaster(cluster)
    if postmaster is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(postmaster.pid, signal.SIGINT)
    deadline = time.monotonic() + STOP_SECONDS
    while _is_server(postmaster.pid, cluster):
        if time.monotonic() > deadline:
            raise DatabaseUnavailableError(
                f"the embedded server (pid {postmaster.pid}) does not stop",
                where=str(cluster),
                remedy="it may still be writing to a slow disk: wait and try again",
            )
        time.sleep(POLL_SECONDS)
    if cluster.parent not in postmaster.socket_directory.parents:
        # A short directory elsewhere, made for this run only; it stays if something else is in it.
        with contextlib.suppress(OSError):
            postmaster.socket_directory.rmdir()
    return True


def _answers(postmaster: Postmaster) -> bool:
    """Whether somebody accepts connections on the socket. The kernel answers, so this costs the server nothing."""
    path = postmaster.socket_directory / f".s.PGSQL.{postmaster.port}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(os.fspath(path))
        except OSError:
            return False
    return True


def _is_server(pid: int, cluster: Path) -> bool:
    """Whether that process is a PostgreSQL server at home in this cluster, rather than a successor in its pid."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE or not process.name().startswith("postgres"):
            return False
        return Path(process.cwd()) == cluster
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _works_in(process: psutil.Process, directory: Path) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE or process.name() not in PROGRAMS:
            return False
        home = Path(process.cwd())
        return directory in (home, *home.parents) or any(str(directory) in word for word in process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
