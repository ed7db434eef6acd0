"""Loads one stored file: a thread reads and resolves ahead while this one merges, batch by batch."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, BinaryIO, Final
from uuid import UUID

import polars as pl
import psycopg

from clew.ingest.frames import FramedBatch, FramingFault, FramingLimits
from clew.ingest.framing import frame, up_to
from clew.ingest.reading import Reading, Records, facts_between, load_around
from clew.ingest.resolve import Resolver
from clew.ingest.sources.base import Framing, ReadContext, Source
from clew.ontology.possible_times import EARLIEST_POSSIBLE, MAXIMUM_CLOCK_SKEW
from clew.records.batch import REJECTS, Batch, Position
from clew.records.files import RegisteredFile
from clew.records.loader import REFUSALS, FileProgress, Loader, StagedBatch, prepare

_READ_AHEAD: Final = 1
"""Batches that may wait for the database: each costs memory, and one is enough to keep both sides busy."""

_ROWS_AT_ONCE: Final = 20_000
"""Rows of a report that are merged together: each is an item, and brings entities and relationships of its own."""

_BYTES_OF_ROWS: Final = 1 << 20
"""Bytes of a list of rows that are read together, for the same reason; a log's lines share what they name."""

_MONTHS_AT_ONCE: Final = 1000
"""The database function takes no more than 1,200 months in one call; a log whose clock is broken may name them all."""


@dataclass(frozen=True, slots=True)
class FileLoad:
    """One load of one file into one organization."""

    connection: psycopg.Connection[Any]
    facts_connection: psycopg.Connection[Any]
    organization_id: UUID
    file: RegisteredFile
    source: Source
    framing: Framing
    context: ReadContext
    limits: FramingLimits
    loaded_at: datetime
    stop: threading.Event
    observe: Callable[[FileProgress], None]
    open_at: Callable[[int], AbstractContextManager[BinaryIO]]  # the file's content from that byte on

    def run(self) -> FileProgress:
        """Load from where the file's progress stands.

        Returns early, with `completed` unset, when `stop` is set. Raises what reading the stream or the database
        raises; everything up to the last committed batch is in the record then.
        """
        progress = self.file.progress
        months: frozenset[Month] = frozenset()
        with (
            self.open_at(progress.position.offset) as stream,
            Loader(
                self.connection, self.facts_connection, self.organization_id, self.file.item, self.loaded_at
            ) as loader,
            _ReadAhead(self._staged(stream)) as batches,
        ):
            for staged in batches:
                months = ensure_partitions(self.connection, staged.batch, months)
                try:
                    progress = loader.load(staged, progress)
                except REFUSALS as refusal:
                    records = self._read_again(progress.position, staged.end)
                    progress = load_around(loader, records, staged, progress, refusal)
                self.observe(progress)
                if self.stop.is_set():
                    return progress
                del staged
            return loader.finish(progress)

    def _staged(self, stream: BinaryIO) -> Iterator[StagedBatch]:
        reading = self._reading()
        start = self.file.progress.position
        limits = self.limits
        if self.file.item.has_rows:
            limits = replace(limits, batch_bytes=min(limits.batch_bytes, _BYTES_OF_ROWS))
        for framed in frame(stream, self.framing, limits, start=start):
            parts = _prepared(reading, framed, start)
            del framed  # a name that lives on while its value is no longer needed costs a batch of memory
            yield from parts

    def _read_again(self, start: Position, end: Position) -> Records:
        """The records between two positions: kept in memory by nobody, since they are hardly ever asked for."""
        with self.open_at(start.offset) as stream:
            part = up_to(stream, end.offset - start.offset) if self.framing is not Framing.DOCUMENT else stream
            framed = frame(part, self.framing, self.limits, start=start)
            return Records(self._reading(), [each.batch for each in framed])

    def _reading(self) -> Reading:
        item = self.file.item
        resolver = Resolver(
            self.organization_id,
            item.source,
            item.id,
            item.has_rows,
            self.loaded_at,
            enriches=item.enrichment is not None,
        )
        context = replace(self.context, latest=self.loaded_at + MAXIMUM_CLOCK_SKEW)
        return Reading(self.source, self.framing, context, resolver)


