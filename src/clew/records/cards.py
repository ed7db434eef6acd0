"""An entity's card: its values, where each fact came from, what it is related to, and when things happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.kernel.errors import NotFoundError
from clew.records.lookup import EntityRow, current_ids, find_entities
from clew.records.posts import post_count
from clew.records.tables.entities import entities, entity_aliases
from clew.records.timeline import timeline

__all__ = ["Card", "EntityRow", "Neighbour", "SourceLine", "card", "find_entities"]


@dataclass(frozen=True, slots=True)
class SourceLine:
    """Where the entity was seen: the tool, the item, and the place in its file."""

    source: str | None
    item_id: UUID
    file: str | None
    line: int | None
    confidence: float
    method: str | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "source": self.source,
            "item_id": str(self.item_id),
            "file": self.file,
            "line": self.line,
            "confidence": self.confidence,
            "method": self.method,
        }


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An entity at the other end of a relationship. `direction` is "out" where the card's entity is the source."""

    id: UUID
    type: str
    name: str
    platform: str | None  # of accounts: the same handle may be one on many platforms
    relationship_type: str
    relationship_id: UUID
    direction: str
    confidence: float
    first_seen: datetime | None
    last_seen: datetime | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "id": str(self.id),
            "type": self.type,
            "name": self.name,
            "platform": self.platform,
            "relationship_type": self.relationship_type,
            "relationship_id": str(self.relationship_id),
            "direction": self.direction,
            "confidence": self.confidence,
            "first_seen": written(self.first_seen),
            "last_seen": written(self.last_seen),
        }


@dataclass(frozen=True, slots=True)
class Card:
    """All that is worth knowing of one entity. The lists may be cut; the counts say how much there is."""

    id: UUID
    type: str
    name: str
    normalized_name: str
    properties: dict[str, Any]
    confidence: float
    first_seen: datetime | None
    last_seen: datetime | None
    flags: list[str]
    tags: list[str]
    risk_score: int
    is_verified: bool
    sources: list[SourceLine]
    source_count: int
    neighbours: list[Neighbour]
    neighbour_count: int
    aliases: list[dict[str, Any]]
    alternatives: list[EntityRow]
    timeline: list[dict[str, Any]]
    post_count: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON; ids and times are text."""
        return {
            "id": str(self.id),
            "type": self.type,
            "name": self.name,
            "normalized_name": self.normalized_name,
            "properties": self.properties,
            "confidence": self.confidence,
            "first_seen": written(self.first_seen),
            "last_seen": written(self.last_seen),
            "flags": self.flags,
            "tags": self.tags,
            "risk_score": self.risk_score,
            "is_verified": self.is_verified,
            "sources": [source.as_dict() for source in self.sources],
            "source_count": self.source_count,
            "neighbours": [neighbour.as_dict() for neighbour in self.neighbours],
            "neighbour_count": self.neighbour_count,
            "aliases": self.aliases,
            "alternatives": [row.as_dict() for row in self.alternatives],
            "timeline": self.timeline,
            "post_count": self.post_count,
        }


def card(
    connection: sa.Connection,
    organization_id: UUID,
    entity_id: UUID,
    *,
    limit: int = 50,
    alternatives: Sequence[EntityRow] = (),
) -> Card:
    """The card of an entity, or of the one it was merged into, with at most `limit` sources and neighbours.

    Sources come by confidence; neighbours by turns from each kind of relationship, the surest first, so that a card
    that is cut still shows every kind. `alternatives` are other matches of what the reader typed, handed through.
    Raises NotFoundError.
    """
    current = current_ids(connection, organization_id, [entity_id])[entity_id]
    found = sa.select(entities).where(entities.c.organization_id == organization_id, entities.c.id == current)
    row = connection.execute(found).one_or_none()
    if row is None:
        raise NotFoundError(f"no entity {entity_id}", remedy="search by its value, as in `clew show VALUE`")
    sources, source_count = _sources(connection, organization_id, current, limit)
    neighbours, neighbour_count = _neighbours(connection, organization_id, current, limit)
    return Card(
        id=row.id,
        type=row.entity_type,
        name=row.name,
        normalized_name=row.normalized_name,
        properties=row.properties,
        confidence=fraction(row.confidence),
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        flags=list(row.flags),
        tags=list(row.tags),
        risk_score=row.risk_score,
        is_verified=row.is_verified,
        sources=sources,
        source_count=source_count,
        neighbours=neighbours,
        neighbour_count=neighbour_count,
        aliases=_aliases(connection, organization_id, current),
        alternatives=[other for other in alternatives if other.id != current],
        timeline=timeline(connection, organization_id, current, row.entity_type, row.normalized_name, limit),
        post_count=post_count(connection, organization_id, current) if row.entity_type == "social_profile" else 0,
    )


def written(moment: datetime | None) -> str | None:
    """A time as text, ISO 8601 in UTC."""
    return None if moment is None else moment.isoformat()


def fraction(value: Decimal) -> float:
    """A confidence as a plain number from 0 to 1."""
    return float(value)


# An item's place in time comes from the unpartitioned key table, so that only one partition is looked into. A result
# row has a line for each place in a file where it stands; of a log the sighting knows the line.
_SOURCES: Final = sa.text("""
WITH seen AS (
    SELECT collection_item_id, confidence, extraction_method, line
    FROM entity_sources
    WHERE organization_id = :organization AND entity_id = :entity
    ORDER BY confidence DESC, collection_item_id
    LIMIT :limit
), placed AS (
    SELECT seen.collection_item_id, seen.confidence, seen.extraction_method,
           coalesce(place.file_id, seen.collection_item_id) AS file_id, coalesce(place.line, seen.line) AS line
    FROM seen
    LEFT JOIN LATERAL (
        SELECT file_id, line FROM collection_item_places AS places
        WHERE places.organization_id = :organization AND places.collection_item_id = seen.collection_item_id
        ORDER BY file_id, line LIMIT :limit
    ) AS place ON true
    ORDER BY seen.confidence DESC, seen.collection_item_id, file_id, line
    LIMIT :limit
)
SELECT sources.name, placed.collection_item_id, file.file_name, placed.line, placed.confidence,
       placed.extraction_method
