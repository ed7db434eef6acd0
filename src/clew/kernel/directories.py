"""Directories and files of the product's own: private from the moment they exist, written whole or not at all.

Only what the product made itself ever has its mode or owner set. Directories of others, parents above all, are never
touched: where one is in the way the reader is told which.
"""

import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from clew.kernel.errors import ConfigurationError

PRIVATE_DIRECTORY = 0o700
PRIVATE_FILE = 0o600


@dataclass(frozen=True, slots=True)
class Owner:
    """Numeric user and group that a file belongs to or a process runs as."""

    uid: int
    gid: int


def myself() -> Owner:
    """The effective user and group of this process."""
    return Owner(os.geteuid(), os.getegid())


def owner_of(path: Path) -> Owner:
    """The owner of an existing file or directory; a symbolic link is not followed."""
    information = path.lstat()
    return Owner(information.st_uid, information.st_gid)


def ensure_own_directory(path: Path, owner: Owner, mode: int = PRIVATE_DIRECTORY) -> None:
    """Make `path` (its parent must exist) a real directory that belongs to `owner` with exactly `mode`.

    Nobody ever sees a new one with another owner or mode: what processes decide by those must not depend on the moment.
    Raises ConfigurationError if it is a link, not a directory, or belongs to somebody else.
    """
    try:
        _make_whole(path, owner, mode)
    except FileExistsError:
        if _is_half_made(path, owner):
            os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
        else:
            _refuse_foreign(path, owner)
    except OSError as error:
        raise ConfigurationError(
            f"this directory cannot be made: {error.strerror}",
            where=str(path),
            remedy="make its parent writable or choose another CLEW_DATA_DIR",
        ) from error
    if stat.S_IMODE(path.stat().st_mode) != mode:
        path.chmod(mode)


def write_privately(path: Path, content: bytes, owner: Owner) -> None:
    """Write a file of mode 0600 that belongs to `owner`, complete and on disk before it takes its name."""
    # A random name opened exclusively: nobody who may write to the directory can lead us to another file by a link.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), PRIVATE_FILE)
            if owner != myself():
                os.fchown(file.fileno(), owner.uid, owner.gid)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make renames within `path` durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def blocking_directory(path: Path, visitor: Owner) -> Path | None:
    """The first directory on the way to `path` (itself included) that `visitor` may not enter, by mode bits."""
    for directory in [*reversed(path.parents), path]:
        information = directory.stat()
        bit = stat.S_IXOTH
        if information.st_uid == visitor.uid:
            bit = stat.S_IXUSR
        elif information.st_gid == visitor.gid:
            bit = stat.S_IXGRP
        if visitor.uid != 0 and not information.st_mode & bit:
            return directory
    return None


def _make_whole(path: Path, owner: Owner, mode: int) -> None:
    """Make a directory that is complete when it takes its name. Raises FileExistsError, and OSError otherwise."""
    if mode == PRIVATE_DIRECTORY and owner == myself():
        path.mkdir(mode=mode)
        return
    if os.path.lexists(path):
        raise FileExistsError(path)
    made = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    made.mkdir(mode=PRIVATE_DIRECTORY)
    try:
        if owner != myself():
            os.chown(made, owner.uid, owner.gid, follow_symlinks=False)
        made.chmod(mode)
        made.rename(path)  # takes the place of nothing but an empty directory
    except OSError as error:
        made.rmdir()
        if os.path.lexists(path):
            raise FileExistsError(path) from error
        raise


def _is_half_made(path: Path, owner: Owner) -> bool:
    """Whether a process of root's made it for `owner` and died before it handed it over, as former versions could."""
    information = path.lstat()
    return (
        information.st_uid == myself().uid == 0 != owner.uid
        and stat.S_ISDIR(information.st_mode)
        and not any(path.iterdir())
    )


def _refuse_foreign(path: Path, owner: Owner) -> None:
    information = path.lstat()
    if not stat.S_ISDIR(information.st_mode):
        raise ConfigurationError(
            "this must be a directory and is something else", where=str(path), remedy="move it out of the way"
        )
    if information.st_uid != owner.uid:
        raise ConfigurationError(
            f"this directory belongs to user {information.st_uid}, not to user {owner.uid}",
            where=str(path),
            remedy="run as its owner or choose another CLEW_DATA_DIR",
        )
