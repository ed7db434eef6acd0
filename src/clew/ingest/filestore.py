"""Evidence files, stored once by their content, compressed, and readable from any byte.

A stored file is a plain `.zst` file: independent Zstandard frames of 4 MiB of input each, followed by the seek table
of Zstandard's "seekable format" (a skippable frame), so that `zstd -d` reads it too. Its name is the SHA-256 of the
uncompressed content.
"""

import contextlib
import errno
import fcntl
import hashlib
import io
import os
import secrets
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar, Final, cast

import zstandard

from clew.kernel.directories import sync_directory
from clew.kernel.errors import ClewError, InputError, NotFoundError

FRAME_BYTES: Final = 4 << 20
_TEMPORARY: Final = ".incoming-"
_SKIPPABLE_MAGIC: Final = 0x184D2A5E
_SEEK_TABLE_MAGIC: Final = 0x8F92EAB1
_HEADER: Final = struct.Struct("<II")  # magic, length of what follows
_ENTRY: Final = struct.Struct("<II")  # compressed, uncompressed size of one frame
_FOOTER: Final = struct.Struct("<IBI")  # number of frames, descriptor, magic
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class FileStoreError(ClewError):
    """Evidence could not be stored, or what is stored is damaged; no half file stays."""

    code: ClassVar[str] = "file_store"
    exit_code: ClassVar[int] = 9
    transient: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the store: SHA-256 (hex) and size of the uncompressed content, and the path below the store's root."""

    digest: str
    size: int
    path: str


@dataclass(frozen=True, slots=True)
class FileStore:
    """Content-addressed store below `root`. Safe for any number of processes at once."""

    root: Path

    def put(self, stream: BinaryIO) -> StoredFile:
        """Store everything `stream` yields, in one pass and bounded memory.

        Content that is stored already is written afresh, which also heals a damaged copy. Errors of the stream pass
        through; FileStoreError where the disk is full or cannot be written. Neither leaves anything behind.
        """
        try:
            return self._put(stream)
        except OSError as error:
            raise self._write_error(error) from error

    def open(self, digest: str, offset: int = 0) -> BinaryIO:
        """Uncompressed content from byte `offset` on; an offset beyond the end reads nothing.

        Raises NotFoundError if it is not stored, FileStoreError if what is stored is damaged.
        """
        reader = io.BufferedReader(_FrameReader(self._existing(digest)), buffer_size=1 << 16)
        reader.seek(offset)
        return cast("BinaryIO", reader)

    def size(self, digest: str) -> int:
        """Bytes of uncompressed content. Raises as `open` does."""
        with self.open(digest) as reader:
            return reader.seek(0, io.SEEK_END)

    def verify(self, digest: str) -> bool:
        """Whether the stored bytes still are what their name says. Raises NotFoundError if they are not stored."""
        hasher = hashlib.sha256()
        try:
            with self.open(digest) as reader:
                while piece := reader.read(FRAME_BYTES):
                    hasher.update(piece)
        except FileStoreError:
            return False
        return hasher.hexdigest() == digest

    def sweep(self, minimum_age_seconds: float = 60.0) -> int:
        """Remove what crashed writers left behind, and say how many files that were.

        Files that a living writer holds its lock on, or that are younger than the age, stay.
        """
        removed = 0
        for path in self.root.glob(f"{_TEMPORARY}*"):
            with contextlib.suppress(FileNotFoundError):
                removed += _remove_if_abandoned(path, minimum_age_seconds)
        return removed

    def _put(self, stream: BinaryIO) -> StoredFile:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self.root / f"{_TEMPORARY}{secrets.token_hex(12)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as target:
                fcntl.flock(target, fcntl.LOCK_EX)
                digest, size = _compress(stream, target)
                os.fsync(target.fileno())
                final = self._path(digest)
                final.parent.mkdir(mode=0o700, exist_ok=True)
                temporary.replace(final)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_directory(final.parent)
        sync_directory(self.root)
        return StoredFile(digest, size, str(final.relative_to(self.root)))

    def _path(self, digest: str) -> Path:
        return self.root / digest[:2] / f"{digest}.zst"

    def _existing(self, digest: str) -> Path:
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise NotFoundError("not a SHA-256 in lower-case hexadecimal", where=digest[:80])
        return self._path(digest)

    def _write_error(self, error: OSError) -> FileStoreError:
        if error.errno in _FULL:
            return FileStoreError(
                "the disk is full, the file was not stored",
                where=str(self.root),
                remedy="free space or move the data directory, then run the same command again",
            )
        return FileStoreError(f"cannot be written: {error.strerror or error}", where=str(self.root))


