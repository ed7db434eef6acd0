"""Features of attack sessions: the record's sessions and events as the one frame that coordination is told from.

What a session is, its row says; what was sent, tried and fetched in it, its events say, in their order. Both are
read as columns and put together by Polars. Sessions whose time no clock can have meant are left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
import polars as pl
import psycopg

from clew.analysis.coordination.sessions import SCHEMA
from clew.domains.campaigns.columns import copied, moments
from clew.domains.campaigns.enrichment import Enrichment
from clew.ontology.possible_times import EARLIEST_POSSIBLE

_FEW: Final = 30_000
"""Sessions whose events are looked up one session after the other; of more, a stretch of time is read."""

_SILENT_KINDS: Final = [
    f"cowrie.{name}"
    for name in (
        "session.connect", "session.closed", "session.params", "log.closed", "client.size", "client.kex",
        "client.var", "client.version", "command.failed", "command.success",
    )
]  # fmt: skip
"""Events that hold no feature which their session's row does not."""

_SESSION: Final = """
SELECT id, host(source_ip), timestamp, nullif(ended_at, timestamp), honeypot_id, protocol, target_port, attack_type,
       client, fingerprint, login_successes > 0
FROM attack_sessions
WHERE organization_id = %(organization)s AND timestamp >= %(since)s AND timestamp < %(until)s
"""
_OF_SENSORS: Final = " AND honeypot_id = ANY(%(sensors)s::text[])"
_OF_ADDRESSES: Final = " AND source_ip = ANY(%(addresses)s::inet[])"
_OF_IDS: Final = """ AND (timestamp, id) IN (SELECT timestamp, id FROM attack_session_keys
    WHERE organization_id = %(organization)s AND id = ANY(%(session_ids)s::uuid[]))"""

_EVENT: Final = """
SELECT e.session_id, e.occurred_at, e.line, e.kind, e.protocol, e.payload, e.properties
FROM {source} AS e
WHERE (e.payload IS NOT NULL OR e.properties IS NOT NULL) AND e.kind <> ALL(%(silent)s::text[])
"""
_IN_STRETCH: Final = _EVENT.format(source="events") + (
    " AND e.organization_id = %(organization)s AND e.occurred_at >= %(first)s AND e.occurred_at <= %(last)s"
)
_OF_SESSIONS: Final = _EVENT.format(
    source="""unnest(%(ids)s::uuid[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS s (id, starts, ends)
    CROSS JOIN LATERAL (
        SELECT * FROM events WHERE organization_id = %(organization)s AND occurred_at >= s.starts
            AND occurred_at <= s.ends AND session_id = s.id OFFSET 0
    )"""
)

