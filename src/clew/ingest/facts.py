"""What a source says, as columns, before the ontology has judged it.

A source turns records into `Facts`: mentions of entities, links between them, events, and the records it had to
reject. Values are raw text here; normalising and identifying them is one later step for all sources. `record` is
the ordinal of the source's own record (log line, result row) in its file, from 0, and ties every row to it.

Rows may be built one at a time with `FactBuilder` (small tool outputs) or as whole columns (logs).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import polars as pl

from clew.ontology.attack_types import ATTACK_TYPES

__all__ = [
    "ATTACK_TYPES",
    "EVENTS",
    "LINKS",
    "MENTIONS",
    "POSTS",
    "RECORDS",
    "REJECTS",
    "UTC_TIME",
    "FactBuilder",
    "Facts",
    "Reference",
    "frame_of",
    "no_facts",
    "to_json",
]

UTC_TIME: Final = pl.Datetime("us", "UTC")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

RECORDS: Final = pl.Schema(
    {
        "record": pl.Int64(),
        "line": pl.Int64(),  # 1-based line (or spreadsheet row) where the record starts
        "content": pl.String(),  # canonical JSON of a result row; null for log lines, whose file is the item
    }
)

MENTIONS: Final = pl.Schema(
    {
        "record": pl.Int64(),
        "entity_type": pl.String(),
        "value": pl.String(),
        "qualifier": pl.String(),  # username, social_profile: platform; phone: region; person …: discriminator
        "required": pl.Boolean(),  # an invalid value rejects the record; otherwise the mention is dropped and counted
        "confidence": pl.Float32(),  # 0–1
        "first_seen": UTC_TIME,  # null where the source states no time
        "last_seen": UTC_TIME,
        "properties": pl.String(),  # JSON object or null; each key is merged "newest by last_seen"
        "method": pl.String(),  # how it was extracted, such as "profile_url" or "ssh_login"
    }
)

LINKS: Final = pl.Schema(
    {
        "record": pl.Int64(),
        "source_type": pl.String(),
        "source_value": pl.String(),
        "source_qualifier": pl.String(),
        "relationship_type": pl.String(),
        "target_type": pl.String(),
        "target_value": pl.String(),
        "target_qualifier": pl.String(),
        "confidence": pl.Float32(),
        "first_seen": UTC_TIME,
        "last_seen": UTC_TIME,
        "properties": pl.String(),
    }
)

EVENTS: Final = pl.Schema(
    {
        "record": pl.Int64(),
        "occurred_at": UTC_TIME,  # never null: a record without a readable time is rejected
        "kind": pl.String(),  # the source's own event name, such as "cowrie.login.failed"
        "session": pl.String(),  # the source's session key, unique within the source (sensor included); null: none
        "source_ip": pl.String(),  # canonical text
        "source_port": pl.Int32(),
        "destination_ip": pl.String(),
        "target_port": pl.Int32(),  # 1–65535
        "protocol": pl.String(),  # application protocol in lower case: ssh, telnet, smb, http …
        "sensor": pl.String(),
        "attack_type": pl.String(),  # one of ATTACK_TYPES
        "payload": pl.String(),  # what the other side sent: a command line, request, or "hex:" + bytes
        "client": pl.String(),  # client software as it announced itself
        "fingerprint": pl.String(),  # client fingerprint, such as "hassh:…" or "ja3:…"
        "login_failures": pl.Int32(),
        "login_successes": pl.Int32(),
        "properties": pl.String(),  # JSON object of the rest that is worth a question, without nulls
    }
)

# What was posted on a social platform. Posts are few beside events: lists are lists, and rows are read one by one.
POSTS: Final = pl.Schema(
    {
        "record": pl.Int64(),
        "platform": pl.String(),  # as in the profile's qualifier
        "external_id": pl.String(),  # the platform's own id of the post: with the platform it is what identifies it
        "profile": pl.String(),  # value of the social profile that posted it, which the record mentions
        "document": pl.String(),  # value of the document that stands for it in relationships; null: none does
        "document_qualifier": pl.String(),
        "posted_at": UTC_TIME,  # null where the source does not say
        "observed_at": UTC_TIME,  # when the source saw the post like this; null where it does not say
        "confidence": pl.Float32(),
        "content": pl.String(),
        "language": pl.String(),  # BCP 47, such as "pt-BR"
        "location": pl.String(),
        "url": pl.String(),
        "hashtags": pl.List(pl.String()),  # without "#"
        "mentions": pl.List(pl.String()),  # handles without "@"
        "stats": pl.String(),  # JSON object: views, likes …
        "media": pl.String(),  # JSON object: duration, cover …
    }
)

REJECTS: Final = pl.Schema(
    {
        "record": pl.Int64(),
        "line": pl.Int64(),
        "reason": pl.String(),  # stable code in snake_case: invalid_json, missing_field, invalid_timestamp …
        "detail": pl.String(),  # what was wrong and where, for a person
        "content": pl.Binary(),  # the record's bytes (cut by the loader if huge)
    }
)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything one read of a batch gave. Each record is in `records` or in `rejects`, never in both."""

    records: pl.DataFrame
    mentions: pl.DataFrame
    links: pl.DataFrame
    events: pl.DataFrame
    rejects: pl.DataFrame
    warnings: tuple[str, ...] = ()
    posts: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=POSTS))


