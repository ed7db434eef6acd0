"""What the rest of the program asks of uploads: begin one, look at it, give it up. Receiving is in `reception`.

Everything takes a connection inside a tenant's transaction and commits nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

import sqlalchemy as sa

from clew.domains.uploads.options import ReadingOptions, checked, plain_name
from clew.domains.uploads.staging import Staging
from clew.domains.uploads.tables import uploads
from clew.kernel.clock import Clock, system_clock
from clew.kernel.errors import ConflictError, InputError, LimitError, NotFoundError
from clew.kernel.ids import IdMaker, new_id
from clew.kernel.settings import Settings
from clew.records.acts import Act, record

MAXIMUM_LISTED: Final = 200
_RETRY_SECONDS: Final = 60


class TooLargeError(InputError):
    """What is sent is larger than is taken."""

    code: ClassVar[str] = "too_large"


@dataclass(frozen=True, slots=True)
class NewUpload:
    """A file that somebody is going to send. `size` in bytes, if it is known; digests in hexadecimal by algorithm."""

    file_name: str | None
    size: int | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    options: ReadingOptions = field(default_factory=ReadingOptions)


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload as it stands: the first `received_bytes` bytes have arrived, and are safe."""

    id: UUID
    user_id: UUID | None
    file_name: str
    status: str
    size_bytes: int | None
    received_bytes: int
    sha256: str | None
    expected_digests: Mapping[str, str]
    options: Mapping[str, Any]
    job_id: UUID | None
    is_kept: bool
    expires_at: datetime
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        hidden = {"expected_digests", "is_kept"}
        plain = {name: getattr(self, name) for name in self.__slots__ if name not in hidden}
        return {
            name: str(value) if isinstance(value, UUID) else value.isoformat() if isinstance(value, datetime) else value
            for name, value in plain.items()
        }


def create_upload(
    connection: sa.Connection,
    organization_id: UUID,
    new: NewUpload,
    *,
    settings: Settings,
    ids: IdMaker = new_id,
    clock: Clock = system_clock,
) -> Upload:
    """Begin an upload. Raises InputError for options that are none, TooLargeError, LimitError, StorageFullError."""
    options = checked(new.options)
    require_size(new.size, settings)
    staging = Staging.of(settings)
    staging.require_room(new.size or 0)
    _require_few(connection, organization_id, settings.upload_maximum_open)
    identifier = ids()
    staging.create(organization_id, identifier)
    user = sa.func.nullif(sa.func.current_setting("app.current_user_id", True), "").cast(sa.Uuid)  # noqa: FBT003
    made = Upload(
        *connection.execute(
            sa.insert(uploads)
            .values(
                organization_id=organization_id,
                id=identifier,
                user_id=user,
                file_name=plain_name(new.file_name),
                size_bytes=new.size,
                expected_digests=dict(new.digests),
                options=options.as_dict(),
                expires_at=expiry(settings, clock),
            )
            .returning(*COLUMNS)
        ).one()
    )
    request = {"size_bytes": made.size_bytes, "source": options.source, "case": options.case}
    record(connection, Act("upload_started", "CREATE", "upload", made.id, made.file_name, request=request))
    return made


def find_upload(connection: sa.Connection, organization_id: UUID, upload_id: UUID, *, lock: bool = False) -> Upload:
    """The upload; with `lock`, nobody else changes its row meanwhile. Raises NotFoundError."""
    query = sa.select(*COLUMNS).where(uploads.c.organization_id == organization_id, uploads.c.id == upload_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFoundError("no such upload", where=f"upload {upload_id}")
    return Upload(*row)


def list_uploads(
    connection: sa.Connection,
    organization_id: UUID,
    *,
    status: str | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> Sequence[Upload]:
    """Uploads, newest first; with `before`, those older than that one."""
    query = sa.select(*COLUMNS).where(uploads.c.organization_id == organization_id)
    if status is not None:
        query = query.where(uploads.c.status == status)
    if before is not None:
        query = query.where(uploads.c.id < before)  # ids are in the order of time
    rows = connection.execute(query.order_by(uploads.c.id.desc()).limit(min(limit, MAXIMUM_LISTED)))
    return [Upload(*row) for row in rows]


def cancel_upload(connection: sa.Connection, organization_id: UUID, upload_id: UUID) -> Upload:
    """Give an unfinished upload up; the sweeper removes what had arrived. One that is given up stays so.

    Raises NotFoundError, ConflictError if it is completed: then it is its job that can be cancelled.
    """
    upload = find_upload(connection, organization_id, upload_id, lock=True)
    if upload.status == "completed":
        raise ConflictError(
            "this upload is completed", where=f"upload {upload_id}", remedy=f"cancel its job {upload.job_id}"
        )
    if upload.status != "receiving":
        return upload
    record(connection, Act("upload_cancelled", "DELETE", "upload", upload.id, upload.file_name))
    return change_upload(connection, organization_id, upload_id, status="cancelled")


def change_upload(connection: sa.Connection, organization_id: UUID, upload_id: UUID, **values: Any) -> Upload:
    """Write columns of its row."""
    changing = (
        sa.update(uploads)
        .where(uploads.c.organization_id == organization_id, uploads.c.id == upload_id)
        .values(updated_at=sa.func.now(), **values)
        .returning(*COLUMNS)
    )
    return Upload(*connection.execute(changing).one())


def require_size(size: int | None, settings: Settings) -> None:
    """Raises TooLargeError if a file of so many bytes is not taken."""
    if size is not None and size > settings.upload_maximum_bytes:
        raise TooLargeError(
            f"a file may have {int(settings.upload_maximum_bytes)} bytes at most",
            where="upload",
            remedy="split it, or have upload_maximum_bytes raised",
        )


def expiry(settings: Settings, clock: Clock = system_clock) -> datetime:
    """When an upload that is touched now is given up."""
    return clock() + timedelta(hours=settings.upload_expiry_hours)


COLUMNS: Final = tuple(uploads.c[name] for name in Upload.__slots__)


def _require_few(connection: sa.Connection, organization_id: UUID, allowed: int) -> None:
    count = connection.scalar(
        sa.select(sa.func.count())
        .select_from(uploads)
        .where(uploads.c.organization_id == organization_id, uploads.c.status == "receiving")
    )
    if count is not None and count >= allowed:
        raise LimitError(
            f"{count} uploads are unfinished",
            retry_after=_RETRY_SECONDS,
            where="uploads",
            remedy="finish or cancel some of them",
        )
