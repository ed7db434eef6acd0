"""A process that does jobs for a worker, kept for the next job for a while, or kept ready for the first."""

import threading
import time
from typing import Final

import structlog

from clew.domains.jobs.claims import Claim, ClaimLostError
from clew.kernel.database import Database
from clew.worker.attempt import Attempt
from clew.worker.child import ChildProcess

IDLE_PROCESS_SECONDS: Final = 60.0

log: Final = structlog.get_logger(__name__)


class KeptProcess:
    """At most one process, started when there is something to do. Used by one thread at a time."""

    def __init__(self, database: Database, registry: str) -> None:
        self._database = database
        self._registry = registry
        self._child: ChildProcess | None = None
        self._used = 0.0
        self._is_fresh = False

    def attempt(self, claim: Claim, stopping: threading.Event, *, stop_patience_seconds: float) -> None:
        """See one attempt at a job to its end. Raises what `Attempt.carry_out` raises but for ClaimLostError."""
        if self._is_fresh and self._child is not None and not self._child.is_alive:
            self.end()  # somebody ended it while it rested
        self._is_fresh = False
        if self._child is None:
            self._child = ChildProcess(self._database.settings, self._registry)
        attempt = Attempt(self._database, claim, self._child, stopping, stop_patience_seconds=stop_patience_seconds)
        try:
            reusable = attempt.carry_out()
        except ClaimLostError as error:
            log.warning("a job was lost to another runner", job=str(claim.job_id), error=str(error))
            reusable = False
        except BaseException:
            self.end()
            raise
        if reusable:
            self._used = time.monotonic()
        else:
            self.end()

    def prepare(self) -> None:
        """Have a process that has loaded what jobs need, unless there is one. It stays until it has done a job."""
        if self._is_fresh and self._child is not None and not self._child.is_alive:
            self.end()
        if self._child is None:
            self._child = ChildProcess(self._database.settings, self._registry)
            self._child.ask({"prepare": True})
            self._is_fresh = True

    @property
    def is_warm(self) -> bool:
        """Whether there is a process, which has loaded its libraries."""
        return self._child is not None

    def end(self) -> None:
        """See to it that the process is gone."""
        if self._child is not None:
            self._child.end()
            self._child = None

    def end_if_idle(self) -> None:
        """The same if it had nothing to do for a minute: what jobs made it hold is given back."""
        if not self._is_fresh and time.monotonic() - self._used > IDLE_PROCESS_SECONDS:
            self.end()
