"""Real honeypot sessions in ../shared/data as the frame that coordination analysis reads; not part of the product."""

import gzip
import json
import tarfile
from pathlib import Path
from typing import Any

import polars as pl

from clew.analysis.coordination import SCHEMA


def heralding(folder: Path) -> pl.DataFrame:
    """82,000 sessions on many protocols, with login attempts."""
    rows = []
    for line in _member(folder / "heralding_82k_raw.json.tar.gz").splitlines():
        event = json.loads(line)
        attempts = [(each["username"] or "", each["password"] or "") for each in event["auth_attempts"]]
        rows.append({
            "session_id": event["session_id"], "source_ip": event["source_ip"], "started_at": event["timestamp"],
            "protocol": event["protocol"], "target_port": event["destination_port"],
            "credentials": [f"{name}\0{password}" for name, password in attempts if name or password],
        })  # fmt: skip
    return _frame(rows, "%Y-%m-%d %H:%M:%S%.f")


def cowrie(folder: Path) -> pl.DataFrame:
    """20,000 SSH sessions: times and outcomes only."""
    table = pl.read_csv(gzip.decompress((folder / "cowrie_sessions_20k.csv.gz").read_bytes()))
    rows = table.drop_nulls("start_time").select(
        "session_id", pl.col("src_ip").alias("source_ip"), pl.col("start_time").alias("started_at"), "protocol",
        pl.col("dst_port").cast(pl.Int32).alias("target_port"),
        pl.when(pl.col("login_failed") + pl.col("login_success") > 0).then(pl.lit("brute_force")).alias("attack_type"),
    )  # fmt: skip
    return _frame(rows.to_dicts(), "%Y-%m-%dT%H:%M:%S%.fZ")


def dionaea(folder: Path) -> pl.DataFrame:
    """20,000 connections; the file is blocks of JSON with stray commas between them."""
    rows = []
    for number, line in enumerate(_member(folder / "dioneae_20k.json.tar.gz").splitlines()):
        text = line.strip().strip("[],")
        if not text.startswith("{"):
            continue
        event = json.loads(text)
        some = event.get("credentials", {})
        pairs = zip(some.get("username", []), some.get("password", []), strict=False)
        rows.append({
            "session_id": f"dionaea-{number}", "source_ip": event["src_ip"], "started_at": event["timestamp"],
            "protocol": event["connection"]["protocol"], "target_port": event["dst_port"],
            "credentials": [f"{name}\0{password}" for name, password in pairs],
        })  # fmt: skip
    return _frame(rows, "%Y-%m-%dT%H:%M:%S%.f")


def honeytrap(folder: Path) -> pl.DataFrame:
    """5,000 connections with what was sent."""
    rows = []
    for number, line in enumerate(_member(folder / "honeytrap_5k.json.tar.gz").splitlines()):
        text = line.strip().rstrip(",")
        if not text.startswith("{ "):
            continue
        event = json.loads(text)
        connection = event["attack_connection"]
        sent = bytes.fromhex(connection["payload"]["data_hex"])
        rows.append({
            "session_id": f"honeytrap-{number}", "source_ip": connection["remote_ip"],
            "started_at": event["start_time"], "protocol": connection["protocol"],
            "target_port": connection["local_port"], "payloads": [_readable(sent)] if sent else [],
        })  # fmt: skip
    return _frame(rows, "%Y-%m-%dT%H:%M:%SZ")


def _readable(sent: bytes) -> str:
    text = sent.decode("latin-1")
    return text if all(character.isprintable() or character in "\r\n\t" for character in text) else sent.hex()


def _member(archive: Path) -> str:
    with tarfile.open(archive) as opened:
        file = opened.extractfile(opened.getmembers()[0])
        assert file is not None
        return file.read().decode()


def _frame(rows: list[dict[str, Any]], times: str) -> pl.DataFrame:
    frame = pl.DataFrame(rows, infer_schema_length=None)
    missing = [pl.lit(None).cast(kind).alias(name) for name, kind in SCHEMA.items() if name not in frame.columns]
    return (
        frame.with_columns(pl.col("started_at").str.strptime(pl.Datetime("us"), times).dt.replace_time_zone("UTC"))
        .with_columns(missing)
        .select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
    )
