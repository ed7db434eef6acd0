"""The one way facts enter the record: a batch is staged, merged, counted and its progress saved, all in one
transaction. What is committed is exact: a load that dies anywhere goes on from its last batch.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
import polars as pl
import psycopg

from clew.kernel.ids import new_ids
from clew.ontology import relationship_id_bytes
from clew.records import attack_sessions, merge_sql, stage
from clew.records.batch import Batch, Counts, FileItem, Position

_UNSTAGED_EVENT_COLUMNS: Final = (
    "session_key",
    "attack_type",
    "client",
    "fingerprint",
    "login_failures",
    "login_successes",
)


@dataclass(frozen=True, slots=True)
class StagedBatch:
    """A batch with its bulk already encoded for COPY: made off the database's path, so that both can work at once."""

    batch: Batch
    events: pl.DataFrame
    encoded_events: bytes
    repeats: Counter[str]
    sessions: pl.DataFrame
    end: Position


@dataclass(frozen=True, slots=True)
class FileProgress:
    """How far a file is in the record. Committed with the rows it covers."""

    id: UUID
    position: Position
    counts: Counts
    by_reason: dict[str, int]
    warnings: tuple[str, ...]
    completed: bool


@dataclass(frozen=True, slots=True)
class Loader:
    """Merges batches of one file into an organization's record over one connection in the application's role.

    The caller opens the transaction (with the organization set) and calls `load` once in it.
    """

    connection: psycopg.Connection
    organization_id: UUID
    item: FileItem
    collected_at: datetime

    def load(self, staged: StagedBatch, progress: FileProgress) -> FileProgress:
        """Merge one batch and save the file's progress; both become visible with the caller's commit."""
        self.connection.execute(merge_sql.PLAN_FOR_KEYS)
        self._execute(merge_sql.LOCK)
        batch = staged.batch
        if self.item.has_rows:
            fresh_items = self._merge_rows(batch)
            entities, relationships = self._merge_facts(batch)
            new = _records_that_bring(batch, fresh_items, entities | relationships)
            counts = Counts(new=new, merged=len(fresh_items) - new, duplicate=batch.rows.height - len(fresh_items))
        else:
            fresh = self._merge_events(staged)
            counts = Counts(new=fresh, duplicate=batch.events.height - fresh, events=fresh)
            entities, relationships = self._merge_facts(batch)
        self._hold_rejects(batch)
        counts += Counts(
            read=batch.read,
            rejected=batch.read - batch.rows.height,
            entities=len(entities),
            relationships=len(relationships),
        )
        reasons = Counter(progress.by_reason)
        reasons.update(batch.rejects.filter(pl.col("record").is_not_null())["reason"].to_list())
        return self._save(
            FileProgress(
                id=progress.id,
                position=staged.end,
                counts=progress.counts + counts,
                by_reason=dict(sorted(reasons.items())),
                warnings=tuple(dict.fromkeys(progress.warnings + batch.warnings)),
                completed=False,
            )
        )

    def finish(self, progress: FileProgress) -> FileProgress:
        """Mark the file as completely loaded."""
        return self._save(replace(progress, completed=True))

    def _merge_events(self, staged: StagedBatch) -> int:
        """Insert the events and sessions; the number of events that were not in the record before."""
        events = staged.events
        if events.is_empty():
            return 0
        stage.copy(self.connection, "stage_events", events, staged.encoded_events)
        inserted = self._execute(merge_sql.INSERT_EVENTS).rowcount
        repeats = Counter(staged.repeats)
        sessions = staged.sessions
        if inserted < events.height:
            known = self._execute(merge_sql.DUPLICATE_EVENTS).fetchall()
            repeats.update(UUID(str(identifier)).hex for _, identifier, same_file in known if same_file)
            seen = pl.Series([record for record, _, _ in known], dtype=pl.Int64)
            distinct = staged.batch.events.unique("id", keep="first", maintain_order=True)
            sessions = attack_sessions.summarize(distinct.filter(~pl.col("record").is_in(seen.implode())))
        if repeats:
            self._execute(merge_sql.COUNT_REPEATS, ids=list(repeats), times=list(repeats.values()))
        if not sessions.is_empty():
            self._merge_sessions(sessions)
        if inserted:
            self._execute(merge_sql.RECORD_EVENT_BATCH, batch=_batch_description(events, inserted))
        return inserted

    def _merge_sessions(self, sessions: pl.DataFrame) -> None:
        stage.copy(self.connection, "stage_sessions", sessions)
        self._execute(merge_sql.MERGE_SESSIONS)
        for session, started, starts in self._execute(merge_sql.MOVED_SESSIONS).fetchall():
            self._execute(merge_sql.MOVE_SESSION, session=session, started=started, starts=starts)
        self._execute(merge_sql.KEEP_SESSION_KEYS)

    def _merge_rows(self, batch: Batch) -> set[str]:
        """Store result rows; the ids of the items whose content was not in the record before."""
        distinct = batch.rows.unique("id", keep="first", maintain_order=True)
        stage.copy(self.connection, "stage_rows", distinct)
        found = self._execute(merge_sql.INSERT_ROWS, item_type="result").fetchall()
        return {UUID(str(identifier)).hex for (identifier,) in found}

    def _merge_facts(self, batch: Batch) -> tuple[set[str], set[str]]:
        """Merge entities and relationships with their sightings; the ids that were not in the record before."""
        stage.copy(self.connection, "stage_entities", batch.entities)
        sightings, relationships = batch.entity_sightings, batch.relationships
        relationship_sightings = batch.relationship_sightings
        aliases = dict(self._execute(merge_sql.ALIASES).fetchall())
        if aliases:
            self._execute(merge_sql.MERGE_ALIASED_ENTITIES)
            sightings = _unique_sightings(sightings.with_columns(pl.col("id").replace(aliases)))
            relationships, renamed = _follow_aliases(self.organization_id, relationships, aliases)
            relationship_sightings = _unique_sightings(
                relationship_sightings.with_columns(pl.col("id").replace(renamed)).filter(
                    pl.col("id").is_in(relationships["id"].implode())
                )
            )
        fresh_entities = self._merged(merge_sql.MERGE_ENTITIES)
        stage.copy(self.connection, "stage_entity_sightings", _with_row_ids(sightings))
        self._execute(merge_sql.MERGE_ENTITY_SOURCES)
        stage.copy(self.connection, "stage_relationships", relationships)
        fresh_relationships = self._merged(merge_sql.MERGE_RELATIONSHIPS)
        stage.copy(
            self.connection, "stage_relationship_sightings", relationship_sightings.drop("record", "method")
        )
        self._execute(merge_sql.MERGE_RELATIONSHIP_SOURCES)
        return fresh_entities, fresh_relationships

    def _hold_rejects(self, batch: Batch) -> None:
        stage.copy(self.connection, "stage_rejects", batch.rejects)
        self._execute(merge_sql.INSERT_QUARANTINE)

    def _save(self, progress: FileProgress) -> FileProgress:
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

    def _merged(self, statement: str) -> set[str]:
        rows = self._execute(statement).fetchall()
        return {UUID(str(identifier)).hex for identifier, inserted in rows if inserted}

    def _execute(self, statement: str, **parameters: Any) -> psycopg.Cursor[Any]:
        common = {
            "organization": self.organization_id,
            "item": self.item.id,
            "source": self.item.source,
            "source_id": self.item.source_id,
            "collection": self.item.collection_id,
            "file_name": self.item.file_name,
            "collected_at": self.collected_at,
        }
        return self.connection.execute(statement, common | parameters)


