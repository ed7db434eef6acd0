"""Files of points: CSV with a heading, JSON lines, or InfluxDB's line protocol. Lines that are wrong are told.

CSV: a column `time` (ISO 8601, or a whole number of microseconds since 1970), optionally `measurement`; columns that
are called tag:NAME are tags, all others fields. JSON lines: {"measurement": …, "time": …, "tags": {…}, "fields": {…}}.
"""

import csv
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import orjson

from clew.records.series.model import Series, SeriesError, microseconds, series_of
from clew.records.series.writing import PointBatch, Refused

FORMATS: Final = ("csv", "jsonl", "line")
LARGEST: Final = 1e100
_LONGEST_LINE: Final = 65_536
_PRECISIONS: Final = {"ns": 1000, "us": 1}
_FIELD: Final = re.compile(r'((?:\\.|[^=\\])+)=("(?:\\.|[^"\\])*"|[^,]*)(?:,|$)')
_TRUTH: Final = frozenset({"t", "T", "true", "True", "TRUE", "f", "F", "false", "False", "FALSE"})

Point = tuple[str, int, Mapping[str, str], Mapping[str, float]]
"""Measurement, time (µs), tags, fields."""


class PointReader:
    """Reads points into batches, and remembers what it refused.

    measurement: of lines that do not name one; with line protocol and JSON lines they may. Raises nothing for a bad
    line: it is in `refused`.
    """

    def __init__(self, form: str, measurement: str | None = None) -> None:
        if form not in FORMATS:
            raise SeriesError(f"{form[:20]!r} is no format", where="format", remedy=", ".join(FORMATS))
        self._form, self._measurement = form, measurement
        self._known: dict[tuple[Any, ...], int] = {}
        self.series: list[Series] = []
        self.refused: list[Refused] = []
        self.lines = 0

    def batches(self, lines: Iterable[str], most: int = 500_000) -> Iterator[PointBatch]:
        """The points of lines, at most about so many at once."""
        rows: list[tuple[int, int, float, int]] = []
        for number, point in self._numbered(lines):
            try:
                rows += self._rows(point(), number)
            except (SeriesError, ValueError, KeyError, TypeError, OverflowError, AttributeError) as error:
                self.refused.append(Refused(number, _told(error)))
            if len(rows) >= most:
                yield self._batch(rows)
                rows = []
        if rows:
            yield self._batch(rows)

    def _rows(self, point: Point, line: int) -> list[tuple[int, int, float, int]]:
        measurement, time, tags, fields = point
        if not fields:
            raise SeriesError("there is no field")
        names = tuple(sorted(tags.items()))
        rows = []
        for field, value in fields.items():
            if not math.isfinite(value) or abs(value) > LARGEST:
                raise SeriesError(f"the value of {field} is no number from -{LARGEST:g} to {LARGEST:g}")
            key = (measurement, field, names)
            if key not in self._known:
                self.series.append(series_of(measurement, field, tags))
                self._known[key] = len(self.series) - 1
            rows.append((self._known[key], time, value, line))
        return rows

    def _batch(self, rows: list[tuple[int, int, float, int]]) -> PointBatch:
        place, time, value, line = zip(*rows, strict=True)
        return PointBatch(
            tuple(self.series),
            np.array(place, np.int64),
            np.array(time, np.int64),
            np.array(value, np.float64),
            np.array(line, np.int64),
        )

    def _numbered(self, lines: Iterable[str]) -> Iterator[tuple[int, Callable[[], Point]]]:
        if self._form == "csv":
            yield from self._table(lines)
            return
        read = _from_json if self._form == "jsonl" else _from_line
        for number, text in enumerate(lines, 1):
            self.lines = number
            stripped = text.strip()
            if stripped and not (self._form == "line" and stripped.startswith("#")):
                yield number, lambda stripped=stripped: read(_short(stripped), self._measurement)  # type: ignore[misc]

    def _table(self, lines: Iterable[str]) -> Iterator[tuple[int, Callable[[], Point]]]:
        reader = csv.reader(lines, strict=True)
        heading = next(reader, [])
        if "time" not in heading:
            raise SeriesError(
                "the first line names no column `time`", where="line 1", remedy="name the columns in the first line"
            )
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self.refused.append(Refused(reader.line_num, str(error)))
                continue
            self.lines = number = reader.line_num
            if row:
                yield number, lambda row=row: _from_row(heading, row, self._measurement)  # type: ignore[misc]