FROM placed
LEFT JOIN LATERAL (
    SELECT items.source_id
    FROM collection_item_hashes AS hashes
    CROSS JOIN LATERAL (
        SELECT source_id FROM collection_items
        WHERE collection_items.organization_id = :organization
          AND collection_items.collected_at = hashes.collected_at
          AND collection_items.id = hashes.collection_item_id
        OFFSET 0
    ) AS items
    WHERE hashes.organization_id = :organization AND hashes.collection_item_id = placed.collection_item_id
) AS item ON true
LEFT JOIN LATERAL (
    SELECT items.file_name
    FROM collection_item_hashes AS hashes
    CROSS JOIN LATERAL (
        SELECT file_name FROM collection_items
        WHERE collection_items.organization_id = :organization
          AND collection_items.collected_at = hashes.collected_at
          AND collection_items.id = hashes.collection_item_id
        OFFSET 0
    ) AS items
    WHERE hashes.organization_id = :organization AND hashes.collection_item_id = placed.file_id
) AS file ON true
LEFT JOIN sources ON sources.organization_id = :organization AND sources.id = item.source_id
ORDER BY placed.confidence DESC, sources.name, file.file_name, placed.line, placed.collection_item_id
""")

_SOURCE_COUNT: Final = sa.text("""
SELECT coalesce(sum(greatest(places, 1)), 0)
FROM (
    SELECT (SELECT count(*) FROM collection_item_places
            WHERE collection_item_places.organization_id = :organization
              AND collection_item_places.collection_item_id = entity_sources.collection_item_id) AS places
    FROM entity_sources
    WHERE organization_id = :organization AND entity_id = :entity
) AS counted
""")

_NEIGHBOURS: Final = sa.text("""
WITH related AS (
    SELECT id, relationship_type, target_entity_id AS other, 'out' AS direction, confidence, first_seen, last_seen
    FROM relationships WHERE organization_id = :organization AND source_entity_id = :entity
    UNION ALL
    SELECT id, relationship_type, source_entity_id, 'in', confidence, first_seen, last_seen
    FROM relationships WHERE organization_id = :organization AND target_entity_id = :entity
), ranked AS (
    SELECT related.*, count(*) OVER () AS total,
           row_number() OVER (PARTITION BY relationship_type, direction
                              ORDER BY confidence DESC, last_seen DESC NULLS LAST, id) AS turn
    FROM related
), chosen AS (
    SELECT * FROM ranked ORDER BY turn, relationship_type, direction LIMIT :limit
)
SELECT chosen.other, entity.entity_type, entity.name, entity.platform, chosen.relationship_type, chosen.id,
       chosen.direction, chosen.confidence, chosen.first_seen, chosen.last_seen, chosen.total
FROM chosen
CROSS JOIN LATERAL (
    SELECT entity_type, name, properties ->> 'platform' AS platform FROM entities
    WHERE entities.organization_id = :organization AND entities.id = chosen.other
    OFFSET 0
) AS entity
ORDER BY chosen.relationship_type, chosen.direction DESC, chosen.turn
""")


def _sources(
    connection: sa.Connection, organization_id: UUID, entity_id: UUID, limit: int
) -> tuple[list[SourceLine], int]:
    parameters = {"organization": organization_id, "entity": entity_id, "limit": limit}
    rows = connection.execute(_SOURCES, parameters).all()
    lines = [
        SourceLine(name, item, file, line, fraction(confidence), method)
        for name, item, file, line, confidence, method in rows
    ]
    count = len(lines) if len(lines) < limit else int(connection.scalar(_SOURCE_COUNT, parameters) or 0)
    return lines, count


def _neighbours(
    connection: sa.Connection, organization_id: UUID, entity_id: UUID, limit: int
) -> tuple[list[Neighbour], int]:
    parameters = {"organization": organization_id, "entity": entity_id, "limit": limit}
    rows = connection.execute(_NEIGHBOURS, parameters).all()
    neighbours = [
        Neighbour(
            id=row.other,
            type=row.entity_type,
            name=row.name,
            platform=row.platform,
            relationship_type=row.relationship_type,
            relationship_id=row.id,
            direction=row.direction,
            confidence=fraction(row.confidence),
            first_seen=row.first_seen,
            last_seen=row.last_seen,
        )
        for row in rows
    ]
    return neighbours, rows[0].total if rows else 0


def _aliases(connection: sa.Connection, organization_id: UUID, entity_id: UUID) -> list[dict[str, Any]]:
    """What was merged into this entity, and on whose judgement."""
    statement = (
        sa.select(entity_aliases.c.alias_id, entity_aliases.c.reason, entity_aliases.c.judged_by)
        .where(
            entity_aliases.c.organization_id == organization_id,
            entity_aliases.c.entity_id == entity_id,
            entity_aliases.c.undone_at.is_(None),
        )
        .order_by(entity_aliases.c.created_at, entity_aliases.c.id)
    )
    return [
        {"id": str(alias), "reason": reason, "judged_by": judge}
        for alias, reason, judge in connection.execute(statement)
    ]
