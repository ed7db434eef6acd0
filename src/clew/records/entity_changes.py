"""What a person corrects about an entity: its tags, and whether it was verified. Facts come from sources alone."""

from collections.abc import Callable
from typing import Any, Final, TypedDict
from uuid import UUID

import sqlalchemy as sa

from clew.kernel.errors import InputError
from clew.records.acts import Act, record
from clew.records.entity_reading import COLUMNS, Entity, entity_of, no_entity
from clew.records.lookup import current_ids, is_storable
from clew.records.tables.entities import entities

MAXIMUM_TAGS: Final = 100
MAXIMUM_TAG: Final = 100

Check = Callable[[Entity], None]


class EntityChanges(TypedDict, total=False):
    """What is to be different; what is left out stays."""

    tags: list[str]
    is_verified: bool


def change_entity(
    connection: sa.Connection, organization_id: UUID, entity_id: UUID, changes: EntityChanges, *, check: Check
) -> Entity:
    """Correct an entity, or the one it was merged into; what it is afterwards.

    `check` is given the entity as it is, locked, and raises if that is not what the caller saw. Raises NotFoundError,
    InputError for tags that cannot be.
    """
    current = current_ids(connection, organization_id, [entity_id])[entity_id]
    here = (entities.c.organization_id == organization_id, entities.c.id == current)
    row = connection.execute(sa.select(*COLUMNS).where(*here).with_for_update()).mappings().one_or_none()
    if row is None:
        raise no_entity(entity_id)
    before = entity_of(row)
    check(before)
    values: dict[str, Any] = dict(changes)
    if "tags" in changes:
        values["tags"] = _tags(changes["tags"])
    values = {name: value for name, value in values.items() if value != getattr(before, name)}
    if not values:
        return before
    statement = sa.update(entities).where(*here).values(**values, updated_at=sa.func.clock_timestamp())
    after = entity_of(connection.execute(statement.returning(*COLUMNS)).mappings().one())
    was = {name: getattr(before, name) for name in values}
    record(connection, Act("entity_changed", "UPDATE", "entity", after.id, after.name, request=values, response=was))
    return after


def _tags(wanted: list[str]) -> list[str]:
    tags = sorted({" ".join(tag.split()) for tag in wanted})
    wrong = next((tag for tag in tags if not 0 < len(tag) <= MAXIMUM_TAG or not _is_plain(tag)), None)
    if wrong is not None or len(tags) > MAXIMUM_TAGS:
        raise InputError(
            "these tags cannot be",
            where="tags",
            remedy=f"give at most {MAXIMUM_TAGS} of 1 to {MAXIMUM_TAG} printable characters",
        )
    return tags


def _is_plain(text: str) -> bool:
    return text.isprintable() and is_storable(text)
