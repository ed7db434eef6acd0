"""What a source is: how its files are recognised, cut into records, and turned into facts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import ClassVar, Protocol

from clew.ingest.facts import Facts


class Framing(StrEnum):
    """How a stream is cut into records before the source sees it."""

    LINES = "lines"  # one record a line; blank lines are no records
    JSON_VALUES = "json_values"  # JSON objects: concatenated, or elements of an array at any depth of wrapping
    DOCUMENT = "document"  # the whole file is one record handed over at once; the source numbers its rows itself


class ItemKind(StrEnum):
    """What stands for provenance: the file (logs, each event keeps its line) or each row (tool results)."""

    LOG = "log"
    RESULTS = "results"


@dataclass(frozen=True, slots=True)
class Sample:
    """The start of a file, for recognition: at most 64 KiB, or 1 MiB of a first line that is longer."""

    name: str  # file name without folders and without compression suffix, such as "alice.csv"
    head: bytes
    complete: bool  # whether head is the whole file


@dataclass(frozen=True, slots=True)
class Recognition:
    """A source's claim on a file. The highest confidence wins; equal claims are an error naming both."""

    confidence: float  # 0–1
    framing: Framing
    variant: str  # the source's own name of the shape, such as "csv" or "json-lines"


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Consecutive records of one stream, separators stripped.

    For DOCUMENT framing it holds exactly one record: the whole file.
    """

    records: Sequence[bytes]
    lines: Sequence[int]  # 1-based line where each record starts
    first_record: int  # ordinal of records[0] in the file, from 0


@dataclass(frozen=True, slots=True)
class ReadContext:
    """What a source may know besides the bytes."""

    file_name: str
    variant: str
    timezone: tzinfo | None = None  # --timezone; None: naive times are read as UTC, with a warning
    region: str | None = None  # default region of national phone numbers, ISO 3166 alpha-2
    latest: datetime | None = None  # a later time is a clock's mistake; for sources that sum up spans of time
    options: dict[str, str] = field(default_factory=dict)


class Source(Protocol):
    """One tool's output format. Implementations are stateless; one instance serves every file."""

    name: ClassVar[str]  # what --source takes and what provenance says, such as "cowrie"
    kind: ClassVar[ItemKind]
    reads: ClassVar[str]  # one line for people: tool, versions, shapes, time zone rule
    version: ClassVar[int]  # raised when the same bytes would give other facts

    def recognise(self, sample: Sample) -> Recognition | None:
        """The source's claim on a file, or None. Must not raise, whatever the bytes."""
        ...

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """Facts of the batch. Every record ends in `Facts.records` or `Facts.rejects`; must not raise on bad input."""
        ...
