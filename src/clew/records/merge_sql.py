"""The statements that merge stages into the record, whole and readable.

Each runs under the organization's merge lock, in the order in which they stand here, and sorted by id. All take
`organization` (uuid); further parameters are named where they are used. Merged columns know only least, greatest,
union and "newest by observed time", so the order in which facts arrive cannot change them.
"""

from typing import Any, Final
from uuid import UUID

import psycopg

# One merge of a kind at a time per organization: merges need no other defence against each other, and loads of the
# same facts wait for, then see, what the other has done.
LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('clew merge ' || %(kind)s || %(organization)s::text, 0))"

# Stages have no statistics, and those of the record are behind while it fills, so a planned join may scan what has
# just grown (measured: minutes instead of milliseconds). Everything here therefore looks up by key: through ON
# CONFLICT, or through LATERAL … OFFSET 0, which the planner does not turn into a join.
PLAN_FOR_KEYS: Final = "SET LOCAL enable_seqscan = off; SET LOCAL jit = off; SET LOCAL work_mem = '64MB'"


def enter_merge(connection: psycopg.Connection[Any], organization_id: UUID, kind: str) -> None:
    """Wait for other merges of that kind in the organization, and plan this transaction for lookups by key."""
    connection.execute(PLAN_FOR_KEYS)
    connection.execute(LOCK, {"organization": organization_id, "kind": kind})


INSERT_EVENTS: Final = """
INSERT INTO events (organization_id, id, occurred_at, source, kind, item_id, line, session_id, source_ip, source_port,
                    destination_ip, target_port, protocol, sensor, payload, properties, impossible_time)
SELECT %(organization)s, id, occurred_at, %(source)s, kind, %(item)s, line, session_id, source_ip, source_port,
       destination_ip, target_port, protocol, sensor, payload, properties, impossible_time
FROM stage_events
ORDER BY occurred_at, id
ON CONFLICT DO NOTHING
"""

# Whether the organization has no event at all in the span of the stage: new logs mostly come in order of time.
SPAN_IS_NEW: Final = """
SELECT NOT EXISTS (
    SELECT FROM events
    WHERE organization_id = %(organization)s AND occurred_at BETWEEN %(earliest)s AND %(latest)s)
"""

# For such a stage, whose ids are distinct: nothing can conflict under the merge lock, and an insert that need not be
# ready to be undone takes a third less time and log. The stage is in the order of its file, which is that of time.
INSERT_NEW_EVENTS: Final = """
INSERT INTO events (organization_id, id, occurred_at, source, kind, item_id, line, session_id, source_ip, source_port,
                    destination_ip, target_port, protocol, sensor, payload, properties, impossible_time)
SELECT %(organization)s, id, occurred_at, %(source)s, kind, %(item)s, line, session_id, source_ip, source_port,
       destination_ip, target_port, protocol, sensor, payload, properties, impossible_time
FROM stage_events
"""

# Events of the stage that were in the record before: their stored line or file is another, or, where another reading
# of the same file brought them, their time of storing. With it whether they repeat another line of their file.
DUPLICATE_EVENTS: Final = """
SELECT stage.record, replace(stage.id::text, '-', ''), stored.item_id = %(item)s AND stored.line <> stage.line
FROM stage_events AS stage
CROSS JOIN LATERAL (
    SELECT item_id, line, created_at FROM events
    WHERE events.organization_id = %(organization)s AND events.occurred_at = stage.occurred_at
      AND events.id = stage.id
    OFFSET 0
) AS stored
WHERE stored.item_id <> %(item)s OR stored.line <> stage.line OR stored.created_at <> now()
"""

# How often a line stands in a file does not depend on how it is read: only a file's first reading counts.
COUNT_REPEATS: Final = """
INSERT INTO event_repeats AS known (organization_id, item_id, event_id, occurrences)
SELECT %(organization)s, %(item)s, id::uuid, times + 1
FROM unnest(%(ids)s::text[], %(times)s::integer[]) AS repeats (id, times)
WHERE (SELECT count(*) FROM ingest_files
       WHERE organization_id = %(organization)s AND collection_item_id = %(item)s) = 1
ORDER BY id
ON CONFLICT (organization_id, item_id, event_id)
DO UPDATE SET occurrences = known.occurrences + excluded.occurrences - 1
"""

