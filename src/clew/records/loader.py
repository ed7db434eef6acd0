"""The one way facts enter the record: a batch is staged, merged and counted, and the file's progress saved with it.

What is committed is exact: a load that dies anywhere goes on from its last batch, and nothing is counted twice.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import orjson
import polars as pl
import psycopg

from clew.records import merge_sql, stage
from clew.records.acts import Act, record
from clew.records.batch import Batch, Counts, FileItem, Position
from clew.records.event_merge import EventMerger, StagedBatch, prepare
from clew.records.fact_merge import FactMerger, Fresh
from clew.records.refusals import REFUSALS, find_refused

__all__ = ["REFUSALS", "FileProgress", "Loader", "StagedBatch", "prepare"]


@dataclass(frozen=True, slots=True)
class FileProgress:
    """How far a file is in the record. Committed with the rows it covers."""

    id: UUID
    position: Position
    counts: Counts
    by_reason: dict[str, int]
    warnings: tuple[str, ...]
    completed: bool


class Loader(AbstractContextManager["Loader"]):
    """Merges batches of one file into an organization's record.

    Result rows are merged in one transaction. Of a log, facts and events touch different tables: they are merged at
    the same time over two connections, and the facts are committed first, once the events are merged as well: what
    PostgreSQL refuses in either half leaves nothing of the batch. Dying between the two commits is harmless: merging
    facts again changes nothing, and their counts were committed with them.

    Whoever merges both halves enters the events first, then the facts, so that two loads cannot wait for each other.

    Both connections act in the application's role with the organization set, in autocommit mode.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        facts_connection: psycopg.Connection[Any],
        organization_id: UUID,
        item: FileItem,
        collected_at: datetime,
    ) -> None:
        self._connection = connection
        self._facts_connection = facts_connection
        self._organization_id = organization_id
        self._item = item
        self._collected_at = collected_at
        self._beside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="clew-facts")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._beside.shutdown(wait=True)

    def load(self, staged: StagedBatch, progress: FileProgress) -> FileProgress:
        """Merge one batch and save the file's progress. Raises what the database raises; then neither is kept.

        One of REFUSALS means that a record is to blame, which `find_refused` finds.
        """
        if self._item.has_rows:
            with self._connection.transaction():
                return self._save(self._load_rows(staged.batch, progress), staged)
        events_are_in: Future[bool] = Future()
        facts: Future[dict[str, int]] | None = None
        try:
            with self._connection.transaction():
                merge_sql.enter_merge(self._connection, self._organization_id, "events")
                facts = self._beside.submit(self._commit_facts, staged.batch, progress.id, events_are_in)
                fresh = EventMerger(self._connection, self._organization_id, self._item).merge(staged)
                counts = Counts(new=fresh, duplicate=staged.batch.events.height - fresh, events=fresh)
                self._hold_rejects(staged.batch)
                events_are_in.set_result(True)
                totals = replace(progress.counts + counts, **facts.result())
                return self._save(replace(progress, counts=totals), staged)
        finally:
            if not events_are_in.done():
                events_are_in.set_result(False)
            facts = None  # with its error, it would keep this frame and so the batch alive

    def find_refused(self, records: Sequence[int], part: Callable[[Sequence[int]], StagedBatch]) -> dict[int, str]:
        """Which records of a batch PostgreSQL refuses, and why. Nothing is kept; `part` gives the batch of some."""

        def attempt(some: Sequence[int]) -> None:
            with self._connection.transaction():
                self._merge_uncounted(part(some))
            stage.clear(self._connection)

        with self._connection.transaction(force_rollback=True):
            return find_refused(records, attempt)

    def finish(self, progress: FileProgress) -> FileProgress:
        """Mark the file as completely loaded."""
        counts = progress.counts.as_dict()
        with self._connection.transaction():
            act = Act("ingest_completed", "CREATE", "file", self._item.id, self._item.file_name, response=counts)
            record(self._connection, act)
            return self._write(replace(progress, completed=True))

    def _load_rows(self, batch: Batch, progress: FileProgress) -> FileProgress:
        merger = FactMerger(self._connection, self._organization_id, self._item)
        fresh = merger.merge(batch)
        fresh_items = self._merge_rows(batch)
        new = _records_that_bring(batch, fresh_items, fresh.all)
        counts = Counts(new=new, merged=len(fresh_items) - new, duplicate=batch.rows.height - len(fresh_items))
        self._hold_rejects(batch)
        totals = replace(progress.counts + counts, **self._count_facts(self._connection, progress.id, fresh))
        return replace(progress, counts=totals)

    def _merge_uncounted(self, staged: StagedBatch) -> None:
        if self._item.has_rows:
            FactMerger(self._connection, self._organization_id, self._item).merge(staged.batch)
            self._merge_rows(staged.batch)
            return
        merge_sql.enter_merge(self._connection, self._organization_id, "events")
        EventMerger(self._connection, self._organization_id, self._item).merge(staged)
        FactMerger(self._connection, self._organization_id, self._item).merge(staged.batch)

    def _commit_facts(self, batch: Batch, file_id: UUID, events_are_in: Future[bool]) -> dict[str, int]:
        """Merge the facts in a transaction of their own; how many of each kind the file has brought in so far."""
        with self._facts_connection.transaction():
            fresh = FactMerger(self._facts_connection, self._organization_id, self._item).merge(batch)
            counted = self._count_facts(self._facts_connection, file_id, fresh)
            if not events_are_in.result():
                raise psycopg.Rollback
        return counted

    def _count_facts(self, connection: psycopg.Connection[Any], file_id: UUID, fresh: Fresh) -> dict[str, int]:
        counted = {
            "entities": len(fresh.entities),
            "relationships": len(fresh.relationships),
            "posts": len(fresh.posts),
        }
        keys = {"organization": self._organization_id, "file": file_id}
        row = connection.execute(merge_sql.COUNT_FACTS, keys | counted).fetchone()
        if row is None:
            raise LookupError("a file is registered before it is loaded")
        return dict(zip(counted, row, strict=True))

    def _merge_rows(self, batch: Batch) -> list[str]:
        """Store result rows; the ids of the items whose content was not in the record before."""
        distinct = batch.rows.unique("id", keep="first", maintain_order=True)
        stage.copy(self._connection, "stage_rows", distinct)
        stage.copy(self._connection, "stage_places", batch.rows.select("id", "line").unique())
        self._execute(merge_sql.KEEP_PLACES)
        return [identifier for (identifier,) in self._execute(merge_sql.INSERT_ROWS).fetchall()]

    def _hold_rejects(self, batch: Batch) -> None:
        if batch.rejects.height:
            stage.copy(self._connection, "stage_rejects", batch.rejects)
            self._execute(merge_sql.INSERT_QUARANTINE)

    def _save(self, progress: FileProgress, staged: StagedBatch) -> FileProgress:
        batch = staged.batch
        reasons = Counter(progress.by_reason)
        reasons.update(batch.rejects.filter(pl.col("record").is_not_null())["reason"].to_list())
        read = Counts(read=batch.read, rejected=batch.read - batch.rows.height)
        return self._write(
            replace(
                progress,
                position=staged.end,
                counts=progress.counts + read,
                by_reason=dict(sorted(reasons.items())),
                warnings=tuple(dict.fromkeys(progress.warnings + batch.warnings)),
            )
        )

    def _write(self, progress: FileProgress) -> FileProgress:
        self._execute(
            merge_sql.SAVE_PROGRESS,
            file=progress.id,
            offset=progress.position.offset,
            line=progress.position.line,
            record=progress.position.record,
            state=progress.position.state,
            counts=orjson.dumps(progress.counts.as_dict()).decode(),
            by_reason=orjson.dumps(progress.by_reason).decode(),
            warnings=orjson.dumps(progress.warnings).decode(),
            status="completed" if progress.completed else "running",
        )
        return progress

    def _execute(self, statement: str, **parameters: Any) -> psycopg.Cursor[Any]:
        common = {
            "organization": self._organization_id,
            "item": self._item.id,
            "source": self._item.source,
            "source_id": self._item.source_id,
            "collection": self._item.collection_id,
            "file_name": self._item.file_name,
            "collected_at": self._collected_at,
        }
        return self._connection.execute(statement, common | parameters)


def _records_that_bring(batch: Batch, fresh_items: list[str], fresh_facts: list[str]) -> int:
    """How many records of new content are the first to mention a fact that was not in the record before."""
    fresh_records = (
        batch.rows.unique("id", keep="first", maintain_order=True)
        .filter(pl.col("id").is_in(fresh_items))
        .get_column("record")
    )
    mentions = pl.concat([batch.entity_sightings, batch.relationship_sightings, batch.post_sightings])
    firsts = (
        mentions.filter(pl.col("id").is_in(fresh_facts) & pl.col("record").is_in(fresh_records.implode()))
        .group_by("id")
        .agg(pl.col("record").min())
    )
    return firsts["record"].n_unique()
