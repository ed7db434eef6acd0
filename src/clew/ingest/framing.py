"""Cuts a stream into records in bounded memory, and says where it was broken.

    for framed in frame(stream, Framing.LINES, FramingLimits()):
        facts = source.read(framed.batch, context)
        …                                          # framed.end is where a later run can go on

To go on, open the same content at `end.offset` and pass `start=end`. Records are the same however the stream is
divided into batches.
"""

import io
from collections.abc import Iterator
from typing import BinaryIO, Final

from clew.ingest.frames import FAULT_CONTENT_BYTES, FramedBatch, FramingFault, FramingLimits, Position
from clew.ingest.json_framing import frame_json
from clew.ingest.line_framing import frame_lines
from clew.ingest.sources.base import Framing, RecordBatch, Sample
from clew.ingest.sources.plain_text import as_utf8

__all__ = ["FramedBatch", "FramingFault", "FramingLimits", "Position", "frame", "sample", "sample_of", "up_to"]

SAMPLE_BYTES: Final = 64 << 10
LONGEST_SAMPLED_LINE: Final = 1 << 20
_START: Final = Position()


def frame(
    stream: BinaryIO, framing: Framing, limits: FramingLimits, *, start: Position = _START
) -> Iterator[FramedBatch]:
    """Batches of records of `stream`, which stands at `start.offset`.

    Memory is bounded by `limits.batch_bytes` (or `max_record_bytes`, if that is more), whatever the stream holds: about
    five times that while short lines are cut. The last batch may be empty and ends at the end of the stream. An error
    that the stream raises (a ClewError, such as a truncated archive) is raised again after everything before it was
    handed over.
    """
    match framing:
        case Framing.LINES:
            return frame_lines(stream, limits, start)
        case Framing.JSON_VALUES:
            return frame_json(stream, limits, start)
        case Framing.DOCUMENT:
            return _frame_document(stream, limits, start)


def sample_of(name: str, head: bytes) -> Sample:
    """What `sample` read of the file of that name, as UTF-8, as its records will be."""
    return Sample(name, as_utf8(head), len(head) < SAMPLE_BYTES)


def sample(stream: BinaryIO) -> bytes:
    """The first 64 KiB of a stream, or all of it if it is shorter.

    Where that is not even one line, as much more as its first line needs, but no more than 1 MiB in all.
    """
    head = _read_up_to(stream, SAMPLE_BYTES)
    if len(head) < SAMPLE_BYTES or b"\n" in head:
        return head
    pieces = [head]
    for _ in range(LONGEST_SAMPLED_LINE // SAMPLE_BYTES - 1):
        pieces.append(_read_up_to(stream, SAMPLE_BYTES))
        if len(pieces[-1]) < SAMPLE_BYTES or b"\n" in pieces[-1]:
            break
    return b"".join(pieces)


def up_to(stream: BinaryIO, size: int) -> BinaryIO:
    """The next `size` bytes of a stream as a stream of their own."""
    return io.BytesIO(_read_up_to(stream, size))


def _frame_document(stream: BinaryIO, limits: FramingLimits, start: Position) -> Iterator[FramedBatch]:
    if start.offset:
        return  # the one record was handed over before
    content = _read_up_to(stream, limits.max_document_bytes + 1)
    end = Position(len(content), 1 + content.count(b"\n"), 1)
    if len(content) <= limits.max_document_bytes:
        yield FramedBatch(RecordBatch([as_utf8(content)], [1], 0), [], end)
        return
    detail = f"the file is longer than the {limits.max_document_bytes} bytes that are read at once"
    head = content[:FAULT_CONTENT_BYTES]
    fault = FramingFault(1, 0, len(content), "document_too_large", detail, head, is_record=True, record=0)
    yield FramedBatch(RecordBatch([], [], 0), [fault], Position(end.offset, end.line, 0))


def _read_up_to(stream: BinaryIO, size: int) -> bytes:
    pieces = []
    while size > 0 and (piece := stream.read(min(size, 1 << 20))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
