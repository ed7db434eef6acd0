"""The quarantine's books: records that could not be loaded are listed, shown, or given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from clew.kernel.errors import NotFoundError
from clew.records.acts import Act, record
from clew.records.tables.operations import quarantine


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
