"""What was collected: sources, collections, the items they hold, and how far each file has been loaded."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.kernel.schema import (
    belongs_to,
    flag,
    fraction,
    index,
    json_object,
    metadata,
    moment,
    now,
    number,
    one_of,
    reference,
    required,
    tenant_table,
    text,
)

COLLECTOR_TYPES: Final = ("social_media", "domain_intel", "public_db", "news", "dark_web", "custom")
RUN_STATES: Final = ("pending", "running", "completed", "failed", "cancelled")

sources: Final = tenant_table(
    "sources",
    required("name"),
    required("source_type"),
    text("base_url"),
    sa.Column("credentials", sa.LargeBinary),  # encrypted
    json_object("config"),
    number("rate_limit", 60),
    flag("is_active", default=True),
    fraction("reliability_score"),
    sa.UniqueConstraint("organization_id", "name"),
    index("source_type"),
    index("is_active"),
)

collections: Final = tenant_table(
    "collections",
    reference("user_id"),
    required("name"),
    text("description"),
    required("collector_type"),
    json_object("config"),
    json_object("schedule", empty=False),
    required("status", "pending"),
    sa.Column("progress", sa.Numeric(5, 2), nullable=False, server_default=sa.text("0")),
    number("items_collected", 0),
    text("error_message"),
    moment("started_at"),
    moment("completed_at"),
    one_of("collector_type", COLLECTOR_TYPES),
    one_of("status", RUN_STATES),
    belongs_to("user_id", "users"),
    index("user_id"),
    index("status"),
    index("collector_type"),
    index("created_at", "id"),
)

# raw_data of a file: its name, digest and size; of a result row: the row. parent_id and line place a row in its file.
collection_items: Final = tenant_table(
    "collection_items",
    reference("collection_id"),
    reference("source_id", optional=True),
    json_object("raw_data"),
    text("item_type"),
    sa.Column("hash", sa.CHAR(64), nullable=False),
    flag("is_processed", default=False),
    now("collected_at"),
    reference("parent_id", optional=True),
    text("file_name"),
    number("line", big=True),
    belongs_to("collection_id", "collections"),
    index("collection_id"),
    index("source_id"),
    index("is_processed"),
    index("hash"),
    index("parent_id", postgresql_where=sa.text("parent_id IS NOT NULL")),
    partition_by="collected_at",
    changing=False,
    bulk=True,
)

# The one place where an item's content is unique over all partitions, and where an item is found by its id.
collection_item_hashes: Final = sa.Table(
    "collection_item_hashes",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    sa.Column("hash", sa.CHAR(64), nullable=False),
    sa.Column("collection_item_id", sa.Uuid, nullable=False),
    now("collected_at"),
    sa.PrimaryKeyConstraint("organization_id", "hash"),
    index("collection_item_id"),
)

# Every file and line where a result row stands: equal rows are one item, whose parent_id names only the first file.
collection_item_places: Final = sa.Table(
    "collection_item_places",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    reference("collection_item_id"),
    reference("file_id"),
    sa.Column("line", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization_id", "collection_item_id", "file_id", "line"),
    index("file_id"),
)

# How far a file has been read, committed together with the rows it gave: what makes a load resumable and countable.
ingest_files: Final = tenant_table(
    "ingest_files",
    reference("collection_item_id"),
    required("file_name"),
    required("digest"),
    number("size_bytes", 0, big=True),
    required("source"),
    required("variant"),
    required("framing"),
    number("reader_version", 0),
    required("settings", "{}"),
    required("status", "running"),
    number("position_offset", 0, big=True),
    number("position_line", 1, big=True),
    number("position_record", 0, big=True),
    required("position_state", ""),
    json_object("counts"),
    number("entities_new", 0),
    number("relationships_new", 0),
    number("posts_new", 0),
    json_object("by_reason"),
    sa.Column("warnings", pg.JSONB, nullable=False, server_default=sa.text("'[]'::jsonb")),
    moment("completed_at"),
    one_of("status", ("running", "completed")),
    sa.UniqueConstraint("organization_id", "collection_item_id", "source", "reader_version", "settings"),
)
