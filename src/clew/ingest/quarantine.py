"""Records that could not be loaded: listed, shown, tried again, or given up.

A retry reads them again from the stored file, since a row without its table's heading says nothing, and moves what is
sound now from rejected to new, merged or duplicate in the file's counts, so the accounting stays exact.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import polars as pl
import psycopg
import sqlalchemy as sa

from clew.ingest.file_load import ensure_partitions
from clew.ingest.filestore import FileStore
from clew.ingest.framing import frame
from clew.ingest.reading import Reading, Records, facts_of, without_refused
from clew.ingest.recognition import find_source
from clew.ingest.resolve import Resolver
from clew.ingest.service import framing_limits, open_connections
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, RecordBatch
from clew.ingest.sources.mapped import MAPPING
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.errors import NotFoundError
from clew.kernel.settings import Settings
from clew.ontology.possible_times import MAXIMUM_CLOCK_SKEW
from clew.records.batch import Batch, FileItem
from clew.records.files import StoredReading, file_lock, file_of, read_progress
from clew.records.loader import REFUSALS, Loader, prepare
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


@dataclass(slots=True)
class RetryReport:
    """What a retry came to: `tried` = `recovered` + `rejected`."""

    tried: int = 0
    recovered: int = 0
    rejected: int = 0
    by_reason: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "tried": self.tried,
            "recovered": self.recovered,
            "rejected": self.rejected,
            "by_reason": dict(sorted(self.by_reason.items())),
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
    return int(result.rowcount)


def retry(
    database: Database,
    settings: Settings,
    organization_id: UUID,
    user_id: UUID,
    *,
    ids: Sequence[UUID] | None = None,
    reason: str | None = None,
    file: str | None = None,
    clock: Clock = system_clock,
) -> RetryReport:
    """Read held records again: all of them, or those with the ids, of the reason or of the file.

    Raises DatabaseUnavailableError when the database goes away; what was recovered until then stays recovered.
    """
    report = RetryReport()
    with (
        database_errors(database.address),
        open_connections(database, organization_id, user_id) as (connection, facts_connection),
    ):
        for item in _held_by_item(connection, organization_id, ids, reason, file):
            with file_lock(connection, item, wait=True):
                # Whoever had the file until now may have settled some of them.
                held = _held_by_item(connection, organization_id, ids, reason, file, item).get(item)
                if held:
                    attempt = _Attempt(connection, facts_connection, settings, organization_id, item, clock())
                    attempt.run(held, report)
    return report


_HELD = """
SELECT collection_item_id, id, record, line, reason FROM quarantine
WHERE organization_id = %(organization)s AND status = 'held' AND record IS NOT NULL
  AND (%(ids)s::uuid[] IS NULL OR id = ANY (%(ids)s)) AND (%(reason)s::text IS NULL OR reason = %(reason)s)
  AND (%(file)s::text IS NULL OR file_name = %(file)s) AND (%(item)s::uuid IS NULL OR collection_item_id = %(item)s)
ORDER BY collection_item_id, record, line
"""

_SETTLE = """
UPDATE quarantine SET attempts = attempts + 1, updated_at = now(),
                      status = CASE WHEN id = ANY (%(recovered)s) THEN 'retried' ELSE status END
