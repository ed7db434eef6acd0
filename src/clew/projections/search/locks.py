"""Who writes and who reads a view on this machine, and how generations of views are called."""

import fcntl
import os
import secrets
import time
from pathlib import Path
from typing import Self

from clew.kernel.directories import PRIVATE_FILE, ensure_own_directory, myself
from clew.projections.search.errors import SearchViewBusyError


def new_generation_name() -> str:
    """24 hexadecimal digits; they ascend with time."""
    return f"{time.time_ns() >> 16:012x}{secrets.token_hex(6)}"


def writers_lock(root: Path) -> "Lock":
    """Become the one writer of the view at this directory, made at need. Raises SearchViewBusyError with who is."""
    ensure_own_directory(root, myself())
    lock = Lock(root / "lock")
    if not lock.take():
        holder = lock.text()
        lock.close()
        raise SearchViewBusyError(
            f"process {holder or 'unknown'} is writing this search view",
            where=str(root),
            remedy="wait for it to finish, or stop it",
        )
    lock.write(f"{os.getpid()}\n")
    return lock


class Lock:
    """A lock file that the kernel takes away from a process that dies, however it dies."""

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, PRIVATE_FILE)

    def share(self) -> None:
        """Hold it together with others."""
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def take(self) -> bool:
        """Hold it alone; False if somebody else holds it."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def text(self) -> str:
        """What the holder wrote into it."""
        return os.pread(self._descriptor, 64, 0).decode("ascii", "replace").strip()

    def write(self, text: str) -> None:
        """Say who holds it."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text.encode("ascii"), 0)

    def close(self) -> None:
        """Give it back."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
