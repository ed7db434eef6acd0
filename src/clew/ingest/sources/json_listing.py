"""JSON that is nothing but a list of hosts, or of hosts and their addresses, read with the place of each."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, Final

from clew.ingest.sources.plain_text import decode_text, encode_text
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow

_BLANK: Final = re.compile(r"[ \t\r\n]*")
_BETWEEN: Final = re.compile(r"[ \t\r\n,]*")


def listed_rows(data: bytes) -> Iterator[ResultRow]:
    """Rows of `host`, and of `ip` where the file is an object; what follows damage is one faulty row. Never raises."""
    text = decode_text(data)
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    position = _skip(_BLANK, text, 0)
    brackets = {"[": "]", "{": "}"}
    opening = text[position : position + 1]
    if opening not in brackets:
        yield _faulty(text, position, 1, "a list of hosts is expected")
        return
    position += 1
    while True:
        position = _skip(_BETWEEN, text, position)
        if text.startswith(brackets[opening], position):
            return
        line = bisect_right(starts, position)
        try:
            values, end = _entry(text, position, is_object=opening == "{")
        except (ValueError, RecursionError) as error:
            said = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
            yield _faulty(text, position, line, said)
            return
        yield ResultRow(line, values, encode_text(text[position:end]))
        position = end


def _entry(text: str, position: int, *, is_object: bool) -> tuple[dict[str, Any], int]:
    decoder = json.JSONDecoder()
    host, end = decoder.raw_decode(text, position)
    if not is_object:
        return {"host": host}, end
    end = _skip(_BLANK, text, end)
    if not text.startswith(":", end):
        raise json.JSONDecodeError("expected ':'", text, end)
    address, end = decoder.raw_decode(text, _skip(_BLANK, text, end + 1))
    return {"host": host, "ip": address}, end


def _skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _faulty(text: str, position: int, line: int, problem: str) -> ResultRow:
    fault = RefusedRowError("invalid_json", f"line {line}: {problem}")
    return ResultRow(line, {}, encode_text(text[position:]), fault)
