"""Where what has arrived of an upload lies: one file for each, named by ids only, appended to and made durable.

What the sender calls the file is never part of a path.
"""

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Self
from uuid import UUID

from clew.kernel.directories import sync_directory
from clew.kernel.errors import ClewError, ConflictError, NotFoundError
from clew.kernel.settings import Settings

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_READ_BYTES: Final = 1 << 20


class StorageFullError(ClewError):
    """There is no room for an upload; what had arrived of it is kept."""

    code: ClassVar[str] = "storage_full"
    exit_code: ClassVar[int] = 9
    transient: ClassVar[bool] = True


class UploadBusyError(ConflictError):
    """Another request is adding to this upload at this moment."""

    code: ClassVar[str] = "upload_busy"
    transient: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Staging:
    """The directory of what has arrived. `keep_free` bytes of its disk are left to others."""

    root: Path
    keep_free: int = 0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The place that the settings name."""
        return cls(settings.data_dir / "uploads", int(settings.upload_keep_free_bytes))

    def path(self, organization_id: UUID, upload_id: UUID) -> Path:
        """Where that upload's bytes are, if there are any."""
        return self.root / str(organization_id) / str(upload_id)

    def require_room(self, wanted: int) -> None:
        """Raises StorageFullError unless so many bytes more fit on the disk."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        free = shutil.disk_usage(self.root).free - self.keep_free
        if wanted > free:
            raise StorageFullError(
                f"{wanted} bytes do not fit on the disk",
                where="uploads",
                remedy="have space freed there, or upload_keep_free_bytes lowered",
            )

    def create(self, organization_id: UUID, upload_id: UUID) -> None:
        """Make the empty file, durably. Raises StorageFullError."""
        path = self.path(organization_id, upload_id)
        with _storage_errors():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            sync_directory(path.parent)
            sync_directory(self.root)

    @contextlib.contextmanager
    def appending(self, organization_id: UUID, upload_id: UUID) -> Iterator["Appender"]:
        """The one who adds to it while the block lasts, over all processes; one that is killed holds nobody up.

        Raises UploadBusyError if there is another one, NotFoundError if there is no such file.
        """
        try:
            descriptor = os.open(self.path(organization_id, upload_id), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFoundError("nothing is kept of this upload any more", where=f"upload {upload_id}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise UploadBusyError(
                "another request is adding to this upload",
                where=f"upload {upload_id}",
                remedy="ask for the offset in a moment, then go on from there",
            ) from None
        try:
            yield Appender(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, organization_id: UUID, upload_id: UUID) -> None:
        """Give up the bytes, if there are any."""
        self.path(organization_id, upload_id).unlink(missing_ok=True)

    def present(self) -> Iterator[tuple[UUID, UUID, float]]:
        """Organization, upload and age (time of the last change) of every file that is there."""
        for folder in self.root.iterdir() if self.root.is_dir() else ():
            for path in folder.iterdir() if folder.is_dir() else ():
                with contextlib.suppress(ValueError, FileNotFoundError):
                    yield UUID(folder.name), UUID(path.name), path.stat().st_mtime


class Appender:
    """Writes to the end of one file that is locked."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def begin_at(self, offset: int) -> None:
        """Give up what lies beyond the offset: it was never acknowledged. Raises StorageFullError if less is there."""
        size = os.fstat(self._descriptor).st_size
        if size < offset:
            raise StorageFullError(f"only {size} of {offset} bytes are on the disk any more", where="uploads")
        os.ftruncate(self._descriptor, offset)
        os.lseek(self._descriptor, offset, os.SEEK_SET)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Add bytes. Raises StorageFullError."""
        view = memoryview(data)
        with _storage_errors():
            while view:
                view = view[os.write(self._descriptor, view) :]

    def sync(self) -> None:
        """Come back when what was added survives a crash of the machine. Raises StorageFullError."""
        with _storage_errors():
            os.fdatasync(self._descriptor)

    def content(self, end: int) -> Iterator[bytes]:
        """What is there, up to that offset, in pieces."""
        position = 0
        while position < end:
            piece = os.pread(self._descriptor, min(_READ_BYTES, end - position), position)
            if not piece:
                raise StorageFullError(f"only {position} of {end} bytes are on the disk any more", where="uploads")
            yield piece
            position += len(piece)


@contextlib.contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFullError(
                "the disk is full", where="uploads", remedy="have space freed, then go on from the offset"
            ) from error
        raise
