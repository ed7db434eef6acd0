"""Investigations, their targets and their items."""

from typing import Final

import sqlalchemy as sa

from clew.kernel.schema import (
    belongs_to,
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

INVESTIGATION_TYPES: Final = (
    "comprehensive",
    "corporate",
    "infrastructure",
    "social_media",
    "threat_assessment",
    "person",
)
PRIORITIES: Final = ("low", "normal", "high", "urgent", "critical")
STATUSES: Final = ("pending", "running", "completed", "failed", "cancelled", "archived")

investigations: Final = tenant_table(
    "investigations",
    required("name"),
    text("description"),
    required("investigation_type", "comprehensive"),
    required("priority", "normal"),
    required("status", "pending"),
    number("stage", 1),
    json_object("scope"),
    text("lawful_basis"),
    text("classification_level"),
    reference("owner_id", optional=True),
    number("risk_score", 0),
    text("threat_level"),
    text("compliance_status"),
    json_object("key_findings"),
    moment("started_at"),
    moment("completed_at"),
    sa.Column("cost_estimate_usd", sa.Numeric(12, 2)),
    one_of("investigation_type", INVESTIGATION_TYPES),
    one_of("priority", PRIORITIES),
    one_of("status", STATUSES),
    sa.CheckConstraint("stage BETWEEN 1 AND 8", name="stage"),
    sa.UniqueConstraint("organization_id", "name"),
    belongs_to("owner_id", "users", on_delete="SET NULL"),
    index("status"),
    index("created_at", "id"),
    index("updated_at", "id"),
)

targets: Final = tenant_table(
    "targets",
    reference("investigation_id"),
    required("target_type"),
    required("value"),
    required("normalized_value"),
    reference("entity_id", optional=True),
    required("status", "pending"),
    text("notes"),
    sa.UniqueConstraint("organization_id", "investigation_id", "target_type", "normalized_value"),
    belongs_to("investigation_id", "investigations"),
    index("entity_id"),
    index("investigation_id", "created_at", "id"),
)

# A file may belong to several cases; its rows belong where it does.
investigation_items: Final = sa.Table(
    "investigation_items",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    reference("investigation_id"),
    reference("collection_item_id"),
    now("created_at"),
    sa.PrimaryKeyConstraint("organization_id", "investigation_id", "collection_item_id"),
    belongs_to("investigation_id", "investigations"),
)
