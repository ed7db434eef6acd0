"""Finding entities of the record by what a person typed: an id, a value in any spelling, or platform:name."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.kernel.errors import InputError
from clew.ontology import EntityType, InvalidValueError, entity_id, guess_types, normalize
from clew.ontology.text import clean_name, fold_name
from clew.records.aliases import follow
from clew.records.tables.entities import entities, entity_aliases

MAXIMUM_FOUND: Final = 200
"""Entities of one normalised name that are looked at; names are shared by far fewer."""

_MAXIMUM_SOURCES_COUNTED: Final = 1000
_ACCOUNT_TYPES: Final = (EntityType.USERNAME, EntityType.SOCIAL_PROFILE)


@dataclass(frozen=True, slots=True)
class EntityRow:
    """An entity in brief."""

    id: UUID
    type: str
    name: str
    normalized_name: str
    platform: str | None
    flags: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "id": str(self.id),
            "type": self.type,
            "name": self.name,
            "normalized_name": self.normalized_name,
            "platform": self.platform,
        }


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to understand a text. `identity` is None where the name alone does not identify an entity.

    `qualified` means that the text names the platform too, so that other entities of the name are not meant.
    """

    entity_type: EntityType
    name: str
    normalized_name: str
    identity: str | None
    qualified: bool = False


def find_entities(
    connection: sa.Connection, organization_id: UUID, text: str, entity_type: str | None = None
) -> list[EntityRow]:
    """The entities that the text may mean, likeliest first; empty if the record has none.

    A uuid means the entity of that id, or the one it was merged into. Otherwise: first what the text identifies
    exactly (in the order of `guess_types`), then those that only share its name: without platform before those on
    one, those with more sources (counted up to 1,000) first, at last by id. Raises InputError for an unknown type.
    """
    identifier = _as_uuid(text)
    if identifier is not None:
        known = _by_ids(connection, organization_id, [identifier]).values()
        rows = [row for row in known if entity_type in (None, row.type)]
        if rows:
            return rows
    readings = readings_of(text, entity_type)
    exact = [
        entity_id(organization_id, reading.entity_type, reading.identity)
        for reading in readings
        if reading.identity is not None
    ]
    found = _by_ids(connection, organization_id, exact)
    order = {row.id: rank for rank, row in reversed(list(enumerate(found[key] for key in exact if key in found)))}
    unqualified = [reading for reading in readings if not reading.qualified]
    named = _by_names(connection, organization_id, text, unqualified, entity_type)
    rows = list({row.id: row for row in [*found.values(), *named]}.values())
    counts = _source_counts(connection, organization_id, [row.id for row in rows])
    return sorted(
        rows,
        key=lambda row: (
            row.id not in order,
            order.get(row.id, 0),
            row.platform is not None,
            -counts.get(row.id, 0),
            row.id,
        ),
    )


def readings_of(text: str, entity_type: str | None = None) -> list[Reading]:
    """What the text may mean: as the given type, or as each type that its form suggests, likeliest first."""
    if entity_type is None:
        types: Sequence[EntityType] = guess_types(text)
    else:
        types = [_known_type(entity_type)]
    platform, _, rest = text.strip().partition(":")
    readings = [reading for kind in types for reading in _readings(kind, text, None)]
    if platform and rest and not rest.startswith("//"):
        wanted = [kind for kind in _ACCOUNT_TYPES if entity_type in (None, kind)]
        readings += [reading for kind in wanted for reading in _readings(kind, rest, platform)]
    return list(dict.fromkeys(readings))


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold the text, and so could ever answer to it: no NUL, no undecodable bytes."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def current_ids(connection: sa.Connection, organization_id: UUID, ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Each id with the one that stands for it now: itself, or that of the entity it was merged into."""
    asked = list(ids)
    merged = follow(asked, lambda some: _merged_into(connection, organization_id, some))
    return {identifier: merged.get(identifier, identifier) for identifier in asked}


def _readings(entity_type: EntityType, text: str, qualifier: str | None) -> list[Reading]:
    try:
        value = normalize(entity_type, text, qualifier)
    except InvalidValueError as error:
        if error.reason not in ("missing_discriminator", "missing_platform"):
            return []
        return _named_only(entity_type, text)
    return [Reading(entity_type, value.name, value.normalized_name, value.identity, qualifier is not None)]


