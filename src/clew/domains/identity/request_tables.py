"""Answers to requests that carry an Idempotency-Key, kept for a day."""

from typing import Final

import sqlalchemy as sa

from clew.kernel.schema import index, metadata, now, number, reference, required

# `caller` is a user or an API key: one caller's keys are nobody else's. The answer is encrypted, because it may hold
# what is shown once; the digests are keyed, because a request may hold what can be guessed.
idempotency_keys: Final = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    reference("caller"),
    required("key"),
    sa.Column("request_digest", sa.LargeBinary, nullable=False),
    number("response_status"),
    sa.Column("response", sa.LargeBinary),
    now("created_at"),
    sa.PrimaryKeyConstraint("organization_id", "caller", "key"),
    index("created_at"),
)
