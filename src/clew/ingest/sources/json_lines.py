"""Lines of JSON objects as columns: parsed all at once, and one by one only where that fails."""

import io
from collections.abc import Sequence

import orjson
import polars as pl

from clew.ingest.facts import REJECTS
from clew.ingest.sources.base import RecordBatch


def read_json_lines(batch: RecordBatch, schema: pl.Schema) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The objects of a batch as (columns, rejects).

    Columns are those of `schema`, which holds only strings (numbers and nested values come as their JSON text, what
    is missing as null), after `record` and `line`. Lines that are no JSON object are in the rejects (`facts.REJECTS`).
    """
    frame = _parse(batch.records, schema)
    if frame is not None:
        return _located(frame, batch, range(len(batch.records))), pl.DataFrame(schema=REJECTS)
    sound, rejects = _sift(batch, schema)
    parts = [_parse([batch.records[index] for index in sound], schema)] if sound else []
    frames = [part for part in parts if part is not None]
    found = pl.concat(frames) if frames else pl.DataFrame(schema=schema)
    return _located(found, batch, sound), pl.DataFrame(rejects, schema=REJECTS, orient="row")


def _parse(records: Sequence[bytes], schema: pl.Schema) -> pl.DataFrame | None:
    """All records as one frame, or None if any of them is not an object the parser takes."""
    try:
        frame = pl.read_ndjson(io.BytesIO(b"\n".join(records)), schema=schema)
    except pl.exceptions.ComputeError:
        return None
    return frame.rechunk() if frame.height == len(records) else None


def _sift(batch: RecordBatch, schema: pl.Schema) -> tuple[list[int], list[tuple[int, int, str, str, bytes]]]:
    """Indexes of the records that parse, and a reject for each that does not."""
    candidates: list[int] = []
    rejects: list[tuple[int, int, str, str, bytes]] = []
    for index, content in enumerate(batch.records):
        problem = _problem(content)
        if problem is None:
            candidates.append(index)
        else:
            rejects.append((batch.first_record + index, batch.lines[index], *problem, content))
    sound: list[int] = []
    for index in _unparsed(batch.records, candidates, schema, sound):
        detail = "the JSON object is not one the parser takes"
        rejects.append((batch.first_record + index, batch.lines[index], "invalid_json", detail, batch.records[index]))
    return sorted(sound), sorted(rejects)


def _unparsed(records: Sequence[bytes], indexes: list[int], schema: pl.Schema, sound: list[int]) -> list[int]:
    """The indexes whose records fail although they are valid JSON, found by halving; the others go to `sound`."""
    bad: list[int] = []
    pending = [indexes] if indexes else []
    while pending:
        some = pending.pop()
        if _parse([records[index] for index in some], schema) is not None:
            sound.extend(some)
        elif len(some) == 1:
            bad.extend(some)
        else:
            pending += [some[: len(some) // 2], some[len(some) // 2 :]]
    return bad


def _problem(content: bytes) -> tuple[str, str] | None:
    """Why a line is no JSON object: reason and detail."""
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        try:
            content.decode()
        except UnicodeDecodeError as damage:
            return "invalid_encoding", f"not UTF-8 at byte {damage.start + 1}"
        return "invalid_json", f"{error.msg} (column {error.colno})"
    if not isinstance(value, dict):
        return "wrong_type", f"a JSON object is expected, not {type(value).__name__}"
    return None


def _located(frame: pl.DataFrame, batch: RecordBatch, indexes: Sequence[int]) -> pl.DataFrame:
    lines = batch.lines if len(indexes) == len(batch.records) else [batch.lines[index] for index in indexes]
    return frame.select(
        pl.Series("record", indexes, dtype=pl.Int64) + batch.first_record,
        pl.Series("line", lines, dtype=pl.Int64),
        pl.all(),
    )
