"""Giving up what nobody wants any more: uploads that were not continued, and bytes that are in the record by now."""

import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from clew.domains.identity.service import list_organizations
from clew.domains.uploads.staging import Staging, UploadBusyError
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database, TenantContext
from clew.kernel.errors import NotFoundError

ORPHAN_SECONDS: Final = 86_400.0

_EXPIRE: Final = sa.text("""
UPDATE uploads SET status = 'expired', updated_at = now() WHERE status = 'receiving' AND expires_at < :now RETURNING id
""")
# Bytes stay while a job may still read them: one that failed can be retried until the upload expires.
_UNWANTED: Final = sa.text("""
SELECT uploads.id FROM uploads LEFT JOIN jobs ON jobs.organization_id = uploads.organization_id AND jobs.id = job_id
WHERE is_kept AND (uploads.status IN ('cancelled', 'expired')
    OR uploads.status = 'completed' AND (jobs.status = 'completed' OR uploads.expires_at < :now AND
                                         (jobs.status IS NULL OR jobs.status IN ('failed', 'cancelled'))))
""")
_GONE: Final = sa.text("UPDATE uploads SET is_kept = false, updated_at = now() WHERE id = ANY(CAST(:ids AS uuid[]))")
_KNOWN: Final = sa.text("SELECT id FROM uploads WHERE is_kept")


@dataclass(frozen=True, slots=True)
class Swept:
    """How many uploads expired, how many files were removed, and how many of those belonged to no upload."""

    expired: int
    removed: int
    orphans: int


def sweep(database: Database, *, clock: Clock = system_clock, orphan_seconds: float = ORPHAN_SECONDS) -> Swept:
    """One round over all organizations; by several processes at once no harm. Raises DatabaseUnavailableError."""
    staging = Staging.of(database.settings)
    present: dict[UUID, dict[UUID, float]] = {}
    for organization_id, upload, changed in staging.present():
        present.setdefault(organization_id, {})[upload] = changed
    expired = removed = 0
    known: set[tuple[UUID, UUID]] = set()
    for organization in list_organizations(database):
        with database.transaction(TenantContext(organization.id)) as connection:
            expired += len(connection.execute(_EXPIRE, {"now": clock()}).all())
            unwanted = list(connection.scalars(_UNWANTED, {"now": clock()}))
        gone = [upload for upload in unwanted if _remove(staging, organization.id, upload)]
        removed += len(gone)
        with database.transaction(TenantContext(organization.id)) as connection:
            if gone:
                connection.execute(_GONE, {"ids": gone})
            known |= {(organization.id, upload) for upload in connection.scalars(_KNOWN)}
    orphans = _remove_orphans(staging, present, known, orphan_seconds)
    return Swept(expired, removed + orphans, orphans)


def _remove(staging: Staging, organization_id: UUID, upload: UUID) -> bool:
    try:
        with staging.appending(organization_id, upload):
            staging.remove(organization_id, upload)
    except UploadBusyError:
        return False  # the request at it notices soon that the upload is over
    except NotFoundError:
        return True
    return True


def _remove_orphans(
    staging: Staging, present: dict[UUID, dict[UUID, float]], known: set[tuple[UUID, UUID]], seconds: float
) -> int:
    """Remove files that a crash left without a row. Young ones may belong to a transaction that is not over yet."""
    removed = 0
    for organization_id, files in present.items():
        for upload, changed in files.items():
            if (organization_id, upload) not in known and time.time() - changed > seconds:
                removed += _remove(staging, organization_id, upload)
    return removed
