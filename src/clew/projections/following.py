"""Views that follow the record beside the server, in a process of their own.

Their work is mostly Python, and requests would wait for it.
The process is the one that also works beside long commands (see clew.projections.companion). If it ends, because the
database was away or it was killed, it is started again; if the server is killed, it ends by itself.
"""

import contextlib
import subprocess
import threading
import time
from typing import Final

import structlog

from clew.kernel.settings import Settings
from clew.projections.attempts import pause
from clew.projections.companion import COMMAND, told
from clew.projections.registry import projections

IDLE_SECONDS: Final = 0.3
_PATIENCE_SECONDS: Final = 30.0
_LIVED_WELL_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.2

log: Final = structlog.get_logger(__name__)


class FollowingProcess:
    """Keeps such a process running between `start` and `stop`."""

    name = "projector"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clew-following", daemon=True)

    def start(self) -> None:
        """Begin. Once."""
        if projections(self._settings):
            self._thread.start()

    def stop(self) -> None:
        """Let the process finish its step, and end."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            process = subprocess.Popen((*COMMAND, str(IDLE_SECONDS)), stdin=subprocess.PIPE, start_new_session=True)
            lived_well = self._watch(process)
            if self._stop.is_set():
                return
            failures = 1 if lived_well else failures + 1
            log.info("the process that keeps the views ended and is started again", code=process.returncode)
            self._stop.wait(pause(failures))

    def _watch(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait until the process ends or is to end; whether it had lived for a while."""
        began = time.monotonic()
        stdin = process.stdin
        if stdin is None:
            raise TypeError("the process was started without a pipe")
        with contextlib.suppress(BrokenPipeError):
            stdin.write(told(self._settings))
            stdin.flush()
        while process.poll() is None and not self._stop.wait(_LOOK_SECONDS):
            pass
        lived_well = time.monotonic() - began > _LIVED_WELL_SECONDS
        with contextlib.suppress(BrokenPipeError):
            stdin.close()
        try:
            process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("the process that keeps the views does not end and is killed", pid=process.pid)
            process.kill()
            process.wait()
        return lived_well