def _from_row(heading: list[str], row: list[str], measurement: str | None) -> Point:
    if len(row) != len(heading):
        raise SeriesError(f"{len(row)} values, and {len(heading)} columns")
    tags, fields, time = {}, {}, 0
    for name, value in zip(heading, row, strict=True):
        if name == "time":
            time = time_of(value)
        elif name == "measurement":
            measurement = value
        elif name.startswith("tag:"):
            if value:
                tags[name[4:]] = value
        elif value:
            fields[name] = float(value)
    return _named(measurement), time, tags, fields


def _from_json(text: str, measurement: str | None) -> Point:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise SeriesError(f"no JSON: {error}") from None
    if not isinstance(found, dict):
        raise SeriesError("no JSON object")
    fields, tags = found.get("fields", {}), found.get("tags", {})
    if not isinstance(fields, dict) or not isinstance(tags, dict):
        raise SeriesError("fields and tags are objects")
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in fields.values()):
        raise SeriesError("the values of fields are numbers")
    if not all(isinstance(value, str) for value in tags.values()):
        raise SeriesError("the values of tags are text")
    if "time" not in found:
        raise SeriesError("there is no time")
    named = found.get("measurement", measurement)
    return _named(named), time_of(found["time"]), tags, {name: float(value) for name, value in fields.items()}


def _from_line(text: str, measurement: str | None) -> Point:
    """One line of line protocol, times in nanoseconds. Fields that are text are not taken; truth counts as 1 and 0."""
    parts = _split(text, " ")
    if len(parts) != 3:
        raise SeriesError("a line is: measurement,tag=value field=value time")
    head, body, stamp = parts
    name, *pairs = _split(head, ",")
    tags = {}
    for pair in pairs:
        tag, _, value = _cut(pair)
        tags[_plain(tag)] = _plain(value)
    fields, end = {}, 0
    for match in _FIELD.finditer(body):
        if match.start() != end:
            break
        fields[_plain(match[1])] = _number(match[2])
        end = match.end()
    if end != len(body):
        raise SeriesError("the fields cannot be read")
    del measurement  # the line names its own
    return _named(_plain(name)), int(stamp) // _PRECISIONS["ns"], tags, fields


def _number(text: str) -> float:
    if text in _TRUTH:
        return float(text[0] in "tT")
    if text.startswith('"'):
        raise SeriesError("a field is text; only numbers are kept")
    return float(int(text[:-1])) if text.endswith(("i", "u")) else float(text)


def _split(text: str, mark: str) -> list[str]:
    """The parts between marks that are neither escaped nor within quotes."""
    parts: list[str] = []
    part, quoted, escaped = "", False, False
    for letter in text:
        if escaped:
            part, escaped = part + letter, False
        elif letter == "\\":
            part, escaped = part + letter, True
        elif letter == '"' and mark == " " and parts:
            part, quoted = part + letter, not quoted
        elif letter == mark and not quoted:
            parts, part = [*parts, part], ""
        else:
            part += letter
    return [*parts, part]


def _cut(pair: str) -> tuple[str, str, str]:
    name, *rest = _split(pair, "=")
    if not rest:
        raise SeriesError("a tag has no value")
    return name, "=", "=".join(rest)


def _plain(text: str) -> str:
    return re.sub(r"\\([,= ])", r"\1", text)


def time_of(value: object) -> int:
    """A time as points have it: of a whole number of microseconds, or of ISO 8601 text (UTC where it says nothing).

    Raises SeriesError.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise SeriesError("a time is text or a whole number of microseconds")
    text = value.strip()
    if re.fullmatch(r"-?\d{1,18}", text) and len(text) != 4:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SeriesError(f"{text[:40]!r} is no time") from None
    return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _named(measurement: object) -> str:
    if not isinstance(measurement, str) or not measurement:
        raise SeriesError("no measurement is named")
    return measurement


def _short(text: str) -> str:
    if len(text) > _LONGEST_LINE:
        raise SeriesError(f"the line is longer than {_LONGEST_LINE:,} characters")
    return text


def _told(error: Exception) -> str:
    return error.message if isinstance(error, SeriesError) else f"cannot be read: {error}"[:200]


def point_line(measurement: str, time: int, tags: Mapping[str, str], fields: Mapping[str, float]) -> str:
    """A point as a JSON line."""
    point = {"measurement": measurement, "time": time, "tags": dict(tags), "fields": dict(fields)}
    return orjson.dumps(point).decode()
