"""A process beside a long command, in which the views follow while the command still changes the record.

A load keeps the database waiting and the database keeps the load waiting; what they leave of the processors brings the
views up meanwhile, and the command has little left to wait for in its end. A process and not a thread, since both are
mostly Python. In the end it is asked to take over the rest, because its writers are
open and the command's are not; if it fails, is killed or finds the views busy elsewhere, the command does that itself.
Nothing depends on it: where much is left, it is killed, and whoever reads the views first takes over the rest.
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

AFTER_SECONDS: Final = 1.0
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
FINISH: Final = b"finish"  # said on its standard input, to take over the rest before it ends
LENGTH_BYTES: Final = 4  # of the settings, before them
_PATIENCE_SECONDS: Final = 60.0
_FINISHING_SECONDS: Final = 600.0  # a view that has to be rebuilt first takes long
# -P: nothing is imported from the directory that the command happened to be called in.
COMMAND: Final = (sys.executable, "-P", "-m", "clew.projections.companion_process")

log: Final = structlog.get_logger(__name__)


def told(settings: Settings) -> bytes:
    """Settings as the process takes them."""
    pickled = pickle.dumps(settings)
    return len(pickled).to_bytes(LENGTH_BYTES) + pickled


@contextlib.contextmanager
def companion(settings: Settings, *, after_seconds: float = AFTER_SECONDS) -> Iterator["Companion"]:
    """If the block lasts longer than `after_seconds`, views follow beside it; in its end they are nobody's again.

    After Ctrl-C the process is told to end and not waited for.
    """
    process = Companion(settings, after_seconds)
    try:
        yield process
    except KeyboardInterrupt:
        process.dismiss()
        raise
    except BaseException:
        process.end()
        raise
    process.end()


class Companion:
    """The process, or none if the block is over too soon."""

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

    def dismiss(self, word: bytes = b"") -> None:
        """Tell the process to end after the step it is at, with a last word."""
        with self._lock:
            self._timer.cancel()
            process = self._process
        if process is not None and process.stdin is not None and not process.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(word)
                process.stdin.close()

    def finish(self) -> bool:
        """Let the process take over all that is committed, and end; whether it did. False if there is none."""
        return self._ended(FINISH, _FINISHING_SECONDS) == 0

    @property
    def was_started(self) -> bool:
        """Whether the block lasted so long."""
        with self._lock:
            return self._process is not None

    def kill(self) -> None:
        """End the process at once: what it has not committed is done again by whoever brings the views up."""
        self._timer.cancel()
        self._timer.join()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def end(self) -> None:
        """Let the process finish its step, so that the projector's place is free."""
        self._ended(b"", _PATIENCE_SECONDS)

    def _ended(self, word: bytes, patience_seconds: float) -> int | None:
        self.dismiss(word)
        self._timer.join()
        self.dismiss(word)  # the timer may just have fired
        if self._process is None:
            return None
        try:
            return self._process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            log.warning("the process beside this command does not end and is killed", pid=self._process.pid)
            self._process.kill()
            return self._process.wait()

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
                    process.stdin.write(told(self._settings))
                    process.stdin.flush()
