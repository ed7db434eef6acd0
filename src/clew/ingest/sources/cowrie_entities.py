"""What Cowrie's events name: addresses, credentials, client software, URLs, files, keys and tunnel targets."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import polars as pl

from clew.ingest.facts import LINKS, MENTIONS
from clew.ontology import EntityType, RelationshipType

_URL: Final = r"(?i)(?:https?|ftps?|tftp)://[^\s\"'<>;|&`\\)]+"
_SSH_KEY: Final = r"(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d{3}) AAAA[0-9A-Za-z+/]+=*"
_ADDRESS: Final = re.compile(r"[0-9.]+|\[?[0-9a-fA-F:.]*:[0-9a-fA-F:.]*]?")


@dataclass(frozen=True, slots=True)
class Named:
    """Values that events of one address name: rows of (record, occurred_at, address, value), and what they are."""

    rows: pl.DataFrame
    entity_type: EntityType
    relationship_type: RelationshipType
    confidence: float
    method: str


def mentions_and_links(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Mentions and links of a batch of events (Cowrie's columns with `record`, `occurred_at` and `address`).

    Each distinct value and pair comes once, with its span of time and the first record that names it.
    """
    observed = frame.filter(pl.col("address").is_not_null())
    mentions = [_mention(observed, EntityType.IP_ADDRESS, "address", 0.95, "event_source")]
    links = []
    found = [named for named in _named(observed) if named.rows.height]
    for named in found:
        mentions.append(_mention(named.rows, named.entity_type, "value", named.confidence, named.method))
        links.append(_link(named, (EntityType.IP_ADDRESS, "address"), (named.entity_type, "value")))
    links.extend(
        _link(payload, (EntityType.URL, "url"), (EntityType.FILE_HASH, "value")) for payload in _payloads(observed)
    )
    for host in _hosts([named.rows for named in found if named.entity_type is EntityType.URL]):
        mentions.append(_mention(host.rows, host.entity_type, "value", host.confidence, host.method))
        links.append(_link(host, (EntityType.URL, "url"), (host.entity_type, "value")))
    return pl.concat(mentions), pl.concat(links) if links else pl.DataFrame(schema=LINKS)


def _named(observed: pl.DataFrame) -> Iterator[Named]:
    """Everything that an attacking address used, fetched or aimed at."""
    kind = pl.col("eventid")
    uses, communicates = RelationshipType.USES, RelationshipType.COMMUNICATES_WITH
    logins = observed.filter(kind.is_in(["cowrie.login.failed", "cowrie.login.success"]))
    pair = pl.concat_str("username", pl.lit(":"), "password")
    yield Named(_values(logins, pair), EntityType.CREDENTIAL, uses, 0.9, "login")
    versions = observed.filter(kind == "cowrie.client.version")
    banner = pl.col("version").str.replace(r"^b'(.*)'$", "${1}")
    yield Named(_values(versions, banner), EntityType.SOFTWARE, uses, 0.9, "client_banner")
    transfers = observed.filter(kind.str.starts_with("cowrie.session.file_"))
    yield Named(_values(transfers, pl.col("url")), EntityType.URL, communicates, 0.9, "download")
    yield Named(_values(transfers, pl.col("shasum")), EntityType.FILE_HASH, uses, 0.95, "transfer")
    commands = observed.filter((kind == "cowrie.command.input") & pl.col("input").str.contains("://|AAAA"))
    addresses = commands.with_columns(pl.col("input").str.extract_all(_URL).alias("found")).explode("found")
    yield Named(_values(addresses, pl.col("found")), EntityType.URL, communicates, 0.6, "command")
    keys = commands.with_columns(pl.col("input").str.extract_all(_SSH_KEY).alias("found")).explode("found")
    yield Named(_values(keys, pl.col("found")), EntityType.SSH_KEY, uses, 0.9, "command")
    offered = observed.filter(kind == "cowrie.client.fingerprint")
    yield Named(_values(offered, pl.col("key")), EntityType.SSH_KEY, uses, 0.9, "public_key_login")
    targets = RelationshipType.TARGETS
    connects = observed.filter(kind == "cowrie.session.connect")
    yield Named(_values(connects, pl.col("dst_ip")), EntityType.IP_ADDRESS, targets, 0.9, "honeypot")
    tunnels = _values(observed.filter(kind == "cowrie.direct-tcpip.request"), pl.col("dst_ip"))
    for rows, entity_type in _by_host_type(tunnels):
        yield Named(rows, entity_type, targets, 0.8, "tunnel")


