"""Files on their way into the record. What of them has arrived lies beside the database, named by the row's id."""

from typing import Final

import sqlalchemy as sa

from clew.kernel.schema import (
    TIMESTAMP,
    belongs_to,
    flag,
    index,
    json_object,
    moment,
    number,
    one_of,
    reference,
    required,
    tenant_table,
    text,
)

STATES: Final = ("receiving", "completed", "cancelled", "expired")

uploads: Final = tenant_table(
    "uploads",
    reference("user_id", optional=True),
    required("file_name"),
    required("status", "receiving"),
    sa.Column("size_bytes", sa.BigInteger),
    number("received_bytes", 0, big=True),
    text("sha256"),
    json_object("expected_digests"),
    json_object("options"),
    reference("job_id", optional=True),
    flag("is_kept", default=True),
    sa.Column("expires_at", TIMESTAMP, nullable=False),
    moment("completed_at"),
    one_of("status", STATES),
    sa.CheckConstraint(
        "received_bytes >= 0 AND received_bytes <= coalesce(size_bytes, received_bytes)", name="received"
    ),
    belongs_to("user_id", "users", on_delete="SET NULL"),
    belongs_to("job_id", "jobs", on_delete="SET NULL"),
    index("status"),
    sa.Index("uploads_kept_idx", "organization_id", "expires_at", postgresql_where=sa.text("is_kept")),
)
