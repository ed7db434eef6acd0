"""Records that could not be loaded are tried again.

A retry reads them again from the stored file, since a row without its table's heading says nothing, and moves what is
sound now from rejected to new, merged or duplicate in the file's counts, so the accounting stays exact.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import polars as pl
import psycopg

from clew.ingest.enriching import ENRICHES
from clew.ingest.file_load import ensure_partitions
from clew.ingest.filestore import file_store
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
from clew.kernel.settings import Settings
from clew.ontology.possible_times import MAXIMUM_CLOCK_SKEW
from clew.records.acts import Act, record
from clew.records.batch import Batch, FileItem
from clew.records.files import StoredReading, file_lock, file_of, read_progress
from clew.records.loader import REFUSALS, Loader, prepare


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
            self.item,
            read.file_name,
            read.source,
            read.source_id,
            read.collection_id,
            source.kind is ItemKind.RESULTS,
            ENRICHES.get(source.name),
            source.version,
        )
        enriches = item.enrichment is not None
        resolver = Resolver(self.organization_id, read.source, self.item, item.has_rows, self.now, enriches=enriches)
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
        with self.connection.transaction():
            self.connection.execute(
                _SETTLE,
                {"organization": self.organization_id, "tried": [each.id for each in still], "recovered": []},
            )
            self._tell(read.file_name, {"tried": len(held), "still_rejected": len(still)})

    def _tell(self, file_name: str, response: dict[str, int]) -> None:
        record(self.connection, Act("quarantine_retried", "EXECUTE", "file", self.item, file_name, response=response))

    def _mapping(self, digest: str) -> str:
        """The text of the mapping file with that digest."""
        with file_store(self.settings).open(digest) as stream:
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
            released = {"released": [str(each) for each in identifiers]}
            record(self.connection, Act("quarantine_released", "UPDATE", "file", self.item, response=released))

    def _batches(self, reading: Reading, digest: str, lines: set[int]) -> Iterator[tuple[Records, Batch]]:
        limits = framing_limits(self.settings)
        with file_store(self.settings).open(digest) as stream:
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