def _compress(stream: BinaryIO, target: io.FileIO) -> tuple[str, int]:
    hasher = hashlib.sha256()
    compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
    table = bytearray()
    size = 0
    for block in _blocks(stream):
        hasher.update(block)
        frame = compressor.compress(block)
        _write_all(target, frame)
        table += _ENTRY.pack(len(frame), len(block))
        size += len(block)
    footer = _FOOTER.pack(len(table) // _ENTRY.size, 0, _SEEK_TABLE_MAGIC)
    _write_all(target, _HEADER.pack(_SKIPPABLE_MAGIC, len(table) + len(footer)) + table + footer)
    return hasher.hexdigest(), size


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


def _write_all(target: io.FileIO, data: bytes | bytearray) -> None:
    view = memoryview(data)
    while view:
        view = view[target.write(view) :]


def _remove_if_abandoned(path: Path, minimum_age_seconds: float) -> bool:
    with path.open("rb") as candidate:
        if time.time() - os.fstat(candidate.fileno()).st_mtime < minimum_age_seconds:
            return False
        try:
            fcntl.flock(candidate, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        path.unlink()
    return True


class _FrameReader(io.RawIOBase):
    """Reads a stored file as if it were uncompressed, one frame in memory at a time."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._where = str(path)
        try:
            self._file = path.open("rb")
        except FileNotFoundError:
            raise NotFoundError("not in the file store", where=path.stem) from None
        try:
            self._starts, self._ends = self._read_table()
        except FileStoreError:
            self._file.close()
            raise
        self._position = 0
        self._frame = (-1, b"")
        self._decompressor = zstandard.ZstdDecompressor()

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
        self._file.close()
        super().close()

    def _content(self, index: int) -> bytes:
        if self._frame[0] != index:
            self._file.seek(self._starts[index])
            raw = self._file.read(self._starts[index + 1] - self._starts[index])
            expected = self._ends[index] - index * FRAME_BYTES
            try:
                content = self._decompressor.decompress(raw, max_output_size=expected)
            except zstandard.ZstdError as error:
                raise self._damaged(f"frame {index}: {error}") from error
            if len(content) != expected:
                raise self._damaged(f"frame {index} has {len(content)} bytes instead of {expected}")
            self._frame = (index, content)
        return self._frame[1]

    def _read_table(self) -> tuple[list[int], list[int]]:
        """Compressed start of each frame (and of the table), uncompressed end of each frame (last: the size)."""
        total = self._file.seek(0, io.SEEK_END)
        if total < _HEADER.size + _FOOTER.size:
            raise self._damaged("it is cut off")
        self._file.seek(total - _FOOTER.size)
        count, _, magic = _FOOTER.unpack(self._file.read(_FOOTER.size))
        table_start = total - _FOOTER.size - count * _ENTRY.size
        if magic != _SEEK_TABLE_MAGIC or table_start < _HEADER.size:
            raise self._damaged("its seek table is missing")
        self._file.seek(table_start)
        starts, ends = [0], []
        size = 0
        for compressed, uncompressed in _ENTRY.iter_unpack(self._file.read(count * _ENTRY.size)):
            if size % FRAME_BYTES or not 0 < uncompressed <= FRAME_BYTES:
                raise self._damaged("its seek table is inconsistent")
            starts.append(starts[-1] + compressed)
            size += uncompressed
            ends.append(size)
        if starts[-1] != table_start - _HEADER.size:
            raise self._damaged("its seek table does not fit its length")
        return starts, ends or [0]

    def _damaged(self, detail: str) -> FileStoreError:
        return FileStoreError(
            f"the stored file is damaged: {detail}", where=self._where, remedy="load the original file again"
        )
