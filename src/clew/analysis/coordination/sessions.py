"""The sessions an analysis reads: one row each, in any order."""

from typing import Final

import polars as pl

_TEXTS: Final = pl.List(pl.String)

SCHEMA: Final = pl.Schema(
    {
        "session_id": pl.String(),
        "source_ip": pl.String(),
        "started_at": pl.Datetime("us", "UTC"),
        "ended_at": pl.Datetime("us", "UTC"),  # null where the session never ended
        "sensor": pl.String(),
        "protocol": pl.String(),
        "target_port": pl.Int32(),
        "attack_type": pl.String(),
        "client": pl.String(),  # SSH client string or user agent
        "fingerprints": _TEXTS,  # hassh:…, ja3:…, ja4:…
        "credentials": _TEXTS,  # user NUL password, in order of attempt, repeats kept
        "succeeded": pl.Boolean(),
        "commands": _TEXTS,  # raw text, in order
        "downloads": _TEXTS,  # SHA-256, lower case
        "urls": _TEXTS,
        "keys": _TEXTS,  # fingerprints or blobs of public keys, offered or planted
        "http_paths": _TEXTS,
        "payloads": _TEXTS,  # text, or hexadecimal digits of what was sent
        "asn": pl.Int64(),
        "as_name": pl.String(),
        "country": pl.String(),
        "feeds": _TEXTS,  # names of threat feeds that list the source
    }
)

UNKNOWN_ADDRESSES: Final = ("", "0.0.0.0", "::")  # noqa: S104 - what the record writes where no event named a source


def prepare(sessions: pl.DataFrame) -> pl.DataFrame:
    """Sessions with a known source and start, each once, in one order whatever order they came in.

    `source` counts the addresses from 0 (UInt32).

    Raises ValueError where a column of SCHEMA is missing, and Polars' own errors where one is of another type.
    """
    missing = [name for name in SCHEMA if name not in sessions.columns]
    if missing:
        raise ValueError(f"sessions lack the columns {', '.join(missing)}")
    known = (
        sessions.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
        .filter(~pl.col("source_ip").is_in(UNKNOWN_ADDRESSES), pl.col("started_at").is_not_null())
        .sort("source_ip", "started_at", "session_id")
        .unique("session_id", keep="first", maintain_order=True)
    )
    return known.with_columns((pl.col("source_ip").rle_id()).alias("source"))


def empty() -> pl.DataFrame:
    """No sessions, with all columns."""
    return pl.DataFrame(schema=SCHEMA)
