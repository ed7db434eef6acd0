"""Stored files in S3-compatible storage, by `obstore`: retried with jitter, in bounded time, verified by TLS."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, PreconditionError, UnauthenticatedError
from obstore.exceptions import NotFoundError as MissingError
from obstore.store import S3Store

from clew.ingest.filestore.blobs import Blob
from clew.ingest.filestore.errors import FileStoreError, ReplacedError
from clew.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from obstore import GetOptions

    from clew.kernel.settings import Settings

Given = TypeVar("Given")

_PART_BYTES: Final = 16 << 20
_AT_ONCE: Final = 4
_RETRIES: Final = 5
_CONNECT_SECONDS: Final = 5
_COPIED_BY_SERVER: Final = 4 << 30  # S3 itself copies up to 5 GiB in one go
_REMEDY: Final = "look whether the storage answers and what it says: `clew doctor`"


class S3Blobs:
    """Objects of a bucket below a prefix. Usable from several threads."""

    def __init__(self, store: S3Store, where: str) -> None:
        self._store = store
        self.where = where

    @classmethod
    def of(cls, settings: "Settings") -> "S3Blobs":
        """The storage that the settings name. Raises ConfigurationError."""
        bucket, _, prefix = str(settings.files_url).removeprefix("s3://").partition("/")
        options: dict[str, Any] = {"region": settings.files_region, "virtual_hosted_style_request": False}
        if settings.files_endpoint is not None:
            options["endpoint"] = settings.files_endpoint.rstrip("/")
        if (settings.files_access_key is None) != (settings.files_secret_key is None):
            raise ConfigurationError(
                "access key and secret key belong together",
                where="CLEW_FILES_ACCESS_KEY, CLEW_FILES_SECRET_KEY",
                remedy="set both, or neither to use the machine's own role",
            )
        if settings.files_access_key is not None and settings.files_secret_key is not None:
            options["access_key_id"] = settings.files_access_key
            options["secret_access_key"] = settings.files_secret_key.get_secret_value()
        plain = (settings.files_endpoint or "").startswith("http://")
        store = S3Store(
            bucket,
            prefix=prefix.strip("/") or None,
            client_options={
                "allow_http": plain,
                "timeout": timedelta(seconds=settings.files_timeout_seconds),
                "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
            },
            retry_config={
                "max_retries": _RETRIES,
                "retry_timeout": timedelta(seconds=settings.files_timeout_seconds),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=100),
                    "max_backoff": timedelta(seconds=5),
                    "base": 2,
                },
            },
            **options,
        )
        place = settings.files_endpoint or f"S3 in {settings.files_region}"
        return cls(store, f"{place.rstrip('/')}/{bucket}/{prefix.strip('/')}".rstrip("/"))

    def adopt(self, made: Path, name: str) -> None:
        """See `Blobs`: sent in parts, and seen only when all of them have arrived."""
        self._do(lambda: obstore.put(self._store, name, made, chunk_size=_PART_BYTES, max_concurrency=_AT_ONCE), name)
        made.unlink()

    def open(self, name: str) -> "S3Source | None":
        """See `Blobs`."""
        with contextlib.suppress(MissingError):
            told = self._do(lambda: obstore.head(self._store, name), name)
            return S3Source(self, name, int(told["size"]), told.get("e_tag"))
        return None

    def list(self) -> Iterator[Blob]:
        """See `Blobs`."""
        pages = self._do(lambda: obstore.list(self._store, chunk_size=1000), "")
        while some := self._do(lambda: next(pages, None), ""):
            for each in some:
                yield Blob(str(each["path"]), int(each["size"]), each["last_modified"].timestamp())

    def move(self, name: str, target: str) -> bool:
        """See `Blobs`: copied, then removed."""
        try:
            size = int(self._do(lambda: obstore.head(self._store, name), name)["size"])
            if size < _COPIED_BY_SERVER:
                self._do(lambda: obstore.copy(self._store, name, target), name)
            else:
                self._do(lambda: self._copy_through(name, target), name)
        except MissingError:
            return False
        self.remove(name)
        return True

    def remove(self, name: str) -> None:
        """See `Blobs`."""
        with contextlib.suppress(MissingError):
            self._do(lambda: obstore.delete(self._store, name), name)

    def read(self, name: str, tag: str | None, offset: int, length: int) -> bytes:
        """A piece of an object with that tag. Raises ReplacedError if it has another one, or is gone."""
        options: GetOptions = {"range": (offset, offset + length)}
        if tag is not None:
            options["if_match"] = tag
        try:
            return bytes(self._do(lambda: obstore.get(self._store, name, options=options).bytes(), name))
        except (MissingError, PreconditionError) as error:
            raise ReplacedError("it was replaced while it was read", where=f"{self.where}/{name}") from error

    def _copy_through(self, name: str, target: str) -> None:
        content = obstore.get(self._store, name).stream(min_chunk_size=_PART_BYTES)
        obstore.put(self._store, target, content, chunk_size=_PART_BYTES, max_concurrency=_AT_ONCE)

    def _do(self, work: Callable[[], Given], name: str) -> Given:
        """What the work gives. Raises FileStoreError, ConfigurationError; what is not there passes as MissingError."""
        where = f"{self.where}/{name}".rstrip("/")
        try:
            return work()
        except PreconditionError:
            raise
        except (MissingError, FileNotFoundError) as error:
            raise MissingError(where) from error
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise ConfigurationError(
                "the storage refuses this access key",
                where=where,
                remedy="correct CLEW_FILES_ACCESS_KEY and its secret key, or let it read, write, list and delete",
            ) from error
        except (BaseError, OSError) as error:
            raise FileStoreError(f"the storage does not do it: {_said(error)}", where=where, remedy=_REMEDY) from error


class S3Source:
    """An object, read in pieces."""

    def __init__(self, blobs: S3Blobs, name: str, size: int, tag: str | None) -> None:
        self._blobs = blobs
        self._tag = tag
        self._name = name
        self.size = size
        self.where = f"{blobs.where}/{name}"

    def read(self, offset: int, length: int) -> bytes:
        """See `Source`."""
        count = min(length, self.size - offset)
        return self._blobs.read(self._name, self._tag, offset, count) if count > 0 else b""

    def close(self) -> None:
        """Nothing is held."""


def _said(error: Exception) -> str:
    """The library's words in one line, without its debugging form."""
    return " ".join(str(error).partition("Debug source")[0].split())[:300]
