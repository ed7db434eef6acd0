"""The form of stored files: frames of 4 MiB of content, compressed each by itself, and a table of their lengths.

Without encryption that is a plain `.zst` file: independent Zstandard frames, then the seek table of Zstandard's
"seekable format" (a skippable frame), so that `zstd -d` reads it too. With it, see `sealing`.
"""

import hashlib
import io
import struct
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, cast

import zstandard

from clew.ingest.filestore.blobs import Source
from clew.ingest.filestore.errors import FileStoreError, ReplacedError, damaged
from clew.kernel.errors import InputError

if TYPE_CHECKING:
    from clew.ingest.filestore.sealing import Sealing

FRAME_BYTES: Final = 4 << 20
_ATTEMPTS: Final = 5
_SKIPPABLE_MAGIC: Final = 0x184D2A5E
_SEEK_TABLE_MAGIC: Final = 0x8F92EAB1
_HEADER: Final = struct.Struct("<II")  # magic, length of what follows
_ENTRY: Final = struct.Struct("<II")  # compressed, uncompressed size of one frame
_FOOTER: Final = struct.Struct("<IBI")  # number of frames, descriptor, magic


class Target(Protocol):
    """What is written to: it may take less than it is given."""

    def write(self, data: memoryview, /) -> int:
        """Write some of it; how much."""


def write_frames(stream: BinaryIO, target: Target, sealing: "Sealing | None") -> tuple[str, int]:
    """Write the stream's content to the target in one pass; its SHA-256 (hex) and size. Raises InputError, OSError."""
    hasher = hashlib.sha256()
    compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
    sizes: list[tuple[int, int]] = []
    if sealing is not None:
        _write_all(target, sealing.header)
    for block in _blocks(stream):
        hasher.update(block)
        frame = compressor.compress(block)
        if sealing is not None:
            frame = sealing.seal(len(sizes), frame)
        _write_all(target, frame)
        sizes.append((len(frame), len(block)))
    if sealing is not None:
        _write_all(target, sealing.table(sizes, hasher.digest()))
    else:
        table = b"".join(_ENTRY.pack(*each) for each in sizes)
        footer = _FOOTER.pack(len(sizes), 0, _SEEK_TABLE_MAGIC)
        _write_all(target, _HEADER.pack(_SKIPPABLE_MAGIC, len(table) + len(footer)) + table + footer)
    return hasher.hexdigest(), sum(clear for _, clear in sizes)


Opened = Callable[[], "tuple[Source, Sealing | None]"]
"""Opens the stored file, as it is then."""


def read_frames(opened: Opened, digest: str) -> BinaryIO:
    """The content, readable from any byte. Raises FileStoreError if it is damaged, or not that content."""
    reader = io.BufferedReader(_FrameReader(opened, digest), buffer_size=1 << 16)
    return cast("BinaryIO", reader)


class _FrameReader(io.RawIOBase):
    """Reads a stored file as if it were uncompressed, one frame in memory at a time. Closes its source.

    The same content may be stored anew meanwhile, encrypted by another key: then reading goes on in that.
    """

    def __init__(self, opened: Opened, digest: str) -> None:
        super().__init__()
        self._opened = opened
        self._digest = digest
        self._source: Source | None = None
        self._enter()
        self._position = 0
        self._frame = (-1, b"")
        self._decompressor = zstandard.ZstdDecompressor()

    def _enter(self) -> None:
        for attempt in range(_ATTEMPTS):
            source, self._sealing = self._opened()
            try:
                if self._sealing is None:
                    self._starts, self._ends = _plain_table(source)
                else:
                    self._starts, self._ends = _sealed_table(source, self._sealing, self._digest)
            except ReplacedError:
                source.close()
                if attempt == _ATTEMPTS - 1:
                    raise
            except FileStoreError:
                source.close()
                raise
            else:
                self._source = source
                return

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._ends[-1]}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: object) -> int:
        if self._position >= self._ends[-1]:
            return 0
        view = memoryview(cast("bytearray", buffer)).cast("B")
        index = self._position // FRAME_BYTES
        content = self._content(index)
        start = self._position - index * FRAME_BYTES
        piece = memoryview(content)[start : start + len(view)]
        view[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def close(self) -> None:
        if self._source is not None:
            self._source.close()
        super().close()

    def _raw(self, index: int) -> tuple[bytes, str]:
        """A frame as it is stored, and where."""
        for _ in range(_ATTEMPTS):
            source = self._source
            if source is None:
                break
            try:
                return source.read(self._starts[index], self._starts[index + 1] - self._starts[index]), source.where
            except ReplacedError:
                source.close()
                self._enter()
        raise ReplacedError("it is replaced again and again while it is read", where=self._digest)

    def _content(self, index: int) -> bytes:
        if self._frame[0] != index:
            raw, where = self._raw(index)
            if self._sealing is not None:
                raw = self._sealing.open(index, raw, where)
            expected = self._ends[index] - index * FRAME_BYTES
            try:
                content = self._decompressor.decompress(raw, max_output_size=expected)
            except zstandard.ZstdError as error:
                raise damaged(where, f"frame {index}: {error}") from error
            if len(content) != expected:
                raise damaged(where, f"frame {index} has {len(content)} bytes instead of {expected}")
            self._frame = (index, content)
        return self._frame[1]


def _plain_table(source: Source) -> tuple[list[int], list[int]]:
    """Compressed start of each frame (and of the table), uncompressed end of each frame (last: the size)."""
    total, where = source.size, source.where
    if total < _HEADER.size + _FOOTER.size:
        raise damaged(where, "it is cut off")
    footer = source.read(total - _FOOTER.size, _FOOTER.size)
    count, _, magic = _FOOTER.unpack(footer)
    table_start = total - _FOOTER.size - count * _ENTRY.size
    if magic != _SEEK_TABLE_MAGIC or table_start < _HEADER.size:
        raise damaged(where, "its seek table is missing")
    sizes = list(_ENTRY.iter_unpack(source.read(table_start, count * _ENTRY.size)))
    return _places(sizes, 0, table_start - _HEADER.size, where)


def _sealed_table(source: Source, sealing: "Sealing", digest: str) -> tuple[list[int], list[int]]:
    sizes, stored = sealing.read_table(source)
    if stored.hex() != digest:
        raise damaged(source.where, "it is another file's content")
    first = len(sealing.header)
    return _places(sizes, first, first + sum(size for size, _ in sizes), source.where)


def _places(sizes: list[tuple[int, int]], first: int, end: int, where: str) -> tuple[list[int], list[int]]:
    starts, ends = [first], []
    size = 0
    for stored, clear in sizes:
        if size % FRAME_BYTES or not 0 < clear <= FRAME_BYTES:
            raise damaged(where, "its seek table is inconsistent")
        starts.append(starts[-1] + stored)
        size += clear
        ends.append(size)
    if starts[-1] != end:
        raise damaged(where, "its seek table does not fit its length")
    return starts, ends or [0]


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """The stream in pieces of exactly one frame, the last one shorter."""
    pending = bytearray()
    while True:
        try:
            piece = stream.read(FRAME_BYTES - len(pending))
        except OSError as error:
            where = str(getattr(stream, "name", "")) or None
            raise InputError(f"cannot be read further: {error.strerror or error}", where=where) from error
        if not pending and len(piece) == FRAME_BYTES:
            yield piece  # the ordinary case: no copy
            continue
        pending += piece
        if len(pending) == FRAME_BYTES or (pending and not piece):
            yield bytes(pending)
            pending.clear()
        if not piece:
            return


def _write_all(target: Target, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[target.write(view) :]
