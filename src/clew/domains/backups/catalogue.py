"""What a directory of backups holds. A backup counts once its description is there, which is written last."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from clew.kernel.directories import myself, write_privately
from clew.kernel.embedded.archive import Archive
from clew.kernel.embedded.base_backup import BaseBackup
from clew.kernel.embedded.lease import FileLock
from clew.kernel.embedded.process import end_processes_of
from clew.kernel.errors import ConflictError, InputError, NotFoundError

FORMAT: Final = 1
UNFINISHED: Final = ".unfinished-"
_DESCRIPTION: Final = "backup.json"
_NAME: Final = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup: its name and place, the copy of the cluster, and the program and schema that it was made with."""

    name: str
    path: Path
    base: BaseBackup
    program: str
    schema: str
    with_log: bool
    """Whether the log was archived when it was made, so that it leads to later seconds than its own."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "path": str(self.path),
            "ended_at": self.base.ended_at.isoformat(),
            "bytes": self.base.size_bytes,
            "timeline": self.base.timeline,
            "program": self.program,
            "schema": self.schema,
            "with_log": self.with_log,
        }


def new_name(now: datetime) -> str:
    """A name for a backup begun now; names are in the order of time."""
    return now.astimezone(UTC).strftime(_NAME)


def describe(workspace: Path, base: BaseBackup, *, program: str, schema: str, with_log: bool) -> None:
    """Write the description into a finished backup, on disk before this returns."""
    content = {"format": FORMAT, "base": asdict(base), "program": program, "schema": schema, "with_log": with_log}
    write_privately(workspace / _DESCRIPTION, orjson.dumps(content), myself())


def backups(archive: Archive) -> list[Backup]:
    """The finished backups of a directory, oldest first. Raises InputError if one cannot be read."""
    found = [_read(path) for path in archive.base.glob(f"[!.]*/{_DESCRIPTION}")] if archive.base.is_dir() else []
    return sorted(found, key=lambda backup: backup.base.ended_at)


def backup_for(archive: Archive, at: datetime | None) -> Backup:
    """The newest backup from which that second can be reached; the newest of all without one. Raises NotFoundError."""
    every = backups(archive)
    if not every:
        raise NotFoundError("there is no backup", where=str(archive.directory), remedy="make one with `clew backup`")
    if at is None:
        return every[-1]
    earlier = [backup for backup in every if backup.base.ended_at <= at]
    if not earlier:
        first = every[0].base.ended_at.isoformat(timespec="seconds")
        raise NotFoundError(
            "no backup is that old",
            where=str(archive.directory),
            remedy=f"name a time from {first} on: the oldest backup ended then",
        )
    if not earlier[-1].with_log and earlier[-1].base.ended_at < at:
        ended = earlier[-1].base.ended_at.isoformat()
        raise InputError(
            f"the backup before that second ended at {ended}, and the log of what came later was not archived",
            where=str(archive.directory),
            remedy=f"leave --at out, or name {ended}; with CLEW_BACKUP_DIR set, later backups reach any second",
        )
    return earlier[-1]


def expired(every: list[Backup], keep_days: int, now: datetime) -> list[Backup]:
    """Backups that are needed for no second of the last `keep_days` days: all before the newest one that is older."""
    since = now - timedelta(days=keep_days)
    old = [backup for backup in every if backup.base.ended_at < since]
    return old[:-1]


@contextlib.contextmanager
def alone(archive: Archive) -> Iterator[None]:
    """Nobody else adds backups or removes them meanwhile; leftovers of who died at it are gone.

    Raises ConflictError.
    """
    with FileLock(archive.directory / "lock", myself()) as lock:
        if not lock.try_exclusive():
            raise ConflictError(
                "another backup is being made here",
                where=str(archive.directory),
                remedy="wait for it, or choose another directory",
            )
        for leftover in archive.base.glob(f"{UNFINISHED}*"):
            end_processes_of(leftover)  # what copied for it goes on until it notices
            shutil.rmtree(leftover)
        yield


def _read(description: Path) -> Backup:
    try:
        read = orjson.loads(description.read_bytes())
        if read["format"] > FORMAT:
            raise InputError(
                f"this backup is of format {read['format']}, which a newer program made",
                where=str(description),
                remedy="use that version of clew",
            )
        base = read["base"] | {"ended_at": datetime.fromisoformat(read["base"]["ended_at"])}
        place = description.parent
        return Backup(place.name, place, BaseBackup(**base), read["program"], read["schema"], bool(read["with_log"]))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"this is not the description of a backup: {type(error).__name__}: {error}",
            where=str(description),
            remedy="move that backup out of the directory",
        ) from error
