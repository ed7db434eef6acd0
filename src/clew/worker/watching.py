"""What every runner watches: news of jobs, jobs of dead runners, schedules that are due, and chores.

It is told of new jobs by the database and looks by itself every few seconds as well: what it is told is a wake-up only.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from clew.domains.jobs import claims
from clew.domains.jobs.schedules import enqueue_due
from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.errors import ClewError, DatabaseUnavailableError
from clew.kernel.roles import RUNNER

LOOK_SECONDS: Final = 5.0
CHORES_SECONDS: Final = 60.0
_LISTEN_SECONDS: Final = 0.5

log: Final = structlog.get_logger(__name__)


class Watch:
    """Watches in a thread of its own until `stopping` is set; calls `announce` when there may be something to do."""

    def __init__(
        self,
        database: Database,
        stopping: threading.Event,
        announce: Callable[[], None],
        chores: Sequence[Callable[[], object]] = (),
    ) -> None:
        self._database = database
        self._stopping = stopping
        self._announce = announce
        self._chores = tuple(chores)
        self.thread = threading.Thread(target=self._watch, name="job dispatcher", daemon=True)

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except ClewError as error:
                log.warning("the job queues cannot be watched just now", error=str(error))
                self._stopping.wait(LOOK_SECONDS)
            except Exception:  # the edge of the thread: told, and tried again
                log.exception("watching the job queues failed")
                self._stopping.wait(LOOK_SECONDS)

    def _listen(self) -> None:
        looked = chores = 0.0
        with database_errors(self._database.address), self._database.connect_raw(RUNNER) as connection:
            connection.autocommit = True
            connection.execute("LISTEN clew_jobs")
            while not self._stopping.is_set():
                now = time.monotonic()
                if now - looked >= LOOK_SECONDS:
                    looked = now
                    self._take_back()
                    enqueue_due(self._database)
                    self._announce()
                if now - chores >= CHORES_SECONDS:
                    chores = now
                    self._do_chores()
                if any(True for _ in connection.notifies(timeout=_LISTEN_SECONDS, stop_after=1)):
                    self._announce()

    def _take_back(self) -> None:
        with self._database.transaction(None, RUNNER) as connection:
            found = claims.take_back(connection, silent_seconds=self._database.settings.job_lost_seconds)
        if found:
            log.warning("jobs of dead runners were taken back", jobs=found)

    def _do_chores(self) -> None:
        for chore in self._chores:
            try:
                chore()
            except DatabaseUnavailableError:
                raise
            except (ClewError, OSError) as error:
                log.warning("a chore of the worker failed", error=str(error))
