"""What investigations are about: values, and the entities they turn out to be."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypedDict
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.domains.investigations.cases import IdMaker, find_investigation
from clew.domains.investigations.tables import targets
from clew.kernel.errors import InputError, NotFoundError
from clew.kernel.ids import new_id
from clew.records.acts import Act, record
from clew.records.lookup import Reading, find_entities, is_storable, readings_of
from clew.records.paging import Listing, Page, PageRequest, read_page
from clew.records.tables.items import RUN_STATES

MAXIMUM_NOTES: Final = 20_000


@dataclass(frozen=True, slots=True)
class Target:
    """What an investigation is about. `entity_id` is its entity where the record has exactly that one."""

    id: UUID
    target_type: str
    value: str
    normalized_value: str
    entity_id: UUID | None
    status: str
    notes: str | None
    created_at: datetime
    updated_at: datetime
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
            "notes": self.notes,
            "added": self.added,
        }


Check = Callable[[Target], None]


def accept(found: Target) -> None:
    """The check of a caller who does not say what they saw."""


class TargetChanges(TypedDict, total=False):
    """What is to be different; what is left out stays."""

    status: str
    notes: str | None


def add_target(
    connection: sa.Connection,
    organization_id: UUID,
    investigation_id: UUID,
    value: str,
    target_type: str | None = None,
    *,
    notes: str | None = None,
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
            notes=_notes(notes),
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


def page_of_targets(
    connection: sa.Connection, organization_id: UUID, investigation_id: UUID, request: PageRequest
) -> Page[Target]:
    """One page of a case's targets as the record knows them now, in the order in which they were added.

    Raises NotFoundError for a case that does not exist, InputError for a page there is none of.
    """
    find_investigation(connection, organization_id, investigation_id)
    mine = [targets.c.investigation_id == investigation_id]
    page = read_page(connection, _LISTING, organization_id, request, filters=investigation_id, indexed=mine)
    return page.mapped(lambda row: _as_now_known(connection, organization_id, _target(row)))


def read_target(connection: sa.Connection, organization_id: UUID, investigation_id: UUID, target_id: UUID) -> Target:
    """A target of the case as the record knows it now. Raises NotFoundError."""
    row = connection.execute(_one(organization_id, investigation_id, target_id)).mappings().one_or_none()
    if row is None:
        raise _no_target(target_id)
    return _as_now_known(connection, organization_id, _target(row))


def change_target(
    connection: sa.Connection,
    organization_id: UUID,
    investigation_id: UUID,
    target_id: UUID,
    changes: TargetChanges,
    *,
    check: Check = accept,
) -> Target:
    """Change what is noted about a target; what it is afterwards.

    `check` is given the target as it is, locked, and raises if that is not what the caller saw. Raises NotFoundError,
    InputError for a status that there is none of.
    """
    before = _locked(connection, organization_id, investigation_id, target_id)
    check(before)
    values: dict[str, Any] = dict(changes)
    if "notes" in changes:
        values["notes"] = _notes(changes["notes"])
    if changes.get("status", "pending") not in RUN_STATES:
        raise InputError("no such status", where="status", remedy=f"choose one of: {', '.join(RUN_STATES)}")
    wanted = {name: value for name, value in values.items() if value != getattr(before, name)}
    if not wanted:
        return before
    statement = (
        sa.update(targets)
        .where(targets.c.organization_id == organization_id, targets.c.id == target_id)
        .values(**wanted, updated_at=sa.func.clock_timestamp())
        .returning(*_TARGET_COLUMNS)
    )
    after = replace(_target(connection.execute(statement).mappings().one()), entity_id=before.entity_id)
    was = {name: getattr(before, name) for name in wanted}
    record(connection, Act("target_changed", "UPDATE", "target", after.id, after.value, request=wanted, response=was))
    return after


def remove_target(
    connection: sa.Connection, organization_id: UUID, investigation_id: UUID, target_id: UUID, *, check: Check = accept
) -> None:
    """Take a target out of its case. `check` as for a change. Raises NotFoundError."""
    found = _locked(connection, organization_id, investigation_id, target_id)
    check(found)
    request = {"investigation_id": investigation_id, "type": found.target_type}
    record(connection, Act("target_removed", "DELETE", "target", found.id, found.value, request=request))
    connection.execute(
        sa.delete(targets).where(targets.c.organization_id == organization_id, targets.c.id == target_id)
    )


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
    targets.c.notes,
    targets.c.created_at,
    targets.c.updated_at,
)


_LISTING: Final = Listing(
    "targets", targets, _TARGET_COLUMNS, {"created_at": (targets.c.created_at, targets.c.id)}, "created_at"
)


def _one(organization_id: UUID, investigation_id: UUID, target_id: UUID) -> sa.Select[Any]:
    return sa.select(*_TARGET_COLUMNS).where(
        targets.c.organization_id == organization_id,
        targets.c.id == target_id,
        targets.c.investigation_id == investigation_id,
    )


def _locked(connection: sa.Connection, organization_id: UUID, investigation_id: UUID, target_id: UUID) -> Target:
    statement = _one(organization_id, investigation_id, target_id).with_for_update()
    row = connection.execute(statement).mappings().one_or_none()
    if row is None:
        raise _no_target(target_id)
    return _as_now_known(connection, organization_id, _target(row))


def _target(row: sa.RowMapping) -> Target:
    return Target(**{column.name: row[column.name] for column in _TARGET_COLUMNS})


def _no_target(target_id: UUID) -> NotFoundError:
    return NotFoundError(f"no target {target_id} in this case", remedy="take the id from the list of its targets")


def _notes(notes: str | None) -> str | None:
    if notes is not None and (len(notes) > MAXIMUM_NOTES or not is_storable(notes)):
        remedy = f"write at most {MAXIMUM_NOTES:,} characters, none of them NUL"
        raise InputError("these notes cannot be kept", where="notes", remedy=remedy)
    return notes


def _as_now_known(connection: sa.Connection, organization_id: UUID, target: Target) -> Target:
    entity = entity_of(connection, organization_id, target.value, target.target_type)
    return replace(target, entity_id=entity)


def _reading(value: str, target_type: str | None) -> Reading:
    readings = readings_of(value, target_type) if is_storable(value) else []
    if readings:
        return readings[0]
    kind = target_type or "anything the record knows"
    raise InputError(f"{value[:80]!r} cannot be {kind}", where="target", remedy="check the value, or name its type")
