"""The watchdog: stops the server when its last user was killed and so could not do it.

Run as a bare script, not imported, so that the process that waits for days stays small: it imports nothing of the
product. Once the last lease is gone it lets `clew.kernel.embedded.release` decide, under the start lock.

Arguments: lock directory, the cluster's pid file, then the command to run.
"""

# ruff: noqa: PTH118, PTH110  pathlib alone would add a third to this process's memory

import fcntl
import os
import sys

STILL_USED = 75  # the release command's exit status for "somebody uses it again" (EX_TEMPFAIL)


def watch(run: str, pid_file: str, command: list[str]) -> None:
    """Wait, as the only watchdog, until nobody holds the lease; return when there is nothing left to watch."""
    watching = os.open(os.path.join(run, "watchdog"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    fcntl.flock(watching, fcntl.LOCK_EX)
    lease = os.open(os.path.join(run, "lease"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    while True:
        fcntl.flock(lease, fcntl.LOCK_EX)
        fcntl.flock(lease, fcntl.LOCK_UN)
        if not os.path.exists(pid_file):
            return
        status = os.spawnv(os.P_WAIT, command[0], command)  # noqa: S606  that there is no shell is what we want
        if status != STILL_USED:
            return


if __name__ == "__main__":
    if os.fork() == 0:
        os.setsid()
        os.chdir("/")
        watch(sys.argv[1], sys.argv[2], sys.argv[3:])
