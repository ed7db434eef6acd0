"""Jobs, as rows: what is to be done, who is at it, how far it is, and what came of it; and those that come again."""

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

DEFAULT_QUEUE: Final = "celery"
"""Where jobs go that name no queue: what Celery calls it by itself, so that its workers need not be told."""
QUEUES: Final = (DEFAULT_QUEUE, "analysis", "enrichment", "projections", "reports")
STATES: Final = ("pending", "running", "completed", "failed", "cancelled")

_WAITING: Final = sa.text("status = 'pending'::text")
_RUNNING: Final = sa.text("status = 'running'::text")

jobs: Final = tenant_table(
    "jobs",
    reference("user_id", optional=True),
    required("kind"),
    required("queue", DEFAULT_QUEUE),
    number("priority", 5),
    required("status", "pending"),
    json_object("parameters"),
    text("step"),
    number("bytes_done", 0, big=True),
    sa.Column("bytes_total", sa.BigInteger),
    number("records_done", 0, big=True),
    sa.Column("records_total", sa.BigInteger),
    json_object("result", empty=False),
    json_object("error", empty=False),
    number("attempts", 0),
    number("max_attempts", 5),
    sa.Column("run_after", TIMESTAMP, nullable=False, server_default=sa.func.now()),
    reference("claim_id", optional=True),
    moment("heartbeat_at"),
    moment("cancel_requested_at"),
    moment("sent_at"),
    moment("started_at"),
    moment("completed_at"),
    one_of("queue", QUEUES),
    one_of("status", STATES),
    sa.CheckConstraint("priority BETWEEN 1 AND 10", name="priority"),
    sa.CheckConstraint("(status = 'running') = (claim_id IS NOT NULL)", name="claim"),
    belongs_to("user_id", "users", on_delete="SET NULL"),
    index("status", "run_after"),
    # Of all organizations, as the runner looks for them: what waits, in order, and what may have been left lying.
    sa.Index("jobs_waiting_idx", sa.text("priority DESC"), "run_after", "id", postgresql_where=_WAITING),
    sa.Index("jobs_running_idx", "heartbeat_at", postgresql_where=_RUNNING),
)

LEAST_EVERY_SECONDS: Final = 60

schedules: Final = tenant_table(
    "schedules",
    reference("user_id", optional=True),
    required("name"),
    required("kind"),
    required("queue", DEFAULT_QUEUE),
    number("priority", 5),
    json_object("parameters"),
    sa.Column("every_seconds", sa.Integer, nullable=False),
    sa.Column("next_at", TIMESTAMP, nullable=False),
    reference("last_job_id", optional=True),
    flag("is_active", default=True),
    one_of("queue", QUEUES),
    sa.CheckConstraint("priority BETWEEN 1 AND 10", name="priority"),
    sa.CheckConstraint("every_seconds > 0", name="every"),
    belongs_to("user_id", "users", on_delete="SET NULL"),
    belongs_to("last_job_id", "jobs", on_delete="SET NULL"),
    sa.UniqueConstraint("organization_id", "name"),
    sa.Index("schedules_due_idx", "next_at", postgresql_where=sa.text("is_active")),
)
