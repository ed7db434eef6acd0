"""What happened: events as the logs tell them, and the attack sessions they add up to."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.kernel.schema import (
    flag,
    index,
    json_object,
    metadata,
    moment,
    number,
    reference,
    required,
    tenant_table,
    text,
)

# An event is identified by its organization, source and bytes, so a log loaded twice, or in other pieces, adds
# nothing. item_id and line say where its bytes are: the file is kept once, compressed. The key is the only index: the
# events of a session lie between its start and end, and every further index would make loading slower as it grows.
events: Final = tenant_table(
    "events",
    sa.Column("occurred_at", sa.TIMESTAMP(timezone=True), nullable=False),
    required("source"),
    required("kind"),
    reference("item_id"),
    number("line", big=True),
    reference("session_id", optional=True),
    sa.Column("source_ip", pg.INET),
    number("source_port"),
    sa.Column("destination_ip", pg.INET),
    number("target_port"),
    text("protocol"),
    text("sensor"),
    text("payload"),
    json_object("properties", empty=False),
    flag("impossible_time", default=False),
    partition_by="occurred_at",
    changing=False,
    bulk=True,
)

# Exact repeats of an event within one file: provenance, not facts, so splitting a file may change them.
event_repeats: Final = sa.Table(
    "event_repeats",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    sa.Column("item_id", sa.Uuid, nullable=False),
    sa.Column("event_id", sa.Uuid, nullable=False),
    number("occurrences", 1),
    sa.PrimaryKeyConstraint("organization_id", "item_id", "event_id"),
)

# `activity` lists what the other side sent as [microseconds, event id, text], in that order: two parts of a session
# that arrive apart merge by uniting it, and payload and payload_hash follow from it.
attack_sessions: Final = tenant_table(
    "attack_sessions",
    reference("analysis_session_id", optional=True),
    text("elasticsearch_id"),
    sa.Column("source_ip", pg.INET, nullable=False),
    number("source_port"),
    sa.Column("destination_ip", pg.INET),
    sa.Column("timestamp", sa.TIMESTAMP(timezone=True), nullable=False),
    moment("ended_at", nullable=False),
    required("payload", ""),
    sa.Column("payload_hash", sa.CHAR(64), nullable=False),
    number("target_port"),
    text("protocol"),
    text("attack_type"),
    text("honeypot_id"),
    required("source"),
    required("session_key"),
    text("client"),
    text("fingerprint"),
    number("event_count", 0),
    number("login_failures", 0),
    number("login_successes", 0),
    json_object("activity", empty=False),
    json_object("observed", empty=False),
    sa.CheckConstraint("target_port BETWEEN 1 AND 65535", name="target_port"),
    # The key itself serves the timestamp; the two below are empty until an analysis or a search engine fills them.
    index("analysis_session_id", postgresql_where=sa.text("analysis_session_id IS NOT NULL")),
    index("source_ip"),
    index("elasticsearch_id", postgresql_where=sa.text("elasticsearch_id IS NOT NULL")),
    index("payload_hash"),
    partition_by="timestamp",
    changing=True,
    bulk=True,
)

# A session is identified by its source's own key; its start, which places it in a partition, may be learned later.
attack_session_keys: Final = sa.Table(
    "attack_session_keys",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    sa.Column("id", sa.Uuid, nullable=False),
    sa.Column("timestamp", sa.TIMESTAMP(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint("organization_id", "id"),
)

# Where new events stand, a row for each batch that brought some, until every analysis has looked at them.
event_batches: Final = sa.Table(
    "event_batches",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    sa.Column("id", sa.Uuid, nullable=False, server_default=sa.text("gen_random_uuid()")),
    sa.Column("xid", sa.BigInteger, nullable=False, server_default=sa.text("pg_current_xact_id()::text::bigint")),
    reference("item_id"),
    json_object("batch"),
    sa.PrimaryKeyConstraint("organization_id", "id"),
)
