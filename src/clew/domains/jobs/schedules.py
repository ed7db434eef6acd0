"""Jobs that come again by themselves: every so often one is enqueued, however many runners look after it.

All times are the database's. A time that was missed, because nothing ran, is made up for once, and the next one is
where it would have been. While the job of the last time has not ended, none is added.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypedDict
from uuid import UUID

import sqlalchemy as sa

from clew.domains.jobs.service import NewJob, enqueue
from clew.domains.jobs.tables import DEFAULT_QUEUE, LEAST_EVERY_SECONDS, QUEUES, schedules
from clew.kernel.database import Database
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from clew.kernel.roles import RUNNER
from clew.kernel.transactions import TenantContext
from clew.records.acts import Act, record

MOST_AT_ONCE: Final = 100
LONGEST_EVERY_SECONDS: Final = 366 * 86_400


@dataclass(frozen=True, slots=True)
class NewSchedule:
    """What is to be done again and again, every so many seconds (60 at least)."""

    name: str
    kind: str
    every_seconds: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    queue: str = DEFAULT_QUEUE
    priority: int = 5


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as it stands."""

    id: UUID
    name: str
    kind: str
    every_seconds: int
    parameters: Mapping[str, Any]
    queue: str
    priority: int
    is_active: bool
    next_at: datetime
    last_job_id: UUID | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        plain |= {"id": str(self.id), "next_at": self.next_at.isoformat()}
        return plain | {"last_job_id": None if self.last_job_id is None else str(self.last_job_id)}


Check = Callable[[Schedule], None]


def accept(found: Schedule) -> None:
    """The check of a caller who does not say what they saw."""


class ScheduleChanges(TypedDict, total=False):
    """What is to be different; what is left out stays."""

    every_seconds: int
    priority: int
    is_active: bool


def add_schedule(connection: sa.Connection, organization_id: UUID, new: NewSchedule) -> Schedule:
    """Have a job enqueued every so often, for the transaction's user, the first time at once.

    Raises InputError for an interval, queue or priority that is none, ConflictError if the name is taken.
    """
    _require_interval(new.every_seconds)
    if new.queue not in QUEUES or not 1 <= new.priority <= 10:
        raise InputError(
            f"there is no queue {new.queue!r} with priority {new.priority}",
            where="queue",
            remedy=f"queues are {', '.join(QUEUES)}; priorities are 1 to 10",
        )
    taken = sa.select(schedules.c.id).where(
        schedules.c.organization_id == organization_id, schedules.c.name == new.name
    )
    if connection.execute(taken).first() is not None:
        raise ConflictError("a schedule of this name exists", where=new.name, remedy="remove it first")
    user = sa.func.nullif(sa.func.current_setting("app.current_user_id", True), "").cast(sa.Uuid)  # noqa: FBT003
    values = {name: getattr(new, name) for name in NewSchedule.__slots__} | {"parameters": dict(new.parameters)}
    made = connection.execute(
        sa.insert(schedules)
        .values(organization_id=organization_id, user_id=user, next_at=sa.func.now(), **values)
        .returning(*_COLUMNS)
    ).one()
    found = Schedule(*made)
    asked = {"kind": new.kind, "every_seconds": new.every_seconds}
    record(connection, Act("schedule_added", "CREATE", "schedule", found.id, found.name, request=asked))
    return found


def list_schedules(connection: sa.Connection, organization_id: UUID) -> Sequence[Schedule]:
    """Every schedule, by name."""
    query = sa.select(*_COLUMNS).where(schedules.c.organization_id == organization_id).order_by(schedules.c.name)
    return [Schedule(*row) for row in connection.execute(query)]


def read_schedule(connection: sa.Connection, organization_id: UUID, schedule_id: UUID) -> Schedule:
    """One schedule. Raises NotFoundError."""
    return _found(connection, _own(organization_id, schedule_id), str(schedule_id))


def find_schedule(connection: sa.Connection, organization_id: UUID, name: str) -> Schedule:
    """The schedule of that name. Raises NotFoundError."""
    query = sa.select(*_COLUMNS).where(schedules.c.organization_id == organization_id, schedules.c.name == name)
    return _found(connection, query, name)


