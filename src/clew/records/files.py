"""Files as collected items: registered once by content, locked while one load works on them, and their progress."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

import orjson
import psycopg

from clew.kernel.ids import new_id
from clew.records.acts import Act, record
from clew.records.batch import Counts, FileItem, Position
from clew.records.loader import FileProgress

COLLECTION_NAME: Final = "Loaded files"

_ENSURE_SOURCE: Final = """
INSERT INTO sources (organization_id, id, name, source_type) VALUES (%(organization)s, %(id)s, %(name)s, %(type)s)
ON CONFLICT (organization_id, name) DO NOTHING
"""

_ENSURE_COLLECTION: Final = """
INSERT INTO collections (organization_id, id, user_id, name, collector_type, status)
VALUES (%(organization)s, %(id)s, %(user)s, %(name)s, 'custom', 'running')
ON CONFLICT (organization_id, id) DO NOTHING
"""

_ENSURE_ITEM: Final = """
WITH fresh AS (
    INSERT INTO collection_item_hashes (organization_id, hash, collection_item_id, collected_at)
    VALUES (%(organization)s, %(digest)s, %(item)s, %(now)s)
    ON CONFLICT DO NOTHING
    RETURNING collected_at
)
INSERT INTO collection_items (organization_id, id, collection_id, source_id, raw_data, item_type, hash, collected_at,
                              file_name)
SELECT %(organization)s, %(item)s, %(collection)s, %(source_id)s, %(raw)s, 'file', %(digest)s, collected_at,
       %(file_name)s
FROM fresh
"""

_ENSURE_FILE: Final = """
INSERT INTO ingest_files (organization_id, id, collection_item_id, file_name, digest, size_bytes, source, variant,
                          framing, reader_version, settings)
VALUES (%(organization)s, %(id)s, %(item)s, %(file_name)s, %(digest)s, %(size)s, %(source)s, %(variant)s, %(framing)s,
        %(reader_version)s, %(settings)s)
ON CONFLICT (organization_id, collection_item_id, source, reader_version, settings) DO NOTHING
"""

_READ_FILE: Final = """
SELECT id, position_offset, position_line, position_record, position_state, counts, by_reason, warnings,
       status = 'completed', entities_new, relationships_new, posts_new
FROM ingest_files
WHERE organization_id = %(organization)s AND collection_item_id = %(item)s AND source = %(source)s
  AND reader_version = %(reader_version)s AND settings = %(settings)s
"""

_DAMAGE: Final = """
SELECT reason, count(*), min(line) FROM quarantine
WHERE organization_id = %(organization)s AND collection_item_id = %(item)s AND record IS NULL
GROUP BY reason ORDER BY reason
"""


_NEWEST_READING: Final = """
SELECT file_name, digest, source, variant, framing, settings, reader_version FROM ingest_files
WHERE organization_id = %(organization)s AND collection_item_id = %(item)s
ORDER BY created_at DESC, id DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class FileDescription:
    """A stored file and how it is to be read."""

    file_name: str
    digest: str
    size: int
    source: str
    has_rows: bool
    variant: str
    framing: str
    reader_version: int
    settings: str  # what else decides the facts, such as the time zone: another value is another reading
    mime_type: str = "application/octet-stream"
    enrichment: str | None = None  # see FileItem


@dataclass(frozen=True, slots=True)
class RegisteredFile:
    """A file in the record, and how far it has been read."""

    item: FileItem
    progress: FileProgress


def item_id(organization_id: UUID, digest: str) -> UUID:
    """The id of the item with this content: the same bytes are the same item."""
    return uuid5(organization_id, f"item:{digest}")


