"""What a record needs that was taken back to an earlier moment: a new epoch, its views anew, and no open doors."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from clew.domains.audit.service import seal_now
from clew.domains.audit.taking_back import take_back_checkpoints
from clew.domains.backups.catalogue import Backup
from clew.domains.identity.service import list_organizations
from clew.domains.identity.sessions import revoke_sessions
from clew.domains.identity.sign_in_tables import sessions
from clew.domains.jobs.service import hold_jobs
from clew.kernel.database import Database, TenantContext
from clew.kernel.roles import PROJECTOR
from clew.kernel.transactions import driver_connection
from clew.projections import feed
from clew.projections.service import catch_up
from clew.records.acts import INSTALLATION, Act, record

_REASON: Final = "restored"
_HELD: Final = {
    "code": "record_restored",
    "message": "the record was taken back to a second at which this job was not over",
    "where": None,
    "remedy": "it may have been done since: have it done again with `clew jobs retry` if that does no harm",
}


@dataclass(frozen=True, slots=True)
class Renewed:
    """What was renewed: the feed's new epoch, how many sessions were ended and jobs held, whether the views follow."""

    at: datetime | None
    epoch: str
    sessions_ended: int
    jobs_held: int
    checkpoints_taken_back: bool
    views: bool

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"at": self.at.isoformat() if self.at else None}


def renew(database: Database, backup: Backup, at: datetime | None, observe: Callable[[str], None]) -> Renewed:
    """Begin a new epoch, end all sessions, hold jobs, tell the trail, and make the views anew.

    Sessions that were ended since would be open again: all are ended. Jobs that waited or ran at a second in the past
    may have been done since, outside the record too: none is done again unless somebody asks for it. Raises
    DatabaseUnavailableError.
    """
    taken_back = take_back_checkpoints(database)
    reason = f"restored from backup {backup.name}" + (f" as of {at.astimezone(UTC).isoformat()}" if at else "")
    with database.transaction(None, PROJECTOR) as connection:
        epoch = feed.start_epoch(driver_connection(connection), reason)
    ended = held = 0
    for organization in list_organizations(database):
        with database.transaction(TenantContext(organization.id)) as connection:
            ended += _end_sessions(connection, organization.id)
            held += hold_jobs(connection, organization.id, _HELD) if at is not None else 0
    with database.transaction(TenantContext(INSTALLATION)) as connection:
        told = {
            "backup": backup.name,
            "at": at.isoformat() if at else None,
            "epoch": str(epoch),
            "sessions_ended": ended,
            "jobs_held": held,
        }
        record(connection, Act("record_restored", "UPDATE", "record", request=told))
    seal_now(database)
    observe("making the views anew")
    views = database.settings.search == "none" or catch_up(database) is not None
    return Renewed(at, str(epoch), ended, held, taken_back, views)


def _end_sessions(connection: sa.Connection, organization_id: Any) -> int:
    users = connection.scalars(
        sa.select(sessions.c.user_id)
        .where(sessions.c.organization_id == organization_id, sessions.c.revoked_at.is_(None))
        .distinct()
    ).all()
    return sum(revoke_sessions(connection, organization_id, user, reason=_REASON) for user in users)
