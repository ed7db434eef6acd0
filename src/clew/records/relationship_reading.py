"""Relationships as rows: those of an entity page by page, all of them, and one with where it comes from."""

from dataclasses import dataclass
from datetime import datetime
from operator import eq, ge, lt
from typing import Any, Final, Literal
from uuid import UUID

import sqlalchemy as sa

from clew.kernel.errors import NotFoundError
from clew.records.paging import Columns, Condition, Listing, Page, PageRequest, given, read_page
from clew.records.tables.entities import entities, relationship_sources, relationships

Direction = Literal["out", "in", "both"]
MAXIMUM_SOURCES: Final = 200
"""Places that a relationship read alone lists."""


@dataclass(frozen=True, slots=True)
class End:
    """An entity at an end of a relationship, in brief. `platform` is that of an account."""

    id: UUID
    type: str
    name: str
    platform: str | None


@dataclass(frozen=True, slots=True)
class Relationship:
    """A relationship as the record has it. `confidence` is from 0 to 1."""

    id: UUID
    type: str
    source: End
    target: End
    confidence: float
    told_by: str | None
    properties: dict[str, Any]
    first_seen: datetime | None
    last_seen: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Sighting:
    """An item that tells of something, and the line in its file where known."""

    item_id: UUID
    line: int | None
    confidence: float


@dataclass(frozen=True, slots=True)
class RelationshipFilter:
    """Which relationships: those to which everything given applies. `until` times themselves are not included."""

    relationship_type: str | None = None
    minimum_confidence: float | None = None
    first_seen_since: datetime | None = None
    first_seen_until: datetime | None = None
    last_seen_since: datetime | None = None
    last_seen_until: datetime | None = None


def list_relationships(
    connection: sa.Connection,
    organization_id: UUID,
    wanted: RelationshipFilter,
    request: PageRequest,
) -> Page[Relationship]:
    """One page of all the organization's relationships, in the order of their ids. Raises InputError for no page."""
    walked = [*_walked(wanted), *given((relationships.c.relationship_type, eq, wanted.relationship_type))]
    page = read_page(connection, _ALL, organization_id, request, filters=wanted, walked=walked)
    return page.mapped(_relationship)


def list_relationships_of(
    connection: sa.Connection,
    organization_id: UUID,
    entity_id: UUID,
    wanted: RelationshipFilter,
    request: PageRequest,
    direction: Direction = "both",
) -> Page[Relationship]:
    """One page of an entity's relationships, read from its own indexes alone.

    Those whose source it is ("out") come before those whose target it is ("in"), each by type and then by id. An
    entity that does not exist has none. Raises InputError for a page there is none of.
    """
    walked = _walked(wanted)
    typed = wanted.relationship_type is not None
    page = read_page(
        connection,
        _OF_AN_ENTITY,
        organization_id,
        request,
        filters=(entity_id, direction, wanted),
        indexed=[_OF_TYPE] if typed else [],
        walked=walked,
        parts=_HALVES[direction],
        shape=None if walked else (direction, typed),
        values={"entity": entity_id, **({"type": wanted.relationship_type} if typed else {})},
    )
    return page.mapped(_relationship)


def read_relationship(
    connection: sa.Connection, organization_id: UUID, relationship_id: UUID
) -> tuple[Relationship, list[Sighting]]:
    """A relationship, and the items that tell of it, the surest first, at most 200. Raises NotFoundError."""
    named = {"organization": organization_id, "relationship": relationship_id}
    row = connection.execute(_ONE, named).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"no relationship {relationship_id}", remedy="list those of an entity")
    sightings = [Sighting(UUID(item), line, confidence) for item, line, confidence in row["sightings"] or ()]
    return _relationship(row), sightings


_NAMES: Final = (
    "id",
    "relationship_type",
    "source_entity_id",
    "target_entity_id",
    "confidence",
    "source",
    "properties",
    "first_seen",
    "last_seen",
    "created_at",
    "updated_at",
)


_COLUMNS: Final = (
    relationships.c.organization_id,
    *(
        sa.cast(relationships.c.confidence, sa.Double).label(name) if name == "confidence" else relationships.c[name]
        for name in _NAMES
    ),
)


def _end(organization: Any, identifier: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[Any]:
    """The entity of that id as [type, name, platform]."""
    return (
        sa.select(sa.func.jsonb_build_array(entities.c.entity_type, entities.c.name, entities.c.properties["platform"]))
        .where(entities.c.organization_id == organization, entities.c.id == identifier)
        .scalar_subquery()
        .label(name)
    )


def _ends(columns: Columns) -> tuple[sa.ColumnElement[Any], ...]:
    return (
        _end(columns.organization_id, columns.source_entity_id, "source_end"),
        _end(columns.organization_id, columns.target_entity_id, "target_end"),
    )


_ALL: Final = Listing(
    name="relationships",
    table=relationships,
    columns=_COLUMNS,
    orders={"id": (relationships.c.id,)},
    default="id",
    lookups=_ends,
)
_ENTITY: Final = sa.bindparam("entity", type_=sa.Uuid())
_GOING: Final = relationships.c.source_entity_id == _ENTITY
_COMING: Final = sa.and_(
    relationships.c.target_entity_id == _ENTITY,
    relationships.c.source_entity_id != _ENTITY,  # one with itself goes out
)
_HALVES: Final[dict[Direction, tuple[Condition, ...]]] = {
    "out": (_GOING,),
    "in": (_COMING,),
    "both": (_GOING, _COMING),
}
_OF_TYPE: Final = relationships.c.relationship_type == sa.bindparam("type", type_=sa.Text())
_OF_AN_ENTITY: Final = Listing(
    name="relationships of an entity",
    table=relationships,
    columns=_COLUMNS,
    orders={"type": (relationships.c.relationship_type, relationships.c.id)},
    default="type",
    lookups=_ends,
)


_ONE: Final = sa.select(
    *_COLUMNS,
    *_ends(relationships.c),
    sa.select(
        sa.func.jsonb_agg(
            sa.func.jsonb_build_array(
                sa.literal_column("listed.collection_item_id"),
                sa.literal_column("listed.line"),
                sa.literal_column("listed.confidence"),
            )
        )
    )
    .select_from(
        sa.select(
            relationship_sources.c.collection_item_id, relationship_sources.c.line, relationship_sources.c.confidence
        )
        .where(
            relationship_sources.c.organization_id == sa.bindparam("organization"),
            relationship_sources.c.relationship_id == sa.bindparam("relationship"),
        )
        .order_by(relationship_sources.c.confidence.desc(), relationship_sources.c.collection_item_id)
        .limit(MAXIMUM_SOURCES)
        .subquery("listed")
    )
    .scalar_subquery()
    .label("sightings"),
).where(
    relationships.c.organization_id == sa.bindparam("organization"),
    relationships.c.id == sa.bindparam("relationship"),
)


def _walked(wanted: RelationshipFilter) -> list[Condition]:
    row = relationships.c
    return given(
        (row.confidence, ge, wanted.minimum_confidence),
        (row.first_seen, ge, wanted.first_seen_since),
        (row.first_seen, lt, wanted.first_seen_until),
        (row.last_seen, ge, wanted.last_seen_since),
        (row.last_seen, lt, wanted.last_seen_until),
    )


def _relationship(row: sa.RowMapping) -> Relationship:
    return Relationship(
        id=row["id"],
        type=row["relationship_type"],
        source=End(row["source_entity_id"], *row["source_end"]),
        target=End(row["target_entity_id"], *row["target_end"]),
        confidence=row["confidence"],
        told_by=row["source"],
        properties=row["properties"],
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
