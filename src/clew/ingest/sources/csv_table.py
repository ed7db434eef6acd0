"""CSV reports, cell by cell as RFC 4180 wants it, each row with the line where it starts."""

import csv
import io
from typing import Final

from clew.ingest.sources.plain_text import decode_text, encode_text
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow, Table

_DELIMITERS: Final = (",", ";", "\t")  # what tools write, and what spreadsheets make of it in some languages
_MOST_FAULTS: Final = 100  # after a quote that never closes the rest is read again; this bounds how often


def read_csv(data: bytes, delimiter: str | None = None) -> Table:
    """Every row after the header. Ragged rows and broken quoting are faults of their own row only. Never raises.

    `delimiter` None: the one that the header has most of.
    """
    lines = list(io.StringIO(decode_text(data), newline=""))
    delimiter = delimiter or _delimiter(lines)
    header: tuple[str, ...] = ()
    rows: list[ResultRow] = []
    faults = start = 0
    while start < len(lines):
        reader = csv.reader(lines[start:], delimiter=delimiter, strict=True)
        end = start
        try:
            for cells in reader:
                begin, end = end, start + reader.line_num
                if not cells:
                    continue
                if not header:
                    header = tuple(_column(cell) for cell in cells)
                else:
                    rows.append(_row(header, cells, begin + 1, _bytes(lines[begin:end])))
            return Table(header, rows)
        except csv.Error as error:
            faults += 1
            # Only the line where the row starts is given up: a quote left open would otherwise take all that follows.
            after = end + 1 if header and faults < _MOST_FAULTS else len(lines)
            fault = RefusedRowError("invalid_csv", f"line {end + 1}: {error}")
            rows.append(ResultRow(end + 1, {}, _bytes(lines[end:after]), fault))
            start = after
    return Table(header, rows)


def csv_columns(head: bytes) -> frozenset[str]:
    """Column names in the first line that is not blank, for recognition. Never raises."""
    text = decode_text(head[:4096])
    first = next((line for line in io.StringIO(text, newline="") if line.strip()), "")
    try:
        cells = next(csv.reader([first], delimiter=_delimiter([first])), [])
    except csv.Error:
        return frozenset()
    return frozenset(_column(cell) for cell in cells)


def _column(cell: str) -> str:
    """A column's name, without the U+0000 of a damaged header: as a key of a record it could not be stored."""
    return cell.replace("\0", "").strip().casefold()


def _delimiter(lines: list[str]) -> str:
    first = next((line for line in lines if line.strip()), "")
    return max(_DELIMITERS, key=first.count)


def _bytes(lines: list[str]) -> bytes:
    return encode_text("".join(lines).rstrip("\r\n"))


def _row(header: tuple[str, ...], cells: list[str], line: int, raw: bytes) -> ResultRow:
    if len(cells) != len(header):
        fault = RefusedRowError("invalid_csv", f"line {line}: {len(cells)} cells where the header has {len(header)}")
        return ResultRow(line, {}, raw, fault)
    return ResultRow(line, dict(zip(header, cells, strict=True)), raw)
