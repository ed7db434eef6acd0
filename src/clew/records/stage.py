"""The way into the record for many rows: columns are copied into temporary tables, and merged from there by SQL.

COPY cannot enter a table under row-level security, so every merge starts from a stage of its own. Stages belong to
the connection and empty themselves at commit.
"""

import io
from typing import Final

import polars as pl
import psycopg
from psycopg import sql

STAGES: Final = {
    "stage_rows": "record bigint, id uuid, hash char(64), line bigint, content jsonb",
    "stage_events": (
        "record bigint, id uuid, occurred_at timestamptz, kind text, line bigint, session_id uuid, source_ip inet, "
        "source_port integer, destination_ip inet, target_port integer, protocol text, sensor text, payload text, "
        "properties jsonb, impossible_time boolean"
    ),
    "stage_sessions": (
        "id uuid, session_key text, started_at timestamptz, ended_at timestamptz, source_ip inet, source_port integer, "
        "destination_ip inet, target_port integer, protocol text, sensor text, attack_type text, client text, "
        "fingerprint text, event_count integer, login_failures integer, login_successes integer, activity jsonb, "
        "payload text, payload_hash char(64)"
    ),
    "stage_entities": (
        "id uuid, entity_type text, name text, normalized_name text, properties jsonb, observed jsonb, flags text[], "
        "confidence numeric(3,2), first_seen timestamptz, last_seen timestamptz"
    ),
    "stage_relationships": (
        "id uuid, source_entity_id uuid, target_entity_id uuid, relationship_type text, properties jsonb, "
        "observed jsonb, confidence numeric(3,2), first_seen timestamptz, last_seen timestamptz"
    ),
    "stage_entity_sightings": (
        "id uuid, item_id uuid, line bigint, confidence numeric(3,2), method text, source_row uuid"
    ),
    "stage_relationship_sightings": "id uuid, item_id uuid, line bigint, confidence numeric(3,2)",
    "stage_places": "id uuid, line bigint",
    "stage_posts": (
        "id uuid, platform text, external_id text, profile_id uuid, document_id uuid, posted_at timestamptz, "
        "impossible_time boolean, hashtags jsonb, mentions jsonb, said jsonb, stats jsonb, media jsonb, observed jsonb"
    ),
    "stage_post_sightings": "id uuid, item_id uuid, line bigint, confidence numeric(3,2)",
    "stage_enrichments": "id uuid, item_id uuid, data jsonb, confidence numeric(3,2)",
    "stage_rejects": (
        "record bigint, line bigint, byte_offset bigint, byte_length bigint, reason text, detail text, content bytea"
    ),
}

_TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S%.6f+00"


def create_stages(connection: psycopg.Connection, *, for_loads: bool = True) -> None:
    """Make the connection's stages, unless it has them.

    for_loads: with memory for large batches, which PostgreSQL refuses a session that has used a temporary table: only
    for a connection of its own, before it does anything else. One from a pool may have been anybody's.
    """
    if for_loads:
        connection.execute("SET temp_buffers = '64MB'")
    for name, columns in STAGES.items():
        statement = sql.SQL("CREATE TEMP TABLE IF NOT EXISTS {} ({}) ON COMMIT DELETE ROWS")
        connection.execute(statement.format(sql.Identifier(name), sql.SQL(columns)))


def clear(connection: psycopg.Connection) -> None:
    """Empty the stages within a transaction, where several batches are merged in one."""
    for name in STAGES:
        connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))


def encode(frame: pl.DataFrame) -> bytes:
    """A frame as the CSV that COPY reads: nulls are empty, empty strings quoted, lists in array syntax."""
    columns = [_encodable(column) for column in frame.iter_columns()]
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_csv(
        buffer, include_header=False, quote_style="necessary", datetime_format=_TIME_FORMAT, null_value=""
    )
    return buffer.getvalue()


def copy(connection: psycopg.Connection, stage: str, frame: pl.DataFrame, encoded: bytes | None = None) -> None:
    """Copy a frame into a stage. Its columns must be columns of the stage, by name, in any order."""
    if frame.is_empty():
        return
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(stage), sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    )
    encoded = encode(frame) if encoded is None else encoded
    with connection.cursor() as cursor:
        # Up to PostgreSQL 17 a line "\\." ends CSV input even within quotes: such text goes row by row.
        if b"\n\\." in encoded:
            _copy_rows(cursor, stage, frame)
            return
        with cursor.copy(statement) as target:
            target.write(encoded)


def _copy_rows(cursor: psycopg.Cursor, stage: str, frame: pl.DataFrame) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(stage), sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    )
    with cursor.copy(statement) as target:
        for row in frame.iter_rows():
            target.write_row(row)


def _encodable(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Binary:
        return ("\\x" + column.bin.encode("hex")).rename(column.name)
    if column.dtype == pl.List(pl.String):
        return ("{" + column.list.join(",") + "}").rename(column.name)
    return column