# Told twice: the feed is forgotten once the views have followed, analyses come later.
RECORD_EVENT_BATCH: Final = """
WITH told AS (
    INSERT INTO changes (organization_id, table_name, operation, row_id, batch)
    VALUES (%(organization)s, 'events', 'batch', %(item)s, %(batch)s)
)
INSERT INTO event_batches (organization_id, item_id, batch) VALUES (%(organization)s, %(item)s, %(batch)s)
"""

INSERT_ROWS: Final = """
WITH fresh AS (
    INSERT INTO collection_item_hashes (organization_id, hash, collection_item_id, collected_at)
    SELECT %(organization)s, hash, id, %(collected_at)s FROM stage_rows ORDER BY hash
    ON CONFLICT DO NOTHING
    RETURNING collection_item_id
)
INSERT INTO collection_items (organization_id, id, collection_id, source_id, raw_data, item_type, hash, is_processed,
                              collected_at, parent_id, file_name, line)
SELECT %(organization)s, stage.id, %(collection)s, %(source_id)s, stage.content, 'result', stage.hash, true,
       %(collected_at)s, %(item)s, %(file_name)s, stage.line
FROM stage_rows AS stage JOIN fresh ON fresh.collection_item_id = stage.id
RETURNING replace(id::text, '-', '')
"""

# Where every row of the file stands, whether another file brought it before or not.
KEEP_PLACES: Final = """
INSERT INTO collection_item_places (organization_id, collection_item_id, file_id, line)
SELECT %(organization)s, id, %(item)s, line FROM stage_places ORDER BY id, line
ON CONFLICT DO NOTHING
"""

# A session known before keeps its place (its start as known so far); the ones whose start moves are moved after this.
MERGE_SESSIONS: Final = """
INSERT INTO attack_sessions AS known
    (organization_id, id, timestamp, ended_at, source_ip, source_port, destination_ip, target_port, protocol,
     honeypot_id, attack_type, source, session_key, client, fingerprint, event_count, login_failures, login_successes,
     activity, payload, payload_hash)
SELECT %(organization)s, stage.id, coalesce(key.timestamp, stage.started_at), ended_at, source_ip, source_port,
       destination_ip, target_port, protocol, sensor, attack_type, %(source)s, session_key, client, fingerprint,
       event_count, login_failures, login_successes, activity, payload, payload_hash
FROM stage_sessions AS stage
LEFT JOIN LATERAL (
    SELECT timestamp FROM attack_session_keys
    WHERE attack_session_keys.organization_id = %(organization)s AND attack_session_keys.id = stage.id
    OFFSET 0
) AS key ON true
ORDER BY coalesce(key.timestamp, stage.started_at), stage.id
ON CONFLICT (organization_id, timestamp, id) DO UPDATE
SET ended_at = greatest(known.ended_at, excluded.ended_at),
    source_ip = coalesce(least(nullif(known.source_ip, '0.0.0.0'), nullif(excluded.source_ip, '0.0.0.0')), '0.0.0.0'),
    source_port = least(known.source_port, excluded.source_port),
    destination_ip = least(known.destination_ip, excluded.destination_ip),
    target_port = least(known.target_port, excluded.target_port),
    protocol = least(known.protocol COLLATE "C", excluded.protocol),
    honeypot_id = least(known.honeypot_id COLLATE "C", excluded.honeypot_id),
    attack_type = stronger_attack(known.attack_type, excluded.attack_type),
    client = least(known.client COLLATE "C", excluded.client),
    fingerprint = least(known.fingerprint COLLATE "C", excluded.fingerprint),
    event_count = known.event_count + excluded.event_count,
    login_failures = known.login_failures + excluded.login_failures,
    login_successes = known.login_successes + excluded.login_successes,
    (activity, payload, payload_hash) = (
        SELECT activity, payload, encode(sha256(convert_to(payload, 'UTF8')), 'hex')
        FROM merge_activity(known.activity, excluded.activity) AS activity, activity_text(activity) AS payload),
    updated_at = now()
"""

