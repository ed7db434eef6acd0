"""Receiving an upload: bytes are added at an offset, made durable, and only then acknowledged.

What is acknowledged is the offset in the upload's row. It is written after the bytes below it are on the disk, every
few megabytes and at the end of a request, however that ends. What lies beyond it in the file was promised to nobody
and is cut off when the next request begins.
"""

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import ClassVar, Final, Self
from uuid import UUID

import sqlalchemy as sa

from clew.domains.jobs.service import NewJob, enqueue
from clew.domains.uploads.digests import Digester, DigestError
from clew.domains.uploads.service import Upload, change_upload, expiry, find_upload, require_size
from clew.domains.uploads.staging import Appender, Staging
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database, TenantContext
from clew.kernel.errors import ConflictError, InputError
from clew.records.acts import Act, record

CHECKPOINT_BYTES: Final = 16 << 20
CHECKPOINT_SECONDS: Final = 2.0
_REMEMBERED: Final = 256


class OffsetError(ConflictError):
    """Bytes for another place in the file than the one where it goes on. `expected` is that offset."""

    code: ClassVar[str] = "mismatching_upload_offset"

    def __init__(self, expected: int, given: int, where: str) -> None:
        super().__init__(
            f"this upload goes on at byte {expected}, not at {given}", where=where, remedy="send what follows that byte"
        )
        self.expected = expected
        self.given = given


class UploadOverError(InputError):
    """This upload takes no more bytes."""

    code: ClassVar[str] = "completed_upload"


class LengthError(InputError):
    """The lengths that were given for this upload contradict each other, or what was sent."""

    code: ClassVar[str] = "inconsistent_upload_length"