def _prepared(reading: Reading, framed: FramedBatch, start: Position) -> Iterator[StagedBatch]:
    """The batch to load; a document of many rows in parts, each of which ends at the next part's first row."""
    facts = reading.facts(framed.batch)
    if reading.framing is Framing.DOCUMENT:
        first, after = start.record, facts.records.height + facts.rejects.height
        while after - first > _ROWS_AT_ONCE:
            part = replace(facts_between(facts, first, first + _ROWS_AT_ONCE), warnings=())
            first += _ROWS_AT_ONCE
            yield prepare(reading.resolve(framed.batch, part), replace(start, record=first))
        facts = facts_between(facts, first, after)
    staged = prepare(_with_faults(reading.resolve(framed.batch, facts), framed), framed.end)
    del framed, facts  # while a generator waits, what its names hold waits as well
    yield staged


def _with_faults(batch: Batch, framed: FramedBatch) -> Batch:
    """The batch with what framing could not read: lost records count as read and rejected, other damage is noted."""
    if not framed.faults:
        return batch
    rows = [_fault_row(fault) for fault in framed.faults]
    faults = pl.DataFrame(rows, schema=REJECTS, orient="row")
    lost = sum(fault.is_record for fault in framed.faults)
    return replace(batch, read=batch.read + lost, rejects=pl.concat([batch.rejects, faults]))


def _fault_row(fault: FramingFault) -> tuple[Any, ...]:
    record = fault.record if fault.is_record else None
    return (record, fault.line, fault.offset, fault.length, fault.reason, fault.detail, fault.content)


Month = tuple[str, date]
"""A partitioned table and the first day of one of its months."""


def ensure_partitions(
    connection: psycopg.Connection[Any], batch: Batch, known: frozenset[Month] = frozenset()
) -> frozenset[Month]:
    """Make the partitions that the batch's rows need, in a transaction of its own; the ones known by then."""
    times = dict.fromkeys(("events", "attack_sessions"), batch.events["occurred_at"])
    times["social_posts"] = batch.posts["posted_at"]
    needed = {(table, month) for table, column in times.items() for month in _months(column)}
    missing = sorted(needed - known)
    for table in times:
        months = [month for name, month in missing if name == table]
        for start in range(0, len(months), _MONTHS_AT_ONCE):
            with connection.transaction():
                some = months[start : start + _MONTHS_AT_ONCE]
                connection.execute("SELECT ensure_partitions(%s, %s)", (table, some))
    return known | needed


def _months(times: pl.Series) -> list[date]:
    return times.filter(times >= EARLIEST_POSSIBLE).dt.truncate("1mo").dt.date().unique().to_list()


class _ReadAhead:
    """An iterator run by a thread of its own, at most a few items ahead of who takes them."""

    def __init__(self, items: Iterator[StagedBatch]) -> None:
        self._items = items
        self._queue: queue.Queue[StagedBatch | BaseException | None] = queue.Queue(maxsize=_READ_AHEAD)
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._produce, name="clew-read-ahead", daemon=True)

    def __enter__(self) -> Iterator[StagedBatch]:
        self._thread.start()
        return self._take()

    def __exit__(self, *_: object) -> None:
        self._abandoned.set()
        while self._thread.is_alive():
            self._drain()
            self._thread.join(0.05)

    def _produce(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    return
                del item
        except BaseException as error:  # noqa: BLE001 - handed to the taking thread, which raises it
            self._put(error)
            return
        self._put(None)

    def _put(self, item: StagedBatch | BaseException | None) -> bool:
        while not self._abandoned.is_set():
            try:
                self._queue.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def _take(self) -> Iterator[StagedBatch]:
        while True:
            item = self._queue.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
            del item

    def _drain(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()
