"""The runner: takes jobs from their queues and has them done, several at once, each in a process of its own.

It is told of new jobs by the database and looks by itself every few seconds as well: what it is told is a wake-up only.
"""

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

import structlog

from clew.domains.jobs import claims
from clew.domains.jobs.claims import Claim, ClaimLostError, Turns
from clew.domains.jobs.tables import QUEUES
from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.errors import ClewError, DatabaseUnavailableError
from clew.kernel.roles import RUNNER
from clew.worker.attempt import STOP_PATIENCE_SECONDS, Attempt
from clew.worker.child import ChildProcess
from clew.worker.registry import PLACE
from clew.worker.work import handlers_at

LOOK_SECONDS: Final = 5.0
CHORES_SECONDS: Final = 60.0
IDLE_PROCESS_SECONDS: Final = 60.0
_LISTEN_SECONDS: Final = 0.5

log: Final = structlog.get_logger(__name__)


class Runner:
    """Does jobs while the block lasts. In its end, what runs is stopped after its step and goes back to its queue.

    `registry` names the handlers (`module:NAME`). `chores` are done about every minute, in turn.
    """

    def __init__(
        self,
        database: Database,
        *,
        workers: int | None = None,
        queues: Sequence[str] = QUEUES,
        registry: str = PLACE,
        chores: Sequence[Callable[[], object]] = (),
        stop_patience_seconds: float = STOP_PATIENCE_SECONDS,
    ) -> None:
        self._database = database
        self._queues = tuple(queues)
        self._registry = registry
        self._kinds = tuple(handlers_at(registry))
        self._chores = tuple(chores)
        self._turns = Turns()
        self._stop_patience = stop_patience_seconds
        self._stopping = threading.Event()
        self._news = threading.Condition()
        self._version = 0
        count = workers or database.settings.job_workers
        self._threads = [
            threading.Thread(target=self._work, name=f"worker {number}", daemon=True) for number in range(1, count + 1)
        ]
        self._threads.append(threading.Thread(target=self._dispatch, name="job dispatcher", daemon=True))

    name = "worker"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin. Once."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop what runs and wait for that. May be called again."""
        self._stopping.set()
        self._announce()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    # ------------------------------------------------------------------------------------------------- the dispatcher

    def _dispatch(self) -> None:
        """Wake the workers when there is something to do; put back what dead runners left; do the chores."""
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

    def _announce(self) -> None:
        with self._news:
            self._version += 1
            self._news.notify_all()

    # ---------------------------------------------------------------------------------------------------- the workers

    def _work(self) -> None:
        child = _Kept(self._database, self._registry)
        try:
            while not self._stopping.is_set():
                seen = self._version
                try:
                    busy = self._do_next(child)
                except ClewError as error:
                    log.warning("a job could not be done just now", error=str(error))
                    child.end()
                    self._stopping.wait(1.0)
                    continue
                except Exception:  # the edge of the thread: told, and the next job is taken
                    log.exception("a worker failed")
                    child.end()
                    self._stopping.wait(1.0)
                    continue
                if not busy:
                    self._await_news(seen)
                    child.end_if_idle()
        finally:
            child.end()

    def _do_next(self, kept: "_Kept") -> bool:
        """Do the job that is next; whether there was one."""
        with self._database.transaction(None, RUNNER) as connection:
            claim = claims.claim_next(connection, queues=self._queues, kinds=self._kinds, turns=self._turns)
        if claim is None:
            return False
        self._attempt(claim, kept)
        return True

    def _attempt(self, claim: Claim, kept: "_Kept") -> None:
        attempt = Attempt(
            self._database, claim, kept.process(), self._stopping, stop_patience_seconds=self._stop_patience
        )
        try:
            reusable = attempt.carry_out()
        except ClaimLostError as error:
            log.warning("a job was lost to another runner", job=str(claim.job_id), error=str(error))
            reusable = False
        except BaseException:
            kept.end()
            raise
        if reusable:
            kept.rest()
        else:
            kept.end()

    def _await_news(self, seen: int) -> None:
        with self._news:
            self._news.wait_for(lambda: self._version != seen or self._stopping.is_set(), LOOK_SECONDS)


class _Kept:
    """A worker's process, kept for the next job for a while."""

    def __init__(self, database: Database, registry: str) -> None:
        self._settings = database.settings
        self._registry = registry
        self._child: ChildProcess | None = None
        self._used = 0.0

    def process(self) -> ChildProcess:
        if self._child is None:
            self._child = ChildProcess(self._settings, self._registry)
        return self._child

    def end(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None

    def rest(self) -> None:
        self._used = time.monotonic()

    def end_if_idle(self) -> None:
        if time.monotonic() - self._used > IDLE_PROCESS_SECONDS:
            self.end()
