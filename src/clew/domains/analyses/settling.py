"""Ends what nobody works on any more: analyses and callbacks whose jobs ended without them.

A job ends beside its handler where somebody cancels it while it waits, or where its runner died as often as it may.
Then the analysis ends as its job did, so that none says for ever that it is being worked on.
"""

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.domains.analyses.callbacks import UNKNOWN
from clew.domains.identity.service import list_organizations
from clew.kernel.database import Database
from clew.kernel.lazily import lazily
from clew.kernel.transactions import TenantContext, driver_connection

if TYPE_CHECKING:
    from clew.domains.analyses import ending
else:
    ending = lazily("clew.domains.analyses.ending")

_LEFT: Final = sa.text("""
SELECT s.id, j.status, j.error FROM analysis_sessions AS s
LEFT JOIN jobs AS j ON j.organization_id = s.organization_id AND j.id = s.job_id
WHERE s.organization_id = :organization AND s.status IN ('queued', 'processing') AND s.job_id IS NOT NULL
  AND (j.id IS NULL OR j.status IN ('completed', 'failed', 'cancelled'))
ORDER BY s.id
""")
_CALLBACKS: Final = sa.text("""
UPDATE analysis_callbacks AS c
SET status = 'failed', updated_at = now(), sending_since = NULL,
    reason = coalesce(replace(:unknown, '{}', to_char(c.sending_since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')),
                      c.reason,
                      (SELECT j.error ->> 'message' FROM jobs AS j
                       WHERE j.organization_id = c.organization_id AND j.id = c.job_id),
                      'its job was cancelled or is gone')
WHERE c.organization_id = :organization AND c.status = 'pending' AND NOT EXISTS (
    SELECT 1 FROM jobs AS j WHERE j.organization_id = c.organization_id AND j.id = c.job_id
        AND j.status IN ('pending', 'running'))
""")


def settle_all(database: Database) -> int:
    """Settle what is left in every organization; how many analyses that were."""
    return sum(settle(database, each.id) for each in list_organizations(database))


def settle(database: Database, organization_id: UUID) -> int:
    """End the organization's analyses and callbacks whose jobs are over or gone; how many analyses that were."""
    with database.transaction(TenantContext(organization_id)) as connection:
        left = connection.execute(_LEFT, {"organization": organization_id}).all()
        for identifier, status, error in left:
            ended = "cancelled" if status == "cancelled" else "failed"
            ending.end(driver_connection(connection), organization_id, identifier, ended, _reason(ended, error))
        connection.execute(_CALLBACKS, {"organization": organization_id, "unknown": UNKNOWN})
    return len(left)


def _reason(status: str, error: dict[str, Any] | None) -> dict[str, Any]:
    if status == "cancelled":
        return {}
    if not error:
        return {"error": "its job ended without it", "code": "job_gone"}
    return {"error": error.get("message"), "code": error.get("code"), "remedy": error.get("remedy")}
