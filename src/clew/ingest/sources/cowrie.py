"""Cowrie: SSH and telnet honeypot, JSON log (`output_jsonlog`), versions 1.5 to 2.9.

One event a line, read as columns; or an array of them, or one over several lines, as `jq` and exports make of a log.
Cowrie's `direct-tcpip` events use dst_ip for the tunnel's target, not for the honeypot, and `command.failed` repeats
the input of the `command.input` before it; both are treated as what they mean.
"""

from dataclasses import replace
from datetime import datetime
from typing import ClassVar, Final

import orjson
import polars as pl

from clew.ingest.facts import EVENTS, REJECTS, UTC_TIME, Facts
from clew.ingest.honeypots import objects_at_start
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.cowrie_entities import mentions_and_links
from clew.ingest.sources.json_lines import read_json_lines
from clew.ingest.sources.plain_text import first_byte
from clew.ingest.sources.times import RecordTimes
from clew.ontology import EntityType, NormalizedValue, normalize_many
from clew.ontology.possible_times import EARLIEST_POSSIBLE

_EXTRA: Final = (
    "username",
    "password",
    "url",
    "shasum",
    "outfile",
    "destfile",
    "filename",
    "duration",
    "arch",
    "size",
    "ttylog",
    "duplicate",
    "fingerprint",
    "key",
    "type",
    "data",
    "name",
    "value",
    "width",
    "height",
)
"""Fields of particular events that become the event's properties."""

_COMMON: Final = (
    "eventid",
    "timestamp",
    "session",
    "src_ip",
    "src_port",
    "dst_ip",
    "dst_port",
    "sensor",
    "uuid",
    "protocol",
    "input",
    "version",
    "hassh",
)

SCHEMA: Final = pl.Schema(dict.fromkeys((*_COMMON, *_EXTRA), pl.String()))

_ATTACK_TYPES: Final = (
    ("cowrie.session.file_", "download"),
    ("cowrie.command.", "command"),
    ("cowrie.login.success", "intrusion"),
    ("cowrie.direct-tcpip.", "intrusion"),
    ("cowrie.login.failed", "brute_force"),
    ("cowrie.client.fingerprint", "brute_force"),
)


class CowrieSource:
    """Reads Cowrie's JSON log."""

    name: ClassVar[str] = "cowrie"
    kind: ClassVar[ItemKind] = ItemKind.LOG
    reads: ClassVar[str] = (
        "Cowrie 1.5–2.9 JSON log, lines, array or indented; SSH and telnet; times carry their zone (UTC where not)"
    )
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """Cowrie writes an eventid that starts with its name into every line; a copy may hold arrays or commas."""
        if first_byte(sample.head) == b"[":
            return _recognise_values(sample)
        for line in sample.head.split(b"\n")[:50]:
            if b'"eventid"' not in line:
                continue
            try:
                event = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(event, dict) and str(event.get("eventid")).startswith("cowrie."):
                return Recognition(0.98, Framing.LINES, "json-lines")
        return _recognise_values(sample) if b'"eventid"' in sample.head else None

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """One event per line, or per object where they are not a line each."""
        if context.variant == "json-values":  # between its parts an object may have line ends, in its texts it cannot
            batch = replace(batch, records=[b" ".join(record.splitlines()) for record in batch.records])
        parsed, rejects = read_json_lines(batch, SCHEMA)
        times = RecordTimes(context.timezone)
        timed = parsed.with_columns(_moments(parsed["timestamp"], times), _addresses(parsed["src_ip"]))
        bad = _unacceptable(timed, batch)
        kept = timed.filter(~pl.col("record").is_in(bad["record"].implode())) if bad.height else timed
        warning = times.warning()
        mentions, links = mentions_and_links(kept.with_columns(_possible(context.latest)))
        return Facts(
            records=kept.select("record", "line", pl.lit(None, dtype=pl.String).alias("content")),
            mentions=mentions,
            links=links,
            events=_events(kept),
            rejects=pl.concat([rejects, bad]).sort("record"),
            warnings=(warning,) if warning else (),
        )


def _recognise_values(sample: Sample) -> Recognition | None:
    """A log that something else has written anew: an array, an event over several lines, or commas behind events."""
    objects = objects_at_start(sample)
    known = bool(objects) and all(str(event.get("eventid")).startswith("cowrie.") for event in objects)
    return Recognition(0.98, Framing.JSON_VALUES, "json-values") if known else None


def _moments(column: pl.Series, times: RecordTimes) -> pl.Series:
    """The timestamps in UTC; null where unreadable. Cowrie's usual spelling is read at once, others one by one."""
    moments = column.str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", strict=False, exact=True)
    moments = moments.dt.replace_time_zone("UTC")
    moments = moments.set(moments.dt.year() < 1, None)  # years that neither Python nor the database knows
    odd = column.filter(moments.is_null() & column.is_not_null()).unique()
    if odd.is_empty():
        return moments.alias("occurred_at")
    read: dict[str, object] = {}
    for text in odd:
        try:
            read[text] = times.read(text)
        except ValueError:
            continue
    table = pl.DataFrame(
        {"timestamp": list(read), "moment": list(read.values())}, schema={"timestamp": pl.String, "moment": UTC_TIME}
    )
    others = column.to_frame("timestamp").join(table, on="timestamp", how="left", maintain_order="left")["moment"]
    return moments.fill_null(others).alias("occurred_at")


