"""What investigations are about: values, and the entities they turn out to be."""

from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.domains.investigations.cases import IdMaker, find_investigation
from clew.domains.investigations.tables import targets
from clew.kernel.errors import InputError
from clew.kernel.ids import new_id
from clew.records.acts import Act, record
from clew.records.lookup import Reading, find_entities, is_storable, readings_of


@dataclass(frozen=True, slots=True)
class Target:
    """What an investigation is about. `entity_id` is its entity where the record has exactly that one."""

    id: UUID
    target_type: str
    value: str
    normalized_value: str
    entity_id: UUID | None
    status: str
    added: bool = False  # by this very call; otherwise it was there

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "id": str(self.id),
            "type": self.target_type,
            "value": self.value,
            "normalized_value": self.normalized_value,
            "entity_id": str(self.entity_id) if self.entity_id else None,
            "found": self.entity_id is not None,
            "status": self.status,
            "added": self.added,
        }


def add_target(
    connection: sa.Connection,
    organization_id: UUID,
    investigation_id: UUID,
    value: str,
    target_type: str | None = None,
    *,
    ids: IdMaker = new_id,
) -> Target:
    """Make a value a target of the case; one that is there already is returned with `added` unset.

    The type is guessed from the value's form unless given. Raises InputError for a value that is nothing of the kind,
    NotFoundError for a case that does not exist.
    """
    find_investigation(connection, organization_id, investigation_id)
    reading = _reading(value, target_type)
    statement = (
        pg.insert(targets)
        .values(
            organization_id=organization_id,
            id=ids(),
            investigation_id=investigation_id,
            target_type=reading.entity_type.value,
            value=value.strip(),
            normalized_value=reading.normalized_name,
            entity_id=entity_of(connection, organization_id, value, reading.entity_type.value),
        )
        .on_conflict_do_nothing(
            index_elements=["organization_id", "investigation_id", "target_type", "normalized_value"]
        )
        .returning(*_TARGET_COLUMNS)
    )
    row = connection.execute(statement).one_or_none()
    if row is not None:
        made = replace(Target(*row), added=True)
        request = {"investigation_id": investigation_id, "type": made.target_type}
        record(connection, Act("target_added", "CREATE", "target", made.id, made.value, request=request))
        return made
    known = sa.select(*_TARGET_COLUMNS).where(
        targets.c.organization_id == organization_id,
        targets.c.investigation_id == investigation_id,
        targets.c.target_type == reading.entity_type.value,
        targets.c.normalized_value == reading.normalized_name,
    )
    return Target(*connection.execute(known).one())


def targets_of(connection: sa.Connection, organization_id: UUID, investigation_id: UUID) -> list[Target]:
    """The targets of a case as the record knows them now, in the order in which they were added."""
    statement = (
        sa.select(*_TARGET_COLUMNS)
        .where(targets.c.organization_id == organization_id, targets.c.investigation_id == investigation_id)
        .order_by(targets.c.created_at, targets.c.id)
    )
    return [_as_now_known(connection, organization_id, Target(*row)) for row in connection.execute(statement)]


def entity_of(connection: sa.Connection, organization_id: UUID, value: str, entity_type: str) -> UUID | None:
    """The entity that the value means beyond doubt: identified by it, or the only one of its name."""
    found = find_entities(connection, organization_id, value, entity_type)
    if not found:
        return None
    without_platform = found[0].platform is None and all(row.platform is not None for row in found[1:])
    return found[0].id if len(found) == 1 or without_platform else None


_TARGET_COLUMNS: Final = (
    targets.c.id,
    targets.c.target_type,
    targets.c.value,
    targets.c.normalized_value,
    targets.c.entity_id,
    targets.c.status,
)


def _as_now_known(connection: sa.Connection, organization_id: UUID, target: Target) -> Target:
    entity = entity_of(connection, organization_id, target.value, target.target_type)
    return replace(target, entity_id=entity)


def _reading(value: str, target_type: str | None) -> Reading:
    readings = readings_of(value, target_type) if is_storable(value) else []
    if readings:
        return readings[0]
    kind = target_type or "anything the record knows"
    raise InputError(f"{value[:80]!r} cannot be {kind}", where="target", remedy="check the value, or name its type")