_SESSION_SCHEMA: Final = pl.Schema(
    {
        "session_id": pl.String(),
        "source_ip": pl.String(),
        "started_at": pl.String(),
        "ended_at": pl.String(),
        "sensor": pl.String(),
        "protocol": pl.String(),
        "target_port": pl.Int32(),
        "attack_type": pl.String(),
        "client": pl.String(),
        "fingerprint": pl.String(),
        "succeeded": pl.String(),
    }
)
_EVENT_SCHEMA: Final = pl.Schema(
    {
        "session_id": pl.String(),
        "at": pl.String(),
        "line": pl.Int64(),
        "kind": pl.String(),
        "protocol": pl.String(),
        "payload": pl.String(),
        "properties": pl.String(),
    }
)
_TOLD: Final = pl.Struct(
    {
        "username": pl.String(),
        "password": pl.String(),
        "credentials": pl.List(pl.List(pl.String())),
        "shasum": pl.String(),
        "hashes": pl.List(pl.String()),
        "url": pl.String(),
        "urls": pl.List(pl.String()),
        "fingerprint": pl.String(),
        "fingerprints": pl.List(pl.String()),
        "http_path": pl.String(),
    }
)
_LISTS: Final = ("credentials", "commands", "downloads", "urls", "keys", "http_paths", "payloads", "fingerprints")
_COMMAND_KINDS: Final = r"(?:^cowrie\.command\.input|\.command|\.cmd)$"
_REQUEST: Final = r"^[A-Z]{3,10} (\S+) HTTP/\d"
_PLANTED_KEY: Final = r"(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d+)\s+(AAAA[A-Za-z0-9+/=]{30,8000})"
_SHA256: Final = r"^[0-9a-fA-F]{64}$"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which sessions: those that began from `since` on and before `until`, of these sensors and sources (all: None).

    `session_ids`: only those of them that are named.
    """

    since: datetime | None = None
    until: datetime | None = None
    sensors: Sequence[str] | None = None
    addresses: Sequence[str] | None = None
    session_ids: Sequence[UUID] | None = None


def read_features(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    stretch: Stretch,
    latest: datetime,
    enrichment: Enrichment,
    stopped: Callable[[], bool] = lambda: False,
) -> pl.DataFrame:
    """The sessions of that stretch with their features, columns as `analysis.coordination.SCHEMA`.

    See `read_sessions`.
    """
    return enriched(read_sessions(connection, organization_id, stretch, latest, stopped), enrichment)


def enriched(sessions: pl.DataFrame, enrichment: Enrichment) -> pl.DataFrame:
    """What `read_sessions` gave, with what local tables say of the sources."""
    bare = sessions.drop("asn", "as_name", "country", "feeds", strict=False)
    return _shaped(enrichment.add(bare)) if bare.height else pl.DataFrame(schema=SCHEMA)


def read_sessions(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    stretch: Stretch,
    latest: datetime,
    stopped: Callable[[], bool] = lambda: False,
) -> pl.DataFrame:
    """The sessions of that stretch with their features, as the record has them: networks and feeds are unknown.

    `latest` is the end of what a clock can have meant. Asks `stopped` between blocks, and then ends early: whoever
    stopped it wants no result. Takes a connection whose organization is set.
    """
    parameters: dict[str, Any] = {
        "organization": organization_id,
        "since": max(stretch.since or EARLIEST_POSSIBLE, EARLIEST_POSSIBLE),
        "until": min(stretch.until or latest, latest),
        "sensors": None if stretch.sensors is None else list(stretch.sensors),
        "addresses": None if stretch.addresses is None else list(stretch.addresses),
        "session_ids": None if stretch.session_ids is None else list(stretch.session_ids),
    }
    query = _SESSION
    query += _OF_SENSORS if stretch.sensors is not None else ""
    query += _OF_ADDRESSES if stretch.addresses is not None else ""
    query += _OF_IDS if stretch.session_ids is not None else ""
    sessions = _sessions(connection, query, parameters)
    if sessions.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    some = (stretch.addresses is not None or stretch.session_ids is not None) and sessions.height <= _FEW
    blocks = []
    where, asked = _events_of(sessions, parameters, one_by_one=some)
    rows = sessions.select("session_id").with_row_index("row")
    for block in copied(connection, where, asked, _EVENT_SCHEMA):
        if stopped():
            break
        blocks.append(_told(block.join(rows, on="session_id").drop("session_id")))
    nothing = {name: pl.lit(None, kind) for name, kind in SCHEMA.items() if name in {"asn", "as_name", "country"}}
    empty = pl.lit([], dtype=pl.List(pl.String))
    return _shaped(_assembled(sessions, blocks).with_columns(**nothing, feeds=empty))


def _shaped(sessions: pl.DataFrame) -> pl.DataFrame:
    return sessions.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())


def _sessions(connection: psycopg.Connection[Any], query: str, parameters: dict[str, Any]) -> pl.DataFrame:
    parts = [
        part.with_columns(moments("started_at"), moments("ended_at"), pl.col("succeeded") == "t")
        for part in copied(connection, query, parameters, _SESSION_SCHEMA)
    ]
    return pl.concat(parts) if parts else pl.DataFrame(schema=_SESSION_SCHEMA)


def _events_of(sessions: pl.DataFrame, parameters: dict[str, Any], *, one_by_one: bool) -> tuple[str, dict[str, Any]]:
    ends = sessions["ended_at"].fill_null(sessions["started_at"])
    asked = {"organization": parameters["organization"], "silent": _SILENT_KINDS}
    if one_by_one:
        return _OF_SESSIONS, asked | {
            "ids": sessions["session_id"].to_list(),
            "starts": sessions["started_at"].to_list(),
            "ends": ends.to_list(),
        }
    return _IN_STRETCH, asked | {"first": sessions["started_at"].min(), "last": ends.max()}


def _told(events: pl.DataFrame) -> pl.DataFrame:
    """What a block of events tells, long: row (of the session) · at · line · feature · value."""
    properties = _decoded(events["properties"]).struct.unnest()
    wide = pl.concat([events.drop("properties"), properties], how="horizontal").with_columns(moments("at"))
    kind, payload = pl.col("kind"), pl.col("payload")
    command = kind.str.contains(_COMMAND_KINDS)
    request = payload.str.extract(_REQUEST, 1)
    is_login = kind.str.starts_with("cowrie.login.")
    pair = pl.concat_str(pl.col("username").fill_null(""), pl.col("password").fill_null(""), separator="\0")
    single = {
        "commands": pl.when(command).then(payload),
        "payloads": pl.when(~command).then(payload),
        "http_paths": pl.coalesce("http_path", pl.when(~command).then(request)),
        "credentials": pl.when(is_login).then(pair),
        "downloads": pl.when(pl.col("shasum").str.contains(_SHA256)).then(pl.col("shasum").str.to_lowercase()),
        "urls": pl.col("url"),
        "keys": pl.when(kind == "cowrie.client.fingerprint").then("fingerprint"),
    }
    listed = {
        "credentials": pl.col("credentials").list.eval(
            pl.element().list.get(0, null_on_oob=True).fill_null("")
            + "\0"
            + pl.element().list.get(1, null_on_oob=True).fill_null("")
        ),
        "downloads": pl.col("hashes").list.eval(
            pl.element().filter(pl.element().str.contains(_SHA256)).str.to_lowercase()
        ),
        "urls": pl.col("urls"),
        "fingerprints": pl.col("fingerprints"),
        "keys": pl.when(command & payload.str.contains("AAAA", literal=True)).then(
            payload.str.extract_all(_PLANTED_KEY)
        ),
    }
    parts = [_long(wide, name, value) for name, value in single.items()]
    for name, values in listed.items():
        some = wide.select("row", "at", "line", values.alias("value")).filter(pl.col("value").list.len() > 0)
        parts.append(_long(some.explode("value", empty_as_null=False), name, pl.col("value")))
    return pl.concat(parts)


def _long(events: pl.DataFrame, name: str, value: pl.Expr) -> pl.DataFrame:
    told = events.select("row", "at", "line", value.alias("value")).drop_nulls("value")
    return told.select("row", "at", "line", pl.lit(_LISTS.index(name), pl.UInt8).alias("feature"), "value")


def _decoded(properties: pl.Series) -> pl.Series:
    """The properties that hold features; of text that is of another shape, as far as it is of this one."""
    try:
        return properties.str.json_decode(_TOLD)
    except pl.exceptions.PolarsError:
        shapes = dict(_TOLD.to_schema())
        return pl.Series("properties", [_fitting(text, shapes) for text in properties], dtype=_TOLD)


def _fitting(text: str | None, shapes: dict[str, Any]) -> dict[str, Any]:
    held = orjson.loads(text) if text else {}
    return {name: _fit(held.get(name), kind) for name, kind in shapes.items()}


def _fit(value: object, kind: Any) -> Any:
    if not isinstance(kind, pl.List):
        return value if isinstance(value, str) else None
    if not isinstance(value, list):
        return None
    return [fitted for each in value if (fitted := _fit(each, kind.inner)) is not None]


def _assembled(sessions: pl.DataFrame, blocks: list[pl.DataFrame]) -> pl.DataFrame:
    told = pl.concat(blocks).sort("feature", "row", "at", "line") if blocks else None
    result = sessions.with_row_index("row")
    for number, name in enumerate(_LISTS):
        if told is None:
            result = result.with_columns(pl.lit([], dtype=pl.List(pl.String)).alias(name))
            continue
        values = (
            told.filter(pl.col("feature") == number)
            .group_by("row", maintain_order=True)
            .agg(pl.col("value").alias(name))
        )
        result = result.join(values, on="row", how="left", maintain_order="left").with_columns(
            pl.col(name).fill_null(pl.lit([], dtype=pl.List(pl.String)))
        )
    known = (
        pl.when(pl.col("fingerprint").is_not_null())
        .then(pl.concat_list("fingerprint"))
        .otherwise(pl.lit([], dtype=pl.List(pl.String)))
    )
    return result.with_columns(pl.concat_list(known, "fingerprints").list.unique().list.sort().alias("fingerprints"))
