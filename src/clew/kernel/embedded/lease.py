"""Who uses the server: locks that the kernel itself takes away from a process that dies, however it dies.

- `run/start`: held, exclusively, by whoever is starting or stopping the server; never for longer.
- `run/lease`: every process that uses the server holds it shared. One who can get it exclusively knows that nobody
  else uses the server. It is taken and upgraded only while `run/start` is held; the watchdog alone waits for it
  outside, as a wake-up that decides nothing.
- `run/watchdog`: held by the watchdog.

All are flock locks: they belong to the open file, so threads and several servers in one process count separately.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from clew.kernel.directories import Owner, myself
from clew.kernel.errors import DatabaseUnavailableError

POLL_SECONDS = 0.02
KERNEL_LOCKS = Path("/proc/locks")


class FileLock:
    """One open lock file. Not inherited by programs we start; a forked child shares it with its parent."""

    def __init__(self, path: Path, owner: Owner) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        if owner != myself():
            os.fchown(self._descriptor, owner.uid, owner.gid)

    def share(self) -> None:
        """Take the lock together with others; waits at most for a watchdog's passing exclusive hold."""
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def try_exclusive(self) -> bool:
        """Take the lock alone if nobody else holds it. On failure a shared hold may be lost, so leave then."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Give the lock back."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def start_lock(run: Path, owner: Owner, seconds: float) -> Iterator[None]:
    """Hold the right to start or stop the server.

    Raises DatabaseUnavailableError if another process keeps it for longer than `seconds`.
    """
    deadline = time.monotonic() + seconds
    with FileLock(run / "start", owner) as lock:
        while not lock.try_exclusive():
            if time.monotonic() >= deadline:
                raise DatabaseUnavailableError(
                    f"another process has been starting or stopping the embedded server for {seconds:g} s",
                    where=str(run),
                    remedy="wait for it to finish",
                )
            time.sleep(POLL_SECONDS)
        yield


@contextlib.contextmanager
def try_start_lock(run: Path, owner: Owner) -> Iterator[bool]:
    """Hold the right to start or stop the server if nobody else has it at this moment; says whether."""
    with FileLock(run / "start", owner) as lock:
        yield lock.try_exclusive()


def is_watched(run: Path, owner: Owner) -> bool:
    """Whether a watchdog is alive."""
    with FileLock(run / "watchdog", owner) as lock:
        return not lock.try_exclusive()


def lease_holders(run: Path) -> tuple[int, ...] | None:
    """Process ids that use the server, where the kernel tells (Linux); None elsewhere."""
    try:
        inode = (run / "lease").stat().st_ino
        lines = KERNEL_LOCKS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    # "1: FLOCK  ADVISORY  READ 4711 fe:00:123456 0 EOF"; a waiting lock has "->" after its number.
    held = (fields for line in lines if len(fields := line.split()) >= 6 and fields[1] == "FLOCK")
    return tuple(sorted({int(f[4]) for f in held if f[3] == "READ" and f[5].rpartition(":")[2] == str(inode)}))