def register(
    connection: psycopg.Connection[Any], organization_id: UUID, user_id: UUID, file: FileDescription, now: datetime
) -> RegisteredFile:
    """Make sure that the file is an item of the record, and say how far it has been loaded.

    Runs in a transaction of its own on a connection whose organization is set.
    """
    collection = uuid5(organization_id, f"collection:{COLLECTION_NAME}")
    source_id = uuid5(organization_id, f"source:{file.source}")
    item = item_id(organization_id, file.digest)
    common: dict[str, Any] = {
        "organization": organization_id,
        "item": item,
        "source": file.source,
        "reader_version": file.reader_version,
        "settings": file.settings,
        "file_name": file.file_name,
        "digest": file.digest,
    }
    kind = "tool" if file.has_rows else "honeypot"
    with connection.transaction():
        connection.execute(
            _ENSURE_SOURCE, {"organization": organization_id, "id": source_id, "name": file.source, "type": kind}
        )
        connection.execute(
            _ENSURE_COLLECTION,
            {"organization": organization_id, "id": collection, "user": user_id, "name": COLLECTION_NAME},
        )
        connection.execute(
            _ENSURE_ITEM,
            common
            | {
                "collection": collection,
                "source_id": source_id,
                "raw": orjson.dumps(_raw(file)).decode(),
                "now": now,
            },
        )
        connection.execute(
            _ENSURE_FILE,
            common | {"id": new_id(), "size": file.size, "variant": file.variant, "framing": file.framing},
        )
        progress = read_progress(connection, common)
        if not progress.completed:
            _tell(connection, item, file, progress)
    described = FileItem(
        item, file.file_name, file.source, source_id, collection, file.has_rows, file.enrichment, file.reader_version
    )
    return RegisteredFile(described, progress)


def _raw(file: FileDescription) -> dict[str, Any]:
    return {"file_name": file.file_name, "digest": file.digest, "size": file.size, "mime_type": file.mime_type}


def _tell(connection: psycopg.Connection[Any], item: UUID, file: FileDescription, progress: FileProgress) -> None:
    request = {
        "source": file.source,
        "digest": file.digest,
        "bytes": file.size,
        "from": progress.position.offset,
    }
    record(connection, Act("ingest_started", "EXECUTE", "file", item, file.file_name, request=request))


def read_progress(connection: psycopg.Connection[Any], key: dict[str, Any]) -> FileProgress:
    """How far the file has been read as this source with these settings."""
    row = connection.execute(_READ_FILE, key).fetchone()
    if row is None:
        raise LookupError("a file is registered before its progress is read")
    identifier, offset, line, record, state, counts, by_reason, warnings, completed, *facts = row
    # What facts a file brought is counted where they are committed, which may be one batch ahead of the rest.
    known = {name: counts.get(name, 0) for name in Counts().as_dict()}
    known |= dict(zip(("entities", "relationships", "posts"), facts, strict=True))
    return FileProgress(
        id=identifier,
        position=Position(offset, line, record, state),
        counts=Counts(**known),
        by_reason=by_reason,
        warnings=tuple(warnings),
        completed=completed,
    )


@dataclass(frozen=True, slots=True)
class StoredReading:
    """How a file in the record was read: its newest reading."""

    file_name: str
    digest: str
    source: str
    source_id: UUID
    collection_id: UUID
    variant: str
    framing: str
    settings: str
    key: dict[str, Any]


def file_of(connection: psycopg.Connection[Any], organization_id: UUID, item: UUID) -> StoredReading:
    """The newest reading of a file item."""
    row = connection.execute(_NEWEST_READING, {"organization": organization_id, "item": item}).fetchone()
    if row is None:
        raise LookupError("only files that were read have held records")
    file_name, digest, source, variant, framing, settings, version = row
    key = {
        "organization": organization_id,
        "item": item,
        "source": source,
        "reader_version": version,
        "settings": settings,
    }
    source_id = uuid5(organization_id, f"source:{source}")
    collection = uuid5(organization_id, f"collection:{COLLECTION_NAME}")
    return StoredReading(file_name, digest, source, source_id, collection, variant, framing, settings, key)


def damage(connection: psycopg.Connection[Any], organization_id: UUID, item: UUID) -> list[tuple[str, int, int]]:
    """Broken places between records: reason, how many, first line."""
    return connection.execute(_DAMAGE, {"organization": organization_id, "item": item}).fetchall()


@contextmanager
def file_lock(connection: psycopg.Connection[Any], item: UUID, *, wait: bool = False) -> Iterator[bool]:
    """Try to be the only one at work on this file; yields whether it worked, which it does if told to `wait`.

    A killed process loses the lock by itself.
    """
    key = int.from_bytes(item.bytes[:8], "big", signed=True)
    if wait:
        connection.execute("SELECT pg_advisory_lock(%s)", (key,))
        held = True
    else:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
        held = bool(row and row[0])
    try:
        yield held
    finally:
        if held and not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", (key,))
