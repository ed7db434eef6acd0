"""Which generations a place has, and what is published there."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
import psycopg

from clew.projections.vectors.pgvector.schema import SCHEMA
from clew.projections.vectors.port import Collection, Model, ViewState

_IS_THERE: Final = f"SELECT to_regclass('{SCHEMA}.generations') IS NOT NULL"
_PUBLISHED: Final = f"""
SELECT id, schema_version, position, models::text FROM {SCHEMA}.generations WHERE place = %s AND published
"""
_ADD: Final = f"INSERT INTO {SCHEMA}.generations (place, id, schema_version, models) VALUES (%s, %s, %s, %s)"
_POSITION: Final = f"UPDATE {SCHEMA}.generations SET position = %s WHERE place = %s AND id = %s"
_COUNT: Final = f"UPDATE {SCHEMA}.generations SET rows = rows + %s WHERE place = %s AND id = %s"
_ROWS: Final = f"SELECT rows FROM {SCHEMA}.generations WHERE place = %s AND published"
_PUBLISH: Final = f"UPDATE {SCHEMA}.generations SET published = (id = %s) WHERE place = %s"
_OTHERS: Final = f"SELECT id FROM {SCHEMA}.generations WHERE place = %s AND NOT published"
_ALL: Final = f"SELECT id FROM {SCHEMA}.generations WHERE place = %s"
_FORGET: Final = f"DELETE FROM {SCHEMA}.generations WHERE place = %s AND id = %s"


def published(connection: psycopg.Connection[Any], place: str) -> ViewState | None:
    """What is published at a place; None where nothing is, or nothing was ever made."""
    there = connection.execute(_IS_THERE).fetchone()
    row = connection.execute(_PUBLISHED, (place,)).fetchone() if there and there[0] else None
    if row is None:
        return None
    return ViewState(row[0], row[1], row[2], _models(row[3]))


def add(
    connection: psycopg.Connection[Any],
    place: str,
    generation: str,
    schema_version: int,
    models: Mapping[Collection, Model],
) -> None:
    """Note a new generation that nobody sees."""
    written = {each.value: [model.name, model.dimension, model.version] for each, model in models.items()}
    connection.execute(_ADD, (place, generation, schema_version, orjson.dumps(written).decode()))


def move(connection: psycopg.Connection[Any], place: str, generation: str, position: str) -> None:
    """Note how far a generation is."""
    connection.execute(_POSITION, (position, place, generation))


def count(connection: psycopg.Connection[Any], place: str, generation: str, more: int) -> None:
    """Note that a generation has so many rows more, which it may get again: how far it is stays."""
    connection.execute(_COUNT, (more, place, generation))


def rows(connection: psycopg.Connection[Any], place: str) -> int:
    """How many rows are published."""
    there = connection.execute(_IS_THERE).fetchone()
    row = connection.execute(_ROWS, (place,)).fetchone() if there and there[0] else None
    return int(row[0]) if row else 0


def publish(connection: psycopg.Connection[Any], place: str, generation: str) -> None:
    """Let this generation be the one that is seen."""
    connection.execute(_PUBLISH, (generation, place))


def unpublished(connection: psycopg.Connection[Any], place: str) -> list[str]:
    """Generations that are not seen, former ones and unfinished ones."""
    return [row[0] for row in connection.execute(_OTHERS, (place,)).fetchall()]


def generations(connection: psycopg.Connection[Any], place: str) -> list[str]:
    """All of a place."""
    return [row[0] for row in connection.execute(_ALL, (place,)).fetchall()]


def forget(connection: psycopg.Connection[Any], place: str, generation: str) -> None:
    """Strike a generation off."""
    connection.execute(_FORGET, (place, generation))


def _models(text: str) -> dict[Collection, Model]:
    return {Collection(name): Model(*values) for name, values in orjson.loads(text).items()}
