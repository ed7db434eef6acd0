"""Loads one stored file: a thread reads and resolves ahead while this one merges, batch by batch."""

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, BinaryIO, Final
from uuid import UUID

import polars as pl
import psycopg

from clew.ingest.facts import Facts, no_facts
from clew.ingest.frames import FramedBatch, FramingFault, FramingLimits
from clew.ingest.framing import frame
from clew.ingest.resolve import Resolver
from clew.ingest.sources.base import Framing, ReadContext, RecordBatch, Source
from clew.ontology.possible_times import EARLIEST_POSSIBLE, MAXIMUM_CLOCK_SKEW
from clew.records.batch import REJECTS, Batch
from clew.records.files import RegisteredFile
from clew.records.loader import FileProgress, Loader, StagedBatch, prepare

_READ_AHEAD: Final = 1
"""Batches that may wait for the database: each costs memory, and one is enough to keep both sides busy."""

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

    def run(self, stream: BinaryIO) -> FileProgress:
        """Load from where the file's progress stands; `stream` is positioned there.

        Returns early, with `completed` unset, when `stop` is set. Raises what reading the stream or the database
        raises; everything up to the last committed batch is in the record then.
        """
        progress = self.file.progress
        months: frozenset[date] = frozenset()
        with (
            Loader(
                self.connection, self.facts_connection, self.organization_id, self.file.item, self.loaded_at
            ) as loader,
            _ReadAhead(self._staged(stream)) as batches,
        ):
            for staged in batches:
                months = ensure_partitions(self.connection, staged.batch, months)
                progress = loader.load(staged, progress)
                self.observe(progress)
                if self.stop.is_set():
                    return progress
                del staged
            return loader.finish(progress)

    def _staged(self, stream: BinaryIO) -> Iterator[StagedBatch]:
        item = self.file.item
        resolver = Resolver(self.organization_id, item.source, item.id, item.has_rows, self.loaded_at)
        start = self.file.progress.position
        for framed in frame(stream, self.framing, self.limits, start=start):
            staged = self._prepared(resolver, framed)
            del framed  # a name that lives on while its value is no longer needed costs a batch of memory
            yield staged
            del staged

    def _prepared(self, resolver: Resolver, framed: FramedBatch) -> StagedBatch:
        context = replace(self.context, latest=self.loaded_at + MAXIMUM_CLOCK_SKEW)
        facts = self.source.read(framed.batch, context) if framed.batch.records else no_facts()
        batch = resolver.resolve(facts, batch_content(framed.batch, facts), batch_contents(framed.batch))
        return prepare(_with_faults(batch, framed), framed.end)


def batch_content(batch: RecordBatch, facts: Facts) -> Callable[[int], bytes]:
    """How to get at the bytes of a record that turns out to be unacceptable."""
    if facts.records["content"].null_count() < facts.records.height:
        texts = dict(facts.records.select("record", "content").iter_rows())
        return lambda record: str(texts[record]).encode()
    return lambda record: batch.records[record - batch.first_record]


def batch_contents(batch: RecordBatch) -> Callable[[pl.Series], list[bytes]]:
    """How to get at the bytes of many records, which their ids follow from."""

    def contents(records: pl.Series) -> list[bytes]:
        if len(records) == len(batch.records):
            return list(batch.records)
        return [batch.records[record - batch.first_record] for record in records]

    return contents


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


def ensure_partitions(
    connection: psycopg.Connection[Any], batch: Batch, known: frozenset[date] = frozenset()
) -> frozenset[date]:
    """Make the partitions that the batch's events need, in a transaction of its own; the months known by then."""
    times = batch.events["occurred_at"]
    months = frozenset(times.filter(times >= EARLIEST_POSSIBLE).dt.truncate("1mo").dt.date().unique())
    missing = sorted(months - known)
    for start in range(0, len(missing), _MONTHS_AT_ONCE):
        with connection.transaction():
            for table in ("events", "attack_sessions"):
                some = missing[start : start + _MONTHS_AT_ONCE]
                connection.execute("SELECT ensure_partitions(%s, %s)", (table, some))
    return known | months


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
