"""What framing hands over: batches of records, the broken places between them, and where to go on."""

from dataclasses import dataclass
from typing import Final

from clew.ingest.sources.base import RecordBatch
from clew.records.batch import Position

__all__ = ["FAULT_CONTENT_BYTES", "FramedBatch", "FramingFault", "FramingLimits", "Position"]

FAULT_CONTENT_BYTES: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class FramingLimits:
    """Bounds of memory and nesting. All sizes are bytes after decompression."""

    batch_bytes: int = 16 << 20
    max_record_bytes: int = 16 << 20
    max_document_bytes: int = 64 << 20
    max_depth: int = 200


@dataclass(frozen=True, slots=True)
class FramingFault:
    """A broken place.

    `is_record`: a record was lost there, which counts as read and rejected. Otherwise it is damage between records,
    such as a stray separator, and nothing was lost.
    """

    line: int
    offset: int
    length: int
    reason: str  # record_too_long, invalid_json, truncated_json, too_deep, document_too_large: with is_record;
    # broken_separator, unclosed_array, ignored_content: between records
    detail: str
    content: bytes  # the first 64 KiB of it
    is_record: bool
    record: int  # ordinal of the next sound record; several faults may share it, their offsets differ


@dataclass(frozen=True, slots=True)
class FramedBatch:
    """Records, the faults met on the way, and the place after both. `batch.records` may be empty."""

    batch: RecordBatch
    faults: list[FramingFault]
    end: Position
