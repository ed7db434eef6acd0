"""Stopping a server that nobody uses any more; the last to leave calls it, or the watchdog by `python -m`."""

import os
import subprocess
import sys
from pathlib import Path

from clew.kernel.directories import myself, owner_of
from clew.kernel.embedded import watchdog
from clew.kernel.embedded.layout import Layout
from clew.kernel.embedded.lease import FileLock, start_lock
from clew.kernel.embedded.process import PID_FILE, stop_postmaster

LOCK_SECONDS = 600.0
SOURCES = Path(__file__).resolve().parents[3]


def start_watchdog(layout: Layout) -> None:
    """Start a detached watchdog; it waits its turn if there is one already."""
    FileLock(layout.run / "watchdog", layout.owner).close()  # made here, so that it belongs to the right user
    release = [sys.executable, "-P", "-m", "clew.kernel.embedded.release", str(layout.run), str(layout.cluster)]
    command = [sys.executable, "-I", "-S", watchdog.__file__, str(layout.run), str(layout.cluster / PID_FILE), *release]
    # The release command finds this very product, also where a relative PYTHONPATH led to it.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCES), os.environ.get("PYTHONPATH", "")])}
    # It forks itself away from us, so that this call returns at once and no zombie is left here when it ends.
    null = subprocess.DEVNULL
    subprocess.run(command, check=True, stdin=null, stdout=null, stderr=null, cwd="/", env=environment)


def stop_if_unused(run: Path, cluster: Path, lease: FileLock) -> bool:
    """Stop the server unless another process uses it or it is pinned; the caller holds the start lock.

    False if it is still in use.
    """
    if (run / "pinned").exists():
        return True
    if not lease.try_exclusive():
        return False
    stop_postmaster(cluster)
    return True


def main(run: Path, cluster: Path) -> int:
    """The watchdog's command. Exit status 0 if there is nothing left to watch."""
    if not run.is_dir() or not cluster.is_dir():
        return 0
    owner = owner_of(run) if os.geteuid() == 0 else myself()
    with start_lock(run, owner, LOCK_SECONDS), FileLock(run / "lease", owner) as lease:
        return 0 if stop_if_unused(run, cluster, lease) else watchdog.STILL_USED


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
