"""The Cowrie logs of `bench.generate` as frames for the analysis: campaigns this bench was not made for."""

from pathlib import Path

import polars as pl

from bench.generate import Plan, write
from clew.analysis.coordination import SCHEMA

_FIELDS = {
    name: pl.String()
    for name in (
        "eventid", "session", "src_ip", "sensor", "protocol", "timestamp", "username", "password", "input", "version",
        "hassh", "url", "shasum", "fingerprint",
    )
}  # fmt: skip


def read(log: Path) -> pl.DataFrame:
    """Sessions of a log."""
    return parsed(log.read_bytes())


def parsed(log: bytes) -> pl.DataFrame:
    """The same of its lines."""
    lines = pl.read_ndjson(log, schema={**_FIELDS, "dst_port": pl.Int64()}, ignore_errors=True)
    event = pl.col("eventid")

    def listed(value: pl.Expr, *events: str) -> pl.Expr:
        return value.filter(event.is_in(events)).drop_nulls()

    pair = pl.concat_str("username", pl.lit("\0"), "password")
    at = pl.col("timestamp").str.strptime(pl.Datetime("us"), "%Y-%m-%dT%H:%M:%S%.fZ").dt.replace_time_zone("UTC")
    sessions = lines.with_columns(at.alias("at")).group_by("session", maintain_order=True).agg(
        pl.col("src_ip").first().alias("source_ip"),
        pl.col("at").min().alias("started_at"),
        pl.col("at").max().alias("ended_at"),
        pl.col("sensor", "protocol").drop_nulls().first(),
        pl.col("dst_port").drop_nulls().first().alias("target_port"),
        pl.col("version").drop_nulls().first().alias("client"),
        pl.format("hassh:{}", pl.col("hassh").drop_nulls().unique()).alias("fingerprints"),
        listed(pair, "cowrie.login.failed", "cowrie.login.success").alias("credentials"),
        (event == "cowrie.login.success").any().alias("succeeded"),
        listed(pl.col("input"), "cowrie.command.input").alias("commands"),
        listed(pl.col("shasum"), "cowrie.session.file_download", "cowrie.session.file_upload").alias("downloads"),
        listed(pl.col("url"), "cowrie.session.file_download").alias("urls"),
        pl.col("fingerprint").drop_nulls().alias("keys"),
    )  # fmt: skip
    named = sessions.rename({"session": "session_id"})
    missing = [pl.lit(None).cast(kind).alias(name) for name, kind in SCHEMA.items() if name not in named.columns]
    return named.with_columns(missing).select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())


def generated(
    place: Path, events: int, seed: int, campaigns: int
) -> tuple[pl.DataFrame, dict[str, str], dict[str, str]]:
    """Sessions of a generated log, source → campaign, and campaign → kind."""
    plan = Plan(events, seed=seed, campaigns=campaigns)
    log = place / f"{seed}-{campaigns}.json"
    write(plan, log)
    planted = plan.campaign_list()
    truth = {source: campaign.name for campaign in planted for source in campaign.sources}
    frame = read(log)
    log.unlink()
    return frame, truth, {campaign.name: campaign.kind for campaign in planted}
