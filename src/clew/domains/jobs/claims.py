"""How runners share jobs: one takes a job for so long as it says that it lives, and nobody else has it meanwhile.

A claim has an id of its own, which everything that is written about the attempt must name: whoever lost the claim,
because it was thought dead, changes nothing any more. All times are the database's, so that clocks need not agree.
The functions that take a connection of clew_runner see jobs of every organization; those that say what came of a job
work in the organization's own transaction.
"""

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from uuid import UUID

import orjson
import sqlalchemy as sa

from clew.kernel.errors import ClewError
from clew.kernel.ids import IdMaker, new_id
from clew.kernel.stored_text import storable_json

FIRST_PAUSE_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 600.0
_MOST_TURNS: Final = 1000  # of more organizations, those who had a turn longest ago count as if they had none


class ClaimLostError(ClewError):
    """This job is no longer this runner's: it was silent for too long, and another took over."""

    code: ClassVar[str] = "claim_lost"
    exit_code: ClassVar[int] = 6


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at a job. `user_id` is for whom it is done, if they still exist."""

    organization_id: UUID
    job_id: UUID
    claim_id: UUID
    kind: str
    user_id: UUID | None
    attempts: int
    max_attempts: int


@dataclass(frozen=True, slots=True)
class Sendable:
    """A job that a runner elsewhere is to be told of."""

    organization_id: UUID
    job_id: UUID
    priority: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed. A transient one is tried again while attempts are left."""

    code: str
    message: str
    where: str | None = None
    remedy: str | None = None
    transient: bool = False

    @classmethod
    def of(cls, error: ClewError) -> "Failure":
        """The failure that an error of the product means."""
        return cls(error.code, error.message, error.where, error.remedy, error.transient)

    def as_dict(self) -> dict[str, Any]:
        """As it is kept."""
        return {"code": self.code, "message": self.message, "where": self.where, "remedy": self.remedy}


@dataclass(frozen=True, slots=True)
class Advance:
    """How far an attempt is. Totals are None where nobody knows them."""

    step: str
    bytes_done: int = 0
    bytes_total: int | None = None
    records_done: int = 0
    records_total: int | None = None


