"""The quarantine's books: records that could not be loaded are listed, shown, or given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import eq
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from clew.kernel.errors import InputError, NotFoundError
from clew.records.acts import Act, record
from clew.records.paging import Listing, Page, PageRequest, given, read_page
from clew.records.tables.operations import QUARANTINE_STATES, quarantine


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A rejected record, or (record None) a broken place between records."""

    id: UUID
    item_id: UUID
    file: str
    source: str
    record: int | None
    line: int | None
    byte_offset: int | None
    byte_length: int | None
    reason: str
    detail: str
    status: str
    attempts: int
    created_at: datetime
    content: bytes  # its first 64 KiB

    def as_dict(self) -> dict[str, Any]:
        """For JSON; the content as text, with what is not UTF-8 shown as replacement characters."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        return values | {
            "id": str(self.id),
            "item_id": str(self.item_id),
            "created_at": self.created_at.isoformat(),
            "content": self.content.decode(errors="replace"),
        }


_COLUMNS = (
    quarantine.c.id,
    quarantine.c.collection_item_id.label("item_id"),
    quarantine.c.file_name.label("file"),
    *(quarantine.c[name] for name in ("source", "record", "line", "byte_offset", "byte_length", "reason", "detail")),
    *(quarantine.c[name] for name in ("status", "attempts", "created_at", "content")),
)

_LISTING = Listing(
    "quarantine",
    quarantine,
    (*_COLUMNS[:-1], sa.literal(b"").label("content")),
    {"created_at": (quarantine.c.created_at, quarantine.c.id)},
    "created_at",
)


@dataclass(frozen=True, slots=True)
class HeldFilter:
    """Which records of the quarantine: those to which everything given applies."""

    status: str = "held"
    reason: str | None = None
    file: str | None = None
    source: str | None = None


def page_of_held(
    connection: sa.Connection, organization_id: UUID, wanted: HeldFilter, request: PageRequest
) -> Page[HeldRecord]:
    """One page of the quarantine, the oldest first unless asked otherwise, without the records' bytes.

    Raises InputError for a status or a page that there is none of.
    """
    if wanted.status not in QUARANTINE_STATES:
        remedy = f"choose one of: {', '.join(QUARANTINE_STATES)}"
        raise InputError(f"no status {wanted.status[:40]!r}", where="status", remedy=remedy)
    row = quarantine.c
    page = read_page(
        connection,
        _LISTING,
        organization_id,
        request,
        filters=wanted,
        indexed=[row.status == wanted.status],
        walked=given(
            (row.reason, eq, wanted.reason), (row.file_name, eq, wanted.file), (row.source, eq, wanted.source)
        ),
    )
    return page.mapped(lambda row: HeldRecord(**{name: row[name] for name in HeldRecord.__slots__}))


def list_held(
    connection: sa.Connection,
    organization_id: UUID,
    *,
    reason: str | None = None,
    file: str | None = None,
    limit: int | None = 100,
) -> list[HeldRecord]:
    """Held records, oldest first, at most `limit`."""
    query = (
        sa.select(*_COLUMNS)
        .where(quarantine.c.organization_id == organization_id, quarantine.c.status == "held")
        .order_by(quarantine.c.created_at, quarantine.c.file_name, quarantine.c.line, quarantine.c.id)
        .limit(limit)
    )
    if reason is not None:
        query = query.where(quarantine.c.reason == reason)
    if file is not None:
        query = query.where(quarantine.c.file_name == file)
    return [HeldRecord(**row) for row in connection.execute(query).mappings()]


def show_held(connection: sa.Connection, organization_id: UUID, identifier: UUID) -> HeldRecord:
    """One record of the quarantine, whatever its status. Raises NotFoundError."""
    query = sa.select(*_COLUMNS).where(quarantine.c.organization_id == organization_id, quarantine.c.id == identifier)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"nothing in quarantine has the id {identifier}", remedy="see `clew quarantine list`")
    return HeldRecord(**row)


def drop(connection: sa.Connection, organization_id: UUID, identifiers: Sequence[UUID]) -> int:
    """Give records up: they are held no more, and stay on the books as rejected. How many that were."""
    result = connection.execute(
        sa.update(quarantine)
        .where(
            quarantine.c.organization_id == organization_id,
            quarantine.c.id.in_(identifiers),
            quarantine.c.status == "held",
        )
        .values(status="dropped", updated_at=sa.func.now())
    )
    dropped = int(result.rowcount)
    if dropped:
        request = {"ids": [str(each) for each in identifiers]}
        response = {"dropped": dropped}
        record(connection, Act("quarantine_dropped", "DELETE", "quarantine", request=request, response=response))
    return dropped
