"""From a file's records to batches for the loader: whole, or only some of the records, where others are refused."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from clew.ingest.facts import Facts, no_facts
from clew.ingest.resolve import Resolver
from clew.ingest.sources.base import Framing, ReadContext, RecordBatch, Source
from clew.records.batch import REJECTS, Batch, Position
from clew.records.loader import REFUSALS, FileProgress, Loader, StagedBatch, prepare
from clew.records.refusals import REASON

_HELD_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Reading:
    """How the records of one file become facts."""

    source: Source
    framing: Framing
    context: ReadContext
    resolver: Resolver

    def facts(self, batch: RecordBatch) -> Facts:
        """What the source says of the records."""
        return self.source.read(batch, self.context) if batch.records else no_facts()

    def resolve(self, batch: RecordBatch, facts: Facts) -> Batch:
        """Facts of the records as the loader takes them."""
        return self.resolver.resolve(facts, _content(batch, facts), _contents(batch))


class Records:
    """The records of a batch, of which any may be left out."""

    def __init__(self, reading: Reading, batches: Iterable[RecordBatch]) -> None:
        self._reading = reading
        self._single: dict[int, tuple[int, bytes]] = {}
        self._document: tuple[RecordBatch, Facts] | None = None
        for batch in batches:
            if reading.framing is Framing.DOCUMENT:  # its rows are told apart only by its source
                self._document = batch, reading.facts(batch)
                break
            for index, content in enumerate(batch.records):
                self._single[batch.first_record + index] = batch.lines[index], content

    def only(self, records: Sequence[int]) -> Batch:
        """The batch of those records, in that order; without the numbers of those that it rejects."""
        if self._document is not None:
            batch, facts = self._document
            return self._reading.resolve(batch, facts_of(facts, pl.col("record").is_in(list(records))))
        lines, contents = zip(*map(self._single.__getitem__, records), strict=True) if records else ((), ())
        batch = RecordBatch(contents, lines, records[0] if records else 0)
        return self._reading.resolve(batch, self._reading.facts(batch))

    def rejects(self, refused: dict[int, str]) -> pl.DataFrame:
        """What the quarantine holds of records that were refused."""
        rows = [self._reject(record, why) for record, why in refused.items()]
        return pl.DataFrame(rows, schema=REJECTS, orient="row")

    def _reject(self, record: int, why: str) -> tuple[Any, ...]:
        if self._document is not None:
            batch, facts = self._document
            line = facts.records.filter(pl.col("record") == record)["line"][0]
            content = _content(batch, facts)(record)
        else:
            line, content = self._single[record]
        return record, line, None, len(content), REASON, f"line {line}: {why}", content[:_HELD_BYTES]


def load_around(
    loader: Loader, records: Records, staged: StagedBatch, progress: FileProgress, refusal: BaseException
) -> FileProgress:
    """Load a batch that was refused but for the records to blame, which are rejected.

    Raises the refusal if no record is to blame, or what else the database raises; then nothing of the batch is kept.
    """
    batch = staged.batch
    while True:
        rest, refused = without_refused(loader, records, batch, refusal)
        rejects = pl.concat([batch.rejects, records.rejects(refused)])
        batch = replace(rest, read=batch.read, rejects=rejects, warnings=batch.warnings)
        try:
            return loader.load(prepare(batch, staged.end), progress)
        except REFUSALS as again:
            refusal = again


def without_refused(
    loader: Loader, records: Records, batch: Batch, refusal: BaseException
) -> tuple[Batch, dict[int, str]]:
    """What is left of a batch without the records that PostgreSQL refuses, and why it refuses those.

    Raises the refusal if it refuses none of them.
    """
    numbers = batch.rows["record"].to_list()
    refused = loader.find_refused(numbers, lambda some: prepare(records.only(some), Position()))
    if not refused:
        raise refusal
    return records.only([number for number in numbers if number not in refused]), refused


def facts_of(facts: Facts, wanted: pl.Expr) -> Facts:
    """The facts of the records that an expression over `record` chooses, rejects included."""
    return replace(
        facts,
        records=facts.records.filter(wanted),
        mentions=facts.mentions.filter(wanted),
        links=facts.links.filter(wanted),
        events=facts.events.filter(wanted),
        rejects=facts.rejects.filter(wanted),
        posts=facts.posts.filter(wanted),
    )


def facts_between(facts: Facts, first: int, after: int) -> Facts:
    """The facts of the records from `first` up to, and without, `after`."""
    return facts_of(facts, pl.col("record").is_between(first, after, closed="left"))


def _content(batch: RecordBatch, facts: Facts) -> Callable[[int], bytes]:
    """How to get at the bytes of a record that turns out to be unacceptable."""
    if facts.records["content"].null_count() < facts.records.height:
        texts = dict(facts.records.select("record", "content").iter_rows())
        return lambda record: str(texts[record]).encode()
    return lambda record: batch.records[record - batch.first_record]


def _contents(batch: RecordBatch) -> Callable[[pl.Series], list[bytes]]:
    """How to get at the bytes of many records, which their ids follow from."""

    def contents(records: pl.Series) -> list[bytes]:
        if len(records) == len(batch.records):
            return list(batch.records)
        return [batch.records[record - batch.first_record] for record in records]

    return contents