def _values(rows: pl.DataFrame, value: pl.Expr) -> pl.DataFrame:
    return rows.select("record", "occurred_at", "address", value.alias("value")).filter(
        pl.col("value").is_not_null() & (pl.col("value") != "")
    )


def _payloads(observed: pl.DataFrame) -> Iterator[Named]:
    """Files with the URL they came from."""
    fetched = observed.filter(pl.col("url").is_not_null() & pl.col("shasum").is_not_null())
    if fetched.height:
        rows = fetched.select("record", "occurred_at", "url", pl.col("shasum").alias("value"))
        yield Named(rows, EntityType.FILE_HASH, RelationshipType.ASSOCIATED_WITH, 0.9, "download")


def _hosts(urls: list[pl.DataFrame]) -> Iterator[Named]:
    """The hosts of URLs, apart by whether they are addresses or names."""
    if not urls:
        return
    rows = pl.concat(urls)
    distinct = rows["value"].unique()
    hosts = pl.Series([_host(url) for url in distinct], dtype=pl.String)
    located = rows.select(
        "record",
        "occurred_at",
        pl.col("value").alias("url"),
        pl.col("value").replace_strict(distinct, hosts, return_dtype=pl.String),
    ).filter(pl.col("value").is_not_null())
    for part, entity_type in _by_host_type(located):
        yield Named(part, entity_type, RelationshipType.LOCATED_AT, 0.8, "url_host")


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _by_host_type(rows: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, EntityType]]:
    """Rows whose value is an address, then those whose value is a host name, where there are any."""
    addresses = [value for value in rows["value"].unique() if _ADDRESS.fullmatch(value)]
    is_address = pl.col("value").is_in(addresses)
    for condition, entity_type in ((is_address, EntityType.IP_ADDRESS), (~is_address, EntityType.DOMAIN)):
        part = rows.filter(condition)
        if part.height:
            yield part, entity_type


def _mention(rows: pl.DataFrame, entity_type: EntityType, value: str, confidence: float, method: str) -> pl.DataFrame:
    spans = _spans(rows, [value])
    return spans.select(
        "record",
        pl.lit(entity_type.value).alias("entity_type"),
        pl.col(value).alias("value"),
        pl.lit(None, dtype=pl.String).alias("qualifier"),
        pl.lit(value=False).alias("required"),
        pl.lit(confidence, dtype=pl.Float32).alias("confidence"),
        "first_seen",
        "last_seen",
        pl.lit(None, dtype=pl.String).alias("properties"),
        pl.lit(method).alias("method"),
    ).cast(dict(MENTIONS))  # type: ignore[arg-type]


def _link(named: Named, source: tuple[EntityType, str], target: tuple[EntityType, str]) -> pl.DataFrame:
    (source_type, source_value), (target_type, target_value) = source, target
    spans = _spans(named.rows, [source_value, target_value])
    return spans.select(
        "record",
        pl.lit(source_type.value).alias("source_type"),
        pl.col(source_value).alias("source_value"),
        pl.lit(None, dtype=pl.String).alias("source_qualifier"),
        pl.lit(named.relationship_type.value).alias("relationship_type"),
        pl.lit(target_type.value).alias("target_type"),
        pl.col(target_value).alias("target_value"),
        pl.lit(None, dtype=pl.String).alias("target_qualifier"),
        pl.lit(named.confidence, dtype=pl.Float32).alias("confidence"),
        "first_seen",
        "last_seen",
        pl.lit(None, dtype=pl.String).alias("properties"),
    ).cast(dict(LINKS))  # type: ignore[arg-type]


def _spans(rows: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    return rows.group_by(key, maintain_order=True).agg(
        pl.col("record").min(),
        pl.col("occurred_at").min().alias("first_seen"),
        pl.col("occurred_at").max().alias("last_seen"),
    )