def _possible(latest: datetime | None) -> pl.Expr:
    """Times that a span may be made of: an impossible one would hide those that it encloses."""
    moment = pl.col("occurred_at")
    enough = moment >= EARLIEST_POSSIBLE
    return pl.when(enough if latest is None else enough & (moment <= latest)).then(moment).alias("occurred_at")


def _addresses(column: pl.Series) -> pl.Series:
    """Source addresses in canonical text; null where there is none or it is not an address."""
    distinct = column.unique().drop_nulls()
    outcomes = normalize_many(EntityType.IP_ADDRESS, distinct.to_list())
    names = [outcome.name if isinstance(outcome, NormalizedValue) else None for outcome in outcomes]
    table = pl.Series(names, dtype=pl.String)
    return column.replace_strict(distinct, table, return_dtype=pl.String).alias("address")


def _unacceptable(frame: pl.DataFrame, batch: RecordBatch) -> pl.DataFrame:
    """Rejects for lines that lack what every event has."""
    problem = (
        pl.when(pl.col("eventid").is_null())
        .then(pl.lit("missing_field\teventid is missing"))
        .when(pl.col("timestamp").is_null())
        .then(pl.lit("missing_field\ttimestamp is missing"))
        .when(pl.col("occurred_at").is_null())
        .then(pl.format("invalid_timestamp\ttimestamp is unreadable: {}", pl.col("timestamp").str.head(80)))
        .when(pl.col("src_ip").is_not_null() & pl.col("address").is_null())
        .then(pl.format("invalid_ip_address\tsrc_ip is no address: {}", pl.col("src_ip").str.head(80)))
        .alias("problem")
    )
    bad = frame.select("record", "line", problem).filter(pl.col("problem").is_not_null())
    parts = pl.col("problem").str.splitn("\t", 2).struct
    contents = [batch.records[record - batch.first_record] for record in bad["record"]]
    return bad.with_columns(
        parts.field("field_0").alias("reason"),
        parts.field("field_1").alias("detail"),
        pl.Series("content", contents, dtype=pl.Binary),
    ).select(REJECTS.keys())


def _events(frame: pl.DataFrame) -> pl.DataFrame:
    kind = pl.col("eventid")
    connects = kind == "cowrie.session.connect"
    attack = pl.lit("connection")
    for prefix, name in reversed(_ATTACK_TYPES):
        attack = pl.when(kind.str.starts_with(prefix)).then(pl.lit(name)).otherwise(attack)
    events = frame.select(
        "record",
        "occurred_at",
        kind.alias("kind"),
        pl.concat_str(pl.coalesce("sensor", "uuid", pl.lit("")), pl.lit(":"), "session").alias("session"),
        pl.col("address").alias("source_ip"),
        pl.when(connects).then(_port("src_port")).alias("source_port"),
        pl.when(connects).then("dst_ip").alias("destination_ip"),
        pl.when(connects).then(_port("dst_port")).alias("target_port"),
        pl.col("protocol").str.to_lowercase(),
        "sensor",
        attack.alias("attack_type"),
        pl.when(kind == "cowrie.command.input")
        .then("input")
        .when(kind == "cowrie.direct-tcpip.data")
        .then("data")
        .alias("payload"),
        pl.when(kind == "cowrie.client.version").then(_banner()).alias("client"),
        ("hassh:" + pl.col("hassh")).alias("fingerprint"),
        (kind == "cowrie.login.failed").cast(pl.Int32).alias("login_failures"),
        (kind == "cowrie.login.success").cast(pl.Int32).alias("login_successes"),
    )
    return events.with_columns(_properties(frame)).select(EVENTS.keys()).cast(dict(EVENTS))  # type: ignore[arg-type]


def _properties(frame: pl.DataFrame) -> pl.Series:
    """Per event the fields that only its kind has, as JSON without nulls."""
    parts = []
    for part in frame.with_row_index("row").partition_by("eventid"):
        present = [name for name in _EXTRA if part[name].null_count() < part.height and name != "data"]
        if not present:
            continue
        encoded = part.select("row", pl.struct(present).struct.json_encode().alias("properties"))
        if any(part[name].null_count() for name in present):
            nothing = rf'"(?:{"|".join(present)})":null,?'
            encoded = encoded.with_columns(
                pl.col("properties").str.replace_all(nothing, "").str.replace(r",}$", "}").replace("{}", None)
            )
        parts.append(encoded)
    if not parts:
        return pl.Series("properties", [None] * frame.height, dtype=pl.String)
    rows = pl.DataFrame({"row": pl.Series(range(frame.height), dtype=pl.UInt32)})
    return rows.join(pl.concat(parts), on="row", how="left", maintain_order="left")["properties"]


def _port(column: str) -> pl.Expr:
    """A port from 1 to 65535; null for anything else."""
    port = pl.col(column).cast(pl.Int32, strict=False)
    return pl.when(port.is_between(1, 65_535)).then(port)


def _banner() -> pl.Expr:
    """The client's version as it sent it: early versions logged the Python spelling of bytes."""
    return pl.col("version").str.replace(r"^b'(.*)'$", "${1}")
