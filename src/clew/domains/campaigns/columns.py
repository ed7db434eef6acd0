"""Rows of the record as columns: COPY out of the database, cut into blocks, each parsed at once by Polars."""

import io
from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl
import psycopg

_BLOCK_BYTES: Final = 32 << 20


def copied(
    connection: psycopg.Connection[Any], query: str, parameters: Mapping[str, Any], schema: pl.Schema
) -> Iterator[pl.DataFrame]:
    """The rows of a query, block by block; null and the empty text are both null. Times come as text.

    The query stands whole in the program; the values of its parameters are quoted by the driver.
    """
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)", parameters) as copy,
    ):
        held: list[bytes] = []
        size = 0
        for row in copy:
            held.append(bytes(row))
            size += len(row)
            if size >= _BLOCK_BYTES:
                yield _parsed(held, schema)
                held, size = [], 0
        if held:
            yield _parsed(held, schema)


def _parsed(rows: list[bytes], schema: pl.Schema) -> pl.DataFrame:
    return pl.read_csv(
        io.BytesIO(b"".join(rows)),
        has_header=False,
        schema=schema,
        infer_schema=False,
        null_values=[""],
        try_parse_dates=False,
    )


def moments(column: str) -> pl.Expr:
    """PostgreSQL's text of a time in UTC, with or without a fraction, as a time."""
    text = pl.col(column)
    whole = pl.when(text.str.len_chars() == 22).then(text.str.head(19) + ".0+00").otherwise(text)
    return (
        whole.str.head(-3)
        .str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
        .dt.replace_time_zone("UTC")
        .alias(column)
    )
