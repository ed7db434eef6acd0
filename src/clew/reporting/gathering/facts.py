"""The scope's entities and relationships: counted, the weightiest of them, or all of them one after the other."""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.records.paths import WALLS
from clew.reporting.document import Entity, Relationship, Sighting

_PAGE: Final = 1000
_LONGEST_NAME: Final = 2000


def entity_counts(connection: sa.Connection, organization_id: UUID) -> dict[str, int]:
    """How many entities of each type."""
    rows = connection.execute(_ENTITY_COUNTS, {"organization": organization_id})
    return {row[0]: row[1] for row in rows}


def relationship_counts(connection: sa.Connection) -> dict[str, int]:
    """How many relationships of each type."""
    return {row[0]: row[1] for row in connection.execute(_RELATIONSHIP_COUNTS)}


def period(connection: sa.Connection, organization_id: UUID) -> tuple[Any, Any]:
    """When the first and the last entity was seen; None where no file states a time."""
    return tuple(connection.execute(_PERIOD, {"organization": organization_id}).one())


def weightiest_entities(
    connection: sa.Connection, organization_id: UUID, *, limit: int, sightings: int
) -> list[Entity]:
    """Targets first, then by risk, relationships and confidence; each with its surest sightings.

    Private addresses, placeholders and their like come behind others of the same risk: they are related to much, but
    say little.
    """
    parameters = _weighing(organization_id, limit, include_walls=True)
    found = [_entity(row) for row in connection.execute(_WEIGHTIEST, parameters)]
    seen = _sightings(connection, organization_id, [each.id for each in found], sightings)
    return [_with_sightings(each, seen.get(each.id, ())) for each in found]


def candidates_to_draw(connection: sa.Connection, organization_id: UUID, *, limit: int) -> list[Entity]:
    """Likewise, without sightings and without values that relate what has nothing to do with each other."""
    parameters = _weighing(organization_id, limit, include_walls=False)
    return [_entity(row) for row in connection.execute(_WEIGHTIEST, parameters)]


def relationships_among(connection: sa.Connection, ids: Sequence[UUID], *, limit: int) -> list[Relationship]:
    """The scope's relationships between these entities, the surest first."""
    rows = connection.execute(_AMONG, {"ids": list(ids), "limit": limit})
    return [_relationship(row) for row in rows]


def all_entities(connection: sa.Connection, organization_id: UUID) -> Iterator[Entity]:
    """Every entity with its properties and every sighting, in the order of their ids, read page by page."""
    rows = connection.execute(
        _ALL_ENTITIES,
        {"organization": organization_id},
        execution_options={"stream_results": True, "yield_per": _PAGE},
    )
    for row in rows:
        seen = tuple(Sighting(UUID(file), line, confidence, how) for file, line, confidence, how in row.seen_in)
        yield _with_sightings(_entity(row), seen)


def all_relationships(connection: sa.Connection) -> Iterator[Relationship]:
    """Every relationship in the order of their ids, read page by page."""
    rows = connection.execute(_ALL_RELATIONSHIPS, execution_options={"stream_results": True, "yield_per": _PAGE})
    for row in rows:
        yield _relationship(row)


def _weighing(organization_id: UUID, limit: int, *, include_walls: bool) -> dict[str, Any]:
    return {
        "organization": organization_id,
        "limit": limit,
        "walls": list(WALLS),
        "include_walls": include_walls,
        "text": _LONGEST_NAME,
    }


def _sightings(
    connection: sa.Connection, organization_id: UUID, ids: Sequence[UUID], most: int
) -> dict[UUID, tuple[Sighting, ...]]:
    parameters = {"organization": organization_id, "ids": list(ids), "most": most}
    found: dict[UUID, tuple[Sighting, ...]] = {}
    for row in connection.execute(_SIGHTINGS, parameters):
        sighting = Sighting(row.file_id, row.line, float(row.confidence), row.extraction_method)
        found[row.entity_id] = (*found.get(row.entity_id, ()), sighting)
    return found


def _entity(row: sa.Row[Any]) -> Entity:
    return Entity(
        id=row.id,
        type=row.entity_type,
        name=row.name,
        platform=row.platform,
        risk_score=row.risk_score,
        confidence=float(row.confidence),
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        flags=tuple(row.flags),
        tags=tuple(row.tags),
        degree=row.degree,
        sightings=row.sightings,
        is_target=row.is_target,
        properties=row.properties,
    )


