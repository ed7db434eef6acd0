"""How the views fare for one organization. They are kept for all of them at once; what others have is not shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.errors import NotFoundError
from clew.kernel.roles import PROJECTOR
from clew.projections import in_place as places
from clew.projections import keeping
from clew.projections.books import Books
from clew.projections.projection import Difference
from clew.projections.registry import in_place, projections

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class OwnStatus:
    """How a view fares. `lag_seconds` is the age of the oldest change that it does not hold.

    `set_aside` counts the organization's rows that it would not take.
    """

    projection: str
    adapter: str
    state: str
    reason: str | None
    lag_seconds: float
    caught_up_at: str | None
    set_aside: int


@dataclass(frozen=True, slots=True)
class OwnVerified:
    """What of the organization's differs between record and view, before any repair; `equal` is after it."""

    projection: str
    missing: int
    extra: int
    different: int
    set_aside: int
    equal: bool
    repaired: bool
    examples: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def own_status(database: Database, organization_id: UUID) -> list[OwnStatus]:
    """How every view fares. Does not disturb the projector, whoever that is."""
    known = projections(database.settings)
    found = [*keeping.status(database, known), *places.status(database, in_place(database.settings))]
    with database_errors(database.address), database.connect_raw(PROJECTOR) as connection:
        connection.autocommit = True
        books = Books(connection)
        aside = {each.projection: _own_aside(books, each.projection, organization_id) for each in found}
    return [
        OwnStatus(
            each.projection,
            each.adapter,
            each.state,
            each.reason,
            round(each.lag_seconds, 3),
            each.caught_up_at,
            aside[each.projection],
        )
        for each in found
    ]


def own_verify(database: Database, organization_id: UUID, name: str, *, repair: bool = False) -> OwnVerified:
    """Compare a view with the record, all of both; what of the organization's differs.

    With `repair` whatever differs is taken over anew. Takes as long as reading all of both does; whoever follows the
    record waits meanwhile. Raises NotFoundError, ProjectorBusyError.
    """
    require_projection(database, name)
    read = [each for each in in_place(database.settings) if each.name == name]
    if read:
        found, aside = places.verify(database, read[0]), 0
    else:
        with keeping.projecting(database, projections(database.settings)) as projector:
            found = keeping.verify(projector, name, repair=repair)
            aside = _own_aside(projector.books, name, organization_id)
    kinds = ("missing", "extra", "different")
    before = {kind: _own(getattr(found.comparison, kind), organization_id) for kind in kinds}
    left = found.left or found.comparison
    return OwnVerified(
        projection=name,
        missing=len(before["missing"]),
        extra=len(before["extra"]),
        different=len(before["different"]),
        set_aside=aside,
        equal=not any(_own(getattr(left, kind), organization_id) for kind in kinds),
        repaired=found.repaired,
        examples=[
            {"kind": kind, "id": str(each.row_id), "table": each.table}
            for kind in kinds
            for each in before[kind][:_SHOWN]
        ],
    )


def ask_for_rebuild(database: Database, name: str, reason: str) -> None:
    """Have a view made anew by whoever keeps the views, as soon as they look. The old one is read until then.

    Raises NotFoundError.
    """
    require_projection(database, name)
    for each in in_place(database.settings):
        if each.name == name:
            raise places.refuse(each, "rebuild")
    with database_errors(database.address), database.connect_raw(PROJECTOR) as connection:
        connection.autocommit = True
        Books(connection).ask_for_rebuild(name, reason)


def require_projection(database: Database, name: str) -> None:
    """Raises NotFoundError if there is no projection of that name."""
    known = [each.name for each in projections(database.settings)]
    known += [each.name for each in in_place(database.settings)]
    if name not in known:
        raise NotFoundError(f"there is no projection {name[:60]!r}", remedy=f"there are: {', '.join(known) or 'none'}")


def _own(listed: Sequence[Difference], organization_id: UUID) -> list[Difference]:
    return [each for each in listed if each.organization_id == organization_id]


def _own_aside(books: Books, name: str, organization_id: UUID) -> int:
    return sum(1 for organization, _ in books.aside(name) if organization == organization_id)