def prepare(batch: Batch, end: Position) -> StagedBatch:
    """Do everything for a batch that needs no database: repeats, sessions, encoding."""
    distinct = batch.events.unique("id", keep="first", maintain_order=True)
    repeats: Counter[str] = Counter()
    if distinct.height < batch.events.height:
        times = batch.events.group_by("id").len().filter(pl.col("len") > 1)
        repeats = Counter({identifier: count - 1 for identifier, count in times.iter_rows()})
    events = distinct.drop(_UNSTAGED_EVENT_COLUMNS)
    encoded = stage.encode(events) if events.height else b""
    return StagedBatch(batch, events, encoded, repeats, attack_sessions.summarize(distinct), end)


def _batch_description(events: pl.DataFrame, inserted: int) -> str:
    """What a projection needs to find the batch's events again: its span of time, its lines, its size."""
    moments = events["occurred_at"].to_physical()
    return orjson.dumps(
        {
            "from_us": moments.min(),
            "to_us": moments.max(),
            "from_line": events["line"].min(),
            "to_line": events["line"].max(),
            "inserted": inserted,
        }
    ).decode()


def _records_that_bring(batch: Batch, fresh_items: set[str], fresh_facts: set[str]) -> int:
    """How many records of new content are the first to mention a fact that was not in the record before."""
    fresh_records = (
        batch.rows.unique("id", keep="first", maintain_order=True)
        .filter(pl.col("id").is_in(list(fresh_items)))
        .get_column("record")
    )
    mentions = pl.concat([batch.entity_sightings, batch.relationship_sightings])
    firsts = (
        mentions.filter(pl.col("id").is_in(list(fresh_facts)) & pl.col("record").is_in(fresh_records.implode()))
        .group_by("id")
        .agg(pl.col("record").min())
    )
    return firsts["record"].n_unique()


def _with_row_ids(sightings: pl.DataFrame) -> pl.DataFrame:
    return sightings.drop("record").with_columns(
        pl.Series("source_row", new_ids(sightings.height), dtype=pl.String)
    )


def _unique_sightings(sightings: pl.DataFrame) -> pl.DataFrame:
    return sightings.group_by("id", "item_id").agg(
        pl.col("record").min(), pl.col("line").min(), pl.col("confidence").max(), pl.col("method").min()
    )


def _follow_aliases(
    organization_id: UUID, relationships: pl.DataFrame, aliases: dict[str, str]
) -> tuple[pl.DataFrame, dict[str, str]]:
    """Relationships between what their ends were merged into, and how their ids changed.

    Two that become one keep the first; a relationship of an entity with itself is dropped.
    """
    moved = relationships.with_columns(pl.col("source_entity_id", "target_entity_id").replace(aliases))
    ids = relationship_id_bytes(
        organization_id,
        [bytes.fromhex(text) for text in moved["source_entity_id"]],
        moved["relationship_type"].to_list(),
        [bytes.fromhex(text) for text in moved["target_entity_id"]],
    )
    fresh = [identifier.hex() for identifier in ids]
    renamed = dict(zip(relationships["id"], fresh, strict=True))
    kept = (
        moved.with_columns(pl.Series("id", fresh, dtype=pl.String))
        .filter(pl.col("source_entity_id") != pl.col("target_entity_id"))
        .unique("id", keep="first", maintain_order=True)
    )
    return kept, renamed
