"""The process that `companion` starts: `python -m clew.projections.companion_process`.

It is given settings on standard input (as `companion.told` writes them), which it reads until its end, and then it
ends, too. So it outlives its
command by a step of work at most, however that ended; asked to FINISH, it first takes over all that is committed, and
its exit code says whether it did. An argument says how many seconds it pauses between two looks at the record; beside
the server that is less than beside a command, which has little left for it and comes first on the processors.
"""

import contextlib
import os
import pickle
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psycopg
import structlog

from clew.kernel.collector import relax_collector
from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.errors import ClewError
from clew.kernel.logs import configure_logs
from clew.kernel.settings import Settings
from clew.projections.companion import FINISH, LENGTH_BYTES, SIGNALS
from clew.projections.projection import Projection
from clew.projections.projector import Projector
from clew.projections.registry import kept_by_loads, projections

_STDIN: Final = 0
_PAUSE_SECONDS: Final = 1.0
_STEP_CHANGES: Final = 50_000  # the command waits for the step at hand and the next one
# Two busy processors have nothing to spare, not even for who comes last on them: their halves share a core.
_SHARE_BESIDE_A_COMMAND: Final = 0.2
_BESIDE_A_COMMAND: Final = 10  # how much nicer this process is than the command

log: Final = structlog.get_logger(__name__)


def main() -> int:
    """Follow until standard input ends; 0 if asked to finish and all is taken over."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # inherited from the thread that started this process
    settings: Settings = pickle.loads(_read(int.from_bytes(_read(LENGTH_BYTES))))  # noqa: S301  from the command that started this process
    configure_logs(settings.model_copy(update={"log_level": "error" if settings.log_level == "error" else "warning"}))
    relax_collector()
    beside_a_command = len(sys.argv) == 1
    if beside_a_command:
        _step_back()
    owner = _Owner()
    try:
        if beside_a_command:
            done = _follow(settings, kept_by_loads(settings), owner, _PAUSE_SECONDS, _SHARE_BESIDE_A_COMMAND)
        else:
            done = _follow(settings, projections(settings), owner, float(sys.argv[1]), 1.0)
    except (ClewError, OSError, psycopg.Error) as error:
        # The command does in the end what was not done here, and tells what fails then.
        log.debug("the views do not follow beside the command", error=str(error))
        done = False
    return 0 if done else 1


class _Owner:
    """Whoever started this process and holds the other end of its standard input."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self._word = b""
        threading.Thread(target=self._listen, daemon=True).start()

    def wants_the_rest(self) -> bool:
        """Whether all that is committed is to be taken over before this process ends."""
        return self._word == FINISH

    def _listen(self) -> None:
        while piece := os.read(_STDIN, len(FINISH)):
            self._word += piece
        self.ended.set()


def _read(count: int) -> bytes:
    """So many bytes of standard input, and not one more.

    Not by way of `sys.stdin`: a thread that waits in it would break the interpreter's end.
    """
    read = b""
    while len(read) < count:
        piece = os.read(_STDIN, count - len(read))
        if not piece:
            raise EOFError("whoever started this process ended before it said what to do")
        read += piece
    return read


def _step_back() -> None:
    """Let the command come first on the processors."""
    os.nice(_BESIDE_A_COMMAND)
    # Where Linux groups processes by session, it compares groups, and niceness counts within one only.
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(_BESIDE_A_COMMAND), encoding="ascii")


def _follow(settings: Settings, views: Sequence[Projection], owner: _Owner, pause_seconds: float, share: float) -> bool:
    with (
        Database(settings) as database,
        database_errors(database.address),
        Projector(database, views, step_changes=_STEP_CHANGES, share=share) as projector,
    ):
        return projector.follow(owner.ended, idle_seconds=pause_seconds, then_rest=owner.wants_the_rest)


if __name__ == "__main__":
    sys.exit(main())
