"""Places for embedded servers, other processes that use them, and waiting for what they do."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from clew.kernel.embedded import EmbeddedServer
from clew.kernel.embedded.process import read_pid_file, stop_postmaster
from clew.kernel.settings import Settings
from tests.support.leftovers import ENDINGS

SOURCES = Path(__file__).resolve().parents[2] / "src"
PATIENCE_SECONDS = 30.0
# For servers that need not survive the machine: a killed server loses nothing by it.
UNLASTING = ("fsync = off", "full_page_writes = off")
USE_SERVER = """
import sys
from pathlib import Path
from clew.kernel.embedded import EmbeddedServer
from clew.kernel.settings import Settings
server = EmbeddedServer(
    Settings(data_dir=Path(sys.argv[1]), embedded_fallback_dir=Path(sys.argv[2]), embedded_shared_buffers_mb=16)
)
print(server.ensure_running().pid, flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def temporary_base() -> Iterator[Path]:
    """A short directory that every user can pass through; servers of clusters beneath it are stopped in the end."""
    directory = Path(tempfile.mkdtemp(prefix="k-")).resolve()
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        stop_servers_beneath(directory)
        shutil.rmtree(directory)


def small_settings(base: Path) -> Settings:
    """Settings of an embedded server beneath that directory, wherever root has to put the cluster."""
    return Settings(data_dir=base / "data", embedded_fallback_dir=base / "fallback", embedded_shared_buffers_mb=16)


class DataDirectory:
    """A data directory that the program makes once, for copies of it: a cluster costs a second, its copy a tenth.

    `make` makes it beneath the directory it is given, as `small_settings` says, and leaves no server running.
    """

    def __init__(self, make: Callable[[Path], object]) -> None:
        self._make = make
        self._base: Path | None = None

    def copy_to(self, base: Path) -> None:
        """Put a copy beneath that directory; nothing where root had to put the cluster elsewhere."""
        if self._base is None:
            self._base = ENDINGS.enter_context(temporary_base())
            self._make(self._base)
            self._make_unlasting(self._base / "data" / "postgres")
        if (self._base / "data" / "postgres").is_dir():
            subprocess.run(["cp", "--archive", f"{self._base / 'data'}/.", base / "data"], check=True)

    def _make_unlasting(self, cluster: Path) -> None:
        if cluster.is_dir():
            with (cluster / "postgresql.conf").open("a") as configuration:
                configuration.write("\n".join(["", *UNLASTING, ""]))


def start_once(base: Path) -> None:
    """Let an embedded server be made and started, and end."""
    with EmbeddedServer(small_settings(base)).lease():
        pass


STARTED_BEFORE = DataDirectory(start_once)


def stop_servers_beneath(directory: Path) -> None:
    """Stop every server whose cluster is beneath the directory, pinned or used, and see the watchdogs end."""
    for pin in directory.rglob("pinned"):
        pin.unlink()
    for cluster in [path.parent for path in directory.rglob("postmaster.pid")]:
        stop_postmaster(cluster)
        left = read_pid_file(cluster)
        assert left is None or not is_alive(left.pid), f"server {left.pid} of {cluster} did not stop"
    wait_until(lambda: not processes_about(directory), f"processes of {directory} to end")


class Holder:
    """A process that uses the server until it is told to leave or killed. In a session of its own, as in a terminal."""

    def __init__(self, settings: Settings) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USE_SERVER, str(settings.data_dir), str(settings.embedded_fallback_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=environment_with(SOURCES),
        )

    def server_pid(self) -> int:
        """The server's process id, once this process uses it."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the process ended before it could use the server"
        return int(line)

    def leave(self) -> None:
        """Let it end by itself and wait for that."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(PATIENCE_SECONDS) == 0
        self._close()

    def kill(self) -> None:
        """kill -9, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_SECONDS)
        self._close()

    def _close(self) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


def environment_with(sources: Path) -> dict[str, str]:
    """This process's environment, in which another Python finds the product in that directory."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(sources), os.environ.get("PYTHONPATH", "")])}


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait until the condition holds; fail, saying for what, if it does not within half a minute."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether the process exists and is not merely waiting for its parent to notice its end."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def command_line(process: psutil.Process) -> list[str]:
    """The words the process was started with; none of one that has ended, even if its parent has not noticed."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def processes_about(directory: Path) -> list[psutil.Process]:
    """Processes, other than this one, that have this directory in their command line."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.pid != os.getpid() and any(str(directory) in word for word in process.info["cmdline"] or [])
    ]
