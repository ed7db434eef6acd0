"""Entities as rows: one by its id in a single question, many page by page."""

from dataclasses import dataclass
from datetime import datetime
from operator import eq, ge, lt
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.kernel.errors import InputError, NotFoundError
from clew.kernel.statements import Statement
from clew.ontology import EntityType
from clew.records.lookup import current_ids, is_storable
from clew.records.paging import MAXIMUM_WALK, Condition, Listing, Page, PageRequest, given, read_page
from clew.records.tables.entities import entities, entity_aliases, entity_sources
from clew.records.tables.items import collection_item_hashes, collection_items, sources

_WALK_OF_SOURCES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity as the record has it. `confidence` is from 0 to 1, `risk_score` from 0 to 100."""

    id: UUID
    type: str
    name: str
    normalized_name: str
    properties: dict[str, Any]
    tags: list[str]
    flags: list[str]
    risk_score: int
    confidence: float
    is_verified: bool
    first_seen: datetime | None
    last_seen: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class EntityFilter:
    """Which entities: those to which everything given applies. `until` times themselves are not included.

    `value_prefix` begins the normalised name (what was typed is put into lower case); `tag` and `flag` are one that
    the entity has; `source` is the name of one that tells of it.
    """

    entity_type: str | None = None
    value_prefix: str | None = None
    tag: str | None = None
    flag: str | None = None
    source: str | None = None
    minimum_confidence: float | None = None
    minimum_risk: int | None = None
    is_verified: bool | None = None
    first_seen_since: datetime | None = None
    first_seen_until: datetime | None = None
    last_seen_since: datetime | None = None
    last_seen_until: datetime | None = None
    created_since: datetime | None = None
    created_until: datetime | None = None


COLUMNS: Final = (
    entities.c.id,
    entities.c.entity_type.label("type"),
    entities.c.name,
    entities.c.normalized_name,
    entities.c.properties,
    entities.c.tags,
    entities.c.flags,
    entities.c.risk_score,
    sa.cast(entities.c.confidence, sa.Double).label("confidence"),
    entities.c.is_verified,
    entities.c.first_seen,
    entities.c.last_seen,
    entities.c.created_at,
    entities.c.updated_at,
)

LISTING: Final = Listing(
    name="entities",
    table=entities,
    columns=COLUMNS,
    orders={
        "created_at": (entities.c.created_at, entities.c.id),
        "name": (entities.c.normalized_name, entities.c.id),
    },
    default="-created_at",
)


def list_entities(
    connection: sa.Connection, organization_id: UUID, wanted: EntityFilter, request: PageRequest
) -> Page[Entity]:
    """One page of the organization's entities.

    An index answers type, prefix and time of creation; all else is looked at row by row within the bounds of a page.
    Raises InputError for an unknown type, or a page there is none of.
    """
    page = read_page(
        connection,
        LISTING,
        organization_id,
        request,
        filters=wanted,
        indexed=_indexed(wanted),
        walked=_walked(organization_id, wanted),
        walk=MAXIMUM_WALK if wanted.source is None else _WALK_OF_SOURCES,
        shape="all" if wanted == EntityFilter() else None,
    )
    return page.mapped(entity_of)


def read_entity(connection: sa.Connection, organization_id: UUID, entity_id: UUID) -> Entity:
    """The entity of that id, or the one it was merged into. Raises NotFoundError."""
    row = _ONE.row(connection, {"organization": organization_id, "entity": entity_id})
    if row is None or row.merged_into is not None:
        current = current_ids(connection, organization_id, [entity_id])[entity_id]
        row = _ONE.row(connection, {"organization": organization_id, "entity": current})
    if row is None:
        raise no_entity(entity_id)
    return Entity(*row[: len(COLUMNS)])


def no_entity(entity_id: UUID) -> NotFoundError:
    """What is raised where no entity has the id."""
    return NotFoundError(f"no entity {entity_id}", remedy="find it by its value")


def entity_of(row: sa.RowMapping) -> Entity:
    """A row of COLUMNS."""
    return Entity(**{name: row[name] for name in Entity.__slots__})


_ONE: Final = Statement(
    sa.select(
        *COLUMNS,
        sa.select(entity_aliases.c.entity_id)
        .where(
            entity_aliases.c.organization_id == sa.bindparam("organization"),
            entity_aliases.c.alias_id == sa.bindparam("entity"),
            entity_aliases.c.undone_at.is_(None),
            entity_aliases.c.entity_id != entity_aliases.c.alias_id,
        )
        .limit(1)
        .scalar_subquery()
        .label("merged_into"),
    ).where(entities.c.organization_id == sa.bindparam("organization"), entities.c.id == sa.bindparam("entity"))
)


def _indexed(wanted: EntityFilter) -> list[Condition]:
    found: list[Condition] = []
    if wanted.entity_type is not None:
        if wanted.entity_type not in set(EntityType):
            remedy = f"choose one of: {', '.join(EntityType)}"
            raise InputError(f"no entity type {wanted.entity_type[:40]!r}", where="type", remedy=remedy)
        found.append(entities.c.entity_type == wanted.entity_type)
    if wanted.value_prefix is not None:
        if not is_storable(wanted.value_prefix):
            raise InputError("no value begins like that", where="value_prefix", remedy="leave out control characters")
        found.append(sa.func.starts_with(entities.c.normalized_name, wanted.value_prefix.lower()))
    return found + given(
        (entities.c.created_at, ge, wanted.created_since),
        (entities.c.created_at, lt, wanted.created_until),
    )


def _walked(organization_id: UUID, wanted: EntityFilter) -> list[Condition]:
    row = entities.c
    found = given(
        (row.confidence, ge, wanted.minimum_confidence),
        (row.risk_score, ge, wanted.minimum_risk),
        (row.is_verified, eq, wanted.is_verified),
        (row.first_seen, ge, wanted.first_seen_since),
        (row.first_seen, lt, wanted.first_seen_until),
        (row.last_seen, ge, wanted.last_seen_since),
        (row.last_seen, lt, wanted.last_seen_until),
    )
    found += [
        column.contains([value])
        for column, value in ((row.tags, wanted.tag), (row.flags, wanted.flag))
        if value is not None
    ]
    if wanted.source is not None:
        found.append(_told_by(organization_id, wanted.source))
    return found


def _told_by(organization_id: UUID, source: str) -> Condition:
    """Whether an item of the source tells of the entity."""
    seen, hashes, items = entity_sources.c, collection_item_hashes.c, collection_items.c
    named = sa.select(sources.c.id).where(sources.c.organization_id == organization_id, sources.c.name == source)
    return (
        sa.select(sa.literal(1))
        .select_from(entity_sources)
        .join(
            collection_item_hashes,
            sa.and_(hashes.organization_id == organization_id, hashes.collection_item_id == seen.collection_item_id),
        )
        .join(
            collection_items,
            sa.and_(
                items.organization_id == organization_id,
                items.collected_at == hashes.collected_at,
                items.id == seen.collection_item_id,
            ),
        )
        .where(
            seen.organization_id == organization_id,
            seen.entity_id == entities.c.id,
            items.source_id == named.scalar_subquery(),
        )
        .exists()
    )