class Turns:
    """Whose turn it is: organizations take turns, whatever each of them has waiting. Used by several threads.

    It is a runner's own memory, and lost with it: then turns begin anew, and no job is.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._served: dict[UUID, None] = {}

    def served(self) -> list[UUID]:
        """The organizations that had a turn, who had it longest ago first."""
        with self._guard:
            return list(self._served)

    def take(self, organization_id: UUID) -> None:
        """Note a turn."""
        with self._guard:
            self._served.pop(organization_id, None)
            self._served[organization_id] = None
            if len(self._served) > _MOST_TURNS:
                del self._served[next(iter(self._served))]


def claim_next(
    connection: sa.Connection,
    *,
    queues: Sequence[str],
    kinds: Sequence[str],
    turns: Turns | None = None,
    ids: IdMaker = new_id,
) -> Claim | None:
    """Take the job that is next, as clew_runner; None if nothing waits that this runner can do.

    The organization is next whose last turn is longest ago; of its jobs, that of the highest priority, then the oldest.
    """
    turns = turns or Turns()
    connection.execute(_BRIEFLY)
    asked = {"queues": list(queues), "kinds": list(kinds), "claim": ids(), "served": turns.served()}
    row = connection.execute(_CLAIM, asked).one_or_none()
    if row is None:
        return None
    claim = Claim(*row)
    turns.take(claim.organization_id)
    return claim


def claim_job(
    connection: sa.Connection, organization_id: UUID, job_id: UUID, *, kinds: Sequence[str], ids: IdMaker = new_id
) -> Claim | None:
    """Take that job, as clew_runner; None if it does not wait any more, is not due yet, or is none this runner can do.

    Of any number of runners that are told of it at once, or again, one gets it.
    """
    connection.execute(_BRIEFLY)
    asked = {"organization": organization_id, "job": job_id, "kinds": list(kinds), "claim": ids()}
    row = connection.execute(_CLAIM_JOB, asked).one_or_none()
    return None if row is None else Claim(*row)


def send_next(connection: sa.Connection, *, queue: str, again_seconds: float, turns: Turns) -> Sendable | None:
    """Note, as clew_runner, that a runner is being told of the job of a queue that is next; None if there is none.

    Those that were told of before come again after so long, as their message may have been lost.
    """
    asked = {"queue": queue, "again": again_seconds, "served": turns.served()}
    row = connection.execute(_SEND, asked).one_or_none()
    if row is None:
        return None
    sendable = Sendable(*row)
    turns.take(sendable.organization_id)
    return sendable


def beat(connection: sa.Connection, claim: Claim) -> bool:
    """Say that the job is being worked on, as clew_runner; whether it is to be cancelled. Raises ClaimLostError."""
    connection.execute(_BRIEFLY)
    row = connection.execute(_BEAT, _named(claim)).one_or_none()
    if row is None:
        raise _lost(claim)
    return bool(row[0])


def take_back(connection: sa.Connection, *, silent_seconds: float) -> int:
    """Put back, as clew_runner, the jobs whose runners were silent for so long; how many.

    A job that has no attempts left fails: it may be what killed its runners.
    """
    error = Failure(
        "runner_died",
        "its runner died, or was cut off from the database",
        remedy="see the server's log; `clew jobs retry` has it tried again",
    )
    parameters = {
        "silent": silent_seconds,
        "error": orjson.dumps(error.as_dict()).decode(),
        "first": FIRST_PAUSE_SECONDS,
        "longest": LONGEST_PAUSE_SECONDS,
    }
    return connection.execute(_TAKE_BACK, parameters).rowcount


def give_back(connection: sa.Connection, claim: Claim) -> None:
    """Put back, as clew_runner, a job that was only begun since the runner has to end; it costs no attempt."""
    connection.execute(_GIVE_BACK, _named(claim))


def parameters_of(connection: sa.Connection, claim: Claim) -> dict[str, Any]:
    """What the job is about. Raises ClaimLostError."""
    row = connection.execute(_PARAMETERS, _named(claim)).one_or_none()
    if row is None:
        raise _lost(claim)
    return dict(row[0])


def advance(connection: sa.Connection, claim: Claim, now: Advance) -> None:
    """Write how far the job is. Raises ClaimLostError."""
    named = _named(claim) | {name: getattr(now, name) for name in Advance.__slots__}
    connection.execute(_BRIEFLY)
    _require(connection.execute(_ADVANCE, named), claim)


def complete(connection: sa.Connection, claim: Claim, result: Mapping[str, Any]) -> None:
    """Write the result; the job is done. Raises ClaimLostError, and then the transaction must not be committed."""
    named = _named(claim) | {"result": orjson.dumps(storable_json(result)).decode()}
    connection.execute(_BRIEFLY)
    _require(connection.execute(_COMPLETE, named), claim)


def fail(connection: sa.Connection, claim: Claim, failure: Failure) -> bool:
    """Write why the attempt failed; whether the job will be tried again. Raises ClaimLostError."""
    again = failure.transient and claim.attempts < claim.max_attempts
    named = _named(claim) | {
        "error": orjson.dumps(storable_json(failure.as_dict())).decode(),
        "status": "pending" if again else "failed",
        "pause": pause_seconds(claim.attempts) if again else 0.0,
    }
    connection.execute(_BRIEFLY)
    _require(connection.execute(_FAIL, named), claim)
    return again


def cancel(connection: sa.Connection, claim: Claim, result: Mapping[str, Any] | None) -> None:
    """Write that the job was ended because somebody wanted that, and what it had done. Raises ClaimLostError."""
    kept = None if result is None else orjson.dumps(storable_json(result)).decode()
    _require(connection.execute(_CANCEL, _named(claim) | {"result": kept}), claim)


def pause_seconds(attempts: int) -> float:
    """How long to wait after that many attempts: twice as long each time, and not all at the same moment."""
    longest = min(FIRST_PAUSE_SECONDS * 2.0 ** (attempts - 1), LONGEST_PAUSE_SECONDS)
    return longest * random.uniform(0.75, 1.0)  # noqa: S311  nothing secret


# A runner that freezes in the middle of one of these must not keep others from taking its job over.
_BRIEFLY: Final = sa.text("SELECT set_config('idle_in_transaction_session_timeout', '5s', true)")
_CLAIM: Final = sa.text("""
UPDATE jobs SET status = 'running', claim_id = :claim, heartbeat_at = now(), attempts = jobs.attempts + 1,
                started_at = coalesce(jobs.started_at, now()), updated_at = now()
FROM (SELECT organization_id, id FROM jobs
      WHERE status = 'pending' AND run_after <= now()
        AND queue = ANY(CAST(:queues AS text[])) AND kind = ANY(CAST(:kinds AS text[]))
      ORDER BY coalesce(array_position(CAST(:served AS uuid[]), organization_id), 0), priority DESC, run_after, id
      LIMIT 1 FOR UPDATE SKIP LOCKED) AS next
