"""The content-addressed store: what is put in once is found by the SHA-256 of what it holds."""

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from clew.ingest.filestore.blobs import Blob, Blobs, DiskBlobs, Source
from clew.ingest.filestore.errors import FileStoreError, ReplacedError
from clew.ingest.filestore.frames import FRAME_BYTES, read_frames, write_frames
from clew.kernel.errors import NotFoundError

if TYPE_CHECKING:
    from clew.ingest.filestore.keys import KeyRing
    from clew.ingest.filestore.sealing import Sealing

PLAIN: Final = ".zst"
SEALED: Final = ".sealed"
TRASH: Final = "trash"
"""The folder of what nothing refers to: still read, and removed for good only later."""

_TEMPORARY: Final = ".incoming-"
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_COPIED: Final = 8 << 20


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the store: SHA-256 (hex) and size of the uncompressed content, and its name in the store."""

    digest: str
    size: int
    path: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What lies in the store under a digest. `key`: the name of the key that wraps its own; None where it is plain."""

    digest: str
    blob: Blob
    is_sealed: bool

    @property
    def is_trash(self) -> bool:
        """Whether nothing referred to it."""
        return self.blob.name.startswith(f"{TRASH}/")


@dataclass(frozen=True, slots=True)
class FileStore:
    """Content-addressed store. Safe for any number of processes at once.

    `root` is a local directory, in which files are made before they go where `blobs` keeps them; without `blobs` they
    stay below it. With keys, what is put is encrypted.
    """

    root: Path
    keys: "KeyRing | None" = None
    elsewhere: Blobs | None = None

    @property
    def blobs(self) -> Blobs:
        """Where files are kept."""
        return self.elsewhere if self.elsewhere is not None else DiskBlobs(self.root)

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

        Raises NotFoundError if it is not stored, FileStoreError if what is stored is damaged, ConfigurationError if
        its key is not there.
        """
        reader = read_frames(lambda: self._opened(digest), digest)
        reader.seek(offset)
        return reader

    def size(self, digest: str) -> int:
        """Bytes of uncompressed content. Raises as `open` does."""
        with self.open(digest) as reader:
            return reader.seek(0, os.SEEK_END)

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

    def kept(self) -> Iterator[Kept]:
        """Everything in the store."""
        for blob in self.blobs.list():
            folder, _, name = blob.name.partition("/")
            digest, ending = name[:64], name[64:]
            if ending in {PLAIN, SEALED} and is_digest(digest) and folder in {digest[:2], TRASH}:
                yield Kept(digest, blob, ending == SEALED)

    def discard(self, kept: Kept) -> None:
        """Put what nothing refers to into the trash, where it is still found."""
        self.blobs.move(kept.blob.name, f"{TRASH}/{kept.blob.name.partition('/')[2]}")

    def restore(self, kept: Kept) -> None:
        """Take out of the trash what something refers to after all, unless it was stored again meanwhile."""
        name = f"{kept.digest[:2]}/{kept.blob.name.partition('/')[2]}"
        present = self.blobs.open(name)
        if present is not None:
            present.close()
            self.blobs.remove(kept.blob.name)
        else:
            self.blobs.move(kept.blob.name, name)

    def rewrap(self, kept: Kept) -> bool:
        """Have a file's key wrapped by the current one, or a plain file encrypted; whether that was to be done.

        Encrypted content is copied as it is. Raises as `open` does. Without keys nothing is.
        """
        if self.keys is None:
            return False
        from clew.ingest.filestore.sealing import HEADER_BYTES, key_id_of, sealing_of  # noqa: PLC0415  see `_opened`

        if not kept.is_sealed:
            with self.open(kept.digest) as content:
                self.put(content)
            return True
        source = self.blobs.open(kept.blob.name)
        if source is None:
            return False
        with contextlib.closing(source):
            sealing = sealing_of(source, self.keys)
            if key_id_of(sealing.header) == self.keys.current.id:
                return False
            with self._temporary() as (path, target):
                target.write(sealing.rewrapped(self.keys))
                for offset in range(HEADER_BYTES, source.size, _COPIED):
                    target.write(source.read(offset, _COPIED))
                target.flush()
                os.fsync(target.fileno())
                self.blobs.adopt(path, kept.blob.name)
        return True

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
        sealing = None
        if self.keys is not None:
            from clew.ingest.filestore.sealing import Sealing  # noqa: PLC0415  see `_opened`

            sealing = Sealing.new(self.keys)
        with self._temporary() as (path, target):
            digest, size = write_frames(stream, target, sealing)
            target.flush()
            os.fsync(target.fileno())
            name = _name(digest, SEALED if sealing is not None else PLAIN)
            self.blobs.adopt(path, name)
        if sealing is not None:
            self.blobs.remove(_name(digest, PLAIN))  # the same in the clear, from before there was a key
        return StoredFile(digest, size, name)

    @contextlib.contextmanager
    def _temporary(self) -> Iterator[tuple[Path, BinaryIO]]:
        """A local file to be adopted; gone if the block raises. Its lock says that somebody is at it."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self.root / f"{_TEMPORARY}{secrets.token_hex(12)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb", buffering=1 << 20) as target:
                fcntl.flock(target, fcntl.LOCK_EX)
                yield temporary, target
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def _opened(self, digest: str) -> "tuple[Source, Sealing | None]":
        """A stored file, and how it is encrypted."""
        while True:
            source, is_sealed = self._existing(digest)
            if not is_sealed:
                return source, None
            from clew.ingest.filestore.sealing import sealing_of  # noqa: PLC0415  only where something is encrypted

            with contextlib.suppress(ReplacedError):  # between two looks at it
                return source, sealing_of(source, self.keys)

    def _existing(self, digest: str) -> tuple[Source, bool]:
        if not is_digest(digest):
            raise NotFoundError("not a SHA-256 in lower-case hexadecimal", where=digest[:80])
        endings = (SEALED, PLAIN) if self.keys is not None else (PLAIN, SEALED)
        for folder in (digest[:2], TRASH):
            for ending in endings:
                source = self.blobs.open(f"{folder}/{digest}{ending}")
                if source is not None:
                    return source, ending == SEALED
        raise NotFoundError("not in the file store", where=digest)

    def _write_error(self, error: OSError) -> FileStoreError:
        if error.errno in _FULL:
            return FileStoreError(
                "the disk is full, the file was not stored",
                where=str(self.root),
                remedy="free space or move the data directory, then run the same command again",
            )
        return FileStoreError(f"cannot be written: {error.strerror or error}", where=str(self.root))


def is_digest(text: str) -> bool:
    """Whether it is a SHA-256 in lower-case hexadecimal."""
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


def _name(digest: str, ending: str) -> str:
    return f"{digest[:2]}/{digest}{ending}"


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
