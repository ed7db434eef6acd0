"""What a test run must not leave behind: child processes, and files in the temporary folder.

Whoever makes something that lasts as long as the process says in ENDINGS how it ends.
The run gets a temporary folder of its own, so that another run on the same machine is not blamed for this one.
"""

import contextlib
import os
import shutil
import tempfile
import time
from pathlib import Path

import psutil

PATIENCE_SECONDS = 10.0
ENDINGS = contextlib.ExitStack()
"""Carried out, last things first, when the tests of this process are over."""


def open_temporary_folder() -> Path:
    """Make this process and its children put temporary files into a new folder, and return it.

    Its path is short, because a socket's may not exceed 107 bytes, and it can be entered by the user that a database
    server runs as. What pytest itself keeps (`tmp_path`) stays where it always is.
    """
    usual_place = tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp(prefix="ct-"))
    folder.chmod(0o755)
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", usual_place)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    return folder


def close_temporary_folder(folder: Path) -> list[str]:
    """Remove the folder and return the names of what was still in it."""
    left = sorted(entry.name for entry in folder.iterdir())
    shutil.rmtree(folder)
    return left


def surviving_children(patience: float = PATIENCE_SECONDS) -> list[str]:
    """Processes below this one that are still alive after `patience` seconds, as "pid command line".

    A server told to stop is given that long to finish; one nobody told will still be there.
    """
    deadline = time.monotonic() + patience
    while True:
        alive = _describe_children()
        if not alive or time.monotonic() > deadline:
            return alive
        psutil.wait_procs(psutil.Process().children(recursive=True), timeout=0.2)


def _describe_children() -> list[str]:
    described = []
    for child in psutil.Process().children(recursive=True):
        try:
            if child.status() != psutil.STATUS_ZOMBIE:
                described.append(f"{child.pid} {' '.join(child.cmdline())}")
        except psutil.NoSuchProcess:
            continue
    return described
