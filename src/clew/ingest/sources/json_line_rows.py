"""Lines of JSON objects as rows, each with its place and, where it is no object, with what is wrong."""

from collections.abc import Iterator

import orjson

from clew.ingest.sources.base import RecordBatch
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow


def json_line_rows(batch: RecordBatch) -> Iterator[ResultRow]:
    """A row for each line, in order; a byte order mark before the first one is dropped. Never raises."""
    for record, (data, line) in enumerate(zip(batch.records, batch.lines, strict=True), start=batch.first_record):
        text = data.removeprefix(b"\xef\xbb\xbf") if record == 0 else data
        try:
            values = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            fault = RefusedRowError("invalid_json", f"line {line}, column {error.colno}: {error.msg}")
            yield ResultRow(line, {}, data, fault)
            continue
        if isinstance(values, dict):
            yield ResultRow(line, values, text)
        else:
            detail = f"line {line}: an object is expected, not {type(values).__name__}"
            yield ResultRow(line, {}, data, RefusedRowError("wrong_type", detail))


def sampled_objects(lines: list[bytes], most: int = 50) -> list[dict[str, object]]:
    """The JSON objects among the first lines of a sample, for recognition. Never raises."""
    objects = []
    for line in lines[:most]:
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(value, dict):
            objects.append(value)
    return objects