def no_facts() -> Facts:
    """What a batch without records gives."""
    return FactBuilder().facts()


Reference = tuple[str, str] | tuple[str, str, str | None]
"""(entity type, raw value[, qualifier]) as used at both ends of a link."""


def to_json(properties: dict[str, Any] | None) -> str | None:
    """JSON object text without null members and with sorted keys; None where nothing is left."""
    kept = {key: value for key, value in (properties or {}).items() if value is not None}
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode() if kept else None


@dataclass(slots=True)
class FactBuilder:
    """Collects facts row by row. A record is announced by `record` (kept) or `reject` (not kept), once."""

    _records: list[tuple[Any, ...]] = field(default_factory=list)
    _mentions: list[tuple[Any, ...]] = field(default_factory=list)
    _links: list[tuple[Any, ...]] = field(default_factory=list)
    _events: list[dict[str, Any]] = field(default_factory=list)
    _posts: list[dict[str, Any]] = field(default_factory=list)
    _rejects: list[tuple[Any, ...]] = field(default_factory=list)
    _warnings: dict[str, None] = field(default_factory=dict)

    def record(self, record: int, line: int, content: dict[str, Any] | None = None) -> None:
        """Keep a record. `content` is its JSON for result rows, subject included; None for log lines."""
        text = None if content is None else orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()
        self._records.append((record, line, text))

    def reject(self, record: int, line: int, reason: str, detail: str, content: bytes) -> None:
        """Refuse a record with a stable reason code, an explanation and its bytes."""
        self._rejects.append((record, line, reason, detail, content))

    def mention(
        self,
        record: int,
        entity_type: str,
        value: str,
        qualifier: str | None = None,
        *,
        required: bool = False,
        confidence: float = 0.5,
        first_seen: datetime | None = None,
        last_seen: datetime | None = None,
        properties: dict[str, Any] | None = None,
        method: str,
    ) -> None:
        """An entity that the record names. `last_seen` defaults to `first_seen`; both are aware datetimes."""
        self._mentions.append(
            (
                record,
                entity_type,
                value,
                qualifier,
                required,
                confidence,
                first_seen,
                last_seen or first_seen,
                to_json(properties),
                method,
            )
        )

    def link(
        self,
        record: int,
        source: Reference,
        relationship_type: str,
        target: Reference,
        *,
        confidence: float = 0.5,
        first_seen: datetime | None = None,
        last_seen: datetime | None = None,
        properties: dict[str, Any] | None = None,
    ) -> None:
        """A relationship between two entities that the same record mentions (both must be mentioned too)."""
        self._links.append(
            (
                record,
                source[0],
                source[1],
                source[2] if len(source) == 3 else None,
                relationship_type,
                target[0],
                target[1],
                target[2] if len(target) == 3 else None,
                confidence,
                first_seen,
                last_seen or first_seen,
                to_json(properties),
            )
        )

    def event(self, record: int, occurred_at: datetime, kind: str, **columns: Any) -> None:
        """An event of EVENTS' columns; `properties` may be given as a dict. Unknown columns raise KeyError."""
        unknown = columns.keys() - EVENTS.keys()
        if unknown:
            raise KeyError(f"not event columns: {sorted(unknown)}")
        columns["properties"] = to_json(columns.get("properties"))
        self._events.append({"record": record, "occurred_at": occurred_at, "kind": kind, **columns})

    def post(
        self,
        record: int,
        profile: Reference,
        external_id: str,
        *,
        document: Reference | None = None,
        stats: dict[str, Any] | None = None,
        media: dict[str, Any] | None = None,
        **columns: Any,
    ) -> None:
        """A post of POSTS' columns, by a social profile that the same record mentions, as it does the document.

        Unknown columns raise KeyError.
        """
        unknown = columns.keys() - POSTS.keys()
        if unknown:
            raise KeyError(f"not post columns: {sorted(unknown)}")
        whose = {"profile": profile[1], "platform": profile[2] if len(profile) == 3 else None}
        what = {"external_id": external_id, "stats": to_json(stats), "media": to_json(media)}
        if document is not None:
            what |= {"document": document[1], "document_qualifier": document[2] if len(document) == 3 else None}
        self._posts.append({"record": record, **whose, **what, **columns})

    def warn(self, message: str) -> None:
        """Say something about the file once, such as a stated count that disagrees with its rows."""
        self._warnings[message] = None

    def facts(self) -> Facts:
        """Everything collected so far, as columns."""
        return Facts(
            records=frame_of(self._records, RECORDS),
            mentions=frame_of(self._mentions, MENTIONS),
            links=frame_of(self._links, LINKS),
            events=_of_dicts(self._events, EVENTS),
            rejects=frame_of(self._rejects, REJECTS),
            warnings=tuple(self._warnings),
            posts=_of_dicts(self._posts, POSTS),
        )


