"""The baseline `bare`: `python -m bench.bare PLACE FILE` does with plain SQL what cannot be left out.

The file is parsed by Polars, and the very rows that the product stored go by COPY into a temporary table and from there
by one INSERT … SELECT … ON CONFLICT DO NOTHING into tables with the same columns, partitions and indexes, but without
row-level security, triggers or change feed. Rows are written to files before the clock starts, so finding out what the
rows are (reading, normalising, identifying, summing up sessions) costs this baseline nothing. As in the product, events
with their sessions and facts go side by side over two connections.
"""

import io
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import polars as pl
import psycopg
from psycopg import sql

from bench.places import ORGANIZATION, record_at
from bench.usage import Meter
from clew.ingest.sources.cowrie import SCHEMA
from clew.kernel.database import Database

_EVENTS: Final = ("events", "attack_sessions", "attack_session_keys")
_FACTS: Final = ("entities", "entity_sources", "relationships", "relationship_sources")
_BLOCK_BYTES: Final = 16 << 20


def main(arguments: list[str]) -> None:
    """Print what the baseline took, as a line of JSON."""
    place, log = Path(arguments[0]), Path(arguments[1])
    with record_at(place) as database, _administrator(database) as one, _administrator(database) as other:
        if database.embedded is None:
            raise LookupError("the benchmark's record is kept by the embedded server")
        rows = {table: _dump(one, table, place / f"{table}.csv") for table in (*_EVENTS, *_FACTS)}
        one.execute("DROP SCHEMA IF EXISTS bare CASCADE")
        one.execute("CREATE SCHEMA bare")
        for table in (*_EVENTS, *_FACTS):
            _make_alike(one, table)
        one.execute("CHECKPOINT")
        with Meter(database.embedded.ensure_running().pid) as meter, ThreadPoolExecutor(1) as beside:
            facts = beside.submit(_merge, other, _FACTS, place)
            read = _parse(log)
            _merge(one, _EVENTS, place)
            facts.result()
        stored = {table: _count(one, table) for table in rows}
        if stored != rows:
            raise RuntimeError(f"the baseline stored {stored}, the product {rows}")
    print(json.dumps({"read": read, "rows": sum(rows.values()), **meter.usage.as_dict()}))


def _administrator(database: Database) -> psycopg.Connection[Any]:
    """A connection outside any pool that row-level security does not bind; the caller closes it."""
    pooled = database.admin_engine().raw_connection()
    plain: psycopg.Connection[Any] | None = pooled.driver_connection
    pooled.detach()
    if plain is None:
        raise LookupError("a new connection has a driver's connection behind it")
    plain.autocommit = True
    return plain


def _dump(connection: psycopg.Connection[Any], table: str, path: Path) -> int:
    """Write the organization's rows of a table to a file; how many there are."""
    query = sql.SQL("COPY (SELECT * FROM public.{} WHERE organization_id = {}) TO STDOUT (FORMAT csv)").format(
        sql.Identifier(table), sql.Literal(str(ORGANIZATION))
    )
    with connection.cursor() as cursor, path.open("wb") as file:
        with cursor.copy(query) as source:
            for piece in source:
                file.write(piece)
        return cursor.rowcount


def _make_alike(connection: psycopg.Connection[Any], table: str) -> None:
    """A table of the same columns, constraints, indexes and partitions in the schema `bare`."""
    key = connection.execute("SELECT pg_get_partkeydef(%s::regclass)", (f"public.{table}",)).fetchone()
    partitioned = sql.SQL("PARTITION BY " + key[0]) if key and key[0] else sql.SQL("")
    connection.execute(
        sql.SQL(
            "CREATE TABLE bare.{0} (LIKE public.{0} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES) {1}"
        ).format(sql.Identifier(table), partitioned)
    )
    partitions = connection.execute(
        "SELECT relname, pg_get_expr(relpartbound, oid) FROM pg_class"
        " WHERE oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = %s::regclass)",
        (f"public.{table}",),
    ).fetchall()
    for name, bound in partitions:
        connection.execute(
            sql.SQL("CREATE TABLE bare.{} PARTITION OF bare.{} " + bound).format(
                sql.Identifier(name), sql.Identifier(table)
            )
        )


def _parse(log: Path) -> int:
    """Lines of the log, parsed block by block with the columns that the product reads."""
    return sum(pl.read_ndjson(io.BytesIO(block), schema=SCHEMA).height for block in _blocks(log))


def _blocks(log: Path) -> Iterator[bytes]:
    with log.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield block + file.readline()


def _merge(connection: psycopg.Connection[Any], tables: tuple[str, ...], place: Path) -> None:
    for table in tables:
        name = sql.Identifier(table)
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(sql.SQL("CREATE TEMP TABLE stage (LIKE public.{}) ON COMMIT DROP").format(name))
            with (place / f"{table}.csv").open("rb") as file, cursor.copy("COPY stage FROM STDIN (FORMAT csv)") as into:
                while piece := file.read(1 << 20):
                    into.write(piece)
            cursor.execute(sql.SQL("INSERT INTO bare.{} SELECT * FROM stage ON CONFLICT DO NOTHING").format(name))


def _count(connection: psycopg.Connection[Any], table: str) -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM bare.{}").format(sql.Identifier(table))).fetchone()
    return int(row[0]) if row else 0


if __name__ == "__main__":
    main(sys.argv[1:])
