"""What can go wrong with stored files."""

from typing import ClassVar

from clew.kernel.errors import ClewError


class FileStoreError(ClewError):
    """Evidence could not be stored, or what is stored is damaged; no half file stays."""

    code: ClassVar[str] = "file_store"
    exit_code: ClassVar[int] = 9
    transient: ClassVar[bool] = True


class ReplacedError(FileStoreError):
    """Other bytes are stored under the same name since: whoever reads has to begin with them."""


def damaged(where: str, detail: str) -> FileStoreError:
    """The error for stored bytes that are not what was stored."""
    return FileStoreError(f"the stored file is damaged: {detail}", where=where, remedy="load the original file again")