_EMPTY: Final = {
    id(schema): pl.DataFrame(schema=schema) for schema in (RECORDS, MENTIONS, LINKS, EVENTS, REJECTS, POSTS)
}


def frame_of(rows: Sequence[tuple[Any, ...]], schema: pl.Schema) -> pl.DataFrame:
    """Rows as a frame of one of the schemata here. Times may be datetimes, or microseconds since 1970."""
    # Most kinds of facts are missing from most reports, and an empty table costs as much to make as a full one.
    if not rows:
        return _EMPTY[id(schema)].clone()
    columns = zip(*rows, strict=True)
    return pl.DataFrame(
        [_series(name, column, kind) for (name, kind), column in zip(schema.items(), columns, strict=True)]
    )


def _of_dicts(rows: list[dict[str, Any]], schema: pl.Schema) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row") if rows else _EMPTY[id(schema)].clone()


def _series(name: str, values: tuple[Any, ...], kind: pl.DataType) -> pl.Series:
    if kind != UTC_TIME:
        return pl.Series(name, values, dtype=kind)
    return pl.Series(name, _microseconds(values), dtype=pl.Int64).cast(kind)


def _microseconds(values: tuple[Any, ...]) -> list[int | None]:
    """Times as numbers: polars takes a hundred times as long for a datetime [M: 1,040 ns instead of 10]."""
    known: Any = None
    count: int | None = None
    counts: list[int | None] = []
    for value in values:
        if value is not known:  # the facts of a record mostly share their times
            since = value - _EPOCH if isinstance(value, datetime) else None
            count = value if since is None else (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
            known = value
        counts.append(count)
    return counts
