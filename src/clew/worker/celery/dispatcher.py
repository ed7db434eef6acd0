"""Tells Celery's workers of the jobs that wait: a few at a time, so that priorities and turns stay the database's.

Any number of dispatchers may run. A job is noted as sent in the transaction that sends it; if nobody takes it for half
a minute, as after Redis lost its data, it is sent again.
"""

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Self

import redis
import structlog
from kombu.exceptions import OperationalError

from clew.domains.jobs import claims
from clew.domains.jobs.claims import Turns
from clew.domains.jobs.tables import QUEUES
from clew.kernel.cache.redis.connection import RedisConnection
from clew.kernel.database import Database
from clew.kernel.errors import ClewError
from clew.kernel.roles import RUNNER
from clew.worker.celery.application import TASK, application, lists_of, step_of
from clew.worker.watching import LOOK_SECONDS, Watch

MOST_WAITING: Final = 16
AGAIN_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 1.0

log: Final = structlog.get_logger(__name__)


class Dispatcher:
    """Sends jobs while the block lasts, or between `start` and `stop`."""

    name = "worker"

    def __init__(self, database: Database, *, chores: Sequence[Callable[[], object]] = ()) -> None:
        """Raises ConfigurationError without a Redis."""
        self._database = database
        self._celery: Any = application(database.settings)
        self._redis = RedisConnection(database.settings)
        self._turns = {queue: Turns() for queue in QUEUES}
        self._stopping = threading.Event()
        self._news = threading.Event()
        self._watch = Watch(database, self._stopping, self._news.set, chores)
        self._thread = threading.Thread(target=self._run, name="job sender", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin. Once."""
        self._watch.thread.start()
        self._thread.start()

    def stop(self) -> None:
        """End; jobs that were sent are done all the same. May be called again."""
        self._stopping.set()
        self._news.set()
        for thread in (self._watch.thread, self._thread):
            if thread.ident is not None:
                thread.join()
        self._celery.close()
        self._redis.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._news.wait(LOOK_SECONDS)
            self._news.clear()
            try:
                full = [queue for queue in QUEUES if self._send(queue)]
            except (ClewError, OperationalError, redis.RedisError) as error:
                log.warning("Celery cannot be told of jobs just now", error=str(error).splitlines()[0])
                self._stopping.wait(_PAUSE_SECONDS)
                self._news.set()
            except Exception:  # the edge of the thread: told, and tried again
                log.exception("telling Celery of jobs failed")
                self._stopping.wait(LOOK_SECONDS)
            else:
                if full:  # these had no room: look again when workers took a few
                    self._stopping.wait(_PAUSE_SECONDS / 4)
                    self._news.set()

    def _send(self, queue: str) -> bool:
        """Send what there is room for; whether the queue is full now."""
        room = MOST_WAITING - self._waiting(queue)
        for _ in range(room):
            with self._database.transaction(None, RUNNER) as connection:
                job = claims.send_next(connection, queue=queue, again_seconds=AGAIN_SECONDS, turns=self._turns[queue])
                if job is None:
                    return False
                self._celery.send_task(
                    TASK,
                    args=[str(job.organization_id), str(job.job_id)],
                    queue=queue,
                    priority=step_of(job.priority),
                    retry=False,
                )
        return True

    def _waiting(self, queue: str) -> int:
        with self._redis.asking() as client, client.pipeline(transaction=False) as pipe:
            for key in lists_of(queue):
                pipe.llen(key)
            return sum(pipe.execute())
