"""The organization's secret, which its callbacks are signed with: sealed in the database, shown once.

Made and signed as Standard Webhooks (standardwebhooks.com, v1) say: a secret of 32 random bytes is written as `whsec_`
and base64; what is signed is `id.timestamp.body`, with HMAC-SHA-256. A secret that was renewed goes on being used for a
day beside the new one, so that nobody who checks has to change over in the same second.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from clew.domains.analyses.tables import webhook_secrets
from clew.kernel.clock import Clock, system_clock
from clew.kernel.errors import NotFoundError
from clew.kernel.ids import IdMaker, new_id
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.sealing import Sealer
from clew.kernel.settings import Settings
from clew.records.acts import ConfigurationChange, record_configuration

PREFIX: Final = "whsec_"
BOTH_HOLD: Final = timedelta(days=1)
_BYTES: Final = 32
_COMPONENT: Final = "webhook_secrets"


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """What is known of the secret in force: by its fingerprint it is known again, and tells nothing about it."""

    id: UUID
    created_at: datetime
    fingerprint: str


def sealer_of(settings: Settings) -> Sealer:
    """What seals secrets of callbacks."""
    secret = InstallationSecret.of(settings)
    return Sealer(secret.key("webhook secrets"), secret.where)


def has_secret(connection: sa.Connection, organization_id: UUID) -> bool:
    """Whether one is in force."""
    query = sa.select(sa.literal(1)).where(
        webhook_secrets.c.organization_id == organization_id, webhook_secrets.c.retired_at.is_(None)
    )
    return connection.scalar(query.limit(1)) is not None


def read_secret(connection: sa.Connection, organization_id: UUID, sealer: Sealer) -> WebhookSecret:
    """What is known of the one in force. Raises NotFoundError."""
    query = sa.select(webhook_secrets).where(
        webhook_secrets.c.organization_id == organization_id, webhook_secrets.c.retired_at.is_(None)
    )
    row = connection.execute(query.order_by(webhook_secrets.c.created_at.desc()).limit(1)).mappings().one_or_none()
    if row is None:
        raise NotFoundError("callbacks have no secret", remedy="make one: `clew org webhook-secret --renew`")
    return WebhookSecret(row["id"], row["created_at"], _fingerprint(_opened(sealer, row)))


def renew_secret(
    connection: sa.Connection,
    organization_id: UUID,
    sealer: Sealer,
    *,
    clock: Clock = system_clock,
    ids: IdMaker = new_id,
) -> str:
    """Make a new one, which is shown this once; the one before is used for another day."""
    secret, identifier, now = secrets.token_bytes(_BYTES), ids(), clock()
    retired = connection.execute(
        sa.update(webhook_secrets)
        .where(webhook_secrets.c.organization_id == organization_id, webhook_secrets.c.retired_at.is_(None))
        .values(retired_at=now)
    ).rowcount
    connection.execute(
        sa.insert(webhook_secrets).values(
            organization_id=organization_id,
            id=identifier,
            secret=sealer.seal(secret, _place(organization_id, identifier)),
            created_at=now,
        )
    )
    connection.execute(
        sa.delete(webhook_secrets).where(
            webhook_secrets.c.organization_id == organization_id, webhook_secrets.c.retired_at < now - BOTH_HOLD
        )
    )
    told = {"fingerprint": _fingerprint(secret)}
    record_configuration(
        connection, ConfigurationChange(_COMPONENT, "UPDATE" if retired else "CREATE", "secret", None, told)
    )
    return PREFIX + base64.b64encode(secret).decode("ascii")


def remove_secrets(connection: sa.Connection, organization_id: UUID) -> None:
    """Keep none: callbacks that wait fail, and no analysis may ask for one. Raises NotFoundError if there is none."""
    gone = connection.execute(
        sa.delete(webhook_secrets).where(webhook_secrets.c.organization_id == organization_id)
    ).rowcount
    if not gone:
        raise NotFoundError("callbacks have no secret", remedy="there is nothing to remove")
    record_configuration(connection, ConfigurationChange(_COMPONENT, "DELETE", "secret"))


def secrets_in_force(
    connection: sa.Connection, organization_id: UUID, sealer: Sealer, *, clock: Clock = system_clock
) -> Sequence[bytes]:
    """Those to sign with, the newest first."""
    query = sa.select(webhook_secrets).where(
        webhook_secrets.c.organization_id == organization_id,
        sa.or_(webhook_secrets.c.retired_at.is_(None), webhook_secrets.c.retired_at > clock() - BOTH_HOLD),
    )
    rows = connection.execute(query.order_by(webhook_secrets.c.created_at.desc())).mappings()
    return [_opened(sealer, row) for row in rows]


def signatures(keys: Sequence[bytes], identifier: str, timestamp: int, body: bytes) -> str:
    """The value of the header webhook-signature: one for each secret in force."""
    signed = f"{identifier}.{timestamp}.".encode() + body
    made = (hmac.new(key, signed, hashlib.sha256).digest() for key in keys)
    return " ".join(f"v1,{base64.b64encode(each).decode('ascii')}" for each in made)


def _opened(sealer: Sealer, row: sa.RowMapping) -> bytes:
    return sealer.open(row["secret"], _place(row["organization_id"], row["id"]))


def _place(organization_id: UUID, identifier: UUID) -> str:
    return f"webhook_secrets.secret:{organization_id}:{identifier}"


def _fingerprint(secret: bytes) -> str:
    return hashlib.sha256(b"clew webhook secret\0" + secret).hexdigest()[:16]
