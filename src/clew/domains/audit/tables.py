"""The tables of the schema audit. Rows of the trail are added and sealed; none is ever changed."""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.kernel.schema import (
    flag,
    fraction,
    json_object,
    metadata,
    moment,
    now,
    number,
    one_of,
    reference,
    required,
    text,
    text_array,
)

SCHEMA: Final = "audit"
ACTIONS: Final = ("CREATE", "READ", "UPDATE", "DELETE", "EXECUTE")
FRAMEWORKS: Final = ("GDPR", "CCPA", "PIPEDA", "LGPD", "custom")
COMPLIANCE: Final = ("compliant", "non_compliant", "review_required")
METRIC_TYPES: Final = ("counter", "gauge", "histogram")


def _numbered() -> list[sa.Column[Any]]:
    following = sa.text("nextval('audit.trail_id_seq'::regclass)")
    return [
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("id", sa.BigInteger, nullable=False, server_default=following, autoincrement=True),
    ]


def _trail(name: str, *items: sa.Column[Any] | sa.Constraint | sa.Index, partition_by: str | None = None) -> sa.Table:
    """A table of the trail: numbered over all of it, known to the sealer by transaction, committed to with a salt.

    No foreign keys: what an organization or a user did stays told when they are gone.
    """
    key = ("organization_id", partition_by, "id") if partition_by else ("organization_id", "id")
    options: dict[str, Any] = {"postgresql_partition_by": f"RANGE ({partition_by})"} if partition_by else {}
    parts: list[Any] = [
        *_numbered(),
        sa.Column("xid", sa.BigInteger, nullable=False, server_default=sa.text("pg_current_xact_id()::text::bigint")),
        sa.Column("salt", sa.Uuid, server_default=sa.text("gen_random_uuid()")),
        *items,
        now("created_at"),
        sa.PrimaryKeyConstraint(*key),
        sa.Index(f"{name}_xid_id_idx", "xid", "id"),
    ]
    return sa.Table(name, metadata, *parts, schema=SCHEMA, **options)


def _index(table: str, *columns: str) -> sa.Index:
    return sa.Index(f"{table}_organization_id_{'_'.join(columns)}_idx", "organization_id", *columns)


def _identifier(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Uuid, nullable=False, server_default=sa.text("gen_random_uuid()"))


def _listing(name: str) -> sa.Column[Any]:
    return sa.Column(name, pg.JSONB, nullable=False, server_default=sa.text("'[]'::jsonb"))


def _amount(name: str, precision: int, scale: int) -> sa.Column[Any]:
    return sa.Column(name, sa.Numeric(precision, scale))


events: Final = _trail(
    "events",
    _identifier("event_uuid"),
    now("timestamp"),
    required("event_type"),
    reference("user_id", optional=True),
    text("user_name"),
    sa.Column("source_ip", pg.INET),
    text("user_agent"),
    reference("session_id", optional=True),
    required("action"),
    required("resource_type"),
    text("resource_id"),
    text("resource_name"),
    flag("success", default=True),
    text("error_message"),
    json_object("request_data"),
    json_object("response_data"),
    _amount("processing_time_ms", 14, 3),
    one_of("action", ACTIONS),
    _index("events", "user_id", "timestamp"),
    _index("events", "action", "timestamp"),
    _index("events", "resource_type", "timestamp"),
    partition_by="timestamp",
)

row_history: Final = _trail(
    "row_history",
    now("timestamp"),
    required("table_name"),
    required("operation"),
    reference("user_id", optional=True),
    reference("row_id", optional=True),
    json_object("old_data", empty=False),
    json_object("new_data", empty=False),
    text_array("changed"),
    sa.Column("ip_address", pg.INET),
    reference("session_id", optional=True),
    _index("row_history", "table_name", "row_id"),
    partition_by="timestamp",
)

configuration_changes: Final = _trail(
    "configuration_changes",
    _identifier("change_id"),
    required("component"),
    required("operation"),
    required("resource_path"),
    json_object("old_value", empty=False),
    json_object("new_value", empty=False),
    reference("changed_by", optional=True),
    text("change_reason"),
    reference("approved_by", optional=True),
    now("change_timestamp"),
)

