"""One attempt at a job, watched over: its process works, and this says that it lives and writes how far it is."""

import threading
import time
from collections.abc import Callable
from typing import Any, Final

import structlog

from clew.domains.jobs import claims
from clew.domains.jobs.claims import Advance, Claim, ClaimLostError, Failure
from clew.kernel.database import Database, TenantContext
from clew.kernel.errors import DatabaseUnavailableError
from clew.kernel.roles import RUNNER
from clew.worker.child import ChildProcess

TICK_SECONDS: Final = 0.25
BEAT_SECONDS: Final = 2.0
ADVANCE_SECONDS: Final = 1.0
STOP_PATIENCE_SECONDS: Final = 60.0

log: Final = structlog.get_logger(__name__)


class Attempt:
    """Carries out one claim in a process. `stopping` is set when the server ends."""

    def __init__(
        self,
        database: Database,
        claim: Claim,
        child: ChildProcess,
        stopping: threading.Event,
        *,
        stop_patience_seconds: float = STOP_PATIENCE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._claim = claim
        self._child = child
        self._stopping = stopping
        self._patience = stop_patience_seconds
        self._monotonic = monotonic
        # Before others may think this runner dead, it has to be sure that its process is.
        self._may_be_silent = database.settings.job_lost_seconds / 2
        self._context = TenantContext(claim.organization_id, claim.user_id)
        self._beaten = monotonic()
        self._cancelled = False
        self._told_at: float | None = None
        self._latest: Advance | None = None
        self._advanced = 0.0

    def carry_out(self) -> bool:
        """See the attempt to its end; whether the process can be used again.

        Raises ClaimLostError if another runner has the job by now, DatabaseUnavailableError if what came of it could
        not be written: then the process must be ended, and the job is taken up again.
        """
        with self._database.transaction(self._context) as connection:
            parameters = claims.parameters_of(connection, self._claim)
        self._child.ask(
            {
                "kind": self._claim.kind,
                "organization_id": self._claim.organization_id,
                "job_id": self._claim.job_id,
                "user_id": self._claim.user_id,
                "attempt": self._claim.attempts,
                "parameters": parameters,
            }
        )
        while True:
            heard = self._child.hear(TICK_SECONDS)
            if heard is None:
                self._fail(self._death())
                return False
            if "advance" in heard:
                self._latest = Advance(**heard["advance"])
            elif heard:
                self._end(heard)
                return True
            if not self._keep_up():
                return False

    def _keep_up(self) -> bool:
        """Say that the job lives, and how far it is; False if its process did not stop when told to and was ended."""
        now = self._monotonic()
        if now - self._beaten >= BEAT_SECONDS or self._latest:
            self._beat(now)
        if (self._cancelled or self._stopping.is_set()) and self._told_at is None:
            self._told_at = now
            self._child.ask({"stop": True})
        if self._told_at is not None and now - self._told_at > self._patience:
            log.warning("a job does not stop and its process is killed", job=str(self._claim.job_id))
            self._child.end()
            self._stopped({})
            return False
        return True

    def _beat(self, now: float) -> None:
        if now - self._advanced < min(ADVANCE_SECONDS, BEAT_SECONDS):
            return
        try:
            with self._database.transaction(None, RUNNER) as connection:
                self._cancelled = claims.beat(connection, self._claim)
            if self._latest is not None:
                latest, self._latest = self._latest, None
                with self._database.transaction(self._context) as connection:
                    claims.advance(connection, self._claim, latest)
        except DatabaseUnavailableError:
            if now - self._beaten > self._may_be_silent:
                raise
            return
        self._beaten = self._advanced = now

    def _end(self, heard: dict[str, Any]) -> None:
        if "failed" in heard:
            self._fail(Failure(**heard["failed"], transient=heard["transient"]))
        elif not heard["finished"]:
            self._stopped(heard["done"])
        else:
            with self._database.transaction(self._context) as connection:
                if self._latest is not None:
                    claims.advance(connection, self._claim, self._latest)
                claims.complete(connection, self._claim, heard["done"])
            log.info("job completed", job=str(self._claim.job_id), kind=self._claim.kind)

    def _stopped(self, result: dict[str, Any]) -> None:
        if self._cancelled:
            with self._database.transaction(self._context) as connection:
                claims.cancel(connection, self._claim, result or None)
            return
        with self._database.transaction(None, RUNNER) as connection:
            claims.give_back(connection, self._claim)

    def _fail(self, failure: Failure) -> None:
        with self._database.transaction(self._context) as connection:
            again = claims.fail(connection, self._claim, failure)
        log.warning("job failed", job=str(self._claim.job_id), code=failure.code, error=failure.message, again=again)

    def _death(self) -> Failure:
        code = self._child.exit_code()
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        return Failure(
            "process_died",
            f"the process that did this job {how}",
            remedy="see the server's log; signal 9 often means that memory ran out",
            transient=True,
        )


__all__ = ["Attempt", "ClaimLostError"]
