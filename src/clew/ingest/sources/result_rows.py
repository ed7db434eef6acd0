"""What tool reports share: rows with their place in the file, and the rule that each is kept or refused."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from clew.ingest.facts import FactBuilder

# PostgreSQL's text and jsonb cannot hold U+0000. Matches its JSON escape, not an escaped backslash before "u0000".
_ESCAPED_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_SHOWN_CHARACTERS: Final = 80


class RefusedRowError(Exception):
    """A row that cannot be kept: `reason` is the stable code, `detail` says what is wrong and where."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One row of a report: the 1-based line where it starts, its fields, its bytes, and what makes it unreadable."""

    line: int
    values: dict[str, Any]
    raw: bytes
    fault: RefusedRowError | None = None


@dataclass(slots=True)
class Table:
    """A report of named columns, such as CSV or a spreadsheet. Column names are lower case and trimmed."""

    columns: tuple[str, ...]
    rows: list[ResultRow] = field(default_factory=list)


def settle(
    builder: FactBuilder, rows: Iterable[ResultRow], keep: Callable[[int, ResultRow], None], *, first_record: int = 0
) -> int:
    """Give each row to `keep` or reject it; returns the ordinal after the last row.

    `keep` either announces the record and its facts or raises RefusedRowError before it has announced anything.
    """
    record = first_record
    for row in rows:
        try:
            _check_bytes(row)
            keep(record, row)
        except RefusedRowError as refusal:
            builder.reject(record, row.line, refusal.reason, refusal.detail, row.raw)
        except (TypeError, UnicodeEncodeError) as error:
            # orjson refuses lone surrogates, integers over 64 bits and very deep nesting with TypeError.
            builder.reject(record, row.line, "unrepresentable_value", f"line {row.line}: {error}", row.raw)
        record += 1
    return record


def required_text(row: ResultRow, key: str) -> str:
    """The trimmed text of a field that must be there and must not be empty."""
    value = row.values.get(key)
    if value is None or value == "":
        raise RefusedRowError("missing_field", f"line {row.line}: no {key!r}")
    if not isinstance(value, str):
        raise wrong_type(row.line, key, "text", value)
    if not value.strip():
        raise RefusedRowError("missing_field", f"line {row.line}: {key!r} is blank")
    _check_characters(row, value)
    return value.strip()


def optional_text(row: ResultRow, key: str) -> str | None:
    """The trimmed text of a field that may be missing, null or empty."""
    value = row.values.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise wrong_type(row.line, key, "text", value)
    _check_characters(row, value)
    return value.strip() or None


def wrong_type(line: int, key: str, wanted: str, value: object) -> RefusedRowError:
    """The refusal of a field whose JSON type is not the documented one."""
    shown = repr(value)
    if len(shown) > _SHOWN_CHARACTERS:
        shown = shown[:_SHOWN_CHARACTERS] + "…"
    return RefusedRowError("wrong_type", f"line {line}: {key!r} must be {wanted}, not {shown}")


def warn_of_count(builder: FactBuilder, stated: object, counted: int, what: str) -> None:
    """Warn when the file's own count disagrees with its rows, or is no count; the rows are what is believed."""
    if stated is None:
        return
    if isinstance(stated, bool) or not isinstance(stated, int):
        builder.warn(f"the file's count of {what} is not a number: {str(stated)[:_SHOWN_CHARACTERS]}; rows: {counted}")
    elif stated != counted:
        builder.warn(f"the file says {stated} {what}, its rows say {counted}; the rows are used")


def _check_bytes(row: ResultRow) -> None:
    if row.fault is not None:
        raise row.fault
    try:
        row.raw.decode()
    except UnicodeDecodeError as error:
        raise RefusedRowError(
            "invalid_encoding", f"line {row.line}: byte {error.start + 1} of the row is not UTF-8"
        ) from error
    _check_characters(row, "\0" if _ESCAPED_NUL.search(row.raw) else row.raw.decode())


def _check_characters(row: ResultRow, text: str) -> None:
    if "\0" in text:
        raise RefusedRowError("nul_character", f"line {row.line}: holds the character U+0000, which cannot be stored")
