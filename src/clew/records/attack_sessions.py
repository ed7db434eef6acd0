"""Attack sessions as the sum of their events.

Only events that are new to the record are counted, each once, so sums do not depend on how a log was split; every
other column is a minimum, a maximum or a union for the same reason.
"""

import hashlib
import ipaddress
from typing import Final

import polars as pl

from clew.ontology.attack_types import ATTACK_TYPES

MAXIMUM_ACTIVITY: Final = 10_000
"""Entries kept of one session's activity, the earliest first."""

MAXIMUM_ACTIVITY_BYTES: Final = 8 << 20
"""Bytes of text behind which no further entry is kept: PostgreSQL's JSON has a limit too, and would refuse the load."""

UNKNOWN_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - the source address of a session whose events name none (yet)

_EMPTY_HASH: Final = hashlib.sha256(b"").hexdigest()


def summarize(events: pl.DataFrame) -> pl.DataFrame:
    """One row per session of the events (`records.batch.EVENTS`), with the columns of stage_sessions."""
    within = events.filter(pl.col("session_id").is_not_null())
    rank = pl.col("attack_type").replace_strict(
        list(ATTACK_TYPES), list(range(len(ATTACK_TYPES))), default=0, return_dtype=pl.Int8
    )
    plain = within.group_by("session_id").agg(
        pl.col("session_key").first(),
        pl.col("occurred_at").min().alias("started_at"),
        pl.col("occurred_at").max().alias("ended_at"),
        pl.col("source_ip", "destination_ip").drop_nulls().unique(),
        pl.col("source_port", "target_port", "protocol", "sensor", "client", "fingerprint").min(),
        rank.max().alias("rank"),
        pl.len().cast(pl.Int32).alias("event_count"),
        pl.col("login_failures", "login_successes").sum(),
    )
    named = plain.with_columns(
        _least_address(plain["source_ip"]).fill_null(UNKNOWN_ADDRESS),
        _least_address(plain["destination_ip"]),
        pl.col("rank")
        .replace_strict(list(range(len(ATTACK_TYPES))), list(ATTACK_TYPES), return_dtype=pl.String)
        .alias("attack_type"),
    ).drop("rank")
    joined = named.join(_activity(within), on="session_id", how="left").with_columns(
        pl.col("payload").fill_null(""), pl.col("payload_hash").fill_null(_EMPTY_HASH)
    )
    return joined.rename({"session_id": "id"}).sort("id")


def _least_address(addresses: pl.Series) -> pl.Series:
    """Of each list the least address as PostgreSQL orders them, which is not the order of their text."""
    least = addresses.list.first()
    several = addresses.list.len() > 1
    if not several.any():
        return least
    chosen = [min(some, key=_address_order) for some in addresses.filter(several)]
    return least.scatter(several.arg_true(), chosen)


def _address_order(address: str) -> tuple[bool, int, bytes]:
    """An unknown address comes after all that are known."""
    parsed = ipaddress.ip_address(address)
    return address == UNKNOWN_ADDRESS, parsed.version, parsed.packed


def _activity(events: pl.DataFrame) -> pl.DataFrame:
    """For sessions in which the other side sent something: activity (JSON), payload and its SHA-256."""
    sent = events.filter(pl.col("payload").is_not_null()).select(
        "session_id", pl.col("occurred_at").to_physical().alias("at"), "id", "payload"
    )
    lists = (
        sent.sort("session_id", "at", "id")
        .with_columns(pl.col("payload").str.len_bytes().cast(pl.Int64).alias("bytes"))
        .filter(pl.col("bytes").cum_sum().over("session_id") - pl.col("bytes") <= MAXIMUM_ACTIVITY_BYTES)
        .with_columns(
            pl.format(
                '[{}, "{}", {}]',
                "at",
                "id",
                # a one-field object in JSON is {"payload":<text>}: the text lies between colon and brace
                pl.struct("payload").struct.json_encode().str.slice(11).str.head(-1),
            ).alias("entry")
        )
        .group_by("session_id", maintain_order=True)
        .agg(pl.col("entry").head(MAXIMUM_ACTIVITY), pl.col("payload").head(MAXIMUM_ACTIVITY))
        .with_columns(
            ("[" + pl.col("entry").list.join(", ") + "]").alias("activity"), pl.col("payload").list.join("\n")
        )
    )
    hashes = [hashlib.sha256(text.encode()).hexdigest() for text in lists["payload"]]
    return lists.select("session_id", "activity", "payload").with_columns(
        pl.Series("payload_hash", hashes, dtype=pl.String)
    )
