"""Investigations page by page, and what changes about them."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import eq
from typing import Any, Final, TypedDict
from uuid import UUID

import sqlalchemy as sa
from psycopg.errors import UniqueViolation

from clew.domains.investigations.cases import (
    COLUMNS,
    Investigation,
    require_name,
    require_one_of,
)
from clew.domains.investigations.tables import INVESTIGATION_TYPES, PRIORITIES, STATUSES, investigations
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from clew.records.acts import Act, record
from clew.records.lookup import is_storable
from clew.records.paging import Listing, Page, PageRequest, given, read_page

MAXIMUM_TEXT: Final = 20_000
FINISHED: Final = ("completed", "failed", "cancelled")

Check = Callable[[Investigation], None]


def accept(found: Investigation) -> None:
    """The check of a caller who does not say what they saw."""


@dataclass(frozen=True, slots=True)
class InvestigationFilter:
    """Which cases: those to which everything given applies."""

    status: str | None = None
    priority: str | None = None
    investigation_type: str | None = None
    owner_id: UUID | None = None


class InvestigationChanges(TypedDict, total=False):
    """What is to be different; what is left out stays."""

    name: str
    description: str | None
    investigation_type: str
    priority: str
    status: str
    stage: int
    lawful_basis: str | None
    classification_level: str | None


_LISTING: Final = Listing(
    name="investigations",
    table=investigations,
    columns=COLUMNS,
    orders={
        "created_at": (investigations.c.created_at, investigations.c.id),
        "updated_at": (investigations.c.updated_at, investigations.c.id),
        "name": (investigations.c.name,),
    },
    default="-created_at",
)
SORTS: Final = _LISTING.sorts


def page_of_investigations(
    connection: sa.Connection, organization_id: UUID, wanted: InvestigationFilter, request: PageRequest
) -> Page[Investigation]:
    """One page of the organization's cases, the newest first unless asked otherwise. Raises InputError."""
    row = investigations.c
    walked = given(
        (row.status, eq, wanted.status),
        (row.priority, eq, wanted.priority),
        (row.investigation_type, eq, wanted.investigation_type),
        (row.owner_id, eq, wanted.owner_id),
    )
    page = read_page(connection, _LISTING, organization_id, request, filters=wanted, walked=walked)
    return page.mapped(_investigation)


def read_investigation(connection: sa.Connection, organization_id: UUID, investigation_id: UUID) -> Investigation:
    """The case of that id. Raises NotFoundError."""
    return _found(connection.execute(_ONE, _named(organization_id, investigation_id)), investigation_id)


def change_investigation(
    connection: sa.Connection,
    organization_id: UUID,
    investigation_id: UUID,
    changes: InvestigationChanges,
    *,
    check: Check = accept,
) -> Investigation:
    """Change a case; what it is afterwards. It begins when it is set running and ends when it is finished.

    `check` is given the case as it is, locked, and raises if that is not what the caller saw. Raises NotFoundError,
    InputError for a value that cannot be, ConflictError for a name that another case has.
    """
    before = _found(connection.execute(_LOCKED, _named(organization_id, investigation_id)), investigation_id)
    check(before)
    wanted = {name: value for name, value in _checked(changes).items() if value != getattr(before, name)}
    if not wanted:
        return before
    statement = (
        sa.update(investigations)
        .where(investigations.c.organization_id == organization_id, investigations.c.id == investigation_id)
        .values(**wanted, **_times(before, wanted), updated_at=sa.func.clock_timestamp())
        .returning(*COLUMNS)
    )
    try:
        with connection.begin_nested():
            after = _investigation(connection.execute(statement).mappings().one())
    except sa.exc.IntegrityError as error:
        if not isinstance(error.orig, UniqueViolation):
            raise
        name = wanted.get("name")
        raise ConflictError("a case of this name exists", where=f"case {name}", remedy="choose another name") from None
    was = {name: getattr(before, name) for name in wanted}
    act = Act("investigation_changed", "UPDATE", "investigation", after.id, after.name, request=wanted, response=was)
    record(connection, act)
    return after


def delete_investigation(
    connection: sa.Connection, organization_id: UUID, investigation_id: UUID, *, check: Check = accept
) -> None:
    """Delete a case with its targets; what was collected for it stays in the record.

    `check` as for a change. Raises NotFoundError.
    """
    found = _found(connection.execute(_LOCKED, _named(organization_id, investigation_id)), investigation_id)
    check(found)
    record(connection, Act("investigation_deleted", "DELETE", "investigation", found.id, found.name))
    connection.execute(
        sa.delete(investigations).where(
            investigations.c.organization_id == organization_id, investigations.c.id == investigation_id
        )
    )


_ONE: Final = sa.select(*COLUMNS).where(
    investigations.c.organization_id == sa.bindparam("organization"),
    investigations.c.id == sa.bindparam("investigation"),
)
_LOCKED: Final = _ONE.with_for_update()


def _named(organization_id: UUID, investigation_id: UUID) -> dict[str, UUID]:
    return {"organization": organization_id, "investigation": investigation_id}


def _found(result: sa.CursorResult[Any], investigation_id: UUID) -> Investigation:
    row = result.mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"no case {investigation_id}", remedy="take the id from the list of cases")
    return _investigation(row)


def _investigation(row: sa.RowMapping) -> Investigation:
    return Investigation(**{name: row[name] for name in Investigation.__slots__})


def _checked(changes: InvestigationChanges) -> dict[str, Any]:
    values: dict[str, Any] = dict(changes)
    if "name" in changes:
        values["name"] = require_name(changes["name"])
    for name, allowed in (
        ("investigation_type", INVESTIGATION_TYPES),
        ("priority", PRIORITIES),
        ("status", STATUSES),
    ):
        if name in values:
            require_one_of(name.replace("_", " "), str(values[name]), allowed)
    if not 1 <= values.get("stage", 1) <= 8:
        raise InputError(f"no stage {values['stage']}", where="stage", remedy="choose one from 1 to 8")
    for name in ("description", "lawful_basis", "classification_level"):
        text = values.get(name)
        if text is not None and (len(text) > MAXIMUM_TEXT or not is_storable(text)):
            raise InputError(
                "this text cannot be kept",
                where=name,
                remedy=f"write at most {MAXIMUM_TEXT:,} characters, none of them NUL",
            )
    return values


def _times(before: Investigation, wanted: dict[str, Any]) -> dict[str, Any]:
    """When a case began and ended follows from its status."""
    status = wanted.get("status")
    if status is None or status == "archived":
        return {}
    ended = sa.func.now() if status in FINISHED else None
    if status == "running" and before.started_at is None:
        return {"started_at": sa.func.now(), "completed_at": ended}
    return {"completed_at": ended}
