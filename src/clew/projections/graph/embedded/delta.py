"""What changed since the bulk was written: a file of frames, one for each commit, each whole or not there at all.

A frame is its length and digest, then a JSON object: for each part the documents put and the ids removed. A frame that
was cut off by a crash is not seen by readers, and is cut away by the next writer.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import orjson

from clew.kernel.directories import PRIVATE_FILE
from clew.projections.graph.port import Document, Part

_HEADER: Final = struct.Struct("<Q8s")
NAME: Final = "delta"


@dataclass(slots=True)
class Changes:
    """The last word on some rows: documents by id, or None for those that are gone."""

    rows: dict[Part, dict[str, Document | None]] = field(default_factory=lambda: {part: {} for part in Part})

    def __len__(self) -> int:
        """How many rows."""
        return sum(map(len, self.rows.values()))

    def add(self, other: "Changes") -> None:
        """Let another's word come after."""
        for part in Part:
            self.rows[part] |= other.rows[part]

    def copied(self) -> "Changes":
        """The same, to be added to."""
        return Changes({part: dict(rows) for part, rows in self.rows.items()})


def append(directory: Path, changes: Changes) -> None:
    """Add a frame, durably. What an earlier writer left unfinished is cut away first."""
    body = orjson.dumps({part.value: list(rows.items()) for part, rows in changes.rows.items()})
    descriptor = os.open(directory / NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, PRIVATE_FILE)
    with os.fdopen(descriptor, "r+b") as file:
        end = max((end for end, _ in _frames(file)), default=0)
        file.truncate(end)
        file.seek(end)
        file.write(_HEADER.pack(len(body), _digest(body)) + body)
        file.flush()
        os.fsync(file.fileno())


def read(directory: Path, since: int = 0) -> tuple[Changes, int]:
    """What the frames from that byte on say together, and where the last whole one ends."""
    changes, end = Changes(), since
    try:
        file = (directory / NAME).open("rb")
    except FileNotFoundError:
        return changes, end
    with file:
        for reached, body in _frames(file, since):
            end = reached
            told = orjson.loads(body)
            for part in Part:
                changes.rows[part] |= dict(told[part.value])
    return changes, end


def size(directory: Path) -> int:
    """Bytes in the file, whole or not."""
    try:
        return (directory / NAME).stat().st_size
    except FileNotFoundError:
        return 0


def _frames(file: Any, since: int = 0) -> Iterator[tuple[int, bytes]]:
    """Where each whole frame ends, and what it says."""
    file.seek(since)
    end = since
    while len(header := file.read(_HEADER.size)) == _HEADER.size:
        length, digest = _HEADER.unpack(header)
        body = file.read(min(length, 1 << 40))
        if len(body) != length or _digest(body) != digest:
            return
        end += _HEADER.size + length
        yield end, body


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=8).digest()
