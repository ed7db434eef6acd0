"""The runner: takes jobs from their queues and has them done, several at once, each in a process of its own."""

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

import structlog

from clew.domains.jobs import claims
from clew.domains.jobs.claims import Turns
from clew.domains.jobs.tables import QUEUES
from clew.kernel.database import Database
from clew.kernel.errors import ClewError
from clew.kernel.roles import RUNNER
from clew.worker.attempt import STOP_PATIENCE_SECONDS
from clew.worker.kept import KeptProcess
from clew.worker.registry import PLACE
from clew.worker.watching import LOOK_SECONDS, Watch
from clew.worker.work import handlers_at

PREPARE_SECONDS: Final = 1.0
"""So long a worker has nothing to do before it has a process loaded for what may come."""
HANDOVER_SECONDS: Final = 0.25
"""So long a worker without a process leaves a job to one that rests with a process that has loaded its libraries."""

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
        handlers = handlers_at(registry)
        self._kinds = tuple(handlers)
        self._turns = Turns()
        self._stop_patience = stop_patience_seconds
        self._stopping = threading.Event()
        self._news = threading.Condition()
        self._version = 0
        self._resting: set[KeptProcess] = set()
        count = workers or database.settings.job_workers
        warm = database.settings.job_warm_process and any(handler.prepare for handler in handlers.values())
        self._threads = [
            threading.Thread(target=self._work, args=(warm and number == 1,), name=f"worker {number}", daemon=True)
            for number in range(1, count + 1)
        ]
        self._threads.append(Watch(database, self._stopping, self._announce, chores).thread)

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

    def _announce(self) -> None:
        with self._news:
            self._version += 1
            self._news.notify_all()

    # ---------------------------------------------------------------------------------------------------- the workers

    def _work(self, warm: bool) -> None:  # noqa: FBT001  one of them is kept warm
        child = KeptProcess(self._database, self._registry)
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
                    self._rest(child, seen, warm=warm)
        finally:
            self._resting.discard(child)
            child.end()

    def _rest(self, child: KeptProcess, seen: int, *, warm: bool) -> None:
        """Wait for news. The worker that is kept `warm` has a process loaded once nothing came for a while."""
        if warm and not child.is_warm and not self._await_news(seen, PREPARE_SECONDS):
            child.prepare()
            self._resting.add(child)
        self._await_news(seen, LOOK_SECONDS)
        child.end_if_idle()
        if not child.is_warm:
            self._resting.discard(child)

    def _do_next(self, kept: KeptProcess) -> bool:
        """Do the job that is next; whether there was one."""
        if self._resting and not kept.is_warm:
            self._stopping.wait(HANDOVER_SECONDS)
        with self._database.transaction(None, RUNNER) as connection:
            claim = claims.claim_next(connection, queues=self._queues, kinds=self._kinds, turns=self._turns)
        if claim is None:
            if kept.is_warm:
                self._resting.add(kept)
            return False
        self._resting.discard(kept)
        kept.attempt(claim, self._stopping, stop_patience_seconds=self._stop_patience)
        return True

    def _await_news(self, seen: int, seconds: float) -> bool:
        """Whether there may be something to do, or is to be done no more."""
        with self._news:
            return self._news.wait_for(lambda: self._version != seen or self._stopping.is_set(), seconds)