MOVED_SESSIONS: Final = """
SELECT stage.id, key.timestamp, stage.started_at
FROM stage_sessions AS stage
CROSS JOIN LATERAL (
    SELECT timestamp FROM attack_session_keys
    WHERE attack_session_keys.organization_id = %(organization)s AND attack_session_keys.id = stage.id
    OFFSET 0
) AS key
WHERE stage.started_at < key.timestamp
"""

MOVE_SESSION: Final = """
UPDATE attack_sessions SET timestamp = %(starts)s
WHERE organization_id = %(organization)s AND timestamp = %(started)s AND id = %(session)s
"""

KEEP_SESSION_KEYS: Final = """
INSERT INTO attack_session_keys AS known (organization_id, id, timestamp)
SELECT %(organization)s, id, started_at FROM stage_sessions ORDER BY id
ON CONFLICT (organization_id, id) DO UPDATE SET timestamp = excluded.timestamp
WHERE known.timestamp > excluded.timestamp
"""

# What the ids of the stage were merged into, one step: of several judgements the latest holds.
ALIASES: Final = """
SELECT replace(stage.id::text, '-', ''), replace(alias.entity_id::text, '-', '')
FROM stage_entities AS stage
CROSS JOIN LATERAL (
    SELECT entity_id FROM entity_aliases
    WHERE entity_aliases.organization_id = %(organization)s AND entity_aliases.alias_id = stage.id
      AND undone_at IS NULL
    ORDER BY created_at DESC, id DESC LIMIT 1
) AS alias
"""

FURTHER_ALIASES: Final = """
SELECT replace(asked.id::text, '-', ''), replace(alias.entity_id::text, '-', '')
FROM unnest(%(ids)s::uuid[]) AS asked (id)
CROSS JOIN LATERAL (
    SELECT entity_id FROM entity_aliases
    WHERE entity_aliases.organization_id = %(organization)s AND entity_aliases.alias_id = asked.id
      AND undone_at IS NULL
    ORDER BY created_at DESC, id DESC LIMIT 1
) AS alias
"""

# What was merged into another entity stays merged: its times go to the one it was judged to be.
MERGE_ALIASED_ENTITIES: Final = """
WITH judged AS (
    SELECT * FROM unnest(%(aliases)s::uuid[], %(entities)s::uuid[]) AS t (alias_id, entity_id)
), gone AS (
    DELETE FROM stage_entities AS stage USING judged WHERE judged.alias_id = stage.id
    RETURNING judged.entity_id, stage.first_seen, stage.last_seen, stage.confidence
), summed AS (
    SELECT entity_id, min(first_seen) AS first_seen, max(last_seen) AS last_seen, max(confidence) AS confidence
    FROM gone GROUP BY entity_id
)
UPDATE entities AS kept
SET first_seen = least(kept.first_seen, summed.first_seen), last_seen = greatest(kept.last_seen, summed.last_seen),
    confidence = greatest(kept.confidence, summed.confidence), updated_at = now()
FROM summed
WHERE kept.organization_id = %(organization)s AND kept.id = summed.entity_id
  AND (least(kept.first_seen, summed.first_seen) IS DISTINCT FROM kept.first_seen
       OR greatest(kept.last_seen, summed.last_seen) IS DISTINCT FROM kept.last_seen
       OR summed.confidence > kept.confidence)
"""