WHERE jobs.organization_id = next.organization_id AND jobs.id = next.id
RETURNING jobs.organization_id, jobs.id, jobs.claim_id, jobs.kind, jobs.user_id, jobs.attempts, jobs.max_attempts
""")
_CLAIM_JOB: Final = sa.text("""
UPDATE jobs SET status = 'running', claim_id = :claim, heartbeat_at = now(), attempts = attempts + 1,
                started_at = coalesce(started_at, now()), updated_at = now()
WHERE organization_id = :organization AND id = :job AND status = 'pending' AND run_after <= now()
  AND kind = ANY(CAST(:kinds AS text[]))
RETURNING organization_id, id, claim_id, kind, user_id, attempts, max_attempts
""")
_SEND: Final = sa.text("""
UPDATE jobs SET sent_at = now()
FROM (SELECT organization_id, id FROM jobs
      WHERE status = 'pending' AND run_after <= now() AND queue = :queue
        AND (sent_at IS NULL OR sent_at < run_after OR sent_at < now() - make_interval(secs => :again))
      ORDER BY coalesce(array_position(CAST(:served AS uuid[]), organization_id), 0), priority DESC, run_after, id
      LIMIT 1 FOR UPDATE SKIP LOCKED) AS next
WHERE jobs.organization_id = next.organization_id AND jobs.id = next.id
RETURNING jobs.organization_id, jobs.id, jobs.priority
""")
_MINE: Final = "organization_id = :organization AND id = :job AND claim_id = :claim AND status = 'running'"
_BEAT: Final = sa.text(f"""
UPDATE jobs SET heartbeat_at = now() WHERE {_MINE} RETURNING cancel_requested_at IS NOT NULL
""")
_TAKE_BACK: Final = sa.text("""
UPDATE jobs SET
    status = CASE WHEN cancel_requested_at IS NOT NULL THEN 'cancelled'
                  WHEN attempts >= max_attempts THEN 'failed' ELSE 'pending' END,
    completed_at = CASE WHEN cancel_requested_at IS NOT NULL OR attempts >= max_attempts THEN now() END,
    run_after = now() + make_interval(secs => CASE WHEN attempts > 1
                    THEN least(:longest, :first * 2.0 ^ (attempts - 2)) ELSE 0 END),
    claim_id = NULL, error = CAST(:error AS jsonb), updated_at = now()
FROM (SELECT organization_id AS organization, id AS job FROM jobs
      WHERE status = 'running' AND heartbeat_at < now() - make_interval(secs => :silent)
      FOR UPDATE SKIP LOCKED) AS silent
WHERE organization_id = silent.organization AND id = silent.job
""")
_GIVE_BACK: Final = sa.text(f"""
UPDATE jobs SET status = CASE WHEN cancel_requested_at IS NULL THEN 'pending' ELSE 'cancelled' END,
                completed_at = CASE WHEN cancel_requested_at IS NOT NULL THEN now() END,
                claim_id = NULL, attempts = attempts - 1, run_after = now(), updated_at = now()
WHERE {_MINE}
""")
_PARAMETERS: Final = sa.text(f"SELECT parameters FROM jobs WHERE {_MINE}")
_ADVANCE: Final = sa.text(f"""
UPDATE jobs SET step = :step, bytes_done = :bytes_done, bytes_total = :bytes_total, records_done = :records_done,
                records_total = :records_total, updated_at = now()
WHERE {_MINE}
""")
_COMPLETE: Final = sa.text(f"""
UPDATE jobs SET status = 'completed', result = CAST(:result AS jsonb), error = NULL, claim_id = NULL,
                completed_at = now(), updated_at = now()
WHERE {_MINE}
""")
_FAIL: Final = sa.text(f"""
UPDATE jobs SET status = :status, error = CAST(:error AS jsonb), claim_id = NULL,
                run_after = now() + make_interval(secs => :pause),
                completed_at = CASE WHEN :status = 'failed' THEN now() END, updated_at = now()
WHERE {_MINE}
""")
_CANCEL: Final = sa.text(f"""
UPDATE jobs SET status = 'cancelled', result = CAST(:result AS jsonb), claim_id = NULL, completed_at = now(),
                updated_at = now()
WHERE {_MINE}
""")


def _named(claim: Claim) -> dict[str, Any]:
    return {"organization": claim.organization_id, "job": claim.job_id, "claim": claim.claim_id}


def _require(written: sa.CursorResult[Any], claim: Claim) -> None:
    if written.rowcount != 1:
        raise _lost(claim)


def _lost(claim: Claim) -> ClaimLostError:
    return ClaimLostError(
        "another runner has taken this job over", where=f"job {claim.job_id}", remedy="nothing need be done"
    )
