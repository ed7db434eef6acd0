"""How far an organization's trail is sealed, without proving it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from clew.domains.audit.chain import Keys
from clew.kernel.database import Database, TenantContext
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.roles import AUDITOR

_LAST: Final = sa.text(
    "SELECT number, rows_before + rows AS rows, sealed_at FROM audit.seals"
    " WHERE organization_id = :organization ORDER BY number DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class SealedState:
    """Seals so far, the rows they cover, when the last was made, and the public key that its signature is checked with.

    `public_key` is 64 hexadecimal digits (Ed25519).
    """

    seals: int
    rows: int
    sealed_at: datetime | None
    public_key: str


def sealed_state(database: Database, organization_id: UUID) -> SealedState:
    """How far the trail of that organization is sealed. Raises ConfigurationError without the secret."""
    public_key = Keys(InstallationSecret.of(database.settings)).public_hex
    with database.transaction(TenantContext(organization_id), AUDITOR) as connection:
        last = connection.execute(_LAST, {"organization": organization_id}).one_or_none()
    if last is None:
        return SealedState(0, 0, None, public_key)
    return SealedState(last.number, last.rows, last.sealed_at, public_key)