WHERE organization_id = %(organization)s AND id = ANY (%(tried)s)
"""


@dataclass(frozen=True, slots=True)
class _Held:
    id: UUID
    record: int
    line: int
    reason: str


def _held_by_item(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    ids: Sequence[UUID] | None,
    reason: str | None,
    file: str | None,
    item: UUID | None = None,
) -> dict[UUID, list[_Held]]:
    found: dict[UUID, list[_Held]] = defaultdict(list)
    parameters = {
        "organization": organization_id,
        "ids": ids and list(ids),
        "reason": reason,
        "file": file,
        "item": item,
    }
    for identifier, *held in connection.execute(_HELD, parameters).fetchall():
        found[identifier].append(_Held(*held))
    return found


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One file's held records, read again."""

    connection: psycopg.Connection[Any]
    facts_connection: psycopg.Connection[Any]
    settings: Settings
    organization_id: UUID
    item: UUID
    now: datetime

    def run(self, held: list[_Held], report: RetryReport) -> None:
        """Load what is sound now, and settle every one of the held."""
        read = file_of(self.connection, self.organization_id, self.item)
        source = find_source(read.source)
        item = FileItem(
            self.item, read.file_name, read.source, read.source_id, read.collection_id, source.kind is ItemKind.RESULTS
        )
        resolver = Resolver(self.organization_id, read.source, self.item, item.has_rows, self.now)
        context = replace(_context(read, self._mapping), latest=self.now + MAXIMUM_CLOCK_SKEW)
        reading = Reading(source, Framing(read.framing), context, resolver)
        recovered: set[int] = set()
        with Loader(self.connection, self.facts_connection, self.organization_id, item, self.now) as loader:
            for records, batch in self._batches(reading, read.digest, {each.line for each in held}):
                ensure_partitions(self.connection, batch)
                recovered |= self._settle_sound(loader, records, batch, held, read.key)
        report.tried += len(held)
        report.recovered += sum(each.line in recovered for each in held)
        still = [each for each in held if each.line not in recovered]
        report.rejected += len(still)
        report.by_reason.update(each.reason for each in still)
        self.connection.execute(
            _SETTLE,
            {"organization": self.organization_id, "tried": [each.id for each in still], "recovered": []},
        )

    def _mapping(self, digest: str) -> str:
        """The text of the mapping file with that digest."""
        with FileStore(Path(self.settings.data_dir) / "files").open(digest) as stream:
            return stream.read().decode()

    def _settle_sound(
        self, loader: Loader, records: Records, batch: Batch, held: list[_Held], key: dict[str, Any]
    ) -> set[int]:
        """Settle all of the batch but what PostgreSQL refuses; the lines of what was settled."""
        while batch.rows.height:
            try:
                self._settle(loader, batch, held, key)
            except REFUSALS as refusal:
                rest, _ = without_refused(loader, records, batch, refusal)
                batch = _without_rejects(rest)
            else:
                break
        return set(batch.rows["line"])

    def _settle(self, loader: Loader, batch: Batch, held: list[_Held], key: dict[str, Any]) -> None:
        """Load the recovered records and move them in the file's counts, in one transaction."""
        lines = set(batch.rows["line"])
        recovered = [each for each in held if each.line in lines]
        with self.connection.transaction():
            progress = read_progress(self.connection, key)
            reasons = Counter(progress.by_reason)
            reasons.subtract(each.reason for each in recovered)
            less = replace(progress, by_reason={name: count for name, count in reasons.items() if count > 0})
            # They were counted as read when they were rejected: read stays, rejected shrinks by the rows that came.
            loader.load(prepare(replace(batch, read=0), progress.position), less)
            identifiers = [each.id for each in recovered]
            self.connection.execute(
                _SETTLE,
                {"organization": self.organization_id, "tried": identifiers, "recovered": identifiers},
            )

    def _batches(self, reading: Reading, digest: str, lines: set[int]) -> Iterator[tuple[Records, Batch]]:
        limits = framing_limits(self.settings)
        with FileStore(Path(self.settings.data_dir) / "files").open(digest) as stream:
            for framed in frame(stream, reading.framing, limits):
                for wanted in _wanted(framed.batch, reading.framing, lines):
                    facts = reading.facts(wanted)
                    held = facts.records.filter(pl.col("line").is_in(list(lines)))["record"]
                    batch = reading.resolve(wanted, facts_of(facts, pl.col("record").is_in(held.implode())))
                    if batch.rows.height:
                        yield Records(reading, [wanted]), _without_rejects(batch)


def _without_rejects(batch: Batch) -> Batch:
    """What is rejected again is held already."""
    return replace(batch, rejects=batch.rejects.clear(), warnings=())


def _wanted(batch: RecordBatch, framing: Framing, lines: set[int]) -> Iterator[RecordBatch]:
    """The records on those lines, one by one; a document is wanted whole."""
    if framing is Framing.DOCUMENT:
        yield batch
        return
    for index, line in enumerate(batch.lines):
        if line in lines:
            yield RecordBatch([batch.records[index]], [line], batch.first_record + index)


def _context(read: StoredReading, mapping_of: Callable[[str], str]) -> ReadContext:
    """What the file was read with: its name inside folders and archives, the zone, region and mapping that were set."""
    kept = orjson.loads(read.settings)
    zone = ZoneInfo(kept["timezone"]) if "timezone" in kept else None
    name = kept.get("name", re.split(r"[/!]", read.file_name)[-1])
    options = {MAPPING: mapping_of(kept["mapping"])} if "mapping" in kept else {}
    return ReadContext(name, read.variant, zone, kept.get("region"), options=options)
