"""Files in which reads wait to be handed over to the trail. Nothing here needs a database, or loads what does."""

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson

from clew.kernel.clock import Clock, system_clock
from clew.kernel.directories import PRIVATE_FILE, ensure_own_directory, myself, sync_directory
from clew.kernel.errors import DatabaseUnavailableError
from clew.kernel.ids import new_id
from clew.kernel.stored_text import storable_json
from clew.records.act import Act, told

if TYPE_CHECKING:
    from clew.kernel.transactions import TenantContext

_SUFFIX: Final = ".reads"


@dataclass(frozen=True, slots=True)
class Reader:
    """Who read."""

    organization_id: UUID
    user_id: UUID | None = None
    session_id: UUID | None = None
    client_ip: str | None = None

    @classmethod
    def of(cls, context: "TenantContext") -> "Reader":
        """For whom that transaction works."""
        return cls(context.organization_id, context.user_id, context.session_id, context.client_ip)


def spool_directory(data_dir: Path) -> Path:
    """Where the files are; the directory is made, for this user alone, if need be."""
    directory = data_dir / "audit" / "reads"
    directory.parent.mkdir(parents=True, exist_ok=True)
    ensure_own_directory(directory.parent, myself())
    ensure_own_directory(directory, myself())
    return directory


def leave_read(data_dir: Path, reader: Reader, act: Act, *, clock: Clock = system_clock) -> None:
    """Tell one read and leave it, safely on disk, for the next process that hands reads over.

    Raises DatabaseUnavailableError if it cannot be written: what was read must not be shown then.
    """
    try:
        directory = spool_directory(data_dir)
        segment = Segment.make(directory)
        try:
            segment.write(line_of(reader, act, clock))
            segment.flush(directory)
        finally:
            segment.close()
    except OSError as error:
        raise DatabaseUnavailableError(
            f"that this was read cannot be told to the audit trail: {error.strerror}",
            where=str(data_dir / "audit" / "reads"),
            remedy="make room on the disk, or let this user write there",
        ) from error


class Segment:
    """A file of lines that one process writes; whoever holds its lock may hand it over."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.id = UUID(path.stem)
        self._descriptor = descriptor
        self._is_flushed = True

    @classmethod
    def make(cls, directory: Path) -> "Segment":
        """A new file, held by this process."""
        while True:
            path = directory / f"{new_id()}{_SUFFIX}"
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, PRIVATE_FILE)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # a process that hands over met it between these lines, and throws it away
                os.close(descriptor)
            else:
                return cls(path, descriptor)

    @classmethod
    def claim(cls, path: Path) -> "Segment | None":
        """The file of a process that is gone, or that was taken out of use; None if somebody is at it."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        if os.fstat(descriptor).st_nlink == 0:  # handed over and removed between being listed and being locked
            os.close(descriptor)
            return None
        return cls(path, descriptor)

    def write(self, line: bytes) -> None:
        """Append a line, in whole. Raises OSError."""
        view = memoryview(line)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def duplicate(self) -> "Segment":
        """The same open file under a descriptor of its own: flushing it keeps no writer waiting."""
        return Segment(self.path, os.dup(self._descriptor))

    def flush(self, directory: Path) -> None:
        """Wait until the disk has it."""
        os.fsync(self._descriptor)
        sync_directory(directory)

    def lines(self) -> tuple[list[dict[str, Any]], int]:
        """What is in the file, and how many lines are damaged. A last line without its end was never told."""
        read, damaged = [], 0
        with self.path.open("rb") as file:
            for raw in file:
                if not raw.endswith(b"\n"):
                    continue
                try:
                    read.append(orjson.loads(raw))
                except orjson.JSONDecodeError:
                    damaged += 1
        return read, damaged

    def keep_aside(self) -> None:
        """Put the file where nobody hands it over again, for people to look into."""
        self.path.rename(self.path.with_suffix(".damaged"))

    def close(self) -> None:
        """Let go of the file: whoever comes next may hand it over."""
        os.close(self._descriptor)


def waiting(directory: Path) -> Iterator[Segment]:
    """The files that nobody writes any more; whoever takes one closes it."""
    for path in sorted(directory.glob(f"*{_SUFFIX}")):
        segment = Segment.claim(path)
        if segment is not None:
            yield segment


def line_of(reader: Reader, act: Act, clock: Clock) -> bytes:
    """A read as a line of a file."""
    return orjson.dumps(_told(reader, act, clock)) + b"\n"


def _told(context: Reader, act: Act, clock: Clock) -> dict[str, Any]:
    resource = act.resource_id
    return {
        "organization": str(context.organization_id),
        "event_uuid": str(new_id()),
        "at": act.at or clock(),
        "event_type": act.event_type,
        "user_id": str(context.user_id) if context.user_id else None,
        "user_name": act.user_name,
        "source_ip": context.client_ip,
        "user_agent": told(act.user_agent),
        "session_id": str(context.session_id) if context.session_id else None,
        "action": act.action,
        "resource_type": act.resource_type,
        "resource_id": None if resource is None else told(str(resource)),
        "resource_name": told(act.resource_name),
        "success": act.success,
        "error_message": told(act.error_message),
        "request": storable_json(act.request),
        "response": storable_json(act.response),
        "milliseconds": act.milliseconds,
    }
