"""Cuts a stream into lines."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from clew.ingest.frames import FAULT_CONTENT_BYTES, FramedBatch, FramingFault, FramingLimits, Position
from clew.ingest.sources.base import RecordBatch
from clew.ingest.utf8_stream import Utf8Stream
from clew.kernel.errors import ClewError

_READ_BYTES: Final = 4 << 20


def frame_lines(stream: BinaryIO, limits: FramingLimits, start: Position) -> Iterator[FramedBatch]:
    """One record a line, without its end; blank lines are counted as lines but are no records.

    An error of the stream is raised after everything before it was handed over.
    """
    return _LineFramer(stream, limits, start).batches()


class _LineFramer:
    def __init__(self, stream: BinaryIO, limits: FramingLimits, start: Position) -> None:
        self._stream = Utf8Stream(stream, start.state)
        self._limits = limits
        self._offset = start.offset
        self._line = start.line
        self._record = start.record
        self._carry = b""
        self._ended = False
        self._error: ClewError | None = None

    def batches(self) -> Iterator[FramedBatch]:
        while not self._ended:
            yield self._next()  # not kept here: while the consumer works, nothing but its batch is held
        if self._error:
            raise self._error

    def _next(self) -> FramedBatch:
        block = self._block()
        cut = len(block) if self._ended else block.rfind(b"\n") + 1
        if not cut and not self._ended:
            return self._skip_line(block)
        if cut < len(block):
            self._carry, block = block[cut:], block[:cut]
        return self._frame(block)

    def _block(self) -> bytes:
        """The carry and enough more for a batch, or for a whole record where the carry already is a batch."""
        limits = self._limits
        pieces, length = [self._carry], len(self._carry)
        complete = b"\n" in self._carry
        while length < limits.batch_bytes or (not complete and length <= limits.max_record_bytes):
            enough = limits.batch_bytes if length < limits.batch_bytes else limits.max_record_bytes + 1
            piece = self._read(min(_READ_BYTES, enough - length))
            if not piece:
                self._ended = True
                break
            complete = complete or b"\n" in piece
            pieces.append(piece)
            length += len(piece)
        self._carry = b""
        return b"".join(pieces) if len(pieces) > 2 or pieces[0] else pieces[-1]

    def _read(self, size: int) -> bytes:
        first = not self._stream.encoding
        try:
            piece = self._stream.read(size)
        except ClewError as error:
            self._error = error
            return b""
        if first:
            self._offset += self._stream.mark_bytes
        return piece

    def _frame(self, block: bytes) -> FramedBatch:
        size = self._stream.raw_length(block)
        longest = self._limits.max_record_bytes
        check_length = len(block) > longest
        records, blank = _split(block)
        count = len(records)
        lines: Sequence[int] = range(self._line, self._line + count)
        faults: list[FramingFault] = []
        if check_length and max(map(len, records), default=0) > longest:
            faults = self._long_lines(block)
            records = [record if len(record) <= longest else b"" for record in records]
            blank = True
        if blank:
            kept = [(line, record) for line, record in zip(lines, records, strict=True) if record.strip()]
            lines, records = [line for line, _ in kept], [record for _, record in kept]
        batch = RecordBatch(records, lines, self._record)
        self._offset += size
        self._line += count
        self._record += len(records)
        return FramedBatch(batch, faults, self._position())

    def _long_lines(self, block: bytes) -> list[FramingFault]:
        """Faults of the lines in `block` that are longer than a record may be."""
        faults = []
        offset, record = self._offset, self._record
        for number, line in enumerate(_lines_of(block)):
            if len(line.rstrip(b"\r\n")) > self._limits.max_record_bytes:
                faults.append(self._fault(self._line + number, offset, self._stream.raw_length(line), line, record))
            elif line.strip():
                record += 1
            offset += self._stream.raw_length(line)
        return faults

    def _skip_line(self, head: bytes) -> FramedBatch:
        """Pass over a line that is longer than a record may be, without holding it."""
        length = self._stream.raw_length(head)
        while not self._ended:
            piece = self._read(1 << 20)
            if not piece:
                self._ended = True
                break
            end = piece.find(b"\n") + 1
            if end:
                length += self._stream.raw_length(piece[:end])
                self._carry = piece[end:]
                break
            length += self._stream.raw_length(piece)
        fault = self._fault(self._line, self._offset, length, head, self._record)
        self._offset += length
        self._line += 1
        return FramedBatch(RecordBatch([], [], self._record), [fault], self._position())

    def _fault(self, line: int, offset: int, length: int, head: bytes, record: int) -> FramingFault:
        detail = f"the line is {length} bytes long, a record may have {self._limits.max_record_bytes}"
        content = head[:FAULT_CONTENT_BYTES]
        return FramingFault(line, offset, length, "record_too_long", detail, content, is_record=True, record=record)

    def _position(self) -> Position:
        return Position(self._offset, self._line, self._record, self._stream.encoding)


def _split(block: bytes) -> tuple[list[bytes], bool]:
    """Lines without their ends, and whether some of them may be blank."""
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n").removesuffix(b"\r")
    records = block.split(b"\n")
    if not records[-1]:
        records.pop()
    # The least line begins with white space, or is empty, if any line does: one pass, cheaper than looking at each.
    return records, bool(records) and min(records)[:1] <= b" "


def _lines_of(block: bytes) -> Iterator[bytes]:
    """Lines with their ends, cut at line feeds only."""
    start = 0
    while start < len(block):
        end = block.find(b"\n", start) + 1 or len(block)
        yield block[start:end]
        start = end
