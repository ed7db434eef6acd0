"""Collections: what is to be collected, how far it is, and the items that it holds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import eq
from typing import Any, Final, TypedDict
from uuid import UUID

import sqlalchemy as sa

from clew.domains.collections.sources import require_configuration
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from clew.kernel.ids import IdMaker, new_id
from clew.records.acts import Act, record
from clew.records.lookup import is_storable
from clew.records.paging import Listing, Page, PageRequest, given, read_page
from clew.records.tables.items import COLLECTOR_TYPES, collection_items, collections

MAXIMUM_NAME: Final = 200
MAXIMUM_TEXT: Final = 20_000
MAXIMUM_LINKED: Final = 100_000
"""Items that are made part of a case at once."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection. `progress` is in per cent."""

    id: UUID
    user_id: UUID
    name: str
    description: str | None
    collector_type: str
    config: dict[str, Any]
    schedule: dict[str, Any] | None
    status: str
    progress: float
    items_collected: int
    error_message: str | None
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime


Check = Callable[[Collection], None]


def accept(found: Collection) -> None:
    """The check of a caller who does not say what they saw."""


@dataclass(frozen=True, slots=True)
class CollectionFilter:
    """Which collections: those to which everything given applies."""

    status: str | None = None
    collector_type: str | None = None
    user_id: UUID | None = None


class CollectionValues(TypedDict, total=False):
    """What about a collection is to be different."""

    name: str
    description: str | None
    config: dict[str, Any]
    schedule: dict[str, Any] | None


_COLUMNS: Final = tuple(
    sa.cast(collections.c.progress, sa.Double).label(name) if name == "progress" else collections.c[name]
    for name in Collection.__slots__
)
_LISTING: Final = Listing(
    "collections",
    collections,
    _COLUMNS,
    {"created_at": (collections.c.created_at, collections.c.id)},
    "-created_at",
)
SORTS: Final = _LISTING.sorts


def list_collections(
    connection: sa.Connection, organization_id: UUID, wanted: CollectionFilter, request: PageRequest
) -> Page[Collection]:
    """One page of the organization's collections, the newest first unless asked otherwise. Raises InputError."""
    row = collections.c
    walked = given(
        (row.status, eq, wanted.status),
        (row.collector_type, eq, wanted.collector_type),
        (row.user_id, eq, wanted.user_id),
    )
    page = read_page(connection, _LISTING, organization_id, request, filters=wanted, walked=walked)
    return page.mapped(_collection)


def read_collection(connection: sa.Connection, organization_id: UUID, collection_id: UUID) -> Collection:
    """The collection of that id. Raises NotFoundError."""
    return _read(connection, organization_id, collection_id, locked=False)


def define_collection(
    connection: sa.Connection,
    organization_id: UUID,
    user_id: UUID,
    name: str,
    collector_type: str,
    values: CollectionValues,
    *,
    ids: IdMaker = new_id,
) -> Collection:
    """A new collection of that user's, which waits to be run. Raises InputError for values that cannot be."""
    if collector_type not in COLLECTOR_TYPES:
        remedy = f"choose one of: {', '.join(COLLECTOR_TYPES)}"
        raise InputError(f"no collector {collector_type[:40]!r}", where="collector_type", remedy=remedy)
    statement = (
        sa.insert(collections)
        .values(
            organization_id=organization_id,
            id=ids(),
            user_id=user_id,
            collector_type=collector_type,
            **_checked({**values, "name": name}),
        )
        .returning(*_COLUMNS)
    )
    made = _collection(connection.execute(statement).mappings().one())
    request = {"collector_type": made.collector_type}
    record(connection, Act("collection_defined", "CREATE", "collection", made.id, made.name, request=request))
    return made


def change_collection(
    connection: sa.Connection,
    organization_id: UUID,
    collection_id: UUID,
    values: CollectionValues,
    *,
    check: Check = accept,
) -> Collection:
    """Change how a collection is defined; what it is afterwards.

    `check` is given the collection as it is, locked, and raises if that is not what the caller saw. Raises
    NotFoundError, InputError for values that cannot be, ConflictError while it runs.
    """
    before = _read(connection, organization_id, collection_id, locked=True)
    check(before)
    wanted = {name: value for name, value in _checked(values).items() if value != getattr(before, name)}
    if not wanted:
        return before
    if before.status == "running":
        raise ConflictError("this collection is running", where=before.name, remedy="wait until it has ended")
    statement = (
        sa.update(collections)
        .where(collections.c.organization_id == organization_id, collections.c.id == collection_id)
        .values(**wanted, updated_at=sa.func.clock_timestamp())
        .returning(*_COLUMNS)
    )
    after = _collection(connection.execute(statement).mappings().one())
    was = {name: getattr(before, name) for name in wanted}
    act = Act("collection_changed", "UPDATE", "collection", after.id, after.name, request=wanted, response=was)
    record(connection, act)
    return after


def files_of_collection(connection: sa.Connection, organization_id: UUID, collection_id: UUID) -> list[UUID]:
    """The items of a collection that stand for themselves: files and single results, not the rows in files.

    Raises NotFoundError, InputError for more than 100,000 of them.
    """
    _read(connection, organization_id, collection_id, locked=False)
    items = collection_items.c
    statement = (
        sa.select(items.id)
        .where(
            items.organization_id == organization_id, items.collection_id == collection_id, items.parent_id.is_(None)
        )
        .limit(MAXIMUM_LINKED + 1)
    )
    found = list(connection.scalars(statement))
    if len(found) > MAXIMUM_LINKED:
        remedy = "make its files part of the case one by one"
        raise InputError(f"this collection holds more than {MAXIMUM_LINKED:,} files", where="collection", remedy=remedy)
    return found


def _read(connection: sa.Connection, organization_id: UUID, collection_id: UUID, *, locked: bool) -> Collection:
    statement = sa.select(*_COLUMNS).where(
        collections.c.organization_id == organization_id, collections.c.id == collection_id
    )
    row = connection.execute(statement.with_for_update() if locked else statement).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"no collection {collection_id}", remedy="take the id from the list of collections")
    return _collection(row)


def _collection(row: sa.RowMapping) -> Collection:
    return Collection(**{name: row[name] for name in Collection.__slots__})


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(values)
    if "name" in found:
        found["name"] = " ".join(found["name"].split())
        if not 0 < len(found["name"]) <= MAXIMUM_NAME or not found["name"].isprintable():
            remedy = f"write 1 to {MAXIMUM_NAME} printable characters"
            raise InputError("a collection needs a name", where="name", remedy=remedy)
    text = found.get("description")
    if text is not None and (len(text) > MAXIMUM_TEXT or not is_storable(text)):
        raise InputError("this text cannot be kept", where="description", remedy=f"at most {MAXIMUM_TEXT:,} characters")
    for name in ("config", "schedule"):
        if found.get(name) is not None:
            require_configuration(found[name])
    return found
