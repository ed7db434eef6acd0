"""A process beside a long command, in which the views follow while the command still changes the record.

A load keeps the database waiting and the database keeps the load waiting; what is left of the processors then brings
the views up meanwhile, and the command has little left to wait for in its end. A process and not a thread, since both
are mostly Python. It only ever does early what the command does in the end, so it may fail, be killed or be busy
elsewhere; nothing depends on it.
"""

import contextlib
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Final

import structlog

from clew.kernel.settings import Settings

AFTER_SECONDS: Final = 2.0
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_PATIENCE_SECONDS: Final = 60.0
# -P: nothing is imported from the directory that the command happened to be called in.
COMMAND: Final = (sys.executable, "-P", "-m", "clew.projections.companion_process")

log: Final = structlog.get_logger(__name__)


@contextlib.contextmanager
def companion(settings: Settings, *, after_seconds: float = AFTER_SECONDS) -> Iterator[None]:
    """If the block lasts longer than `after_seconds`, views follow beside it; in its end they are nobody's again.

    After Ctrl-C the process is told to end and not waited for.
    """
    process = _Process(settings, after_seconds)
    try:
        yield
    except KeyboardInterrupt:
        process.dismiss()
        raise
    except BaseException:
        process.end()
        raise
    process.end()


class _Process:
    def __init__(self, settings: Settings, after_seconds: float) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._timer = threading.Timer(after_seconds, self._start)
        self._timer.daemon = True
        # Signals are for those who wait for them, and a thread without this mask would take them away (see
        # clew.cli.interruption).
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        self._timer.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def dismiss(self) -> None:
        """Tell the process to end after the step it is at."""
        with self._lock:
            self._timer.cancel()
            process = self._process
        if process is not None and process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()

    def end(self) -> None:
        """Let the process finish its step, so that the projector's place is free."""
        self.dismiss()
        self._timer.join()
        self.dismiss()  # the timer may just have fired
        if self._process is None:
            return
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("the process beside this command does not end and is killed", pid=self._process.pid)
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        with self._lock:
            try:
                # A session of its own: Ctrl-C is the command's to answer.
                process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, start_new_session=True)
            except OSError as error:
                log.warning("no process could be started beside this command", error=str(error))
                return
            self._process = process
            if process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.write(pickle.dumps(self._settings))
                    process.stdin.flush()
