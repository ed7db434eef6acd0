"""The record at a glance: how much of what it holds, and what its honeypots saw."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.kernel.clock import Clock, system_clock
from clew.ontology.possible_times import EARLIEST_POSSIBLE, MAXIMUM_CLOCK_SKEW
from clew.records.attack_sessions import UNKNOWN_ADDRESS

MAXIMUM_SESSIONS_READ: Final = 50_000
"""Commands are counted over the latest so many shell sessions in which something was typed."""

_MAXIMUM_TEXT: Final = 500


@dataclass(frozen=True, slots=True)
class RecordSummary:
    """Counts of what an organization's record holds; `quarantine` counts held records by reason."""

    entities: dict[str, int]
    relationships: dict[str, int]
    events: int
    sessions: int
    posts: int
    files: int
    items: int
    quarantine: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "entities": self.entities,
            "entity_count": sum(self.entities.values()),
            "relationships": self.relationships,
            "relationship_count": sum(self.relationships.values()),
            "events": self.events,
            "sessions": self.sessions,
            "posts": self.posts,
            "files": self.files,
            "items": self.items,
            "quarantine": self.quarantine,
            "quarantine_count": sum(self.quarantine.values()),
        }


@dataclass(frozen=True, slots=True)
class HoneypotSummary:
    """What honeypots saw. Each list holds the greatest first; times are ISO 8601 text.

    `commands_complete` says whether `commands` counts every shell session (ssh, telnet), or the latest
    50,000 of them.
    """

    sessions: int
    addresses: int
    first_seen: str | None
    last_seen: str | None
    top_addresses: list[dict[str, Any]]
    top_credentials: list[dict[str, Any]]
    top_commands: list[dict[str, Any]]
    commands_complete: bool
    shared_payloads: list[dict[str, Any]]
    sensors: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def record_summary(connection: sa.Connection, organization_id: UUID) -> RecordSummary:
    """Count what the organization's record holds. Reads the indexes of all tables: seconds at tens of millions."""

    def grouped(statement: sa.TextClause) -> dict[str, int]:
        return {row[0]: row[1] for row in connection.execute(statement, {"organization": organization_id})}

    totals = connection.execute(_TOTALS, {"organization": organization_id}).one()
    return RecordSummary(
        entities=grouped(_ENTITIES),
        relationships=grouped(_RELATIONSHIPS),
        events=totals.events,
        sessions=totals.sessions,
        posts=totals.posts,
        files=totals.files,
        items=totals.items,
        quarantine=grouped(_QUARANTINE),
    )


def honeypot_summary(
    connection: sa.Connection, organization_id: UUID, *, limit: int = 10, clock: Clock = system_clock
) -> HoneypotSummary:
    """What the organization's honeypots saw, with at most `limit` entries per list.

    Impossible times (before 2000, or more than a day ahead) count as sessions but neither begin nor end anything.
    """
    parameters = {
        "organization": organization_id,
        "limit": limit,
        "unknown": UNKNOWN_ADDRESS,
        "text": _MAXIMUM_TEXT,
        "most": MAXIMUM_SESSIONS_READ,
        "earliest": EARLIEST_POSSIBLE,
        "latest": clock() + MAXIMUM_CLOCK_SKEW,
    }

    def listed(statement: sa.TextClause) -> list[dict[str, Any]]:
        rows = connection.execute(statement, parameters).mappings()
        return [{name: _plain(value) for name, value in row.items()} for row in rows]

    overall = connection.execute(_OVERALL, parameters).one()
    return HoneypotSummary(
        sessions=overall.sessions,
        addresses=overall.addresses,
        first_seen=_plain(overall.first_seen),
        last_seen=_plain(overall.last_seen),
        top_addresses=listed(_ADDRESSES),
        top_credentials=listed(_CREDENTIALS),
        top_commands=listed(_COMMANDS),
        commands_complete=overall.active <= MAXIMUM_SESSIONS_READ,
        shared_payloads=listed(_PAYLOADS),
        sensors=listed(_SENSORS),
    )


def _plain(value: Any) -> Any:
    """Times, addresses and ids as text."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value if value is None or isinstance(value, (int, str)) else str(value)


_ENTITIES: Final = sa.text("""
SELECT entity_type, count(*) FROM entities WHERE organization_id = :organization GROUP BY entity_type ORDER BY 1
""")

_RELATIONSHIPS: Final = sa.text("""
SELECT relationship_type, count(*) FROM relationships WHERE organization_id = :organization
GROUP BY relationship_type ORDER BY 1
""")

_QUARANTINE: Final = sa.text("""
SELECT reason, count(*) FROM quarantine
WHERE organization_id = :organization AND status = 'held' GROUP BY reason ORDER BY 1
""")

_TOTALS: Final = sa.text("""
SELECT (SELECT count(*) FROM events WHERE organization_id = :organization) AS events,
       (SELECT count(*) FROM attack_sessions WHERE organization_id = :organization) AS sessions,
       (SELECT count(*) FROM social_post_keys WHERE organization_id = :organization) AS posts,
       (SELECT count(DISTINCT collection_item_id) FROM ingest_files WHERE organization_id = :organization) AS files,
       (SELECT count(*) FROM collection_item_hashes WHERE organization_id = :organization) AS items