# States told before the history told them (revision 0024). The view audit.investigations shows both.
investigation_states: Final = _trail(
    "investigation_states",
    reference("investigation_id"),
    reference("investigator_id", optional=True),
    text("investigator_name"),
    text("target_identifier"),
    required("investigation_type"),
    required("priority"),
    required("status"),
    moment("started_at"),
    moment("completed_at"),
    _amount("processing_time_seconds", 14, 3),
    number("data_points_collected", 0, big=True),
    number("api_calls_made", 0, big=True),
    _amount("cost_estimate_usd", 12, 2),
    number("risk_score"),
    text("threat_level"),
    text("compliance_status"),
    text("classification_level"),
    json_object("key_findings"),
    _listing("warnings"),
    _listing("errors"),
    json_object("metadata"),
    now("audit_created_at"),
    now("audit_updated_at"),
    _index("investigation_states", "investigator_id"),
)

risk_assessments: Final = _trail(
    "risk_assessments",
    _identifier("assessment_id"),
    reference("investigation_id", optional=True),
    reference("target_id", optional=True),
    sa.Column("overall_risk_score", sa.Integer, nullable=False),
    text("threat_level"),
    fraction("confidence_level"),
    json_object("assessment_data"),
    _listing("threat_vectors"),
    _listing("critical_findings"),
    _listing("recommendations"),
    json_object("correlation_analysis"),
    reference("assessed_by", optional=True),
    now("assessed_at"),
    fraction("data_freshness_score"),
    fraction("coverage_completeness"),
    _index("risk_assessments", "overall_risk_score"),
)

compliance_assessments: Final = _trail(
    "compliance_assessments",
    _identifier("assessment_id"),
    reference("investigation_id", optional=True),
    required("framework"),
    required("status"),
    text("risk_level"),
    _amount("compliance_score", 5, 2),
    _listing("violations"),
    _listing("data_categories"),
    _listing("processing_records"),
    _listing("remediation_actions"),
    reference("assessed_by", optional=True),
    now("assessed_at"),
    sa.Column("next_review_date", sa.Date),
    one_of("framework", FRAMEWORKS),
    one_of("status", COMPLIANCE),
    _index("compliance_assessments", "framework"),
)

api_key_usage: Final = sa.Table(
    "api_key_usage",
    metadata,
    *_numbered(),
    required("service_name"),
    required("operation"),
    reference("user_id", optional=True),
    reference("investigation_id", optional=True),
    now("request_timestamp"),
    _amount("response_time_ms", 14, 3),
    flag("success", default=True),
    flag("rate_limited", default=False),
    flag("quota_exceeded", default=False),
    number("request_size", big=True),
    number("response_size", big=True),
    _amount("cost_usd", 12, 6),
    text("error_type"),
    text("error_message"),
    json_object("request_metadata"),
    now("created_at"),
    sa.PrimaryKeyConstraint("organization_id", "id"),
    sa.Index("api_key_usage_organization_id_service_name_idx", "organization_id", "service_name", "request_timestamp"),
    schema=SCHEMA,
)

system_metrics: Final = sa.Table(
    "system_metrics",
    metadata,
    *_numbered(),
    required("metric_name"),
    sa.Column("metric_value", sa.Numeric, nullable=False),
    text("metric_unit"),
    required("metric_type"),
    json_object("labels"),
    now("timestamp"),
    now("created_at"),
    sa.PrimaryKeyConstraint("organization_id", "id"),
    one_of("metric_type", METRIC_TYPES),
    _index("system_metrics", "metric_name", "timestamp"),
    schema=SCHEMA,
)

seals: Final = sa.Table(
    "seals",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    moment("sealed_at", nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("rows_before", sa.BigInteger, nullable=False),
    *(sa.Column(name, sa.LargeBinary, nullable=False) for name in ("entries", "digest", "seal", "signature")),
    sa.PrimaryKeyConstraint("organization_id", "number"),
    schema=SCHEMA,
)

sealing: Final = sa.Table(
    "sealing",
    metadata,
    sa.Column("id", sa.Boolean, nullable=False, server_default=sa.true()),
    required("snapshot", "3:3:"),
    text("target"),
    number("after_xid", 0, big=True),
    number("after_id", 0, big=True),
    now("updated_at"),
    sa.PrimaryKeyConstraint("id"),
    sa.CheckConstraint("id", name="id"),
    schema=SCHEMA,
)

spool_segments: Final = sa.Table(
    "spool_segments",
    metadata,
    sa.Column("id", sa.Uuid, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    now("drained_at"),
    sa.PrimaryKeyConstraint("id"),
    schema=SCHEMA,
)
