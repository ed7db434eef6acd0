"""Evidence files, stored once by their content: on disk or in S3-compatible storage, encrypted if there is a key."""

from clew.ingest.filestore.errors import FileStoreError
from clew.ingest.filestore.frames import FRAME_BYTES
from clew.ingest.filestore.opening import file_store
from clew.ingest.filestore.store import FileStore, StoredFile

__all__ = ["FRAME_BYTES", "FileStore", "FileStoreError", "StoredFile", "file_store"]
