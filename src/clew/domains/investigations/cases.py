"""Investigations themselves: made, listed and found by name or id."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.domains.investigations.tables import INVESTIGATION_TYPES, PRIORITIES, investigations
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from clew.kernel.ids import new_id
from clew.records.acts import Act, record
from clew.records.lookup import is_storable

_MAXIMUM_NAME: Final = 200
_NAMED_IN_A_REMEDY: Final = 20

IdMaker = Callable[[], UUID]


@dataclass(frozen=True, slots=True)
class Investigation:
    """A case."""

    id: UUID
    name: str
    description: str | None
    investigation_type: str
    priority: str
    status: str
    lawful_basis: str | None
    owner_id: UUID | None
    created_at: datetime
    updated_at: datetime
    stage: int
    classification_level: str | None
    risk_score: int
    threat_level: str | None
    compliance_status: str | None
    started_at: datetime | None
    completed_at: datetime | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "id": str(self.id),
            "name": self.name,
            "description": self.description,
            "investigation_type": self.investigation_type,
            "priority": self.priority,
            "status": self.status,
            "lawful_basis": self.lawful_basis,
            "owner_id": str(self.owner_id) if self.owner_id else None,
            "created_at": self.created_at.isoformat(),
        }


COLUMNS: Final = tuple(investigations.c[name] for name in Investigation.__slots__)


def create_investigation(
    connection: sa.Connection,
    organization_id: UUID,
    name: str,
    *,
    description: str | None = None,
    investigation_type: str = "comprehensive",
    priority: str = "normal",
    owner_id: UUID | None = None,
    lawful_basis: str | None = None,
    ids: IdMaker = new_id,
) -> Investigation:
    """A new case. Raises InputError for a bad name, type or priority, ConflictError if the name is taken."""
    title = require_name(name)
    require_one_of("investigation type", investigation_type, INVESTIGATION_TYPES)
    require_one_of("priority", priority, PRIORITIES)
    statement = (
        pg.insert(investigations)
        .values(
            organization_id=organization_id,
            id=ids(),
            name=title,
            description=description,
            investigation_type=investigation_type,
            priority=priority,
            owner_id=owner_id,
            lawful_basis=lawful_basis,
        )
        .on_conflict_do_nothing(index_elements=["organization_id", "name"])
        .returning(*COLUMNS)
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise ConflictError(
            "a case of this name exists",
            where=f"case {title}",
            remedy=f"choose another name, or see `clew case show {title!r}`",
        )
    made = Investigation(*row)
    _tell(connection, made)
    return made


def list_investigations(connection: sa.Connection, organization_id: UUID) -> list[Investigation]:
    """Every case of the organization, the newest first."""
    statement = (
        sa.select(*COLUMNS)
        .where(investigations.c.organization_id == organization_id)
        .order_by(investigations.c.created_at.desc(), investigations.c.id.desc())
    )
    return [Investigation(*row) for row in connection.execute(statement)]


def find_investigation(connection: sa.Connection, organization_id: UUID, name_or_id: str | UUID) -> Investigation:
    """The case of that id or name. Raises NotFoundError that names the ones there are."""
    wanted = str(name_or_id).strip()
    conditions = [investigations.c.name == _title(wanted)]
    identifier = _as_uuid(wanted)
    if identifier is not None:
        conditions.insert(0, investigations.c.id == identifier)
    for condition in conditions if is_storable(wanted) else ():
        statement = sa.select(*COLUMNS).where(investigations.c.organization_id == organization_id, condition)
        row = connection.execute(statement).one_or_none()
        if row is not None:
            return Investigation(*row)
    raise NotFoundError(f"no case {wanted!r}", remedy=_remedy(connection, organization_id, wanted))


def ensure_investigation(
    connection: sa.Connection,
    organization_id: UUID,
    name: str,
    *,
    owner_id: UUID | None = None,
    ids: IdMaker = new_id,
) -> Investigation:
    """The case of that name (or id), made if there is none."""
    try:
        return find_investigation(connection, organization_id, name)
    except NotFoundError:
        pass
    try:
        return create_investigation(connection, organization_id, name, owner_id=owner_id, ids=ids)
    except ConflictError:  # another transaction made it in between
        return find_investigation(connection, organization_id, name)


def _tell(connection: sa.Connection, made: Investigation) -> None:
    request = {"type": made.investigation_type, "priority": made.priority, "lawful_basis": made.lawful_basis}
    record(connection, Act("investigation_created", "CREATE", "investigation", made.id, made.name, request=request))


def require_name(name: str) -> str:
    """The name with single spaces. Raises InputError for one that cannot be."""
    title = _title(name)
    if not title or len(title) > _MAXIMUM_NAME or not title.isprintable():
        raise InputError("a case needs a name", where="case", remedy=f"write 1 to {_MAXIMUM_NAME} printable characters")
    return title


def _title(name: str) -> str:
    return " ".join(name.split())


def require_one_of(what: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raises InputError if the value is none of them."""
    if value not in allowed:
        raise InputError(f"no {what} {value[:40]!r}", where="case", remedy=f"choose one of: {', '.join(allowed)}")


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _remedy(connection: sa.Connection, organization_id: UUID, wanted: str) -> str:
    statement = (
        sa.select(investigations.c.name)
        .where(investigations.c.organization_id == organization_id)
        .order_by(investigations.c.name)
        .limit(_NAMED_IN_A_REMEDY + 1)
    )
    known = list(connection.scalars(statement))
    make = f"make it with `clew case new {wanted!r}`"
    more = ", …" if len(known) > _NAMED_IN_A_REMEDY else ""
    return f"there are: {', '.join(known[:_NAMED_IN_A_REMEDY])}{more}; or {make}" if known else make