class Digests:
    """Digests of what has arrived so far, kept between the requests of an upload so that its end need not read it all.

    They are only a shortcut: where one is not remembered, it is computed anew from the disk.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._kept: OrderedDict[UUID, Digester] = OrderedDict()

    def take(self, upload_id: UUID, offset: int) -> Digester | None:
        """That of the upload, if it is of exactly its first `offset` bytes."""
        with self._guard:
            kept = self._kept.pop(upload_id, None)
        return kept if kept is not None and kept.size == offset else None

    def put(self, upload_id: UUID, digester: Digester) -> None:
        """Remember it."""
        with self._guard:
            self._kept[upload_id] = digester
            while len(self._kept) > _REMEMBERED:
                self._kept.popitem(last=False)


Settle = Callable[[sa.Connection, Upload], None]


class Reception:
    """One request's part of an upload, while the block lasts; nobody else adds to it meanwhile.

    However the block ends, what `add` was given is kept and acknowledged (but see `finish`). Raises NotFoundError,
    UploadBusyError, UploadOverError, OffsetError, LengthError, TooLargeError.
    """

    def __init__(
        self,
        database: Database,
        context: TenantContext,
        upload_id: UUID,
        *,
        offset: int,
        length: int | None = None,
        content_digests: Mapping[str, str] | None = None,
        repr_digests: Mapping[str, str] | None = None,
        digests: Digests | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self._database = database
        self._settings = database.settings
        self._context = context
        self._id = upload_id
        self._where = f"upload {upload_id}"
        self._start = offset
        self._length = length
        self._content_digests = dict(content_digests or {})
        self._content = Digester(self._content_digests)
        self._repr_digests = dict(repr_digests or {})
        self._digests = digests or Digests()
        self._clock = clock
        self._staging = Staging.of(database.settings)

    def __enter__(self) -> Self:
        self._holding = self._staging.appending(self._context.organization_id, self._id)
        self._appender: Appender = self._holding.__enter__()
        try:
            self._begin()
        except BaseException:
            self._holding.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not self._over:
                self._checkpoint()
                self._remember()
        finally:
            self._holding.__exit__(None, None, None)

    @property
    def offset(self) -> int:
        """Where the next byte goes."""
        return self._offset

    @property
    def room(self) -> int | None:
        """How many bytes more are wanted; None if nobody knows."""
        return None if self._size is None else self._size - self._offset

    def add(self, data: bytes | bytearray | memoryview) -> None:
        """Take more bytes. Raises LengthError or TooLargeError, having kept what fits, and StorageFullError."""
        limit = int(self._settings.upload_maximum_bytes) if self._size is None else self._size
        fitting = memoryview(data)[: max(limit - self._offset, 0)]
        self._appender.write(fitting)
        self._offset += len(fitting)
        self._content.update(fitting)
        if self._whole is not None:
            self._whole.update(fitting)
        if len(fitting) < len(data):
            require_size(self._offset + len(data) - len(fitting), self._settings)
            raise LengthError(f"more was sent than the {self._size} bytes that were announced", where=self._where)
        waiting = self._offset - self._acknowledged
        late = time.monotonic() - self._checked_at >= CHECKPOINT_SECONDS
        if waiting >= CHECKPOINT_BYTES or (waiting and late):
            self._staging.require_room(0)
            self._checkpoint()

    def finish(self, *, complete: bool, settle: Settle = lambda _connection, _upload: None) -> Upload:
        """Acknowledge everything; `complete`: this is the whole file, and the job that loads it is enqueued with that.

        `settle` is then called with the upload in that same transaction, and if it raises nothing was completed. Raises
        DigestError (what this request sent is given up if its own digest is wrong), LengthError.
        """
        try:
            self._content.require(self._content_digests, self._where)
        except DigestError:
            self._give_up_content()
            raise
        if not complete:
            self._checkpoint()
            with self._transaction() as connection:
                return find_upload(connection, self._context.organization_id, self._id)
        if self._size is not None and self._offset != self._size:
            raise LengthError(
                f"{self._offset} bytes have arrived, and {self._size} were announced",
                where=self._where,
                remedy="go on from the offset",
            )
        self._appender.sync()
        whole = self._checked_whole()
        with self._transaction() as connection:
            upload = self._complete(connection, whole.sha256)
            settle(connection, upload)
        self._over = True
        return upload

    def _begin(self) -> None:
        with self._transaction() as connection:
            upload = find_upload(connection, self._context.organization_id, self._id, lock=True)
            if upload.status != "receiving":
                raise UploadOverError(
                    f"this upload is {upload.status}", where=self._where, remedy="begin another one for more"
                )
            if upload.received_bytes != self._start:
                raise OffsetError(upload.received_bytes, self._start, self._where)
            self._size = self._agreed_size(upload)
        self._expected = dict(upload.expected_digests) | self._repr_digests
        for name, digest in upload.expected_digests.items():
            if self._expected[name] != digest:
                raise DigestError("this is another digest than the one given before", where=self._where)
        self._appender.begin_at(self._start)
        self._offset = self._acknowledged = self._start
        self._checked_at = time.monotonic()
        self._over = False
        whole = Digester(self._expected) if not self._start else self._digests.take(self._id, self._start)
        self._whole = whole if whole is not None and whole.knows(self._expected) else None

    def _agreed_size(self, upload: Upload) -> int | None:
        size = upload.size_bytes
        if self._length is None:
            return size
        if (size is not None and size != self._length) or self._length < upload.received_bytes:
            raise LengthError(
                f"{self._length} bytes contradict what is known of this upload",
                where=self._where,
                remedy="give the size of the whole file, or none",
            )
        require_size(self._length, self._settings)
        self._staging.require_room(self._length - upload.received_bytes)
        return self._length

    def _checkpoint(self) -> None:
        """Make what has arrived durable, then acknowledge it."""
        self._checked_at = time.monotonic()
        self._appender.sync()
        self._acknowledge(self._offset)

    def _acknowledge(self, offset: int) -> None:
        with self._transaction() as connection:
            upload = find_upload(connection, self._context.organization_id, self._id, lock=True)
            if upload.status != "receiving":
                self._over = True
                raise UploadOverError(f"this upload was {upload.status} meanwhile", where=self._where)
            change_upload(
                connection,
                self._context.organization_id,
                self._id,
                received_bytes=offset,
                size_bytes=self._size,
                expires_at=expiry(self._settings, self._clock),
            )
        self._acknowledged = offset

    def _give_up_content(self) -> None:
        """What this request brought is not what it should be: back to where it began."""
        self._appender.begin_at(self._start)
        self._offset = self._start
        self._whole = None
        self._acknowledge(self._start)

    def _checked_whole(self) -> Digester:
        whole = self._whole
        if whole is None:
            whole = Digester(self._expected)
            for piece in self._appender.content(self._offset):
                whole.update(piece)
            self._whole = whole
        whole.require(self._expected, self._where)
        return whole

    def _complete(self, connection: sa.Connection, sha256: str) -> Upload:
        organization = self._context.organization_id
        upload = find_upload(connection, organization, self._id, lock=True)
        if upload.status != "receiving":
            self._over = True
            raise UploadOverError(f"this upload was {upload.status} meanwhile", where=self._where)
        parameters = {"upload_id": str(upload.id), "file_name": upload.file_name, **upload.options}
        job = enqueue(connection, organization, NewJob("ingest", parameters))
        response = {"bytes": self._offset, "sha256": sha256, "job_id": str(job.id)}
        act = Act("upload_completed", "UPDATE", "upload", upload.id, upload.file_name, response=response)
        record(connection, act)
        return change_upload(
            connection,
            organization,
            self._id,
            status="completed",
            received_bytes=self._offset,
            size_bytes=self._offset,
            sha256=sha256,
            job_id=job.id,
            completed_at=self._clock(),
            expires_at=expiry(self._settings, self._clock),
        )

    def _remember(self) -> None:
        if self._whole is not None:
            self._digests.put(self._id, self._whole)

    def _transaction(self) -> contextlib.AbstractContextManager[sa.Connection]:
        return self._database.transaction(self._context)
