"""The scope's files with what became of their records, the entities they tell of, and what was rejected."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.reporting.document import Mention, Reading, RejectedRecord, SourceFile

_PAGE: Final = 1000
_LONGEST_NAME: Final = 2000
COUNTED: Final = ("read", "new", "merged", "duplicate", "rejected")


@dataclass(frozen=True, slots=True)
class FileTotals:
    """All files of the scope together: how many, what became of their records, and the events they first told."""

    files: int
    records: dict[str, int]
    events: int


def file_totals(connection: sa.Connection, organization_id: UUID) -> FileTotals:
    """Sums over every reading of every file."""
    row = connection.execute(_TOTALS, {"organization": organization_id}).mappings().one()
    return FileTotals(row["files"], {name: int(row[name]) for name in COUNTED}, int(row["events"]))


def quarantine_counts(connection: sa.Connection, organization_id: UUID) -> dict[str, int]:
    """How many records of the scope's files are held, by reason."""
    return {row[0]: row[1] for row in connection.execute(_HELD, {"organization": organization_id})}


def source_files(
    connection: sa.Connection, organization_id: UUID, *, limit: int | None = None, mentions: int = 0
) -> list[SourceFile]:
    """The files by name, numbered from 1, each with the first `mentions` of the entities it tells of."""
    parameters: dict[str, Any] = {"organization": organization_id, "limit": limit}
    listed = connection.execute(_FILES, parameters).all()
    parameters = {"organization": organization_id, "files": [row.id for row in listed]}
    readings: dict[UUID, list[Reading]] = defaultdict(list)
    for row in connection.execute(_READINGS, parameters):
        readings[row.file_id].append(_reading(row))
    named = _mentions(connection, organization_id, [row.id for row in listed], mentions) if mentions else {}
    return [
        SourceFile(
            number=number,
            id=row.id,
            name=row.file_name or "",
            digest=row.digest or "",
            size=row.size,
            readings=tuple(readings[row.id]),
            entities=row.entities,
            mentions=tuple(named.get(row.id, ())),
        )
        for number, row in enumerate(listed, start=1)
    ]


def file_names(connection: sa.Connection, organization_id: UUID, ids: Sequence[UUID]) -> dict[UUID, str]:
    """The names of these files."""
    rows = connection.execute(_NAMES, {"organization": organization_id, "files": list(ids)}) if ids else ()
    return {row[0]: row[1] or "" for row in rows}


def rejected_records(connection: sa.Connection, organization_id: UUID, *, limit: int) -> list[RejectedRecord]:
    """The first records held in quarantine, by file and line."""
    parameters = {"organization": organization_id, "limit": limit, "text": _LONGEST_NAME}
    return [_rejected(row) for row in connection.execute(_REJECTED, parameters)]


def all_rejected_records(connection: sa.Connection, organization_id: UUID) -> Iterator[RejectedRecord]:
    """All of them, read page by page."""
    rows = connection.execute(
        _REJECTED,
        {"organization": organization_id, "limit": None, "text": 1 << 20},
        execution_options={"stream_results": True, "yield_per": _PAGE},
    )
    for row in rows:
        yield _rejected(row)


def _mentions(
    connection: sa.Connection, organization_id: UUID, files: list[UUID], most: int
) -> dict[UUID, list[Mention]]:
    parameters = {"organization": organization_id, "files": files, "most": most, "text": _LONGEST_NAME}
    found: dict[UUID, list[Mention]] = defaultdict(list)
    for row in connection.execute(_MENTIONS, parameters):
        label = f"{row.name} on {row.platform}" if row.platform else row.name
        found[row.file_id].append(Mention(row.id, row.entity_type, label, row.line))
    return found


def _reading(row: sa.Row[Any]) -> Reading:
    return Reading(
        source=row.source,
        variant=row.variant,
        reader_version=row.reader_version,
        settings=row.settings,
        status=row.status,
        counts={name: int(row.counts.get(name, 0)) for name in (*COUNTED, "events")},
        by_reason={reason: int(count) for reason, count in sorted(row.by_reason.items())},
        warnings=tuple(row.warnings),
    )


def _rejected(row: sa.Row[Any]) -> RejectedRecord:
    return RejectedRecord(
        id=row.id,
        file_id=row.collection_item_id,
        file=row.file_name,
        source=row.source,
        line=row.line,
        byte_length=row.byte_length,
        reason=row.reason,
        detail=row.detail,
        status=row.status,
    )