MERGE_ENTITIES: Final = """
WITH merged AS (
INSERT INTO entities AS known (organization_id, id, entity_type, name, normalized_name, properties, metadata, flags,
                               confidence, first_seen, last_seen)
SELECT %(organization)s, id, entity_type, name, normalized_name, properties,
       CASE WHEN observed IS NULL THEN '{}'::jsonb ELSE jsonb_build_object('observed', observed) END,
       flags, confidence, first_seen, last_seen
FROM stage_entities
ORDER BY id
ON CONFLICT (organization_id, id) DO UPDATE
SET name = least(known.name COLLATE "C", excluded.name),
    normalized_name = CASE WHEN known.name COLLATE "C" < excluded.name THEN known.normalized_name
                           ELSE excluded.normalized_name END,
    properties = CASE WHEN holds_observed(known.properties, known.metadata, excluded.properties, excluded.metadata)
                      THEN known.properties
                      ELSE merge_observed(known.properties, known.metadata, excluded.properties, excluded.metadata)
                           -> 'properties' END,
    metadata = CASE WHEN holds_observed(known.properties, known.metadata, excluded.properties, excluded.metadata)
                    THEN known.metadata
                    ELSE known.metadata || jsonb_strip_nulls(jsonb_build_object('observed', nullif(
                        merge_observed(known.properties, known.metadata, excluded.properties, excluded.metadata)
                        -> 'observed', '{}'))) END,
    flags = CASE WHEN known.name COLLATE "C" < excluded.name THEN known.flags ELSE excluded.flags END,
    confidence = greatest(known.confidence, excluded.confidence),
    first_seen = least(known.first_seen, excluded.first_seen),
    last_seen = greatest(known.last_seen, excluded.last_seen),
    updated_at = now()
WHERE excluded.name COLLATE "C" < known.name
   OR excluded.confidence > known.confidence
   OR (excluded.name = known.name
       AND (excluded.flags <> known.flags OR excluded.normalized_name <> known.normalized_name))
   OR least(known.first_seen, excluded.first_seen) IS DISTINCT FROM known.first_seen
   OR greatest(known.last_seen, excluded.last_seen) IS DISTINCT FROM known.last_seen
   OR (NOT holds_observed(known.properties, known.metadata, excluded.properties, excluded.metadata)
       AND merge_observed(known.properties, known.metadata, excluded.properties, excluded.metadata)
           <> jsonb_build_object('properties', known.properties,
                                 'observed', coalesce(known.metadata -> 'observed', '{}')))
RETURNING id, xmax = 0 AS inserted
)
SELECT replace(id::text, '-', '') FROM merged WHERE inserted
"""

MERGE_RELATIONSHIPS: Final = """
WITH merged AS (
INSERT INTO relationships AS known (organization_id, id, source_entity_id, target_entity_id, relationship_type, source,
                                    properties, metadata, confidence, first_seen, last_seen)
SELECT %(organization)s, id, source_entity_id, target_entity_id, relationship_type, %(source)s, properties,
       CASE WHEN observed IS NULL THEN '{}'::jsonb ELSE jsonb_build_object('observed', observed) END,
       confidence, first_seen, last_seen
FROM stage_relationships
ORDER BY id
ON CONFLICT (organization_id, id) DO UPDATE
SET source = least(known.source COLLATE "C", excluded.source),
    properties = CASE WHEN holds_observed(known.properties, known.metadata, excluded.properties, excluded.metadata)
                      THEN known.properties
                      ELSE merge_observed(known.properties, known.metadata, excluded.properties, excluded.metadata)
                           -> 'properties' END,
    metadata = CASE WHEN holds_observed(known.properties, known.metadata, excluded.properties, excluded.metadata)
                    THEN known.metadata
                    ELSE known.metadata || jsonb_strip_nulls(jsonb_build_object('observed', nullif(
                        merge_observed(known.properties, known.metadata, excluded.properties, excluded.metadata)
                        -> 'observed', '{}'))) END,
    confidence = greatest(known.confidence, excluded.confidence),
    first_seen = least(known.first_seen, excluded.first_seen),
    last_seen = greatest(known.last_seen, excluded.last_seen),
    updated_at = now()
WHERE excluded.source COLLATE "C" < known.source
   OR excluded.confidence > known.confidence
   OR least(known.first_seen, excluded.first_seen) IS DISTINCT FROM known.first_seen
   OR greatest(known.last_seen, excluded.last_seen) IS DISTINCT FROM known.last_seen
   OR (NOT holds_observed(known.properties, known.metadata, excluded.properties, excluded.metadata)
       AND merge_observed(known.properties, known.metadata, excluded.properties, excluded.metadata)
           <> jsonb_build_object('properties', known.properties,
                                 'observed', coalesce(known.metadata -> 'observed', '{}')))
RETURNING id, xmax = 0 AS inserted
)
SELECT replace(id::text, '-', '') FROM merged WHERE inserted
"""

