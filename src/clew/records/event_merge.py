"""Merging events and the attack sessions they add up to."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
import polars as pl
import psycopg

from clew.records import attack_sessions, merge_sql, stage
from clew.records.batch import Batch, FileItem, Position

_UNSTAGED_COLUMNS: Final = (
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


def prepare(batch: Batch, end: Position) -> StagedBatch:
    """Do everything for a batch that needs no database: repeats, sessions, encoding."""
    distinct = batch.events.unique("id", keep="first", maintain_order=True)
    repeats: Counter[str] = Counter()
    if distinct.height < batch.events.height:
        times = batch.events.group_by("id").len().filter(pl.col("len") > 1)
        repeats = Counter({identifier: count - 1 for identifier, count in times.iter_rows()})
    events = distinct.drop(_UNSTAGED_COLUMNS)
    encoded = stage.encode(events) if events.height else b""
    return StagedBatch(batch, events, encoded, repeats, attack_sessions.summarize(distinct), end)


@dataclass(frozen=True, slots=True)
class EventMerger:
    """Merges events of one file into an organization's record, within the caller's transaction and merge lock."""

    connection: psycopg.Connection[Any]
    organization_id: UUID
    item: FileItem

    def merge(self, staged: StagedBatch) -> int:
        """Insert the events and merge their sessions; the number of events that were not in the record before."""
        events = staged.events
        if events.is_empty():
            return 0
        stage.copy(self.connection, "stage_events", events, staged.encoded_events)
        statement = merge_sql.INSERT_NEW_EVENTS if self._span_is_new(events) else merge_sql.INSERT_EVENTS
        inserted = self._execute(statement).rowcount
        repeats = Counter(staged.repeats)
        sessions = staged.sessions
        if inserted < events.height:
            known = self._execute(merge_sql.DUPLICATE_EVENTS).fetchall()
            repeats.update(identifier for _, identifier, repeated in known if repeated)
            sessions = _sessions_without(staged, [record for record, _, _ in known]) if inserted else sessions.clear()
        if repeats:
            self._execute(merge_sql.COUNT_REPEATS, ids=list(repeats), times=list(repeats.values()))
        if not sessions.is_empty():
            self._merge_sessions(sessions)
        if inserted:
            self._execute(merge_sql.RECORD_EVENT_BATCH, batch=_description(events, inserted))
        return inserted

    def _span_is_new(self, events: pl.DataFrame) -> bool:
        moments = events["occurred_at"]
        row = self._execute(merge_sql.SPAN_IS_NEW, earliest=moments.min(), latest=moments.max()).fetchone()
        return row is not None and bool(row[0])

    def _merge_sessions(self, sessions: pl.DataFrame) -> None:
        stage.copy(self.connection, "stage_sessions", sessions)
        self._execute(merge_sql.MERGE_SESSIONS)
        for session, started, starts in self._execute(merge_sql.MOVED_SESSIONS).fetchall():
            self._execute(merge_sql.MOVE_SESSION, session=session, started=started, starts=starts)
        self._execute(merge_sql.KEEP_SESSION_KEYS)

    def _execute(self, statement: str, **parameters: Any) -> psycopg.Cursor[Any]:
        common = {"organization": self.organization_id, "item": self.item.id, "source": self.item.source}
        return self.connection.execute(statement, common | parameters)


def _sessions_without(staged: StagedBatch, known: list[int]) -> pl.DataFrame:
    """The sessions of a batch's events but for those records."""
    seen = pl.Series(known, dtype=pl.Int64).implode()
    distinct = staged.batch.events.unique("id", keep="first", maintain_order=True)
    return attack_sessions.summarize(distinct.filter(~pl.col("record").is_in(seen)))


def _description(events: pl.DataFrame, inserted: int) -> str:
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
