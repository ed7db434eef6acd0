"""A worker of Celery's: takes the ids it is told, claims the job in PostgreSQL, and sees it done.

Its pool is of threads, each of which has a job done in a process of its own and says that it lives, exactly as the
server's own runner does: so a job is stopped, taken up again and never done twice by the same rules.
"""

import queue
import threading
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import structlog
from celery import signals

from clew.domains.jobs import claims
from clew.domains.jobs.tables import QUEUES
from clew.kernel.database import Database
from clew.kernel.errors import ClewError
from clew.kernel.roles import RUNNER
from clew.worker.attempt import STOP_PATIENCE_SECONDS
from clew.worker.celery.application import TASK, application
from clew.worker.kept import KeptProcess
from clew.worker.registry import PLACE
from clew.worker.work import handlers_at

log: Final = structlog.get_logger(__name__)


class Pool:
    """The processes that jobs are done in, one for each thread of Celery's pool."""

    def __init__(self, database: Database, workers: int, registry: str, stop_patience_seconds: float) -> None:
        self._database = database
        self._kinds = tuple(handlers_at(registry))
        self._patience = stop_patience_seconds
        self.stopping = threading.Event()
        self._free: queue.SimpleQueue[KeptProcess] = queue.SimpleQueue()
        self._all = [KeptProcess(database, registry) for _ in range(workers)]
        for kept in self._all:
            self._free.put(kept)

    def do(self, organization_id: str, job_id: str) -> None:
        """Do that job if it still waits. What it came to is written with the job; nothing is raised."""
        kept = self._free.get()
        try:
            claim = None
            if not self.stopping.is_set():
                with self._database.transaction(None, RUNNER) as connection:
                    claim = claims.claim_job(connection, UUID(organization_id), UUID(job_id), kinds=self._kinds)
            if claim is not None:
                kept.attempt(claim, self.stopping, stop_patience_seconds=self._patience)
        except (ClewError, ValueError) as error:
            log.warning("a job could not be done just now", error=str(error))
            kept.end()
        except Exception:  # the edge of the task: told, and the next job is taken
            log.exception("a worker failed")
            kept.end()
        finally:
            self._free.put(kept)

    def end(self) -> None:
        """See to it that no process is left."""
        for kept in self._all:
            kept.end()


def work(
    database: Database,
    *,
    workers: int | None = None,
    queues: Sequence[str] = QUEUES,
    registry: str = PLACE,
    stop_patience_seconds: float = STOP_PATIENCE_SECONDS,
    ready: Any = lambda: None,
) -> None:
    """Work until a signal ends it (SIGTERM, SIGINT): what runs then is stopped after its step and goes back.

    For the main thread. Raises ConfigurationError without a Redis.
    """
    count = workers or database.settings.job_workers
    celery = application(database.settings)
    pool = Pool(database, count, registry, stop_patience_seconds)
    celery.task(pool.do, name=TASK, ignore_result=True)

    def stop(**_: Any) -> None:
        pool.stopping.set()

    def tell(**_: Any) -> None:
        ready()

    signals.worker_shutting_down.connect(stop)
    signals.worker_ready.connect(tell)
    try:
        celery.Worker(
            pool="threads",
            concurrency=count,
            queues=list(queues),
            quiet=True,
            loglevel="WARNING",
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        ).start()
    finally:
        signals.worker_shutting_down.disconnect(stop)
        signals.worker_ready.disconnect(tell)
        pool.stopping.set()
        pool.end()
        celery.close()
