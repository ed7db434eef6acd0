"""Cuts a stream of JSON objects into records, however they are wrapped, and in spite of broken places.

The records are the objects of the first array of objects, or the objects that stand by themselves: one after
another, a line each, or over many lines. Around them may be arrays, and envelopes. An object is an envelope, not a
record, where an array of objects comes as its first member (`{"attacks": [{…}`), or comes after scalar members, or
inside one more object, under one of ENVELOPE_NAMES (`{"version": 1, "data": [{…}`). An object that is whole on one
line is an envelope only by those names, since a record may begin with a list of its own. Behind the first record, and
inside an array, only what begins with a list under one of those names is an envelope: files merged carelessly have
such. What an envelope says besides its records is ignored; a further list or object behind them is reported.

Separators are judged leniently but told: what strict JSON would not allow between two records is one fault a place.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from clew.ingest.frames import FAULT_CONTENT_BYTES, FramedBatch, FramingFault, FramingLimits, Position
from clew.ingest.json_scanning import ObjectSkipper, Scan, Verdict, indent_at, scan_object
from clew.ingest.sources.base import RecordBatch
from clew.ingest.utf8_stream import Utf8Stream
from clew.kernel.errors import ClewError

ENVELOPE_NAMES: Final = frozenset(
    {"alerts", "attacks", "connections", "data", "entries", "events", "hits", "items", "logs", "messages"}
    | {"records", "results", "rows", "sessions"}
)

_READ_BYTES: Final = 4 << 20
_LOOK_AHEAD: Final = 64 << 10
_SPACE: Final = re.compile(rb"[ \t\r\n]*+")
_STRING: Final = rb'"(?:[^"\\\n]++|\\[^\n])*+"'
_SCALAR: Final = rb"(?:" + _STRING + rb"|-?[0-9][0-9.eE+-]*+|true|false|null)"
_MEMBER: Final = _STRING + rb"\s*+:\s*+(?:" + _SCALAR + rb"\s*+,|\{)\s*+"
_ENVELOPE: Final = re.compile(rb"\{\s*+((?:" + _MEMBER + rb")*+)(" + _STRING + rb")\s*+:\s*+\[\s*+(?=\{)")
_NEW_LINE_OBJECT: Final = re.compile(rb"\n([ \t]*)[\[,]?[ \t]*(?=\{)")
_NEXT_ELEMENT: Final = re.compile(rb'[}\]][ \t]*,[ \t]*(?=\{[ \t]*")')
_ANY_OBJECT: Final = re.compile(rb'\n[ \t]*[\[,]?[ \t]*(?=\{)|(?=\{\s*["}])')

# In a line from { to } with as many of either: a second object, an envelope, or what no object can hold. Or just text.
_UNUSUAL: Final = re.compile(rb"\}\s*+(?:,\s*+\{|[^,\]}\s])|\[\s*+\{")

_RUNS: Final = {byte: re.compile(rb"[" + re.escape(byte) + rb"\s]++") for byte in (b",", b"[", b"]", b"}")}

_ARRAY, _WRAPPER = "A", "E"
_START, _VALUE, _COMMA, _DAMAGE = "s", "v", "c", "x"  # what the last token between records was


def frame_json(stream: BinaryIO, limits: FramingLimits, start: Position) -> Iterator[FramedBatch]:
    """One record an object; the module says which objects are records.

    An error of the stream is raised after everything before it was handed over.
    """
    return _JsonFramer(stream, limits, start).batches()


@dataclass(slots=True)
class _Loss:
    """A broken place that is being passed over."""

    reason: str
    detail: str
    line: int
    offset: int
    is_record: bool
    skipper: ObjectSkipper | None = None  # None: look for the next object instead
    indent: int | None = None  # … that begins a line no further right than this; None: anywhere
    same_line: bool = False  # … or that follows in the same line
    content: bytes = b""


class _JsonFramer:
    def __init__(self, stream: BinaryIO, limits: FramingLimits, start: Position) -> None:
        encoding, self._stack, self._last = start.state.split(";") if start.state else ("", "", _START)
        self._stream = Utf8Stream(stream, encoding)
        self._limits = limits
        self._offset = start.offset
        self._line = start.line
        self._record = start.record
        self._data = b""
        self._at = 0
        self._next_line_feed = -1
        self._ended = False
        self._error: ClewError | None = None
        self._loss: _Loss | None = None
        self._records: list[bytes] = []
        self._lines: list[int] = []
        self._faults: list[FramingFault] = []

    def batches(self) -> Iterator[FramedBatch]:
        finished = False
        while not finished:
            finished = self._collect()
            yield self._take()
        if self._error:
            raise self._error

    def _collect(self) -> bool:
        """Fill one batch; whether the stream is at its end."""
        size = len(self._records)
        gathered = 0
        while gathered < self._limits.batch_bytes:
            if self._step():
                gathered += sum(map(len, self._records[size:]))
                size = len(self._records)
            elif self._ended:
                self._finish()
                return True
            else:
                self._fill()
        return False

    def _take(self) -> FramedBatch:
        batch = RecordBatch(self._records, self._lines, self._record - len(self._records))
        state = f"{self._stream.encoding};{self._stack};{self._last}"
        framed = FramedBatch(batch, self._faults, Position(self._offset, self._line, self._record, state))
        self._records, self._lines, self._faults = [], [], []
        return framed

    def _fill(self) -> None:
        first = not self._stream.encoding
        try:
            piece = self._stream.read(_READ_BYTES)
        except ClewError as error:
            self._error = error
            piece = b""
        if first:
            self._offset += self._stream.mark_bytes
        self._ended = not piece
        self._data = self._data[self._at :] + piece
        self._at = 0
        self._next_line_feed = -1

    def _move(self, to: int) -> None:
        """Leave data[at:to] behind, counting its bytes and lines."""
        passed = self._data.count(b"\n", self._at, to)
        self._line += passed
        if self._stream.encoding == "utf-8":
            self._offset += to - self._at
        else:
            self._offset += self._stream.raw_length(self._data[self._at : to])
        if self._loss and len(self._loss.content) < FAULT_CONTENT_BYTES:
            room = FAULT_CONTENT_BYTES - len(self._loss.content)
            self._loss.content += self._data[self._at : min(to, self._at + room)]
        self._at = to

    def _step(self) -> bool:
        """Take one token between records, or one record; False: more data is needed."""
        if self._loss:
            return self._pass_over(self._loss)
        position = _SPACE.match(self._data, self._at).end()  # type: ignore[union-attr] # it also matches nothing
        self._move(position)
        if self._line_records():
            return True
        if len(self._data) - position < _LOOK_AHEAD and not self._ended:
            return False
        if position == len(self._data):
            return False
        byte = self._data[position : position + 1]
        if self._stack.endswith(_WRAPPER):
            self._leave_envelope(byte)
        elif byte == b"{":
            return self._object()
        elif byte in b",[]}":
            self._separator(byte)
            damaged_run = self._last == _DAMAGE and (byte in b"[," or not self._stack)
            run = _RUNS[byte].match(self._data, position) if damaged_run else None
            self._move(run.end() if run else position + 1)
        else:
            self._lose("invalid_json", "this is no JSON object")
        return True

    def _line_records(self) -> int:
        """Take the records that stand one on a line from here on, until something unusual comes; how many it took."""
        data, start, records = self._data, self._at, self._records
        in_array = self._stack.endswith(_ARRAY)
        if self._stack.endswith(_WRAPPER):
            return 0
        before = len(records)
        while data.startswith(b"{", start) and (end := self._line_end(start)) >= 0:
            line = data[start:end].rstrip()
            record = line[:-1].rstrip() if line.endswith(b",") else line
            if (in_array and self._last == _VALUE) or not self._is_plain(record):
                break
            records.append(record)
            self._last = _VALUE if record is line else _COMMA
            start = end + 1
        taken = len(records) - before
        self._lines.extend(range(self._line, self._line + taken))
        self._record += taken
        self._move(start)
        return taken

    def _line_end(self, start: int) -> int:
        """Index of the next line feed, or -1; looked for once, however many records a line has."""
        if self._next_line_feed < start:
            found = self._data.find(b"\n", start)
            self._next_line_feed = found if found >= 0 else len(self._data)
        return self._next_line_feed if self._next_line_feed < len(self._data) else -1

    def _is_plain(self, line: bytes) -> bool:
        """Whether the line is one object beyond doubt, so far as brackets go; cheap, and it may say no to some."""
        openings = line.count(b"{")
        return (
            line.startswith(b"{")
            and line.endswith(b"}")
            and openings == line.count(b"}")
            and openings + line.count(b"[") <= self._limits.max_depth
            and len(line) <= self._limits.max_record_bytes
            and _UNUSUAL.search(line) is None
        )

    def _separator(self, byte: bytes) -> None:
        inside = self._stack.endswith(_ARRAY)
        if byte == b",":
            if self._last in (_START, _COMMA):
                self._broken("a comma without a record before it")
            elif self._last == _VALUE:
                self._last = _COMMA
        elif byte == b"[":
            self._missing_comma()
            if len(self._stack) >= self._limits.max_depth:
                self._broken(f"arrays are nested deeper than {self._limits.max_depth} levels")
                return
            self._stack += _ARRAY
            self._last = _START
        elif byte == b"]" and inside:
            if self._last == _COMMA:
                self._broken("a comma without a record after it")
            self._stack = self._stack[:-1]
            self._last = _VALUE
        else:
            self._broken(f"a closing {byte.decode()} that nothing opened")

    def _missing_comma(self) -> None:
        if self._last == _VALUE and self._stack.endswith(_ARRAY):
            self._broken("the comma between two records is missing")

    def _broken(self, detail: str, reason: str = "broken_separator") -> None:
        """Report damage between records, once until the next sound record."""
        if self._last != _DAMAGE:
            content = self._data[self._at : self._at + 1]
            self._faults.append(self._fault(reason, detail, self._line, self._offset, content, is_record=False))
        self._last = _DAMAGE

    def _object(self) -> bool:
        indent = indent_at(self._data, self._at)
        envelope = self._envelope(indent)
        if envelope:
            self._missing_comma()
            head, end = envelope
            self._stack += _WRAPPER * head + _ARRAY
            self._last = _START
            self._move(end)
            return True
        scan = scan_object(self._data, self._at, indent, self._limits.max_depth, final=self._ended)
        length = scan.end - self._at
        if scan.verdict is Verdict.MORE and not self._ended and length <= self._limits.max_record_bytes:
            return False
        self._missing_comma()
        if scan.verdict is Verdict.WHOLE and length <= self._limits.max_record_bytes:
            self._records.append(self._data[self._at : scan.end])
            self._lines.append(self._line)
            self._record += 1
            self._last = _VALUE
            self._move(scan.end)
        else:
            self._lose_object(scan, length, indent)
        return True

    def _lose_object(self, scan: Scan, length: int, indent: int) -> None:
        if scan.verdict is Verdict.BROKEN:
            same_line = scan.detail == "brackets do not match"
            reason = "truncated_json" if "cut off" in scan.detail else "invalid_json"
            start = scan.end - 1 if scan.detail == "the object is cut off" else scan.end
            self._lose(reason, scan.detail, indent=indent, same_line=same_line, start=start)
        elif scan.verdict is Verdict.DEEP:
            self._lose("too_deep", scan.detail, skipper=ObjectSkipper())
        elif length > self._limits.max_record_bytes:
            detail = f"the object is longer than the {self._limits.max_record_bytes} bytes a record may have"
            self._lose("record_too_long", detail, skipper=ObjectSkipper())
        else:
            self._lose("truncated_json", "the file ends inside the object", start=len(self._data))

    def _lose(
        self,
        reason: str,
        detail: str,
        *,
        skipper: ObjectSkipper | None = None,
        indent: int | None = None,
        same_line: bool = False,
        start: int | None = None,
    ) -> None:
        place = (self._line, self._offset)
        self._loss = _Loss(reason, detail, *place, is_record=True, skipper=skipper, indent=indent, same_line=same_line)
        if start is not None:
            self._move(max(start, self._at))

    def _pass_over(self, loss: _Loss) -> bool:
        """Move on to the end of the broken place; False: it is not in the data yet."""
        if loss.skipper:
            end = loss.skipper.feed(self._data[self._at :] if self._at else self._data)
            found = None if end is None else self._at + end
            keep = len(self._data)
        else:
            found, keep = self._next_object(loss), self._resumable_end()
        if found is None:
            self._move(len(self._data) if self._ended else keep)
            return False
        self._move(found)
        self._close_loss(loss)
        return True

    def _close_loss(self, loss: _Loss) -> None:
        self._loss = None
        content = loss.content.rstrip(b" \t\r\n")
        if loss.reason == "ignored_content" and not re.search(rb"[\[{]", content):
            self._last = _VALUE
            return
        length = self._offset - loss.offset
        fault = FramingFault(
            loss.line, loss.offset, length, loss.reason, loss.detail, content, loss.is_record, self._record
        )
        self._faults.append(fault)
        self._last = _VALUE if loss.skipper else _DAMAGE

    def _next_object(self, loss: _Loss) -> int | None:
        if loss.indent is None:
            match = _ANY_OBJECT.search(self._data, self._at)
            return match.end() if match else None
        found: int | None = None
        for match in _NEW_LINE_OBJECT.finditer(self._data, self._at):
            if len(match[1]) <= loss.indent:
                found = match.end()
                break
        if loss.same_line:
            line_end = self._data.find(b"\n", self._at)
            near = _NEXT_ELEMENT.search(self._data, self._at, line_end if line_end >= 0 else len(self._data))
            return near.end() if near else found
        return found

    def _resumable_end(self) -> int:
        """Up to where data that holds no object start can be dropped, though more may complete one."""
        size = len(self._data)
        line_start = self._data.rfind(b"\n", max(self._at, size - _LOOK_AHEAD))
        return size if line_start < 0 else line_start

    def _envelope(self, indent: int) -> tuple[int, int] | None:
        """How many objects are opened around the records, and the place behind the `[`; None: a record."""
        match = _ENVELOPE.match(self._data, self._at)
        if match is None or match.end() - self._at > _LOOK_AHEAD:
            return None
        head, name = match[1], match[2]
        openings = 1 + len(re.findall(rb":\s*\{", re.sub(_STRING, b"", head)))
        if len(self._stack) + openings >= self._limits.max_depth:
            return None
        inside = bool(self._stack) and _WRAPPER not in self._stack
        if head and (self._record or self._stack):
            return None
        if inside or name[1:-1].decode("utf-8", "replace").lower() not in ENVELOPE_NAMES:
            if head or self._record or self._stack:
                return None
            line_end = self._line_end(self._at)
            line = self._data[self._at : line_end if line_end >= 0 else len(self._data)]
            if scan_object(line, 0, indent, self._limits.max_depth, final=True).verdict is Verdict.WHOLE:
                return None
        return openings, match.end()

    def _leave_envelope(self, byte: bytes) -> None:
        """Behind the array of records inside an envelope: its end, or members that are not looked at."""
        behind = self._data[self._at : self._at + _LOOK_AHEAD]
        if byte == b"}":
            self._move(self._at + 1)
            self._last = _VALUE
        elif re.match(rb',\s*"', behind):
            detail = "only the first list of an envelope is read; this one is ignored"
            place = (self._line, self._offset)
            skipper = ObjectSkipper(depth=1)
            self._loss = _Loss("ignored_content", detail, *place, is_record=False, skipper=skipper)
        else:
            self._broken("the object around the records is not closed")
        self._stack = self._stack[:-1]

    def _finish(self) -> None:
        if self._loss:
            self._move(len(self._data))
            self._close_loss(self._loss)
        if self._stack:
            detail = "the file ends without closing what surrounds the records"
            self._faults.append(self._fault("unclosed_array", detail, self._line, self._offset, b"", is_record=False))

    def _fault(
        self, reason: str, detail: str, line: int, offset: int, content: bytes, *, is_record: bool
    ) -> FramingFault:
        return FramingFault(line, offset, len(content), reason, detail, content, is_record, self._record)
