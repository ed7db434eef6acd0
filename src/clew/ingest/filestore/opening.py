"""The file store that the settings name."""

from typing import TYPE_CHECKING

from clew.ingest.filestore.store import FileStore

if TYPE_CHECKING:
    from clew.kernel.settings import Settings


def file_store(settings: "Settings") -> FileStore:
    """The store, below the data directory or elsewhere, with its keys. Raises ConfigurationError."""
    keys = None
    if settings.files_key_file is not None:
        from clew.ingest.filestore.keys import KeyRing  # noqa: PLC0415  only where there are keys

        keys = KeyRing.read(settings.files_key_file)
    if settings.files_url is None:
        return FileStore(settings.data_dir / "files", keys)
    from clew.ingest.filestore.s3 import S3Blobs  # noqa: PLC0415  loads the client

    return FileStore(settings.data_dir / "files", keys, S3Blobs.of(settings))
