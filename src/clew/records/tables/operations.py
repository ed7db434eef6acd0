"""What keeps the record honest: rejected records, and the log of changes that projections follow."""

from typing import Final

import sqlalchemy as sa

from clew.kernel.schema import (
    index,
    json_object,
    metadata,
    now,
    number,
    one_of,
    reference,
    required,
    tenant_table,
)

QUARANTINE_STATES: Final = ("held", "retried", "dropped")

# content is cut at 64 KiB; byte_length is the whole, which stays in the stored file at byte_offset.
quarantine: Final = tenant_table(
    "quarantine",
    reference("collection_item_id"),
    required("file_name"),
    required("source"),
    number("record", big=True),
    number("line", big=True),
    number("byte_offset", big=True),
    number("byte_length", big=True),
    required("reason"),
    required("detail"),
    sa.Column("content", sa.LargeBinary, nullable=False),
    required("status", "held"),
    number("attempts", 0),
    one_of("status", QUARANTINE_STATES),
    index("collection_item_id", "line"),
    index("status", "reason"),
)

# One row per row that really changed, one per batch of events. A reader's position is (epoch, snapshot): see
# clew.projections.feed; `sequence` only orders rows within a transaction. The index on xid is the one that does not
# lead with the organization: the projector follows all of them.
changes: Final = sa.Table(
    "changes",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    sa.Column("sequence", sa.BigInteger, sa.Identity(always=True), nullable=False),
    sa.Column("xid", sa.BigInteger, nullable=False, server_default=sa.text("pg_current_xact_id()::text::bigint")),
    required("table_name"),
    required("operation"),
    reference("row_id", optional=True),
    json_object("batch", empty=False),
    now("created_at"),
    sa.PrimaryKeyConstraint("organization_id", "sequence"),
    sa.Index("changes_xid_sequence_idx", "xid", "sequence"),
    one_of("operation", ("insert", "update", "delete", "batch", "drop")),
)
