"""Analyses, campaigns, what they rest on, and what was decided about them."""

from typing import Any, Final

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
from clew.records.tables.documents import newest_first

ANALYSIS_STATES: Final = ("queued", "processing", "completed", "failed", "cancelled")
DEPTHS: Final = ("minimal", "standard", "deep", "forensic")
CAMPAIGN_STATES: Final = ("active", "dormant", "concluded", "monitoring")
INDICATOR_TYPES: Final = ("ip", "domain", "hash", "pattern", "behavior")
DECISIONS: Final = ("pin", "reject", "merge", "split", "rename", "attribute")


def _share(name: str, *, optional: bool = True) -> sa.Column[Any]:
    """A score from 0 to 1 with four digits: two would make different analyses look alike."""
    return sa.Column(name, sa.Numeric(5, 4), nullable=optional)


def _list(name: str) -> sa.Column[Any]:
    return sa.Column(name, pg.JSONB, nullable=False, server_default=sa.text("'[]'::jsonb"))


def _descending(table: str, column: str, *further: str) -> sa.Index:
    name = "_".join((table, "organization_id", column, *further, "idx"))
    return sa.Index(name, "organization_id", sa.text(f"{column} DESC"), *further)


def _within(column: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} BETWEEN 0 AND 1", name=column)


analysis_sessions: Final = tenant_table(
    "analysis_sessions",
    sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now()),
    reference("user_id", optional=True),
    required("status", "queued"),
    required("analysis_depth", "standard"),
    moment("started_at"),
    moment("completed_at"),
    sa.Column("processing_time_seconds", sa.Numeric(12, 3)),
    _share("coordination_confidence"),
    reference("campaign_id", optional=True),
    json_object("final_assessment"),
    json_object("metadata"),
    text("callback_url"),
    number("priority", 5),
    reference("job_id", optional=True),  # whose work it is; None for one that a command carries out itself
    one_of("status", ANALYSIS_STATES),
    one_of("analysis_depth", DEPTHS),
    _within("coordination_confidence"),
    sa.CheckConstraint("priority BETWEEN 1 AND 10", name="priority"),
    belongs_to("user_id", "users"),
    index("id"),
    index("user_id"),
    index("status"),
    index("campaign_id"),
    _descending("analysis_sessions", "created_at"),
    _descending("analysis_sessions", "priority", "status"),
    partition_by="created_at",
)

# What an analysis came to. No foreign key can point at a partitioned table: rows go by the trigger of their analysis.
analysis_results: Final = tenant_table(
    "analysis_results",
    reference("analysis_session_id"),
    json_object("evidence_breakdown"),
    _share("temporal_correlation_score"),
    _share("behavioral_similarity_score"),
    _share("infrastructure_correlation_score"),
    _share("geographic_distribution_score"),
    json_object("tool_results"),
    json_object("enrichment_data"),
    json_object("ml_model_outputs"),
    json_object("processing_steps"),
    json_object("errors"),
    # The same as a document: what was looked at, what came of it, how it was measured, and why, in sentences.
    required("analysis_type", "coordination"),
    _list("input_entities"),
    json_object("results"),
    json_object("metrics"),
    _list("insights"),
    reference("created_by", optional=True),
    sa.UniqueConstraint("organization_id", "analysis_session_id"),
    newest_first("analysis_results", "analysis_type"),
    newest_first("analysis_results"),
    changing=False,
)

campaigns: Final = tenant_table(
    "campaigns",
    required("name"),
    text("description"),
    moment("first_seen"),
    moment("last_seen"),
    required("status", "active"),
    fraction("confidence_threshold", "0.70"),
    _share("confidence", optional=False),
    number("attack_count", 0, big=True),
    number("unique_sources", 0),
    text("misp_event_id"),
    text("threat_actor_attribution"),
    json_object("ttps"),
    json_object("iocs"),
    json_object("metadata"),
    json_object("scores"),
    _list("evidence"),
    flag("is_pinned", default=False),
    flag("is_rejected", default=False),
    flag("is_named", default=False),  # by a person: later runs leave the name alone
    reference("merged_into", optional=True),
    reference("split_from", optional=True),
    one_of("status", CAMPAIGN_STATES),
    _within("confidence"),
    belongs_to("merged_into", "campaigns", on_delete="SET NULL"),
    belongs_to("split_from", "campaigns", on_delete="SET NULL"),
    index("status"),
    index("created_at", "id"),
)

