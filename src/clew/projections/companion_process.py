"""The process that `companion` starts: `python -m clew.projections.companion_process`.

It is given pickled settings on standard input, which it reads until its end, and then it ends, too. So it outlives its
command by a step of work at most, however that ended. An argument says how many seconds it pauses between two looks at
the record; beside the server that is less than beside a command, which has little left for it.
"""

import pickle
import signal
import sys
import threading
from typing import Final

import psycopg
import structlog

from clew.kernel.collector import relax_collector
from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.errors import ClewError
from clew.kernel.logs import configure_logs
from clew.kernel.settings import Settings
from clew.projections.companion import SIGNALS
from clew.projections.projector import Projector
from clew.projections.service import projections

_PAUSE_SECONDS: Final = 3.0  # what changes again and again is taken over once in that time
_STEP_CHANGES: Final = 100_000

log: Final = structlog.get_logger(__name__)


def main() -> None:
    """Follow until standard input ends."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # inherited from the thread that started this process
    settings: Settings = pickle.load(sys.stdin.buffer)  # noqa: S301  from the command that started this process
    configure_logs(settings.model_copy(update={"log_level": "error" if settings.log_level == "error" else "warning"}))
    relax_collector()
    ended = threading.Event()
    threading.Thread(target=_await_end, args=(ended,), daemon=True).start()
    try:
        _follow(settings, ended, float(sys.argv[1]) if len(sys.argv) > 1 else _PAUSE_SECONDS)
    except (ClewError, OSError, psycopg.Error) as error:
        # The command does in the end what was not done here, and tells what fails then.
        log.debug("the views do not follow beside the command", error=str(error))


def _follow(settings: Settings, ended: threading.Event, pause_seconds: float) -> None:
    with (
        Database(settings) as database,
        database_errors(database.address),
        Projector(database, projections(settings), step_changes=_STEP_CHANGES) as projector,
    ):
        projector.follow(ended, idle_seconds=pause_seconds)


def _await_end(ended: threading.Event) -> None:
    sys.stdin.buffer.read()
    ended.set()


if __name__ == "__main__":
    main()
