"""What the rest of the program asks of jobs: enqueue them, look at them, cancel and retry them.

Everything takes a connection inside a tenant's transaction and commits nothing: a job that is enqueued exists exactly
if what its caller did does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from clew.domains.jobs.tables import DEFAULT_QUEUE, STATES, jobs
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from clew.kernel.ids import IdMaker, new_id
from clew.records.acts import Act, record

MAXIMUM_LISTED: Final = 200


@dataclass(frozen=True, slots=True)
class NewJob:
    """What is to be done. `kind` names a handler of the worker.

    Organizations take turns; of the jobs of one, those of higher `priority` (1 to 10) go first.
    `parameters` is JSON and shows in lists: no secrets. Handlers may be run again after any interruption.
    """

    kind: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    queue: str = DEFAULT_QUEUE
    priority: int = 5
    max_attempts: int = 5


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands. `error` is {code, message, where, remedy} of the last attempt that failed."""

    id: UUID
    kind: str
    queue: str
    priority: int
    status: str
    user_id: UUID | None
    parameters: Mapping[str, Any]
    step: str | None
    bytes_done: int
    bytes_total: int | None
    records_done: int
    records_total: int | None
    result: Mapping[str, Any] | None
    error: Mapping[str, Any] | None
    attempts: int
    max_attempts: int
    run_after: datetime
    cancel_requested_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be done, unless somebody has it retried."""
        return self.status in {"completed", "failed", "cancelled"}

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return {
            name: str(value) if isinstance(value, UUID) else value.isoformat() if isinstance(value, datetime) else value
            for name, value in plain.items()
        }


def enqueue(connection: sa.Connection, organization_id: UUID, job: NewJob, *, ids: IdMaker = new_id) -> Job:
    """Put a job into its queue, for the transaction's user; runners learn of it when the transaction is committed.

    Raises IntegrityError for a queue or priority that does not exist.
    """
    user = sa.func.nullif(sa.func.current_setting("app.current_user_id", True), "").cast(sa.Uuid)  # noqa: FBT003
    made = connection.execute(
        sa.insert(jobs)
        .values(
            organization_id=organization_id,
            id=ids(),
            user_id=user,
            kind=job.kind,
            queue=job.queue,
            priority=job.priority,
            parameters=dict(job.parameters),
            max_attempts=job.max_attempts,
        )
        .returning(*_COLUMNS)
    ).one()
    found = Job(*made)
    record(connection, Act("job_enqueued", "CREATE", "job", found.id, job.kind, request={"queue": job.queue}))
    return found


def enqueue_for(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    user_id: UUID | None,
    job: NewJob,
    *,
    ids: IdMaker = new_id,
) -> UUID:
    """The same on a driver's connection, for a user who is named; the job's id."""
    identifier = ids()
    row = {
        "organization": organization_id,
        "id": identifier,
        "user": user_id,
        "kind": job.kind,
        "queue": job.queue,
        "priority": job.priority,
        "max_attempts": job.max_attempts,
        "parameters": orjson.dumps(dict(job.parameters)).decode(),
    }
    connection.execute(_ENQUEUE, row)
    record(connection, Act("job_enqueued", "CREATE", "job", identifier, job.kind, request={"queue": job.queue}))
    return identifier


def enqueue_unless_waiting(connection: sa.Connection, organization_id: UUID, job: NewJob) -> Job:
    """The same for work that need not be done twice: gives the job of that kind and parameters that waits, if any."""
    connection.execute(_ONE_AT_A_TIME, {"what": f"clew job {organization_id} {job.kind}"})
    waiting = sa.select(*_COLUMNS).where(
        jobs.c.organization_id == organization_id,
        jobs.c.status == "pending",
        jobs.c.kind == job.kind,
        jobs.c.parameters == sa.cast(dict(job.parameters), JSONB),
    )
    row = connection.execute(waiting.order_by(jobs.c.id).limit(1)).one_or_none()
    return enqueue(connection, organization_id, job) if row is None else Job(*row)


def find_job(connection: sa.Connection, organization_id: UUID, job_id: UUID) -> Job:
    """The job. Raises NotFoundError."""
    return _found(connection, organization_id, job_id, sa.select(*_COLUMNS))


def list_jobs(
    connection: sa.Connection,
    organization_id: UUID,
    *,
    status: str | None = None,
    kind: str | None = None,
    queue: str | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> Sequence[Job]:
    """Jobs, newest first; with `before`, those older than that one. Raises InputError for a status that is none."""
    if status is not None and status not in STATES:
        raise InputError(f"{status!r} is no state of a job", where="status", remedy=f"write one of {', '.join(STATES)}")
    query = sa.select(*_COLUMNS).where(jobs.c.organization_id == organization_id)
    for column, wanted in ((jobs.c.status, status), (jobs.c.kind, kind), (jobs.c.queue, queue)):
        if wanted is not None:
            query = query.where(column == wanted)
    if before is not None:
        query = query.where(jobs.c.id < before)  # ids are in the order of time
    rows = connection.execute(query.order_by(jobs.c.id.desc()).limit(min(limit, MAXIMUM_LISTED)))
    return [Job(*row) for row in rows]


def cancel_job(connection: sa.Connection, organization_id: UUID, job_id: UUID) -> Job:
    """Cancel a job: at once if it waits, else after the step it is at. One that is cancelled stays so.

    Raises NotFoundError, ConflictError if it is completed or failed.
    """
    job = _locked(connection, organization_id, job_id)
    if job.status == "cancelled" or (job.status == "running" and job.cancel_requested_at is not None):
        return job
    if job.is_over:
        raise ConflictError(f"this job is {job.status}", where=f"job {job.id}", remedy="there is nothing to cancel")
    ended = {"status": "cancelled", "completed_at": sa.func.now()} if job.status == "pending" else {}
    cancelled = _changed(connection, organization_id, job_id, {"cancel_requested_at": sa.func.now(), **ended})
    record(connection, Act("job_cancelled", "UPDATE", "job", job.id, job.kind, request={"was": job.status}))
    return cancelled


def retry_job(connection: sa.Connection, organization_id: UUID, job_id: UUID) -> Job:
    """Have a failed or cancelled job done again, with all its attempts; what it has done already is not done twice.

    Raises NotFoundError, ConflictError if it waits, runs, or is completed.
    """
    job = _locked(connection, organization_id, job_id)
    if job.status not in {"failed", "cancelled"}:
        raise ConflictError(
            f"this job is {job.status}", where=f"job {job.id}", remedy="only failed and cancelled jobs are retried"
        )
    again = {
        "status": "pending",
        "attempts": 0,
        "run_after": sa.func.now(),
        "error": sa.null(),
        "cancel_requested_at": sa.null(),
        "started_at": sa.null(),
        "completed_at": sa.null(),
    }
    changed = _changed(connection, organization_id, job_id, again)
    record(connection, Act("job_retried", "UPDATE", "job", job.id, job.kind, request={"was": job.status}))
    return changed


def hold_jobs(connection: sa.Connection, organization_id: UUID, reason: Mapping[str, Any]) -> int:
    """End every job of the organization that waits or runs as failed, for that reason, until somebody has it retried.

    reason: {code, message, where, remedy}. How many jobs those were.
    """
    held = (
        sa.update(jobs)
        .where(jobs.c.organization_id == organization_id, jobs.c.status.in_(("pending", "running")))
        .values(
            status="failed", claim_id=None, error=dict(reason), completed_at=sa.func.now(), updated_at=sa.func.now()
        )
    )
    count = connection.execute(held).rowcount
    if count:
        record(connection, Act("jobs_held", "UPDATE", "job", request={"jobs": count, "code": reason["code"]}))
    return count


_ENQUEUE: Final = """
INSERT INTO jobs (organization_id, id, user_id, kind, queue, priority, parameters, max_attempts)
VALUES (%(organization)s, %(id)s, (SELECT id FROM users WHERE organization_id = %(organization)s AND id = %(user)s),
        %(kind)s, %(queue)s, %(priority)s, %(parameters)s, %(max_attempts)s)
"""
_ONE_AT_A_TIME: Final = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")
_COLUMNS: Final = tuple(jobs.c[name] for name in Job.__slots__)


def _locked(connection: sa.Connection, organization_id: UUID, job_id: UUID) -> Job:
    return _found(connection, organization_id, job_id, sa.select(*_COLUMNS).with_for_update())


def _found(connection: sa.Connection, organization_id: UUID, job_id: UUID, query: sa.Select[tuple[Any, ...]]) -> Job:
    row = connection.execute(query.where(jobs.c.organization_id == organization_id, jobs.c.id == job_id)).one_or_none()
    if row is None:
        raise NotFoundError("no such job", where=f"job {job_id}", remedy="`clew jobs list` shows those there are")
    return Job(*row)


def _changed(connection: sa.Connection, organization_id: UUID, job_id: UUID, values: dict[str, Any]) -> Job:
    changing = (
        sa.update(jobs)
        .where(jobs.c.organization_id == organization_id, jobs.c.id == job_id)
        .values(updated_at=sa.func.now(), **values)
        .returning(*_COLUMNS)
    )
    return Job(*connection.execute(changing).one())
