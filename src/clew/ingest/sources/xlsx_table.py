"""Spreadsheet reports (XLSX), read as cells and never calculated.

A workbook is a zip of XML, so before openpyxl sees it the archive is held to limits of size, ratio and number of
members, and a part that declares a document type (and with it entities to expand) is refused.
"""

import io
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, Final
from xml.etree.ElementTree import ParseError

import orjson

from clew.ingest.sources.result_rows import RefusedRowError, ResultRow, Table

_MOST_BYTES: Final = 64 * 1024 * 1024  # of all members together; a report of a thousand sites needs about one
_MOST_RATIO: Final = 200  # spreadsheets compress 5–20 fold; a bomb of zeros a thousand fold
_MOST_MEMBERS: Final = 256
_MOST_ROWS: Final = 1_048_576  # what the format allows
_MOST_COLUMNS: Final = 32
_CHUNK: Final = 64 * 1024
_DOCUMENT_TYPES: Final = tuple("<!DOCTYPE".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))

# What zipfile, the XML parser and openpyxl raise on damaged workbooks; openpyxl has no error of its own for most.
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    ParseError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
)


def is_workbook(head: bytes) -> bool:
    """Whether the bytes begin like a zip archive, as every XLSX does."""
    return head.startswith(b"PK\x03\x04")


def read_xlsx(data: bytes) -> Table:
    """The first sheet's rows below its first row that is not empty; `line` is the sheet's row number.

    Raises RefusedRowError when the file is no workbook, is damaged, or goes beyond the limits.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_archive(archive)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles and extensions that do not concern the cells
            return _table(data)
    except RefusedRowError:
        raise
    except _DAMAGE as error:
        raise RefusedRowError("invalid_xlsx", f"not a readable workbook: {type(error).__name__}: {error}") from error


def _check_archive(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    if len(members) > _MOST_MEMBERS:
        raise RefusedRowError("too_large", f"the workbook has {len(members)} parts; at most {_MOST_MEMBERS} are read")
    total = 0
    for member in members:
        # Counted while unpacking: the sizes written in the archive are the sender's claim.
        size = _check_member(archive, member, _MOST_BYTES - total)
        total += size
        if size > _MOST_RATIO * max(member.compress_size, 1024):
            raise RefusedRowError("too_large", f"part {member.filename!r} unpacks to {size} bytes, far over its share")


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, allowed: int) -> int:
    size = 0
    tail = b""
    with archive.open(member) as part:
        while chunk := part.read(_CHUNK):
            size += len(chunk)
            if size > allowed:
                raise RefusedRowError("too_large", f"the workbook unpacks to more than {_MOST_BYTES} bytes")
            window = tail + chunk
            if any(mark in window for mark in _DOCUMENT_TYPES):
                raise RefusedRowError("invalid_xlsx", f"part {member.filename!r} declares a document type")
            tail = chunk[-32:]
    return size


def _table(data: bytes) -> Table:
    import openpyxl  # noqa: PLC0415  with NumPy, which it takes along, 0.2 s; few reports are workbooks

    workbook = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
    try:
        if not workbook.worksheets:
            raise RefusedRowError("invalid_xlsx", "the workbook has no sheet")
        sheet = workbook.worksheets[0]
        cells = sheet.iter_rows(max_row=_MOST_ROWS, max_col=_MOST_COLUMNS, values_only=True)
        return _named_rows(enumerate(cells, start=1))
    finally:
        workbook.close()


def _named_rows(numbered: Iterator[tuple[int, tuple[Any, ...]]]) -> Table:
    table = Table(())
    for line, cells in numbered:
        if all(cell is None for cell in cells):
            continue
        if not table.columns:
            table.columns = tuple("" if cell is None else str(cell).strip().casefold() for cell in cells)
            continue
        values = {name: cell for name, cell in zip(table.columns, cells, strict=False) if name}
        table.rows.append(ResultRow(line, values, orjson.dumps(list(cells), default=str)))
    return table
