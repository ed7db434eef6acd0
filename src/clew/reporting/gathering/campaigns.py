"""Campaigns that sessions of the scope belong to: who acts in them, when, and how they are linked."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.reporting.document import Campaign, Histogram, Reason
from clew.reporting.gathering.history import histogram

MEMBERS_SHOWN: Final = 24
_REASONS: Final = 12

_FOUND: Final = sa.text("""
SELECT c.id, c.name, c.status, CAST(c.confidence AS float8) AS confidence, c.threat_actor_attribution, c.first_seen,
       c.last_seen, c.unique_sources, c.attack_count, c.evidence, c.ttps, within.sources
FROM campaigns AS c
JOIN (SELECT m.campaign_id, count(DISTINCT m.source_ip) AS sources
      FROM campaign_members AS m CROSS JOIN LATERAL unnest(m.session_ids) AS session (id)
      JOIN pg_temp.report_sessions AS s ON s.id = session.id
      WHERE m.organization_id = :organization
      GROUP BY m.campaign_id) AS within ON within.campaign_id = c.id
WHERE c.organization_id = :organization AND c.merged_into IS NULL AND NOT c.is_rejected
  AND NOT c.metadata ? 'dissolved_by' AND c.first_seen IS NOT NULL AND c.last_seen IS NOT NULL
ORDER BY within.sources DESC, c.confidence DESC, c.id
""")
_MEMBERS: Final = sa.text("""
SELECT host(source_ip), CAST(confidence AS float8), cardinality(session_ids), session_ids
FROM campaign_members WHERE organization_id = :organization AND campaign_id = :campaign
ORDER BY confidence DESC, source_ip
""")
_SESSIONS: Final = """
SELECT k.timestamp AS at, c.name AS series, count(*) AS count
FROM campaign_members AS m
JOIN campaigns AS c ON c.organization_id = m.organization_id AND c.id = m.campaign_id
CROSS JOIN LATERAL unnest(m.session_ids) AS session (id)
JOIN attack_session_keys AS k ON k.organization_id = m.organization_id AND k.id = session.id
WHERE m.organization_id = :organization AND m.campaign_id = ANY(:campaigns)
GROUP BY 1, 2
"""


def campaigns_of_scope(connection: sa.Connection, organization_id: UUID) -> list[Campaign]:
    """The campaigns, those with most sources in the scope first."""
    rows = connection.execute(_FOUND, {"organization": organization_id}).all()
    return [_campaign(connection, organization_id, row) for row in rows]


def sessions_over_time(
    connection: sa.Connection, organization_id: UUID, campaigns: Sequence[Campaign]
) -> Histogram | None:
    """Their sessions over time by campaign; None without any."""
    if not campaigns:
        return None
    return histogram(
        connection, _SESSIONS, {"organization": organization_id, "campaigns": [each.id for each in campaigns]}
    )


def _campaign(connection: sa.Connection, organization_id: UUID, row: sa.Row[Any]) -> Campaign:
    members = connection.execute(_MEMBERS, {"organization": organization_id, "campaign": row.id}).all()
    by_session = {str(session): member[0] for member in members for session in member[3]}
    return Campaign(
        id=row.id,
        name=row.name,
        status=row.status,
        confidence=row.confidence,
        threat_actor=row.threat_actor_attribution,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        sources=row.unique_sources,
        sessions=row.attack_count,
        in_case=row.sources,
        members=tuple((member[0], member[1], member[2]) for member in members[:MEMBERS_SHOWN]),
        reasons=tuple(_reason(each, by_session) for each in row.evidence[:_REASONS]),
        techniques=tuple((each["id"], each["name"], each["count"]) for each in row.ttps.get("techniques", [])),
    )


def _reason(evidence: Mapping[str, Any], by_session: Mapping[str, str]) -> Reason:
    refs = evidence.get("refs", [])
    shown_by = dict.fromkeys(by_session[each] for each in refs if each in by_session)
    values = tuple(each for each in refs if each not in by_session and not _is_id(each))
    return Reason(evidence["kind"], float(evidence["score"]), evidence["text"], values, tuple(shown_by))


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return "-" in text
