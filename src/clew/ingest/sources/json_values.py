"""JSON objects of any arrangement as rows: one a line, one after the other, in arrays, pretty-printed or not.

Reports whose rows stand in an envelope of their own are unwrapped with `nested_rows`, which keeps the place of each.
A damaged object costs only itself: reading goes on with the next line that begins an object no deeper than it did.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import orjson
from pydantic_core import from_json

from clew.ingest.facts import FactBuilder
from clew.ingest.sources.base import Framing, RecordBatch, Sample
from clew.ingest.sources.plain_text import decode_text, encode_text, whole_lines
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow

_SAMPLED_LINES: Final = 100
_MOST_FAULTS: Final = 100  # each fault may cost a scan of the rest; after so many the rest is one fault
_BOM: Final = b"\xef\xbb\xbf"
_BLANK: Final = re.compile(r"[ \t\r\n]*")
_SEPARATORS: Final = re.compile(r"[\s,]*")
_LINE_OBJECT: Final = re.compile(r"\n([ \t]*)(?=\{)")
# PostgreSQL cannot hold U+0000; banners and bodies hold it often. Its escape, not a backslash before "u0000".
_ESCAPED_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_VISIBLE_NUL: Final = rb"\1\\u2400"


@dataclass(frozen=True, slots=True)
class SampledObjects:
    """What the start of a file tells: its first objects, and whether they stand one on a line."""

    objects: list[dict[str, Any]]
    one_a_line: bool
    in_array: bool = False

    @property
    def framing(self) -> Framing:
        """How to cut the file: by line where each line is an object, else as a whole."""
        return Framing.LINES if self.one_a_line else Framing.DOCUMENT

    def share(self, belongs: Callable[[dict[str, Any]], bool]) -> float:
        """Which part of the objects belongs, from 0 to 1; 0 where there are none."""
        return sum(map(belongs, self.objects)) / len(self.objects) if self.objects else 0.0


def sample_objects(sample: Sample) -> SampledObjects:
    """The objects at the start of a file, of which the last may be incomplete. Never raises."""
    head = sample.head.removeprefix(_BOM)
    if head.lstrip()[:1] not in (b"{", b"["):
        return SampledObjects([], one_a_line=False)
    lines = [line for line in whole_lines(head, complete=sample.complete).splitlines() if line.strip()]
    objects = [value for line in lines[:_SAMPLED_LINES] if isinstance(value := _parsed(line), dict)]
    if objects and isinstance(_parsed(lines[0]), dict) and len(objects) * 2 > min(len(lines), _SAMPLED_LINES):
        return SampledObjects(objects, one_a_line=True)
    value = _first_value(head)
    if isinstance(value, list):
        return SampledObjects([item for item in value if isinstance(item, dict)], one_a_line=False, in_array=True)
    return SampledObjects([value] if isinstance(value, dict) else [], one_a_line=False)


def batch_rows(batch: RecordBatch, *, one_a_line: bool) -> list[ResultRow]:
    """The rows of a batch: one for each line, or all of a whole document. Never raises.

    Only with `one_a_line` do rows and records of the framing agree in number; number them from `batch.first_record`.
    """
    if not one_a_line:
        return list(read_json_values(b"\n".join(batch.records)))
    rows = []
    for index, (data, line) in enumerate(zip(batch.records, batch.lines, strict=True), start=batch.first_record):
        rows.append(line_row(data.removeprefix(_BOM) if index == 0 else data, line))
    return rows


def line_row(data: bytes, line: int) -> ResultRow:
    """One line as a row, or the fault that keeps it from being one."""
    raw = visible_nul(data)
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        try:
            raw.decode()
        except UnicodeDecodeError as damage:
            fault = RefusedRowError("invalid_encoding", f"line {line}: byte {damage.start + 1} is not UTF-8")
        else:
            fault = RefusedRowError("invalid_json", f"line {line}, column {error.colno}: {error.msg}")
        return ResultRow(line, {}, data, fault)
    if isinstance(value, dict):
        return ResultRow(line, value, raw)
    return ResultRow(line, {}, data, _not_an_object(line, value))


def read_json_values(data: bytes) -> Iterator[ResultRow]:
    """Every object of a document, those in arrays included, with the line where it starts. Never raises."""
    return _Reader(decode_text(visible_nul(data))).rows()


def nested_rows(row: ResultRow, key: str) -> list[ResultRow]:
    """The objects in the array (or the one object) that `row` holds under `key`, each with its own place and bytes."""
    value = row.values.get(key)
    text = row.raw.decode("utf-8", "surrogateescape")
    try:
        start = _member_start(text, key) if isinstance(value, list | dict) else None
    except (ValueError, RecursionError):  # what the parser of lines took may be too deep for the one of documents
        start = None
    if start is None:
        fault = RefusedRowError("wrong_type", f"line {row.line}: {key!r} must be an array of objects")
        return [] if value is None else [ResultRow(row.line, {}, row.raw, fault)]
    return list(_Reader(text, start, row.line).rows(only_one=True))


def settle_rows(
    builder: FactBuilder, rows: Iterable[ResultRow], keep: Callable[[int, ResultRow], None], *, first_record: int = 0
) -> int:
    """Give each row to `keep` or reject it; returns the ordinal after the last row.

    `keep` announces the record with all of the row's values before anything else, or raises RefusedRowError.
    """
    record = first_record
    for row in rows:
        try:
            if row.fault is not None:
                raise row.fault
            keep(record, row)
        except RefusedRowError as refusal:
            detail = refusal.detail.encode("utf-8", "backslashreplace").decode()  # it may quote a lone surrogate
            builder.reject(record, row.line, refusal.reason, detail, row.raw)
        except (TypeError, UnicodeEncodeError) as error:
            # orjson refuses lone surrogates, integers over 64 bits and very deep nesting with TypeError.
            builder.reject(record, row.line, "unrepresentable_value", f"line {row.line}: {error}", row.raw)
        record += 1
    return record


class _Reader:
    def __init__(self, text: str, position: int = 0, first_line: int = 1) -> None:
        self.text = text
        self.position = position
        self.first_line = first_line
        self.decoder = json.JSONDecoder(parse_constant=_refuse_constant)
        self.line_starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def rows(self, *, only_one: bool = False) -> Iterator[ResultRow]:
        """The objects from here on, or with `only_one` those of the one value that stands here."""
        depth = faults = 0
        while True:
            self.position = _end(_SEPARATORS, self.text, self.position)
            if self.position >= len(self.text):
                return
            character = self.text[self.position]
            if character in "[]":
                depth = max(0, depth + (1 if character == "[" else -1))
                self.position += 1
            else:
                row = self._row()
                faults += row.fault is not None
                if faults >= _MOST_FAULTS:
                    self.position = len(self.text)
                yield row
            if only_one and depth == 0:
                return

    def _row(self) -> ResultRow:
        start = self.position
        try:
            value, self.position = self.decoder.raw_decode(self.text, start)
        except (ValueError, RecursionError) as error:
            return self._fault(start, error)
        line = self._line(start)
        raw = encode_text(self.text[start : self.position])
        if not isinstance(value, dict):
            return ResultRow(line, {}, raw, _not_an_object(line, value))
        try:
            raw.decode()
        except UnicodeDecodeError as error:
            fault = RefusedRowError("invalid_encoding", f"line {line}: byte {error.start + 1} of the row is not UTF-8")
            return ResultRow(line, {}, raw, fault)
        return ResultRow(line, value, raw)

    def _fault(self, start: int, error: Exception) -> ResultRow:
        place, message = start, "nested too deeply" if isinstance(error, RecursionError) else str(error)
        if isinstance(error, json.JSONDecodeError):
            place, message = error.pos, error.msg
        begin = self.line_starts[bisect_right(self.line_starts, start) - 1]
        indent = start - begin if not self.text[begin:start].strip() else 0
        following = _LINE_OBJECT.finditer(self.text, start)
        resume = next((match.end() for match in following if len(match[1]) <= indent), len(self.text))
        self.position = resume
        column = place - self.line_starts[bisect_right(self.line_starts, place) - 1] + 1
        fault = RefusedRowError("invalid_json", f"line {self._line(place)}, column {column}: {message}")
        return ResultRow(self._line(start), {}, encode_text(self.text[start:resume].rstrip(", \t\r\n")), fault)

    def _line(self, position: int) -> int:
        return self.first_line + bisect_right(self.line_starts, position) - 1


def _member_start(text: str, key: str) -> int | None:
    """Where the last value under `key` starts in the text of a JSON object known to be sound."""
    decoder = json.JSONDecoder()
    found = None
    position = text.index("{") + 1
    while True:
        position = _end(_SEPARATORS, text, position)
        if text.startswith("}", position) or position >= len(text):
            return found
        name, position = decoder.raw_decode(text, position)
        position = _end(_BLANK, text, _end(_BLANK, text, position) + 1)
        if name == key:
            found = position
        _, position = decoder.raw_decode(text, position)


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _first_value(head: bytes) -> Any:
    """The first JSON value of a file, as far as it is there."""
    text = head.decode("utf-8", "ignore").lstrip()
    try:
        return json.JSONDecoder(parse_constant=_refuse_constant).raw_decode(text)[0]
    except (ValueError, RecursionError):
        pass
    try:
        return from_json(text, allow_partial=True)
    except ValueError:
        return None


def _parsed(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def visible_nul(data: bytes) -> bytes:
    """JSON text in which an escaped NUL, which the record cannot hold, is a sign for it."""
    return _ESCAPED_NUL.sub(_VISIBLE_NUL, data) if b"\\u0000" in data else data


def _not_an_object(line: int, value: object) -> RefusedRowError:
    return RefusedRowError("wrong_type", f"line {line}: a JSON object is expected, not {type(value).__name__}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