MERGE_ENTITY_SOURCES: Final = """
INSERT INTO entity_sources AS known (organization_id, id, entity_id, collection_item_id, confidence,
                                     extraction_method, line)
SELECT %(organization)s, source_row, id, item_id, confidence, method, line
FROM stage_entity_sightings
ORDER BY id, item_id
ON CONFLICT (organization_id, entity_id, collection_item_id) DO UPDATE
SET confidence = greatest(known.confidence, excluded.confidence),
    extraction_method = least(known.extraction_method COLLATE "C", excluded.extraction_method),
    line = least(known.line, excluded.line)
WHERE excluded.confidence > known.confidence OR excluded.line < known.line
   OR excluded.extraction_method COLLATE "C" < known.extraction_method
"""

# The same row read again by the same reader says the same; by a newer one it may say more.
MERGE_ENRICHMENTS: Final = """
INSERT INTO enriched_data AS known (organization_id, entity_id, collection_item_id, enrichment_type, data, metadata)
SELECT %(organization)s, id, item_id, %(type)s, data,
       jsonb_build_object('enricher', %(source)s::text, 'version', %(version)s::text, 'confidence', confidence)
FROM stage_enrichments
ORDER BY id, item_id
ON CONFLICT (organization_id, entity_id, enrichment_type, collection_item_id) DO UPDATE
SET data = excluded.data, metadata = excluded.metadata, updated_at = now()
WHERE known.metadata -> 'version' <> excluded.metadata -> 'version'
"""

MERGE_RELATIONSHIP_SOURCES: Final = """
INSERT INTO relationship_sources AS known (organization_id, relationship_id, collection_item_id, confidence, line)
SELECT %(organization)s, id, item_id, confidence, line
FROM stage_relationship_sightings
ORDER BY id, item_id
ON CONFLICT (organization_id, relationship_id, collection_item_id) DO UPDATE
SET confidence = greatest(known.confidence, excluded.confidence), line = least(known.line, excluded.line)
WHERE excluded.confidence > known.confidence OR excluded.line < known.line
"""

INSERT_QUARANTINE: Final = """
INSERT INTO quarantine (organization_id, collection_item_id, file_name, source, record, line, byte_offset, byte_length,
                        reason, detail, content)
SELECT %(organization)s, %(item)s, %(file_name)s, %(source)s, record, line, byte_offset, byte_length, reason, detail,
       content
FROM stage_rejects AS stage
-- Another reading of the same file, as with another time zone, finds the same damage: it is held once.
WHERE NOT EXISTS (
    SELECT FROM quarantine AS held
    WHERE held.organization_id = %(organization)s AND held.collection_item_id = %(item)s AND held.line = stage.line
      AND held.reason = stage.reason AND held.record IS NOT DISTINCT FROM stage.record
      AND held.byte_offset IS NOT DISTINCT FROM stage.byte_offset AND held.status = 'held'
    OFFSET 0
)
ORDER BY record, line
"""

SAVE_PROGRESS: Final = """
UPDATE ingest_files
SET position_offset = %(offset)s, position_line = %(line)s, position_record = %(record)s,
    position_state = %(state)s, counts = %(counts)s,
    by_reason = %(by_reason)s, warnings = %(warnings)s, status = %(status)s, updated_at = now(),
    completed_at = CASE WHEN %(status)s = 'completed' THEN now() END
WHERE organization_id = %(organization)s AND id = %(file)s
"""

COUNT_FACTS: Final = """
UPDATE ingest_files
SET entities_new = entities_new + %(entities)s, relationships_new = relationships_new + %(relationships)s,
    posts_new = posts_new + %(posts)s
WHERE organization_id = %(organization)s AND id = %(file)s
RETURNING entities_new, relationships_new, posts_new
"""
