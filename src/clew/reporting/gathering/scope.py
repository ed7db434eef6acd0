"""The part of the record that a report is about: items, and the entities, relationships and sessions they tell of.

The scope is kept in temporary tables that end with the transaction, so that everything a report says is about the same
rows, and no query has to find them again.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from clew.records.tables.entities import entities
from clew.records.tables.items import ingest_files

# Entities take no impossible times, and an event's time may lie a little outside of what its entities say.
_MARGIN: Final = timedelta(days=2)

_TABLES: Final = ("report_items", "report_relationships", "report_entities", "report_minutes", "report_sessions")


def open_scope(
    connection: sa.Connection, organization_id: UUID, items: Iterable[UUID], targets: Iterable[UUID] = ()
) -> None:
    """Make the temporary tables for these items (their rows come with them) and these targets' entities.

    Opening another scope in the same transaction replaces the first. Takes a connection in the organization's
    transaction, which should be REPEATABLE READ: only then does nothing change between one query and the next.
    """
    for table in _TABLES:
        connection.execute(sa.text(f"DROP TABLE IF EXISTS pg_temp.{table}"))
    parameters = {"organization": organization_id, "items": sorted(set(items)), "targets": sorted(set(targets))}
    for statement in (_ITEMS, _RELATIONSHIPS, _ENTITIES):
        connection.execute(statement, parameters)
    for table in ("report_items", "report_entities", "report_relationships"):
        connection.execute(sa.text(f"CREATE INDEX ON pg_temp.{table} (id)"))
        connection.execute(sa.text(f"ANALYZE pg_temp.{table}"))
    window = _window(connection, organization_id)
    for statement in (_MINUTES, _SESSIONS):
        connection.execute(statement, parameters | window)


def _window(connection: sa.Connection, organization_id: UUID) -> dict[str, object]:
    """Between which times the items' events lie, so that no other partition of the events is read."""
    within = sa.text("SELECT id FROM pg_temp.report_items").columns(sa.column("id", sa.Uuid))
    told = sa.select(sa.func.sum(sa.cast(ingest_files.c.counts["events"].astext, sa.BigInteger))).where(
        ingest_files.c.organization_id == organization_id, ingest_files.c.collection_item_id.in_(within)
    )
    known = sa.text("SELECT id FROM pg_temp.report_entities").columns(sa.column("id", sa.Uuid))
    times = sa.select(sa.func.min(entities.c.first_seen), sa.func.max(entities.c.last_seen)).where(
        entities.c.organization_id == organization_id, entities.c.id.in_(known)
    )
    first, last = connection.execute(times).one()
    if not connection.scalar(told) or first is None or last is None:
        return {"told": False, "earliest": "-infinity", "latest": "infinity"}
    return {"told": True, "earliest": (first - _MARGIN).isoformat(), "latest": (last + _MARGIN).isoformat()}


# A row is an item of its own that stands in a file; it may be in the scope twice, by itself and by its file.
_ITEMS: Final = sa.text("""
CREATE TEMP TABLE report_items ON COMMIT DROP AS
SELECT DISTINCT ON (id) id, file_id, line
FROM (
    SELECT item AS id, item AS file_id, CAST(NULL AS bigint) AS line, 1 AS preference
    FROM unnest(CAST(:items AS uuid[])) AS item
    UNION ALL
    SELECT collection_item_id, file_id, line, 0
    FROM collection_item_places
    WHERE organization_id = :organization AND file_id = ANY (CAST(:items AS uuid[]))
) AS held
ORDER BY id, preference, file_id, line
""")

_RELATIONSHIPS: Final = sa.text("""
CREATE TEMP TABLE report_relationships ON COMMIT DROP AS
SELECT relationships.id, source_entity_id, target_entity_id, relationship_type, confidence, first_seen, last_seen
FROM (
    SELECT DISTINCT relationship_id
    FROM pg_temp.report_items AS items
    JOIN relationship_sources ON relationship_sources.organization_id = :organization
     AND relationship_sources.collection_item_id = items.id
) AS told
JOIN relationships ON relationships.organization_id = :organization AND relationships.id = told.relationship_id
""")

_ENTITIES: Final = sa.text("""
CREATE TEMP TABLE report_entities ON COMMIT DROP AS
WITH seen AS (
    SELECT entity_id AS id, CAST(count(*) AS integer) AS sightings
    FROM pg_temp.report_items AS items
    JOIN entity_sources ON entity_sources.organization_id = :organization
     AND entity_sources.collection_item_id = items.id
    GROUP BY entity_id
), ends AS (
    SELECT source_entity_id AS id FROM pg_temp.report_relationships
    UNION ALL
    SELECT target_entity_id FROM pg_temp.report_relationships
), degrees AS (
    SELECT id, CAST(count(*) AS integer) AS degree FROM ends GROUP BY id
)
SELECT seen.id, seen.sightings, coalesce(degrees.degree, 0) AS degree,
       seen.id = ANY (CAST(:targets AS uuid[])) AS is_target
FROM seen LEFT JOIN degrees ON degrees.id = seen.id
""")

_MINUTES: Final = sa.text("""
CREATE TEMP TABLE report_minutes ON COMMIT DROP AS
SELECT date_trunc('minute', occurred_at) AS at, source AS series, count(*) AS count
FROM events
WHERE :told AND organization_id = :organization AND NOT impossible_time
  AND occurred_at BETWEEN CAST(:earliest AS timestamptz) AND CAST(:latest AS timestamptz)
  AND item_id IN (SELECT id FROM pg_temp.report_items)
GROUP BY 1, 2
""")

# Sessions of a sensor whose clock was wrong lie outside of the window: before it or behind it, but never within.
_SESSIONS: Final = sa.text("""
CREATE TEMP TABLE report_sessions ON COMMIT DROP AS
SELECT session_id AS id
FROM events
WHERE :told AND organization_id = :organization AND session_id IS NOT NULL
  AND occurred_at BETWEEN CAST(:earliest AS timestamptz) AND CAST(:latest AS timestamptz)
  AND item_id IN (SELECT id FROM pg_temp.report_items)
UNION
SELECT session_id
FROM events
WHERE :told AND organization_id = :organization AND session_id IS NOT NULL AND impossible_time
  AND occurred_at < CAST(:earliest AS timestamptz)
  AND item_id IN (SELECT id FROM pg_temp.report_items)
UNION
SELECT session_id
FROM events
WHERE :told AND organization_id = :organization AND session_id IS NOT NULL AND impossible_time
  AND occurred_at > CAST(:latest AS timestamptz)
  AND item_id IN (SELECT id FROM pg_temp.report_items)
""")