def _with_sightings(entity: Entity, seen: tuple[Sighting, ...]) -> Entity:
    values = {name: getattr(entity, name) for name in entity.__slots__}
    return Entity(**(values | {"seen_in": seen}))


def _relationship(row: sa.Row[Any]) -> Relationship:
    return Relationship(
        id=row.id,
        type=row.relationship_type,
        source=row.source_entity_id,
        target=row.target_entity_id,
        confidence=float(row.confidence),
        first_seen=row.first_seen,
        last_seen=row.last_seen,
    )


_ENTITY_COUNTS: Final = sa.text("""
SELECT entity_type, count(*)
FROM pg_temp.report_entities AS scope
JOIN entities ON entities.organization_id = :organization AND entities.id = scope.id
GROUP BY entity_type ORDER BY count(*) DESC, entity_type
""")

_RELATIONSHIP_COUNTS: Final = sa.text("""
SELECT relationship_type, count(*) FROM pg_temp.report_relationships
GROUP BY relationship_type ORDER BY count(*) DESC, relationship_type
""")

_PERIOD: Final = sa.text("""
SELECT min(first_seen), max(last_seen)
FROM pg_temp.report_entities AS scope
JOIN entities ON entities.organization_id = :organization AND entities.id = scope.id
""")

# Names and properties may be megabytes; the first part is enough to be shown.
_WEIGHTIEST: Final = sa.text("""
SELECT scope.id, entity_type, left(name, :text) AS name, left(properties ->> 'platform', 100) AS platform, risk_score,
       confidence, first_seen, last_seen, flags, tags, degree, sightings, is_target, NULL AS properties
FROM pg_temp.report_entities AS scope
JOIN entities ON entities.organization_id = :organization AND entities.id = scope.id
WHERE is_target OR :include_walls OR NOT flags && CAST(:walls AS text[])
ORDER BY is_target DESC, risk_score DESC, flags && CAST(:walls AS text[]), degree DESC, confidence DESC, entity_type,
         normalized_name COLLATE "C", scope.id
LIMIT :limit
""")

_SIGHTINGS: Final = sa.text("""
SELECT asked.id AS entity_id, seen.file_id, seen.line, seen.confidence, seen.extraction_method
FROM unnest(CAST(:ids AS uuid[])) AS asked (id)
CROSS JOIN LATERAL (
    SELECT items.file_id, coalesce(items.line, told.line) AS line, told.confidence, told.extraction_method, told.id
    FROM entity_sources AS told
    JOIN pg_temp.report_items AS items ON items.id = told.collection_item_id
    WHERE told.organization_id = :organization AND told.entity_id = asked.id
    ORDER BY told.confidence DESC, items.file_id, 2, items.id
    LIMIT :most
) AS seen
ORDER BY asked.id, seen.confidence DESC, seen.file_id, seen.line
""")

_AMONG: Final = sa.text("""
SELECT * FROM pg_temp.report_relationships
WHERE source_entity_id = ANY (CAST(:ids AS uuid[])) AND target_entity_id = ANY (CAST(:ids AS uuid[]))
ORDER BY confidence DESC, id
LIMIT :limit
""")

_ALL_ENTITIES: Final = sa.text("""
SELECT scope.id, entity_type, name, properties ->> 'platform' AS platform, risk_score, entities.confidence, first_seen,
       last_seen, flags, tags, degree, sightings, is_target, properties, told.seen_in
FROM pg_temp.report_entities AS scope
JOIN entities ON entities.organization_id = :organization AND entities.id = scope.id
CROSS JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(items.file_id, coalesce(items.line, told.line), told.confidence,
                                       told.extraction_method)
                     ORDER BY told.confidence DESC, items.file_id, coalesce(items.line, told.line), items.id) AS seen_in
    FROM entity_sources AS told
    JOIN pg_temp.report_items AS items ON items.id = told.collection_item_id
    WHERE told.organization_id = :organization AND told.entity_id = scope.id
) AS told
ORDER BY scope.id
""")

_ALL_RELATIONSHIPS: Final = sa.text("SELECT * FROM pg_temp.report_relationships ORDER BY id")
