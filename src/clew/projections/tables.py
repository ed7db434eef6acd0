"""The books of the projections: epochs of the feed, positions and health of each view, and rows set aside."""

from typing import Final

import sqlalchemy as sa

from clew.kernel.schema import metadata, moment, now, number, one_of, reference, required, text

STATES: Final = ("building", "ready", "rebuild")

feed_epochs: Final = sa.Table(
    "feed_epochs",
    metadata,
    sa.Column("number", sa.BigInteger, sa.Identity(always=True), nullable=False),
    sa.Column("epoch", sa.Uuid, nullable=False, server_default=sa.text("gen_random_uuid()")),
    required("reason"),
    now("started_at"),
    sa.PrimaryKeyConstraint("number"),
    sa.UniqueConstraint("epoch"),
)

# Of the whole installation, not of a tenant: only the projector's role may read it. `position` lags behind the one
# that is stored with the view; `intended_token` is written before each of the view's commits, `token` after it.
projections: Final = sa.Table(
    "projections",
    metadata,
    sa.Column("name", sa.Text, nullable=False),
    required("adapter"),
    sa.Column("schema_version", sa.Integer, nullable=False),
    required("status", "building"),
    text("reason"),
    required("position", ""),
    required("token", ""),
    required("intended_token", ""),
    number("rows", 0, big=True),
    number("changes_applied", 0, big=True),
    number("errors", 0, big=True),
    text("last_error"),
    moment("last_error_at"),
    moment("built_at"),
    moment("caught_up_at"),
    now("created_at"),
    now("updated_at"),
    sa.PrimaryKeyConstraint("name"),
    one_of("status", STATES),
)

projection_failures: Final = sa.Table(
    "projection_failures",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    required("projection"),
    required("table_name"),
    reference("row_id"),
    required("reason"),
    number("attempts", 1),
    now("created_at"),
    now("updated_at"),
    sa.PrimaryKeyConstraint("organization_id", "projection", "table_name", "row_id"),
)

# How far the counts of events (clew.projections.series) are: committed with the rows it speaks of.
series_state: Final = sa.Table(
    "series_state",
    metadata,
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("schema_version", sa.Integer, nullable=False),
    required("position"),
    sa.PrimaryKeyConstraint("name"),
)

# Vectors that an endpoint was paid for, as little-endian binary16, by the content they were made of.
embedding_cache: Final = sa.Table(
    "embedding_cache",
    metadata,
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    required("model"),
    required("content_hash"),
    sa.Column("embedding", sa.LargeBinary, nullable=False),
    now("used_at"),
    sa.PrimaryKeyConstraint("organization_id", "model", "content_hash"),
)

# What embedding cost, a row for each day (UTC) and model.
embedding_costs: Final = sa.Table(
    "embedding_costs",
    metadata,
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    moment("day", nullable=False),
    required("model"),
    number("requests", 0, big=True),
    number("texts", 0, big=True),
    number("tokens", 0, big=True),
    sa.Column("usd", sa.Numeric(14, 6), nullable=False, server_default=sa.text("0")),
    sa.PrimaryKeyConstraint("organization_id", "day", "model"),
)
