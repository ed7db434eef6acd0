"""Finds where a JSON object ends without parsing or recursion."""

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

# Up to the next bracket, quotation mark that opens no whole string, or line end. Possessive: no backtracking.
_PLAIN: Final = re.compile(rb'(?:[^"{}\[\]\n]++|"(?:[^"\\\n]++|\\[^\n])*+")*+')
_IN_STRING: Final = re.compile(rb'(?:[^"\\\n]++|\\[^\n])*+')
_OUTSIDE: Final = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\\n]++|\\[^\n])*+")*+')
_LINE_OBJECT: Final = re.compile(rb"([ \t]*)[\[,]?[ \t]*(?=\{)")
_LINE_REST: Final = re.compile(rb"[ \t\r]*(?:,[ \t\r]*)?(?:\][ \t\r]*\}?[ \t\r]*)?,?[ \t\r]*")

_OPEN_BRACE, _CLOSE_BRACE, _OPEN_BRACKET, _CLOSE_BRACKET = b"{}[]"
_QUOTE, _LINE_FEED, _BACKSLASH = b'"\n\\'
_OPENER: Final = {_CLOSE_BRACE: _OPEN_BRACE, _CLOSE_BRACKET: _OPEN_BRACKET}


class Verdict(Enum):
    """How the scan of one object ended."""

    WHOLE = "whole"  # end is just behind its closing brace
    BROKEN = "broken"  # it cannot be an object from end on
    MORE = "more"  # the data ends inside it
    DEEP = "deep"  # nested deeper than allowed at end


@dataclass(frozen=True, slots=True)
class Scan:
    """Result of `scan_object`: `end` is an index into the data; `detail` says what is wrong."""

    verdict: Verdict
    end: int
    detail: str = ""


def scan_object(data: bytes, start: int, indent: int, max_depth: int, *, final: bool) -> Scan:
    """Find the end of the object whose `{` is at data[start]. Only brackets and strings are judged.

    A line that begins at `indent` or left of it with an object that is whole on that line cannot be part of this
    one: an object that was cut off must not swallow its successors. `final`: nothing comes after the data.
    """
    stack = bytearray((_OPEN_BRACE,))
    position = start + 1
    size = len(data)
    plain = _PLAIN.match
    while True:
        position = plain(data, position).end()  # type: ignore[union-attr] # it also matches nothing
        if position >= size:
            return Scan(Verdict.MORE, size)
        byte = data[position]
        if byte in _OPENER:
            if stack.pop() != _OPENER[byte]:
                return Scan(Verdict.BROKEN, position, "brackets do not match")
            position += 1
            if not stack:
                return Scan(Verdict.WHOLE, position)
        elif byte in (_OPEN_BRACE, _OPEN_BRACKET):
            if len(stack) >= max_depth:
                return Scan(Verdict.DEEP, position, f"nested deeper than {max_depth} levels")
            stack.append(byte)
            position += 1
        elif byte == _LINE_FEED:
            position += 1
            anew = _begins_anew(data, position, indent, final=final)
            if anew is None:
                return Scan(Verdict.MORE, size)
            if anew:
                return Scan(Verdict.BROKEN, position, "the object is cut off")
        elif data.find(b"\n", position) < 0:
            return Scan(Verdict.MORE, size)  # the string may go on in the data to come
        else:
            return Scan(Verdict.BROKEN, position, "a string is cut off by the end of the line")


def indent_at(data: bytes, at: int) -> int:
    """Width of the white space at the start of the line that `at` is on, 0 if that start is not near."""
    line_start = data.rfind(b"\n", max(0, at - 256), at) + 1
    head = data[line_start:at]
    return len(head) - len(head.lstrip(b" \t"))


def _begins_anew(data: bytes, position: int, indent: int, *, final: bool) -> bool | None:
    """Whether the line at `position` holds just an object, no further right than `indent`; None: not all here yet."""
    match = _LINE_OBJECT.match(data, position)
    if match is None or len(match[1]) > indent:
        return False
    end = data.find(b"\n", position)
    if end < 0:
        if not final:
            return None
        end = len(data)
    at = match.end()
    depth = 0
    while at < end:
        at = _PLAIN.match(data, at, end).end()  # type: ignore[union-attr] # it also matches nothing
        if at >= end or data[at] == _QUOTE:
            return False
        depth += 1 if data[at] in b"{[" else -1
        at += 1
        if not depth:
            return _LINE_REST.fullmatch(data, at, end) is not None
    return False


@dataclass(slots=True)
class ObjectSkipper:
    """Passes over an object that is too long or too deep to be held, piece by piece."""

    depth: int = 0
    in_string: bool = False
    _pending: bytes = field(default=b"")

    def feed(self, data: bytes) -> int | None:
        """Index in `data` just behind the object's end, or of the line end that breaks it; None: it goes on."""
        position = 0
        if self._pending:  # a backslash was the last byte of the piece before
            self._pending = b""
            position = 1
        while position < len(data):
            position = self._pass_string(data, position) if self.in_string else self._pass_plain(data, position)
            if position < 0:
                return -position - 1
        return None

    def _pass_string(self, data: bytes, position: int) -> int:
        position = _IN_STRING.match(data, position).end()  # type: ignore[union-attr] # it also matches nothing
        if position >= len(data):
            return position
        if data[position] == _BACKSLASH:
            if position + 1 == len(data):
                self._pending = b"\\"
                return len(data)
            return -position - 2  # a backslash before the line end
        self.in_string = False
        return position + 1 if data[position] == _QUOTE else -position - 1

    def _pass_plain(self, data: bytes, position: int) -> int:
        position = _OUTSIDE.match(data, position).end()  # type: ignore[union-attr] # it also matches nothing
        if position >= len(data):
            return position
        byte = data[position]
        if byte == _QUOTE:
            self.in_string = True
            return position + 1
        self.depth += 1 if byte in b"{[" else -1
        return -position - 2 if self.depth <= 0 else position + 1
