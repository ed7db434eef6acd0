"""States of investigations: each one an investigation comes to is a row of audit.investigations."""

from typing import Final
from uuid import UUID

import sqlalchemy as sa

_RECORD: Final = sa.text("""
INSERT INTO audit.investigations (organization_id, investigation_id, investigator_id, investigator_name,
    target_identifier, investigation_type, priority, status, started_at, completed_at, processing_time_seconds,
    data_points_collected, cost_estimate_usd, risk_score, threat_level, compliance_status, classification_level,
    key_findings, metadata, audit_created_at)
SELECT i.organization_id, i.id, i.owner_id, u.username,
       (SELECT value FROM targets WHERE organization_id = i.organization_id AND investigation_id = i.id
        ORDER BY created_at, id LIMIT 1),
       i.investigation_type, i.priority, i.status, i.started_at, i.completed_at,
       extract(epoch FROM i.completed_at - i.started_at),
       (SELECT count(*) FROM investigation_items
        WHERE organization_id = i.organization_id AND investigation_id = i.id),
       i.cost_estimate_usd, i.risk_score, i.threat_level, i.compliance_status, i.classification_level,
       i.key_findings, jsonb_build_object('name', i.name, 'stage', i.stage), i.created_at
FROM investigations AS i LEFT JOIN users AS u ON u.organization_id = i.organization_id AND u.id = i.owner_id
WHERE i.organization_id = :organization AND i.id = :investigation
""")


def record_state(connection: sa.Connection, organization_id: UUID, investigation_id: UUID) -> None:
    """Write the present state of an investigation into the trail, in the transaction that changed it."""
    connection.execute(_RECORD, {"organization": organization_id, "investigation": investigation_id})
