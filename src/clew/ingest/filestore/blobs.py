"""Where stored files lie, as the store sees it: names, bytes, and when each was last written. And the disk."""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from clew.ingest.filestore.errors import FileStoreError
from clew.kernel.directories import sync_directory


@dataclass(frozen=True, slots=True)
class Blob:
    """A file: its name, its bytes as they lie there, and when it was written (seconds since 1970)."""

    name: str
    size: int
    written_at: float


class Source(Protocol):
    """An open file, read anywhere. Close it."""

    @property
    def where(self) -> str:
        """For messages."""

    @property
    def size(self) -> int:
        """Bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """These bytes; fewer only at the end. Raises FileStoreError, ReplacedError if the blob is another one now."""

    def close(self) -> None:
        """Let go."""


class Blobs(Protocol):
    """Names are made of a folder and a file, such as `ab/ab….zst`. Safe for any number of processes at once."""

    @property
    def where(self) -> str:
        """The place, for messages."""

    def adopt(self, made: Path, name: str) -> None:
        """Make a finished local file the blob of that name, at once and durably, in the place of what was there.

        The local file is gone afterwards, unless it raises: OSError, FileStoreError.
        """

    def open(self, name: str) -> Source | None:
        """Its bytes; None if there is no such blob. Raises FileStoreError."""

    def list(self) -> Iterator[Blob]:
        """All of them, in any order."""

    def move(self, name: str, target: str) -> bool:
        """Give a blob another name, with the time of now; false if there is none. Nobody sees it under no name."""

    def remove(self, name: str) -> None:
        """Remove one; none of that name is no error."""


@dataclass(frozen=True, slots=True)
class DiskBlobs:
    """Files below a directory."""

    root: Path

    @property
    def where(self) -> str:
        """The directory."""
        return str(self.root)

    def adopt(self, made: Path, name: str) -> None:
        """See `Blobs`: renamed, which is why it has to lie on the same disk."""
        final = self.root / name
        final.parent.mkdir(mode=0o700, exist_ok=True)
        made.replace(final)
        sync_directory(final.parent)
        sync_directory(self.root)

    def open(self, name: str) -> "DiskSource | None":
        """See `Blobs`."""
        try:
            return DiskSource(self.root / name)
        except FileNotFoundError:
            return None

    def list(self) -> Iterator[Blob]:
        """See `Blobs`."""
        if not self.root.is_dir():
            return
        for folder in sorted(self.root.iterdir()):
            if folder.name.startswith(".") or not folder.is_dir():
                continue
            for path in sorted(folder.iterdir()):
                with contextlib.suppress(FileNotFoundError):
                    stated = path.stat()
                    if not path.name.startswith("."):
                        yield Blob(f"{folder.name}/{path.name}", stated.st_size, stated.st_mtime)

    def move(self, name: str, target: str) -> bool:
        """See `Blobs`."""
        now = time.time()
        final = self.root / target
        final.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            os.utime(self.root / name, (now, now))
            (self.root / name).replace(final)
        except FileNotFoundError:
            return False
        sync_directory(final.parent)
        sync_directory((self.root / name).parent)
        return True

    def remove(self, name: str) -> None:
        """See `Blobs`."""
        (self.root / name).unlink(missing_ok=True)


class DiskSource:
    """An open file on disk."""

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self._descriptor).st_size

    def read(self, offset: int, length: int) -> bytes:
        """See `Source`."""
        pieces = []
        try:
            while length > 0 and (piece := os.pread(self._descriptor, length, offset)):
                pieces.append(piece)
                offset += len(piece)
                length -= len(piece)
        except OSError as error:
            raise FileStoreError(f"cannot be read: {error.strerror or error}", where=self.where) from error
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """See `Source`."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
