"""From what a source says to what the record takes: values are normalised and identified, each distinct one once.

A record with an invalid value that its source called required is rejected with the ontology's reason; any other
invalid value drops that mention and what links to it, and is counted in a warning.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

import orjson
import polars as pl

from clew.ingest import facts as said
from clew.ingest.enriching import enrichments
from clew.ingest.facts import Facts
from clew.ingest.json_text import without_nul
from clew.ingest.resolve_posts import resolve_posts
from clew.ingest.resolved_values import INVALID, Key, Resolved, resolve_values
from clew.kernel.ids import content_ids
from clew.ontology import (
    EntityType,
    InvalidValueError,
    relationship_id_texts,
)
from clew.ontology.possible_times import EARLIEST_POSSIBLE, MAXIMUM_CLOCK_SKEW
from clew.records import batch as kept
from clew.records.batch import Batch
from clew.records.observed import merge_observed, plain_numbers

_KEY: Final = ("entity_type", "value", "qualifier")
_CACHED_VALUES: Final = 65_536
_CACHED_CHARACTERS: Final = 256  # longer values are judged each time: kept, they would grow with the file

_TEXTS: Final = ("kind", "session_key", "protocol", "sensor", "payload", "client", "fingerprint")


@dataclass(frozen=True, slots=True)
class Resolver:
    """Resolves batches of one file of one organization. Keeps what it has normalised for the batches to come."""

    organization_id: UUID
    source: str
    item_id: UUID
    has_rows: bool
    loaded_at: datetime
    enriches: bool = False  # whether its rows are kept as enrichment of the entities they describe
    _values: dict[Key, Resolved | InvalidValueError] = field(default_factory=dict)

    def resolve(
        self,
        facts: Facts,
        content: Callable[[int], bytes],
        event_contents: Callable[[pl.Series], list[bytes]],
    ) -> Batch:
        """The batch for the loader.

        `content` gives a record's bytes (for one that is rejected here), `event_contents` those of many records (for
        the ids of events, which follow from their bytes).
        """
        values = self._resolve_values(facts.mentions)
        mentions = facts.mentions.join(values, on=_KEY, how="left", nulls_equal=True)
        refused = _refused(mentions)
        rejected = refused["record"].implode()
        rows = self._rows(facts.records.filter(~pl.col("record").is_in(rejected)))
        dropped = mentions.filter(pl.col("id").is_null() & ~pl.col("required"))
        sound = mentions.filter(pl.col("id").is_not_null() & ~pl.col("record").is_in(rejected))
        events = self._events(facts.events.filter(~pl.col("record").is_in(rejected)), rows, event_contents)
        links = facts.links.filter(~pl.col("record").is_in(rejected)).with_columns(self._possible_times())
        sound = sound.with_columns(self._possible_times())
        relationships, relationship_mentions = self._relationships(links, values)
        posts, post_mentions = resolve_posts(
            self.organization_id,
            facts.posts.filter(~pl.col("record").is_in(rejected)),
            self._identified,
            self.loaded_at + MAXIMUM_CLOCK_SKEW,
        )
        return Batch(
            read=facts.records.height + facts.rejects.height,
            rows=rows,
            events=events,
            entities=self._entities(sound),
            entity_sightings=self._sightings(sound.select("record", "id", "confidence", "method"), rows),
            relationships=relationships,
            relationship_sightings=self._sightings(relationship_mentions, rows),
            rejects=_rejects(facts.rejects, refused, facts.records, content),
            warnings=tuple(map(_storable, facts.warnings)) + _dropped_warnings(dropped),
            posts=posts,
            post_sightings=self._sightings(post_mentions, rows),
            **({"enrichments": enrichments(sound, rows)} if self.enriches else {}),
        )

    def _resolve_values(self, mentions: pl.DataFrame) -> pl.DataFrame:
        """Each distinct (type, value, qualifier) with its normalised form and id, or why it is invalid."""
        distinct = mentions.select(_KEY).unique(maintain_order=True)
        if len(self._values) > _CACHED_VALUES:
            self._values.clear()
        outcomes = self._outcomes(cast("list[Key]", distinct.rows()))
        sound = [outcome if isinstance(outcome, Resolved) else INVALID for outcome in outcomes]
        errors = [outcome if isinstance(outcome, InvalidValueError) else None for outcome in outcomes]
        return distinct.with_columns(
            pl.Series("id", [outcome.id for outcome in sound], dtype=pl.String),
            pl.Series("name", [outcome.name for outcome in sound], dtype=pl.String),
            pl.Series("normalized_name", [outcome.normalized_name for outcome in sound], dtype=pl.String),
            pl.Series("derived", [outcome.derived for outcome in sound], dtype=pl.String),
            _flag_lists([outcome.flags for outcome in sound]),
            pl.Series("reason", [error and error.reason for error in errors], dtype=pl.String),
            pl.Series("detail", [error and str(error) for error in errors], dtype=pl.String),
        )

    def _outcomes(self, keys: Sequence[Key]) -> list[Resolved | InvalidValueError]:
        """What becomes of each of the distinct values; those that are not known yet are judged together."""
        values = self._values
        fresh = [key for key in keys if key not in values]
        resolved = dict(zip(fresh, resolve_values(self.organization_id, fresh), strict=True))
        values.update((key, outcome) for key, outcome in resolved.items() if len(key[1]) <= _CACHED_CHARACTERS)
        return [resolved[key] if key in resolved else values[key] for key in keys]

    def _outcome(self, key: Key) -> Resolved | InvalidValueError:
        known = self._values.get(key)
        return self._outcomes([key])[0] if known is None else known

    def _identified(self, key: Key) -> tuple[str, str] | None:
        outcome = self._outcome(key)
        return (outcome.id, outcome.derived or "{}") if isinstance(outcome, Resolved) and outcome.id else None

    def _rows(self, records: pl.DataFrame) -> pl.DataFrame:
        if not self.has_rows:
            return records.with_columns(
                pl.lit(None, dtype=pl.String).alias("id"), pl.lit(None, dtype=pl.String).alias("hash")
            ).select(kept.ROWS.keys())
        contents = [without_nul(text) for text in records["content"]]
        digests = [hashlib.sha256(f"{self.source}\n{text}".encode()).hexdigest() for text in contents]
        ids = content_ids(self.organization_id.bytes + b"item", [digest.encode() for digest in digests])
        return records.with_columns(
            pl.Series("content", contents, dtype=pl.String),
            pl.Series("hash", digests, dtype=pl.String),
            pl.Series("id", ids, dtype=pl.String),
        ).select(kept.ROWS.keys())

    def _events(
        self, events: pl.DataFrame, rows: pl.DataFrame, event_contents: Callable[[pl.Series], list[bytes]]
    ) -> pl.DataFrame:
        if events.is_empty():
            return pl.DataFrame(schema=kept.EVENTS)
        namespace = self.organization_id.bytes + self.source.encode()
        ids = content_ids(namespace + b"\0event", event_contents(events["record"]))
        sessions = events["session"].unique().drop_nulls()
        session_ids = content_ids(namespace + b"\0session", [key.encode() for key in sessions])
        latest = self.loaded_at + MAXIMUM_CLOCK_SKEW
        return (
            events.with_columns(
                pl.Series("id", ids, dtype=pl.String),
                pl.col("session").replace_strict(sessions, session_ids, return_dtype=pl.String).alias("session_id"),
                self._addresses(events["source_ip"]),
                self._addresses(events["destination_ip"]),
                pl.col("session").alias("session_key"),
                (~pl.col("occurred_at").is_between(EARLIEST_POSSIBLE, latest)).alias("impossible_time"),
                pl.col("login_failures", "login_successes").fill_null(0),
                _properties_without_nul(events["properties"]),
            )
            .with_columns(_scrubbed(*_TEXTS))
            .join(rows.select("record", "line"), on="record", how="left", maintain_order="left")
            .select(kept.EVENTS.keys())
            .cast(dict(kept.EVENTS))  # type: ignore[arg-type]
        )

    def _addresses(self, column: pl.Series) -> pl.Series:
        """Addresses as inet takes them; null where the text is none."""
        distinct = column.unique().drop_nulls()
        outcomes = [self._outcome((EntityType.IP_ADDRESS.value, address, None)) for address in distinct]
        names = [outcome.name if isinstance(outcome, Resolved) else None for outcome in outcomes]
        return column.replace_strict(distinct, pl.Series(names, dtype=pl.String), return_dtype=pl.String)

    def _possible_times(self) -> list[pl.Expr]:
        """First and last seen, null where a wrong clock said so."""
        latest = self.loaded_at + MAXIMUM_CLOCK_SKEW
        return [
            pl.when(pl.col(name).is_between(EARLIEST_POSSIBLE, latest)).then(pl.col(name)).alias(name)
            for name in ("first_seen", "last_seen")
        ]

    def _entities(self, mentions: pl.DataFrame) -> pl.DataFrame:
        grouped = mentions.group_by("id", maintain_order=True).agg(
            pl.col("entity_type").first(),
            pl.col("derived").unique(),
            # An identity can be spelled in several ways: one spelling, the least, decides on all that follows from it.
            pl.col("name", "normalized_name", "flags").sort_by("name").first(),
            pl.col("confidence").max().round(2).cast(pl.Float64),
            pl.col("first_seen").min(),
            pl.col("last_seen").max(),
        )
        merged = _observed_properties(mentions, "id")
        derived = grouped.with_columns(_one_derived(grouped["derived"]).alias("properties"))
        return _with_observed(derived, merged).select(kept.ENTITIES.keys())

    def _relationships(self, links: pl.DataFrame, values: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Distinct relationships, and which record names which."""
        ids = values.filter(pl.col("id").is_not_null()).select(*_KEY, "id")
        ends = links.with_row_index("row")
        for end in ("source", "target"):
            renamed = ids.rename(
                {"entity_type": f"{end}_type", "value": f"{end}_value", "qualifier": f"{end}_qualifier"}
            )
            ends = ends.join(
                renamed.rename({"id": f"{end}_entity_id"}),
                on=[f"{end}_type", f"{end}_value", f"{end}_qualifier"],
                how="inner",
                nulls_equal=True,
                maintain_order="left",
            )
        ends = ends.filter(pl.col("source_entity_id") != pl.col("target_entity_id"))
        key = ["source_entity_id", "relationship_type", "target_entity_id"]
        grouped = ends.group_by(key, maintain_order=True).agg(
            pl.col("confidence").max().round(2).cast(pl.Float64),
            pl.col("first_seen").min(),
            pl.col("last_seen").max(),
        )
        identifiers = relationship_id_texts(
            self.organization_id,
            grouped["source_entity_id"].to_list(),
            grouped["relationship_type"].to_list(),
            grouped["target_entity_id"].to_list(),
        )
        named = grouped.with_columns(
            pl.Series("id", identifiers, dtype=pl.String),
            pl.lit(None, dtype=pl.String).alias("properties"),
        )
        mentions = ends.join(named.select("id", *key), on=key, how="left", maintain_order="left")
        merged = _observed_properties(mentions, "id")
        relationships = _with_observed(named, merged).select(kept.RELATIONSHIPS.keys())
        return relationships, mentions.select(
            "record", "id", "confidence", pl.lit(None, dtype=pl.String).alias("method")
        )

    def _sightings(self, mentions: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
        located = mentions.join(rows.select("record", "line", pl.col("id").alias("row_id")), on="record", how="inner")
        item = pl.col("row_id") if self.has_rows else pl.lit(self.item_id.hex)
        return (
            located.with_columns(item.alias("item_id"))
            .group_by("id", "item_id")
            .agg(
                pl.col("record").min(),
                pl.col("line").min(),
                pl.col("confidence").max().round(2).cast(pl.Float64),
                pl.col("method").min(),
            )
            .select(kept.SIGHTINGS.keys())
        )


def _observed_properties(mentions: pl.DataFrame, key: str) -> pl.DataFrame:
    """Per id the merged properties of its mentions as JSON, with when each was observed; few ids have any."""
    having = mentions.filter(pl.col("properties").is_not_null()).select(key, "properties", "last_seen").unique()
    merged: dict[str, tuple[dict[str, Any], dict[str, int]]] = {}
    for identifier, text, seen in having.with_columns(pl.col("last_seen").to_physical()).iter_rows():
        properties = plain_numbers(orjson.loads(without_nul(text)))
        observed = {} if seen is None else dict.fromkeys(properties, seen)
        merged[identifier] = merge_observed(merged.get(identifier, ({}, {})), (properties, observed))
    return pl.DataFrame(
        {
            key: list(merged),
            "said": [orjson.dumps(properties).decode() for properties, _ in merged.values()],
            "observed": [orjson.dumps(observed).decode() if observed else None for _, observed in merged.values()],
        },
        schema={key: pl.String, "said": pl.String, "observed": pl.String},
    )


def _one_derived(derived: pl.Series) -> pl.Series:
    """What follows from a value's spellings, merged where they disagree, as the record merges it."""
    texts = derived.list.first()
    several = derived.list.len() > 1
    if not several.any():
        return texts
    merged = []
    for spellings in derived.filter(several):
        properties: dict[str, Any] = {}
        for text in spellings:
            properties, _ = merge_observed((properties, {}), (orjson.loads(text), {}))
        merged.append(orjson.dumps(properties).decode())
    return texts.scatter(several.arg_true(), merged)


def _with_observed(facts: pl.DataFrame, merged: pl.DataFrame) -> pl.DataFrame:
    """What the source said joined to what follows from the value, which wins where both name a property."""
    joined = facts.join(merged, on="id", how="left", maintain_order="left")
    texts = [
        derived or "{}" if stated is None else _joined_json(derived or "{}", stated)
        for derived, stated in joined.select("properties", "said").iter_rows()
    ]
    return joined.with_columns(pl.Series("properties", texts, dtype=pl.String))


def _joined_json(derived: str, stated: str) -> str:
    return orjson.dumps(orjson.loads(stated) | orjson.loads(derived), option=orjson.OPT_SORT_KEYS).decode()


def _refused(mentions: pl.DataFrame) -> pl.DataFrame:
    """Records that lose a required value, once each, with the first reason."""
    return (
        mentions.filter(pl.col("id").is_null() & pl.col("required"))
        .sort("record")
        .unique("record", keep="first", maintain_order=True)
        .select("record", "reason", pl.format("{}: {}", "entity_type", "detail").alias("detail"))
    )


def _rejects(
    rejects: pl.DataFrame, refused: pl.DataFrame, records: pl.DataFrame, content: Callable[[int], bytes]
) -> pl.DataFrame:
    late = refused.join(records.select("record", "line"), on="record", how="left").with_columns(
        pl.Series("content", [content(record) for record in refused["record"]], dtype=pl.Binary)
    )
    return (
        pl.concat([rejects, late.select(said.REJECTS.keys())])
        .with_columns(
            pl.col("content").bin.size().cast(pl.Int64).alias("byte_length"),
            pl.lit(None, dtype=pl.Int64).alias("byte_offset"),
            pl.col("content").bin.head(64 << 10),
            pl.col("detail").str.replace_all("\0", "␀", literal=True),
        )
        .select(kept.REJECTS.keys())
    )


def _dropped_warnings(dropped: pl.DataFrame) -> tuple[str, ...]:
    reasons = Counter(f"{kind} ({reason})" for kind, reason in dropped.select("entity_type", "reason").iter_rows())
    return tuple(f"values left out as invalid: {what}" for what in sorted(reasons))


def _flag_lists(flags: list[str | None]) -> pl.Series:
    """Lists made from joined text: from Python's lists the same column takes ten times as long."""
    joined = pl.Series("flags", flags, dtype=pl.String)
    return joined.str.split(",").list.eval(pl.element().filter(pl.element() != ""))


def _scrubbed(*columns: str) -> pl.Expr:
    """PostgreSQL text holds no NUL: it is shown by its symbol."""
    return pl.col(*columns).str.replace_all("\0", "␀", literal=True)


def _properties_without_nul(properties: pl.Series) -> pl.Series:
    if not properties.str.contains("\\u0000", literal=True).any():
        return properties
    distinct = properties.unique().drop_nulls()
    return properties.replace_strict(distinct, [without_nul(text) for text in distinct], return_dtype=pl.String)


def _storable(text: str) -> str:
    """A message that may quote a file, without what neither JSON nor PostgreSQL holds."""
    return text.replace("\0", "␀").encode("utf-8", "backslashreplace").decode()