def change_schedule(
    connection: sa.Connection,
    organization_id: UUID,
    schedule_id: UUID,
    changes: ScheduleChanges,
    *,
    check: Check = accept,
) -> Schedule:
    """Let it come at another interval or priority, rest, or go on: then it is due at once if its time has passed.

    Raises NotFoundError, InputError.
    """
    present = _found(connection, _own(organization_id, schedule_id).with_for_update(), str(schedule_id))
    check(present)
    if "every_seconds" in changes:
        _require_interval(changes["every_seconds"])
    if not changes:
        return present
    changing = (
        sa.update(schedules)
        .where(schedules.c.organization_id == organization_id, schedules.c.id == schedule_id)
        .values(updated_at=sa.func.now(), **changes)
    )
    found = Schedule(*connection.execute(changing.returning(*_COLUMNS)).one())
    record(connection, Act("schedule_changed", "UPDATE", "schedule", found.id, found.name, request=dict(changes)))
    return found


def remove_schedule(
    connection: sa.Connection, organization_id: UUID, schedule_id: UUID, *, check: Check = accept
) -> Schedule:
    """Have no more jobs enqueued by it; those that are stay. Raises NotFoundError."""
    found = _found(connection, _own(organization_id, schedule_id).with_for_update(), str(schedule_id))
    check(found)
    connection.execute(
        sa.delete(schedules).where(schedules.c.organization_id == organization_id, schedules.c.id == schedule_id)
    )
    record(connection, Act("schedule_removed", "DELETE", "schedule", found.id, found.name))
    return found


def enqueue_due(database: Database) -> int:
    """Enqueue what is due, each in its organization's own name; how many jobs. For runners, every few seconds."""
    with database.transaction(None, RUNNER) as connection:
        due = connection.execute(_DUE, {"most": MOST_AT_ONCE}).all()
    return sum(_enqueue(database, *row) for row in due)


def _enqueue(database: Database, organization_id: UUID, schedule_id: UUID, user_id: UUID | None) -> int:
    with database.transaction(TenantContext(organization_id, user_id)) as connection:
        named = {"organization": organization_id, "schedule": schedule_id}
        row = connection.execute(_TAKE, named).one_or_none()
        if row is None:
            return 0  # another runner was quicker
        job = None
        if not row.still_at_it:
            job = enqueue(connection, organization_id, NewJob(row.kind, row.parameters, row.queue, row.priority)).id
        connection.execute(_MOVE_ON, named | {"job": job})
        return int(job is not None)


def _own(organization_id: UUID, schedule_id: UUID) -> sa.Select[Any]:
    return sa.select(*_COLUMNS).where(schedules.c.organization_id == organization_id, schedules.c.id == schedule_id)


def _found(connection: sa.Connection, query: sa.Select[Any], what: str) -> Schedule:
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError("no such schedule", where=what, remedy="list the schedules for those there are")
    return Schedule(*row)


def _require_interval(seconds: int) -> None:
    if not LEAST_EVERY_SECONDS <= seconds <= LONGEST_EVERY_SECONDS:
        raise InputError(f"{seconds} seconds are no interval", where="every", remedy="between a minute and a year")


_COLUMNS: Final = tuple(schedules.c[name] for name in Schedule.__slots__)
_DUE: Final = sa.text("""
SELECT organization_id, id, user_id FROM schedules WHERE is_active AND next_at <= now() ORDER BY next_at LIMIT :most
""")
_TAKE: Final = sa.text("""
SELECT kind, parameters, queue, priority,
       EXISTS (SELECT FROM jobs WHERE jobs.organization_id = schedules.organization_id
               AND jobs.id = schedules.last_job_id AND jobs.status IN ('pending', 'running')) AS still_at_it
FROM schedules
WHERE organization_id = :organization AND id = :schedule AND is_active AND next_at <= now()
FOR UPDATE SKIP LOCKED
""")
_MOVE_ON: Final = sa.text("""
UPDATE schedules SET last_job_id = coalesce(CAST(:job AS uuid), last_job_id), updated_at = now(),
    next_at = next_at + make_interval(secs => every_seconds
        * (floor(extract(epoch FROM now() - next_at) / every_seconds) + 1))
WHERE organization_id = :organization AND id = :schedule
""")
