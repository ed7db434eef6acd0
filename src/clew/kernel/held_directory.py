"""A directory for as long as a process lives: what killed ones left is removed by the next."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_HELD: Final = "held"


@contextlib.contextmanager
def held_directory(parent: Path) -> Iterator[Path]:
    """A new directory in `parent` (made if need be; it holds nothing else), removed after the block.

    A lock on a file in it says that its process lives, wherever that process' number was given away since.
    """
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for other in parent.iterdir():
        if _is_left(other):
            shutil.rmtree(other, ignore_errors=True)
    made = Path(tempfile.mkdtemp(dir=parent))
    descriptor = os.open(made / _HELD, os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(descriptor)


def _is_left(directory: Path) -> bool:
    try:
        descriptor = os.open(directory / _HELD, os.O_RDONLY)
    except OSError:
        return False  # being made by another one just now, or no such directory at all
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
