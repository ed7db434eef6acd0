"""What an analysis leaves between its nodes, and what is told of it to others."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.kernel.schema import index, metadata, moment, now, number, one_of, reference, required, tenant_table, text

CALLBACK_STATES: Final = ("pending", "delivered", "failed")


# What a node gave, in parts of some megabytes: frames as Arrow IPC, the rest as JSON. Gone when the analysis is over.
analysis_intermediates: Final = sa.Table(
    "analysis_intermediates",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    reference("analysis_session_id"),
    required("name"),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    now("created_at"),
    sa.PrimaryKeyConstraint("organization_id", "analysis_session_id", "name", "part"),
)

# LangGraph's checkpoints, as langgraph-checkpoint-postgres makes them, but that each is an organization's.
checkpoints: Final = sa.Table(
    "checkpoints",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    required("thread_id"),
    required("checkpoint_ns", ""),
    required("checkpoint_id"),
    text("parent_checkpoint_id"),
    text("type"),
    sa.Column("checkpoint", pg.JSONB, nullable=False),
    sa.Column("metadata", pg.JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    sa.PrimaryKeyConstraint("organization_id", "thread_id", "checkpoint_ns", "checkpoint_id"),
)

checkpoint_blobs: Final = sa.Table(
    "checkpoint_blobs",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    required("thread_id"),
    required("checkpoint_ns", ""),
    required("channel"),
    required("version"),
    required("type"),
    sa.Column("blob", sa.LargeBinary),
    sa.PrimaryKeyConstraint("organization_id", "thread_id", "checkpoint_ns", "channel", "version"),
)

checkpoint_writes: Final = sa.Table(
    "checkpoint_writes",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    required("thread_id"),
    required("checkpoint_ns", ""),
    required("checkpoint_id"),
    required("task_id"),
    required("task_path", ""),
    sa.Column("idx", sa.Integer, nullable=False),
    required("channel"),
    text("type"),
    sa.Column("blob", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("organization_id", "thread_id", "checkpoint_ns", "checkpoint_id", "task_id", "idx"),
)

# That an analysis is over is told once to the address that its caller named; how that went.
analysis_callbacks: Final = tenant_table(
    "analysis_callbacks",
    reference("analysis_session_id"),
    required("url"),
    required("status", "pending"),
    number("attempts", 0),
    number("response_status"),
    text("reason"),
    moment("sending_since"),  # of a message that goes out just now, or did when its process died
    moment("delivered_at"),
    reference("job_id", optional=True),
    one_of("status", CALLBACK_STATES),
    sa.UniqueConstraint("organization_id", "analysis_session_id"),
    index("status"),
)

# What callbacks are signed with, sealed by the installation's secret. The one before goes on being used for a day.
webhook_secrets: Final = tenant_table(
    "webhook_secrets",
    sa.Column("secret", sa.LargeBinary, nullable=False),
    moment("retired_at"),
    index("created_at"),
    changing=False,
)