""")

_OVERALL: Final = sa.text("""
SELECT count(*) AS sessions, count(DISTINCT source_ip) FILTER (WHERE source_ip <> CAST(:unknown AS inet)) AS addresses,
       min(timestamp) FILTER (WHERE timestamp >= :earliest) AS first_seen,
       max(ended_at) FILTER (WHERE ended_at < :latest) AS last_seen,
       count(activity) FILTER (WHERE protocol IN ('ssh', 'telnet')) AS active
FROM attack_sessions WHERE organization_id = :organization
""")

_ADDRESSES: Final = sa.text("""
SELECT host(source_ip) AS address, count(*) AS sessions,
       min(timestamp) FILTER (WHERE timestamp >= :earliest) AS first_seen,
       max(ended_at) FILTER (WHERE ended_at < :latest) AS last_seen,
       sum(login_failures)::bigint AS login_failures, sum(login_successes)::bigint AS login_successes,
       count(DISTINCT honeypot_id) AS sensors
FROM attack_sessions
WHERE organization_id = :organization AND source_ip <> CAST(:unknown AS inet)
GROUP BY source_ip
ORDER BY sessions DESC, source_ip
LIMIT :limit
""")

# How many addresses used a credential, not how often: one address may try it a thousand times.
_CREDENTIALS: Final = sa.text("""
SELECT credential.id, credential.name AS credential, count(DISTINCT used.source_entity_id) AS addresses,
       min(used.first_seen) AS first_seen, max(used.last_seen) AS last_seen
FROM entities AS credential
JOIN relationships AS used ON used.organization_id = :organization AND used.target_entity_id = credential.id
                          AND used.relationship_type = 'USES'
WHERE credential.organization_id = :organization AND credential.entity_type = 'credential'
GROUP BY credential.id, credential.name
ORDER BY addresses DESC, credential.name COLLATE "C"
LIMIT :limit
""")

# Commands are what was typed into a shell; requests of other protocols show as payloads.
_COMMANDS: Final = sa.text("""
WITH latest AS (
    SELECT id, source_ip, activity FROM attack_sessions
    WHERE organization_id = :organization AND activity IS NOT NULL AND protocol IN ('ssh', 'telnet')
    ORDER BY timestamp DESC, id DESC LIMIT :most
), sent AS (
    SELECT id, source_ip, left(entry ->> 2, :text) COLLATE "C" AS command
    FROM latest CROSS JOIN LATERAL jsonb_array_elements(activity) AS entry
)
SELECT command, count(DISTINCT id) AS sessions, count(DISTINCT source_ip) AS addresses
FROM sent
GROUP BY command
ORDER BY sessions DESC, command
LIMIT :limit
""")

_PAYLOADS: Final = sa.text("""
WITH shared AS (
    SELECT payload_hash, count(DISTINCT source_ip) AS addresses, count(*) AS sessions, min(timestamp) AS starts,
           min(timestamp) FILTER (WHERE timestamp >= :earliest) AS first_seen,
           max(ended_at) FILTER (WHERE ended_at < :latest) AS last_seen
    FROM attack_sessions
    WHERE organization_id = :organization AND activity IS NOT NULL AND source_ip <> CAST(:unknown AS inet)
    GROUP BY payload_hash HAVING count(DISTINCT source_ip) >= 2
    ORDER BY addresses DESC, sessions DESC, payload_hash
    LIMIT :limit
)
SELECT shared.payload_hash, shared.addresses, shared.sessions, shared.first_seen, shared.last_seen,
       left(example.payload, :text) AS payload
FROM shared
CROSS JOIN LATERAL (
    SELECT payload FROM attack_sessions
    WHERE organization_id = :organization AND attack_sessions.payload_hash = shared.payload_hash
      AND timestamp = shared.starts
    ORDER BY id LIMIT 1
) AS example
ORDER BY shared.addresses DESC, shared.sessions DESC, shared.payload_hash
""")

_SENSORS: Final = sa.text("""
SELECT source, honeypot_id AS sensor, count(*) AS sessions, count(DISTINCT source_ip) AS addresses,
       sum(event_count)::bigint AS events, min(timestamp) FILTER (WHERE timestamp >= :earliest) AS first_seen,
       max(ended_at) FILTER (WHERE ended_at < :latest) AS last_seen
FROM attack_sessions WHERE organization_id = :organization
GROUP BY source, honeypot_id
ORDER BY sessions DESC, source, sensor NULLS LAST
LIMIT :limit
""")