_TOTALS: Final = sa.text("""
SELECT (SELECT count(*) FROM pg_temp.report_items WHERE id = file_id) AS files,
       coalesce(sum(CAST(counts ->> 'read' AS bigint)), 0) AS read,
       coalesce(sum(CAST(counts ->> 'new' AS bigint)), 0) AS new,
       coalesce(sum(CAST(counts ->> 'merged' AS bigint)), 0) AS merged,
       coalesce(sum(CAST(counts ->> 'duplicate' AS bigint)), 0) AS duplicate,
       coalesce(sum(CAST(counts ->> 'rejected' AS bigint)), 0) AS rejected,
       coalesce(sum(CAST(counts ->> 'events' AS bigint)), 0) AS events
FROM ingest_files
WHERE organization_id = :organization
  AND collection_item_id IN (SELECT id FROM pg_temp.report_items WHERE id = file_id)
""")

_HELD: Final = sa.text("""
SELECT reason, count(*) FROM quarantine
WHERE organization_id = :organization AND status = 'held'
  AND collection_item_id IN (SELECT id FROM pg_temp.report_items WHERE id = file_id)
GROUP BY reason ORDER BY count(*) DESC, reason
""")

# An item's place in time comes from the unpartitioned key table, so that only one partition is looked into.
_FILES: Final = sa.text("""
WITH counted AS (
    SELECT items.file_id, count(DISTINCT entity_sources.entity_id) AS entities
    FROM pg_temp.report_items AS items
    JOIN entity_sources ON entity_sources.organization_id = :organization
     AND entity_sources.collection_item_id = items.id
    GROUP BY items.file_id
)
SELECT items.id, item.file_name, item.digest, item.size, coalesce(counted.entities, 0) AS entities
FROM pg_temp.report_items AS items
LEFT JOIN counted ON counted.file_id = items.id
LEFT JOIN LATERAL (
    SELECT found.file_name, hashes.hash AS digest, CAST(found.raw_data ->> 'size' AS bigint) AS size
    FROM collection_item_hashes AS hashes
    CROSS JOIN LATERAL (
        SELECT file_name, raw_data FROM collection_items
        WHERE collection_items.organization_id = :organization
          AND collection_items.collected_at = hashes.collected_at
          AND collection_items.id = hashes.collection_item_id
        OFFSET 0
    ) AS found
    WHERE hashes.organization_id = :organization AND hashes.collection_item_id = items.id
) AS item ON true
WHERE items.id = items.file_id
ORDER BY item.file_name COLLATE "C", items.id
LIMIT :limit
""")

_NAMES: Final = sa.text("""
SELECT hashes.collection_item_id, left(found.file_name, 500)
FROM collection_item_hashes AS hashes
CROSS JOIN LATERAL (
    SELECT file_name FROM collection_items
    WHERE collection_items.organization_id = :organization
      AND collection_items.collected_at = hashes.collected_at
      AND collection_items.id = hashes.collection_item_id
    OFFSET 0
) AS found
WHERE hashes.organization_id = :organization AND hashes.collection_item_id = ANY (CAST(:files AS uuid[]))
""")

_READINGS: Final = sa.text("""
SELECT collection_item_id AS file_id, source, variant, reader_version, settings, status, counts, by_reason, warnings
FROM ingest_files
WHERE organization_id = :organization AND collection_item_id = ANY (CAST(:files AS uuid[]))
ORDER BY source, reader_version, settings COLLATE "C", id
""")

_MENTIONS: Final = sa.text("""
SELECT asked.id AS file_id, told.id, told.line, entity.entity_type, entity.name, entity.platform
FROM unnest(CAST(:files AS uuid[])) AS asked (id)
CROSS JOIN LATERAL (
    SELECT seen.entity_id AS id, min(coalesce(items.line, seen.line)) AS line
    FROM pg_temp.report_items AS items
    JOIN entity_sources AS seen ON seen.organization_id = :organization AND seen.collection_item_id = items.id
    WHERE items.file_id = asked.id
    GROUP BY seen.entity_id
    ORDER BY 2 NULLS LAST, 1
    LIMIT :most
) AS told
CROSS JOIN LATERAL (
    SELECT entity_type, left(name, :text) AS name, left(properties ->> 'platform', 100) AS platform
    FROM entities WHERE entities.organization_id = :organization AND entities.id = told.id
    OFFSET 0
) AS entity
ORDER BY asked.id, told.line NULLS LAST, told.id
""")

_REJECTED: Final = sa.text("""
SELECT id, collection_item_id, file_name, source, line, byte_length, reason, left(detail, :text) AS detail, status
FROM quarantine
WHERE organization_id = :organization AND status = 'held'
  AND collection_item_id IN (SELECT id FROM pg_temp.report_items WHERE id = file_id)
ORDER BY file_name COLLATE "C", line, byte_offset NULLS FIRST, id
LIMIT :limit
""")