campaign_sessions: Final = sa.Table(
    "campaign_sessions",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    reference("campaign_id"),
    reference("analysis_session_id"),
    _share("confidence_score", optional=False),
    json_object("evidence_factors"),
    now("added_at"),
    sa.PrimaryKeyConstraint("organization_id", "campaign_id", "analysis_session_id"),
    belongs_to("campaign_id", "campaigns"),
    index("analysis_session_id"),
)

campaign_indicators: Final = tenant_table(
    "campaign_indicators",
    reference("campaign_id"),
    required("indicator_type"),
    required("indicator_value"),
    sa.Column("confidence", sa.Numeric(5, 4), nullable=False, server_default=sa.text("1.0")),
    moment("first_seen"),
    moment("last_seen"),
    number("occurrence_count", 1, big=True),
    json_object("metadata"),
    one_of("indicator_type", INDICATOR_TYPES),
    belongs_to("campaign_id", "campaigns"),
    sa.UniqueConstraint("organization_id", "campaign_id", "indicator_type", "indicator_value"),
    index("indicator_type", "indicator_value"),
    _descending("campaign_indicators", "confidence"),
)

# Who acts in a campaign: an address, how surely, and which sessions of it the campaign is made of.
campaign_members: Final = sa.Table(
    "campaign_members",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    reference("campaign_id"),
    sa.Column("source_ip", pg.INET, nullable=False),
    _share("confidence", optional=False),
    moment("first_seen", nullable=False),
    moment("last_seen", nullable=False),
    sa.Column("session_ids", pg.ARRAY(sa.Uuid), nullable=False),
    sa.PrimaryKeyConstraint("organization_id", "campaign_id", "source_ip"),
    belongs_to("campaign_id", "campaigns"),
    index("source_ip"),
)

# Which sessions an analysis put into a campaign; a session may be in many analyses.
analysis_session_members: Final = sa.Table(
    "analysis_session_members",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    reference("analysis_session_id"),
    reference("attack_session_id"),
    reference("campaign_id", optional=True),
    sa.PrimaryKeyConstraint("organization_id", "analysis_session_id", "attack_session_id"),
    belongs_to("campaign_id", "campaigns", on_delete="SET NULL"),
    index("campaign_id"),
)

# What analysts decided. It binds every later run until it is undone.
campaign_decisions: Final = tenant_table(
    "campaign_decisions",
    reference("campaign_id"),
    required("decision"),
    json_object("parameters"),
    reference("user_id", optional=True),
    moment("undone_at"),
    one_of("decision", DECISIONS),
    belongs_to("campaign_id", "campaigns"),
    belongs_to("user_id", "users", on_delete="SET NULL"),
    index("campaign_id"),
    changing=False,
)

# The stream of what became of campaigns, and the figures of each run.
campaign_activity: Final = tenant_table(
    "campaign_activity",
    reference("campaign_id"),
    reference("analysis_session_id", optional=True),
    required("event"),
    sa.Column("source_ip", pg.INET),
    _share("confidence"),
    json_object("details"),
    belongs_to("campaign_id", "campaigns"),
    index("campaign_id", "id"),
    changing=False,
)

campaign_analytics: Final = tenant_table(
    "campaign_analytics",
    reference("campaign_id"),
    sa.Column("timestamp", sa.TIMESTAMP(timezone=True), nullable=False),
    required("metric_type"),
    json_object("metrics"),
    belongs_to("campaign_id", "campaigns"),
    index("campaign_id", "timestamp"),
    changing=False,
)

# What somebody is to be alerted of. Alerts take these up, once there are alerts, and say so in handled_at.
alert_events: Final = tenant_table(
    "alert_events",
    required("alert_type"),
    required("severity"),
    required("title"),
    required("resource_type"),
    reference("resource_id"),
    json_object("evidence"),
    required("dedup_key"),
    moment("handled_at"),
    sa.UniqueConstraint("organization_id", "dedup_key"),
    index("handled_at", "created_at"),
    changing=False,
)

# How far the record has been analysed at a depth: what lets the next run look at nothing but what came since.
coordination_states: Final = sa.Table(
    "coordination_states",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    required("analysis_depth"),
    required("position"),
    json_object("versions"),
    sa.Column("background", sa.LargeBinary, nullable=False),
    sa.Column("addresses", sa.LargeBinary, nullable=False),
    number("sessions", 0, big=True),
    moment("until"),
    now("updated_at"),
    sa.PrimaryKeyConstraint("organization_id", "analysis_depth"),
    one_of("analysis_depth", DEPTHS),
)
