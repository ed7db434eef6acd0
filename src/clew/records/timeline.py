"""When things happened around an entity: attack sessions of an address, posts of a profile, dated relationships."""

from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.records.posts import posts_of

MAXIMUM_COMMANDS: Final = 20
"""Commands shown of one session, the first ones."""

# The first and the last sessions; in between may lie any number.
_SESSIONS: Final = sa.text("""
WITH first AS (
    SELECT * FROM attack_sessions WHERE organization_id = :organization AND source_ip = CAST(:address AS inet)
    ORDER BY timestamp, id LIMIT :half
), last AS (
    SELECT * FROM attack_sessions WHERE organization_id = :organization AND source_ip = CAST(:address AS inet)
    ORDER BY timestamp DESC, id DESC LIMIT :half
), shown AS (
    SELECT * FROM first UNION ALL SELECT * FROM last WHERE id NOT IN (SELECT id FROM first)
)
SELECT id, timestamp, ended_at, source, honeypot_id, protocol, target_port, attack_type, event_count, login_failures,
       login_successes, payload_hash, client, session_key,
       jsonb_path_query_array(activity, CAST(:commands AS jsonpath)) AS commands,
       coalesce(jsonb_array_length(activity), 0) AS command_count
FROM shown ORDER BY timestamp, id
""")

_RELATIONSHIPS: Final = sa.text("""
WITH related AS (
    SELECT id, relationship_type, target_entity_id AS other, 'out' AS direction, first_seen, last_seen
    FROM relationships
    WHERE organization_id = :organization AND source_entity_id = :entity AND first_seen IS NOT NULL
    UNION ALL
    SELECT id, relationship_type, source_entity_id, 'in', first_seen, last_seen
    FROM relationships
    WHERE organization_id = :organization AND target_entity_id = :entity AND first_seen IS NOT NULL
), first AS (
    SELECT * FROM related ORDER BY first_seen, id LIMIT :half
), last AS (
    SELECT * FROM related ORDER BY first_seen DESC, id DESC LIMIT :half
), shown AS (
    SELECT * FROM first UNION SELECT * FROM last
)
SELECT shown.first_seen, shown.last_seen, shown.relationship_type, shown.direction, shown.other, entity.entity_type,
       entity.name
FROM shown
CROSS JOIN LATERAL (
    SELECT entity_type, name FROM entities
    WHERE entities.organization_id = :organization AND entities.id = shown.other
    OFFSET 0
) AS entity
ORDER BY shown.first_seen, shown.id, shown.direction
""")


def timeline(
    connection: sa.Connection,
    organization_id: UUID,
    entity_id: UUID,
    entity_type: str,
    normalized_name: str,
    limit: int,
) -> list[dict[str, Any]]:
    """Up to `limit` entries in order of time: half of them the earliest, half the latest.

    An address has its attack sessions ("kind": "session"), if it has any. Everything else has its dated relationships
    ("kind": "relationship"), and a social profile its posts ("kind": "post") instead of that it POSTED them. Posts
    without a time come last, with `at` None.
    """
    half = max(1, limit // 2)
    if entity_type == "ip_address":
        sessions = _sessions(connection, organization_id, normalized_name, half)
        if sessions:
            return sessions
    posts = posts_of(connection, organization_id, entity_id, entity_type, half)
    documents = {post["document_id"] for post in posts}
    related = _related(connection, organization_id, entity_id, half)
    others = [each for each in related if each["relationship_type"] != "POSTED" or each["id"] not in documents]
    if entity_type == "document" and posts:
        others = [each for each in others if each["relationship_type"] != "POSTED"]
    dated = sorted([*others, *(post for post in posts if post["at"])], key=lambda entry: str(entry["at"]))
    undated = [post for post in posts if not post["at"]]
    shown = dated if len(dated) <= 2 * half else dated[:half] + dated[-half:]
    return (shown + undated)[: 2 * half]


def _related(connection: sa.Connection, organization_id: UUID, entity_id: UUID, half: int) -> list[dict[str, Any]]:
    rows = connection.execute(_RELATIONSHIPS, {"organization": organization_id, "entity": entity_id, "half": half})
    return [
        {
            "kind": "relationship",
            "at": row.first_seen.isoformat(),
            "until": None if row.last_seen is None else row.last_seen.isoformat(),
            "relationship_type": row.relationship_type,
            "direction": row.direction,
            "id": str(row.other),
            "type": row.entity_type,
            "name": row.name,
        }
        for row in rows
    ]


def _sessions(connection: sa.Connection, organization_id: UUID, address: str, half: int) -> list[dict[str, Any]]:
    commands = f"$[0 to {MAXIMUM_COMMANDS - 1}][2]"
    rows = connection.execute(
        _SESSIONS, {"organization": organization_id, "address": address, "half": half, "commands": commands}
    )
    return [
        {
            "kind": "session",
            "at": row.timestamp.isoformat(),
            "until": row.ended_at.isoformat(),
            "id": str(row.id),
            "session": row.session_key,
            "source": row.source,
            "sensor": row.honeypot_id,
            "protocol": row.protocol,
            "target_port": row.target_port,
            "attack_type": row.attack_type,
            "client": row.client,
            "events": row.event_count,
            "login_failures": row.login_failures,
            "login_successes": row.login_successes,
            "commands": row.commands or [],
            "command_count": row.command_count,
            "payload_hash": row.payload_hash if row.command_count else None,
        }
        for row in rows
    ]
