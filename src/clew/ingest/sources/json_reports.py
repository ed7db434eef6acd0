"""JSON reports made of a head and one array of rows, read with the place of each row.

A damaged row costs only itself and a report cut short keeps the rows before the cut, so nothing here is read in one
piece: the standard library's decoder is led from value to value.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from clew.ingest.facts import FactBuilder
from clew.ingest.sources.plain_text import decode_text, encode_text
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow, settle, wrong_type

_BETWEEN_REPORTS: Final = re.compile(r"[\s,\[\]]*")  # reports may stand alone, in an array, or one after the other
_BETWEEN_VALUES: Final = re.compile(r"[ \t\r\n,]*")
_BLANK: Final = re.compile(r"[ \t\r\n]*")
_NEXT_ROW: Final = re.compile(r"\}\s*(?:,\s*(?=\{)|(?=\]))")
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[][{}]', re.DOTALL)
_MOST_FAULTS: Final = 100  # each fault may cost a scan of the rest; after so many the rest is one fault


@dataclass(slots=True)
class JsonReport:
    """One object of the file. `rows` is None where the array of rows is missing or is no array."""

    line: int
    head: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)  # of each member of the object, rows included
    raw: dict[str, bytes] = field(default_factory=dict)  # of each member of the head
    rows: list[ResultRow] | None = None
    fault: ResultRow | None = None  # what follows could not be read


def settle_fault(builder: FactBuilder, report: JsonReport, record: int, *, kept: bool) -> int:
    """Say that a report ends in damage: as a warning where `kept` rows stand before it, else by rejecting it whole."""
    if report.fault is None or report.fault.fault is None:
        return record
    if kept:
        builder.warn(f"the report ends in damage, {report.fault.fault.detail}; what stands before it is read")
        return record
    return settle(builder, [report.fault], _never_kept, first_record=record)


def settle_rowless(builder: FactBuilder, report: JsonReport, rows_key: str, record: int) -> int:
    """Reject a report whose rows are missing or no array, as one record."""
    if report.fault is not None:
        return settle_fault(builder, report, record, kept=False)
    if rows_key in report.head:
        refusal = wrong_type(report.lines[rows_key], rows_key, "an array", report.head[rows_key])
    else:
        refusal = RefusedRowError("missing_field", f"line {report.line}: no {rows_key!r}")
    raw = b"{" + b",".join(b'"%b":%b' % (encode_text(key), value) for key, value in report.raw.items()) + b"}"
    return settle(builder, [ResultRow(report.line, {}, raw, refusal)], _never_kept, first_record=record)


def read_json_reports(data: bytes, rows_key: str) -> Iterator[JsonReport]:
    """The reports of a file, whose rows stand under `rows_key`. Never raises; a file without JSON gives one fault."""
    return _Scanner(decode_text(data), rows_key).reports()


class _Scanner:
    def __init__(self, text: str, rows_key: str) -> None:
        self.text = text
        self.rows_key = rows_key
        self.position = 0
        self.decoder = json.JSONDecoder(parse_constant=_refuse_constant)
        self.line_starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def reports(self) -> Iterator[JsonReport]:
        while True:
            self._skip(_BETWEEN_REPORTS)
            if self.position >= len(self.text):
                return
            report = JsonReport(self._line(self.position))
            start = self.position
            try:
                self._expect("{")
                self._members(report)
            except (ValueError, RecursionError) as error:
                report.fault = self._fault(start if not report.lines else self.position, error)
                self.position = len(self.text)
            yield report

    def _members(self, report: JsonReport) -> None:
        while True:
            self._skip(_BETWEEN_VALUES)
            if self._at("}"):
                self.position += 1
                return
            key_at = self.position
            key = self._value()
            if not isinstance(key, str):
                raise json.JSONDecodeError("a member name must be text", self.text, key_at)
            self._skip(_BLANK)
            self._expect(":")
            self._skip(_BLANK)
            report.lines[key] = self._line(self.position)
            if key == self.rows_key and self._at("["):
                report.rows = report.rows or []
                self._rows(report.rows)
            else:
                start = self.position
                report.head[key] = self._value()
                report.raw[key] = encode_text(self.text[start : self.position])

    def _rows(self, rows: list[ResultRow]) -> None:
        self.position += 1
        faults = 0
        while True:
            self._skip(_BETWEEN_VALUES)
            if self._at("]"):
                self.position += 1
                return
            if self.position >= len(self.text):
                raise json.JSONDecodeError("the file ends inside the rows", self.text, self.position)
            start = self.position
            try:
                value = self._value()
            except (ValueError, RecursionError) as error:
                faults += 1
                hopeless = faults >= _MOST_FAULTS or self._ran_out(start)
                resume = None if hopeless else _NEXT_ROW.search(self.text, start)
                self.position = resume.end() if resume else len(self.text)
                rows.append(self._fault(start, error))
                if resume is None:
                    return
                continue
            rows.append(self._row(value, start))

    def _ran_out(self, start: int) -> bool:
        """Whether the row at `start` is never closed: what follows are then parts of it, not rows."""
        depth = 0
        for token in _TOKEN.finditer(self.text, start):
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
            if depth <= 0:
                return False
        return True

    def _row(self, value: object, start: int) -> ResultRow:
        raw = encode_text(self.text[start : self.position])
        line = self._line(start)
        if isinstance(value, dict):
            return ResultRow(line, value, raw)
        fault = RefusedRowError("wrong_type", f"line {line}: a row must be an object, not {type(value).__name__}")
        return ResultRow(line, {}, raw, fault)

    def _fault(self, start: int, error: Exception) -> ResultRow:
        if isinstance(error, json.JSONDecodeError):
            place, message = error.pos, error.msg
        else:
            place, message = start, "nested too deeply" if isinstance(error, RecursionError) else str(error)
        line = self._line(place)
        column = place - self.line_starts[line - 1] + 1
        end = self.position if self.position > start else len(self.text)
        refusal = RefusedRowError("invalid_json", f"line {line}, column {column}: {message}")
        return ResultRow(self._line(start), {}, encode_text(self.text[start:end].rstrip(", \t\r\n")), refusal)

    def _value(self) -> Any:
        value, self.position = self.decoder.raw_decode(self.text, self.position)
        return value

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.position)
        self.position = match.end() if match else self.position

    def _at(self, character: str) -> bool:
        return self.text.startswith(character, self.position)

    def _expect(self, character: str) -> None:
        if not self._at(character):
            raise json.JSONDecodeError(f"expected {character!r}", self.text, self.position)
        self.position += 1

    def _line(self, position: int) -> int:
        return bisect_right(self.line_starts, position)


def _never_kept(record: int, row: ResultRow) -> None:
    raise RefusedRowError("invalid_json", f"record {record}: line {row.line} cannot be read")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
