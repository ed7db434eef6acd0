"""A batch of facts as the loader takes it: normalised, identified, and unique by id where the record is.

Ids are 32 hex digits, times are UTC microseconds, JSON is text. `record` ties a row to the source's own record.
"""

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import polars as pl

UTC_TIME: Final = pl.Datetime("us", "UTC")

# One row per record that is kept; id, hash and content (canonical JSON) only where rows are items of their own.
ROWS: Final = pl.Schema(
    {"record": pl.Int64(), "id": pl.String(), "hash": pl.String(), "line": pl.Int64(), "content": pl.String()}
)

EVENTS: Final = pl.Schema(
    {
        "record": pl.Int64(),
        "id": pl.String(),
        "occurred_at": UTC_TIME,
        "kind": pl.String(),
        "line": pl.Int64(),
        "session_id": pl.String(),
        "session_key": pl.String(),
        "source_ip": pl.String(),
        "source_port": pl.Int32(),
        "destination_ip": pl.String(),
        "target_port": pl.Int32(),
        "protocol": pl.String(),
        "sensor": pl.String(),
        "attack_type": pl.String(),
        "payload": pl.String(),
        "client": pl.String(),
        "fingerprint": pl.String(),
        "login_failures": pl.Int32(),
        "login_successes": pl.Int32(),
        "properties": pl.String(),
        "impossible_time": pl.Boolean(),
    }
)

ENTITIES: Final = pl.Schema(
    {
        "id": pl.String(),
        "entity_type": pl.String(),
        "name": pl.String(),
        "normalized_name": pl.String(),
        "properties": pl.String(),
        "observed": pl.String(),  # {property: microseconds since 1970} for those that were observed at a time
        "flags": pl.List(pl.String()),
        "confidence": pl.Float64(),
        "first_seen": UTC_TIME,
        "last_seen": UTC_TIME,
    }
)

RELATIONSHIPS: Final = pl.Schema(
    {
        "id": pl.String(),
        "source_entity_id": pl.String(),
        "target_entity_id": pl.String(),
        "relationship_type": pl.String(),
        "properties": pl.String(),
        "observed": pl.String(),
        "confidence": pl.Float64(),
        "first_seen": UTC_TIME,
        "last_seen": UTC_TIME,
    }
)

# Lists and objects are JSON text. `said` holds content, language, location and url; `observed` {"said": {"content":
# microseconds since 1970}, "stats": {…}, "media": {…}} for what was observed at a time.
POSTS: Final = pl.Schema(
    {
        "id": pl.String(),
        "platform": pl.String(),
        "external_id": pl.String(),
        "profile_id": pl.String(),
        "document_id": pl.String(),
        "posted_at": UTC_TIME,  # 1970-01-01 where it is not known, as `impossible_time` says
        "impossible_time": pl.Boolean(),
        "hashtags": pl.String(),
        "mentions": pl.String(),
        "said": pl.String(),
        "stats": pl.String(),
        "media": pl.String(),
        "observed": pl.String(),
    }
)

# Which fact was seen in which item, and on which line first. Unique by (id, item_id).
SIGHTINGS: Final = pl.Schema(
    {
        "id": pl.String(),
        "item_id": pl.String(),
        "record": pl.Int64(),
        "line": pl.Int64(),
        "confidence": pl.Float64(),
        "method": pl.String(),
    }
)

# What a row told of an entity, as it told it: (id, item_id) is unique. `data` is a JSON object.
ENRICHMENTS: Final = pl.Schema(
    {"id": pl.String(), "item_id": pl.String(), "data": pl.String(), "confidence": pl.Float64()}
)

REJECTS: Final = pl.Schema(
    {
        "record": pl.Int64(),
        "line": pl.Int64(),
        "byte_offset": pl.Int64(),
        "byte_length": pl.Int64(),
        "reason": pl.String(),
        "detail": pl.String(),
        "content": pl.Binary(),  # the first 64 KiB
    }
)


@dataclass(frozen=True, slots=True)
class FileItem:
    """The collected file that the batch was read from."""

    id: UUID
    file_name: str
    source: str
    source_id: UUID
    collection_id: UUID
    has_rows: bool  # result rows are items of their own; of a log, the file is the item and events keep their line
    enrichment: str | None = None  # what its rows add to the entities they are about, such as "registration"
    reader_version: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """Where reading stands in a file: bytes of uncompressed content, the next line (from 1), the next record."""

    offset: int = 0
    line: int = 1
    record: int = 0
    state: str = ""  # what framing must still know, such as open brackets; opaque


@dataclass(frozen=True, slots=True)
class Batch:
    """Facts of consecutive records of one file. `read` counts the records, rejected ones included."""

    read: int
    rows: pl.DataFrame
    events: pl.DataFrame
    entities: pl.DataFrame
    entity_sightings: pl.DataFrame
    relationships: pl.DataFrame
    relationship_sightings: pl.DataFrame
    rejects: pl.DataFrame
    warnings: tuple[str, ...] = ()
    posts: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=POSTS))
    post_sightings: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SIGHTINGS))
    enrichments: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ENRICHMENTS))


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of records: `read` = `new` + `merged` + `duplicate` + `rejected`."""

    read: int = 0
    new: int = 0
    merged: int = 0
    duplicate: int = 0
    rejected: int = 0
    entities: int = 0  # entities, relationships, events and posts that were not in the record before
    relationships: int = 0
    events: int = 0
    posts: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(mine + theirs for mine, theirs in zip(self.values(), other.values(), strict=True)))

    def values(self) -> tuple[int, ...]:
        """The counts in the order of the fields."""
        return tuple(getattr(self, name) for name in self.__slots__)

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return {name: getattr(self, name) for name in self.__slots__}