def _named_only(entity_type: EntityType, text: str) -> list[Reading]:
    """A person's or place's name, or a handle without platform: searched for, never identified."""
    try:
        if entity_type is EntityType.SOCIAL_PROFILE:
            handle = normalize(EntityType.USERNAME, text)
            return [Reading(entity_type, handle.name, handle.normalized_name, None)]
        name = clean_name(text)
        return [Reading(entity_type, name, fold_name(name) or name, None)]
    except InvalidValueError:
        return []


def _known_type(name: str) -> EntityType:
    try:
        return EntityType(name)
    except ValueError:
        raise InputError(f"no entity type {name[:40]!r}", remedy=f"choose one of: {', '.join(EntityType)}") from None


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None


_SELECTED: Final = sa.select(
    entities.c.id,
    entities.c.entity_type,
    entities.c.name,
    entities.c.normalized_name,
    entities.c.properties["platform"].astext,
    entities.c.flags,
)


def _row(row: Sequence[Any]) -> EntityRow:
    identifier, entity_type, name, normalized_name, platform, flags = row
    return EntityRow(identifier, entity_type, name, normalized_name, platform, tuple(flags))


def _by_ids(connection: sa.Connection, organization_id: UUID, ids: Sequence[UUID]) -> dict[UUID, EntityRow]:
    """Rows by the ids asked for, merged ones followed; ids without a row are left out."""
    if not ids:
        return {}
    current = current_ids(connection, organization_id, ids)
    statement = _SELECTED.where(entities.c.organization_id == organization_id, entities.c.id.in_(set(current.values())))
    rows = {row.id: row for row in map(_row, connection.execute(statement))}
    return {asked: rows[standing] for asked, standing in current.items() if standing in rows}


def _by_names(
    connection: sa.Connection,
    organization_id: UUID,
    text: str,
    readings: Sequence[Reading],
    entity_type: str | None,
) -> list[EntityRow]:
    wanted = {(reading.entity_type.value, reading.normalized_name) for reading in readings}
    spelled = {text.strip(), *(reading.name for reading in readings)}
    conditions = (
        entities.c.normalized_name.in_({name for _, name in wanted if is_storable(name)}),
        entities.c.name.in_(set(filter(is_storable, spelled))),
    )
    rows: dict[UUID, EntityRow] = {}
    # One query per index: the two joined by OR would be estimated, and sometimes scanned, together.
    for condition in conditions:
        statement = _SELECTED.where(entities.c.organization_id == organization_id, condition)
        if entity_type is not None:
            statement = statement.where(entities.c.entity_type == entity_type)
        for row in map(_row, connection.execute(statement.order_by(entities.c.id).limit(MAXIMUM_FOUND))):
            if (row.type, row.normalized_name) in wanted or row.name in spelled:
                rows[row.id] = row
    merged = _merged_into(connection, organization_id, set(rows))
    kept = [row for row in rows.values() if row.id not in merged]
    return kept + list(_by_ids(connection, organization_id, list(merged)).values())


def _merged_into(connection: sa.Connection, organization_id: UUID, ids: set[UUID]) -> dict[UUID, UUID]:
    if not ids:
        return {}
    statement = (
        sa.select(entity_aliases.c.alias_id, entity_aliases.c.entity_id)
        .where(
            entity_aliases.c.organization_id == organization_id,
            entity_aliases.c.alias_id.in_(ids),
            entity_aliases.c.undone_at.is_(None),
        )
        .order_by(entity_aliases.c.alias_id, entity_aliases.c.created_at, entity_aliases.c.id)
    )
    return {alias: standing for alias, standing in connection.execute(statement) if alias != standing}


_SOURCE_COUNTS: Final = sa.text("""
SELECT asked.id, count(*)
FROM unnest(CAST(:ids AS uuid[])) AS asked (id)
CROSS JOIN LATERAL (
    SELECT FROM entity_sources
    WHERE entity_sources.organization_id = :organization AND entity_sources.entity_id = asked.id
    LIMIT :most
) AS seen
GROUP BY asked.id
""")


def _source_counts(connection: sa.Connection, organization_id: UUID, ids: Sequence[UUID]) -> dict[UUID, int]:
    if len(ids) < 2:
        return {}
    parameters = {"organization": organization_id, "ids": list(ids), "most": _MAXIMUM_SOURCES_COUNTED}
    return {row[0]: row[1] for row in connection.execute(_SOURCE_COUNTS, parameters)}
