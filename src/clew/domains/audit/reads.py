"""Reads of case data, told to the trail in batches without slowing the reader, and without losing one.

A read is one line written to a file of the process's own: what was written survives the death of the process at once,
and that of the machine as soon as the file is flushed to disk, several times a second. Another thread hands whole
files over to the database, each in one transaction that also notes the file's id, so that a file met again after a
crash is only thrown away. A process finds the files of dead ones by their locks. (Inserts committed in groups would
need no file, but lose with the process what the group had gathered, and tell nothing while the database is away.)
"""

import fcntl
import os
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

import orjson
import structlog
from sqlalchemy import Connection

from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database
from clew.kernel.directories import PRIVATE_FILE, ensure_own_directory, myself, sync_directory
from clew.kernel.errors import ClewError
from clew.kernel.ids import new_id
from clew.kernel.stored_text import storable_json
from clew.kernel.transactions import TenantContext, driver_connection
from clew.records.acts import Act, told

FLUSH_SECONDS: Final = 0.2
_SUFFIX: Final = ".reads"

_CLAIM: Final = "INSERT INTO audit.spool_segments (id, rows) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING id"
_FORGET: Final = "DELETE FROM audit.spool_segments WHERE drained_at < now() - interval '7 days'"
_FOR: Final = "SELECT set_config('app.current_organization_id', %s, true)"
_HAND_OVER: Final = """
INSERT INTO audit.events (organization_id, event_uuid, "timestamp", event_type, user_id, user_name, source_ip,
                          user_agent, session_id, action, resource_type, resource_id, resource_name, success,
                          error_message, request_data, response_data, processing_time_ms)
SELECT %(organization)s, r.event_uuid, least(r.at, now()), r.event_type, r.user_id,
       coalesce(r.user_name, (SELECT username FROM users WHERE organization_id = %(organization)s AND id = r.user_id)),
       r.source_ip, r.user_agent, r.session_id, r.action, r.resource_type, r.resource_id, r.resource_name, r.success,
       r.error_message, r.request, r.response, r.milliseconds
FROM jsonb_to_recordset(%(reads)s::jsonb) AS r (event_uuid uuid, at timestamptz, event_type text, user_id uuid,
     user_name text, source_ip inet, user_agent text, session_id uuid, action text, resource_type text,
     resource_id text, resource_name text, success boolean, error_message text, request jsonb, response jsonb,
     milliseconds numeric)
ORDER BY r.event_uuid
"""

log: Final = structlog.get_logger(__name__)


class ReadRecorder:
    """Takes reads while the block lasts, from any number of threads; at its end all are in the database or on disk."""

    def __init__(
        self, database: Database, *, flush_seconds: float = FLUSH_SECONDS, clock: Clock = system_clock
    ) -> None:
        self._database = database
        self._directory = database.settings.data_dir / "audit" / "reads"
        self._flush_seconds = flush_seconds
        self._clock = clock
        self._guard = threading.Lock()
        self._segment: _Segment | None = None
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(work,), name=f"clew-audit-{name}", daemon=True)
            for name, work in (("flush", self._flush), ("drain", self.drain))
        ]

    def __enter__(self) -> Self:
        self._directory.parent.mkdir(parents=True, exist_ok=True)
        ensure_own_directory(self._directory.parent, myself())
        ensure_own_directory(self._directory, myself())
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._flush()
        self.drain()

    def record(self, context: TenantContext, act: Act) -> None:
        """Tell a read. When this returns the read outlives the process, within the flush time also the machine.

        Raises OSError if the line cannot be written, as on a full disk: what was read must not be shown then.
        """
        line = orjson.dumps(_told(context, act, self._clock)) + b"\n"
        with self._guard:
            if self._segment is None:
                self._segment = _Segment.make(self._directory)
            self._segment.write(line)

    def drain(self) -> int:
        """Hand over what is waiting, that of dead processes included; how many reads. A database away is told once."""
        with self._guard:
            taken, self._segment = self._segment, None
        if taken is not None:
            taken.flush(self._directory)
            taken.close()
        return sum(self._hand_over(segment) for segment in _waiting(self._directory))

    def _flush(self) -> None:
        with self._guard:
            segment = self._segment.duplicate() if self._segment is not None else None
        if segment is not None:
            segment.flush(self._directory)
            segment.close()

    def _repeat(self, work: Any) -> None:
        told = False
        while not self._stop.wait(self._flush_seconds):
            try:
                work()
                told = False
            except (ClewError, OSError) as error:  # what waits stays on disk and is tried again
                if not told:
                    log.warning("reads wait to be told to the audit trail", error=str(error))
                told = True

    def _hand_over(self, segment: "_Segment") -> int:
        try:
            lines, damaged = segment.lines()
            with self._database.transaction(None) as connection:
                is_new = _insert(connection, segment.id, lines)
            if damaged:
                segment.keep_aside()
                log.error("lines of the audit spool could not be read", file=str(segment.path), lines=damaged)
            else:
                segment.path.unlink()
            return len(lines) if is_new else 0
        finally:
            segment.close()


class _Segment:
    """A file of lines that one process writes; whoever holds its lock may hand it over."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.id = UUID(path.stem)
        self._descriptor = descriptor
        self._is_flushed = True

    @classmethod
    def make(cls, directory: Path) -> "_Segment":
        path = directory / f"{new_id()}{_SUFFIX}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, PRIVATE_FILE)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return cls(path, descriptor)

    @classmethod
    def claim(cls, path: Path) -> "_Segment | None":
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
        view = memoryview(line)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def duplicate(self) -> "_Segment":
        """The same open file under a descriptor of its own: flushing it keeps no writer waiting."""
        return _Segment(self.path, os.dup(self._descriptor))

    def flush(self, directory: Path) -> None:
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
        self.path.rename(self.path.with_suffix(".damaged"))

    def close(self) -> None:
        os.close(self._descriptor)


def _waiting(directory: Path) -> Iterator[_Segment]:
    for path in sorted(directory.glob(f"*{_SUFFIX}")):
        segment = _Segment.claim(path)
        if segment is not None:
            yield segment


def _told(context: TenantContext, act: Act, clock: Clock) -> dict[str, Any]:
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


def _insert(connection: Connection, segment: UUID, lines: list[dict[str, Any]]) -> bool:
    """Write the reads of one file, each in its organization's name; whether they were not there before."""
    driver = driver_connection(connection)
    if driver.execute(_CLAIM, (segment, len(lines))).fetchone() is None:
        return False
    by_organization: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        by_organization[line.pop("organization")].append(line)
    for organization, reads in by_organization.items():
        driver.execute(_FOR, (organization,))
        driver.execute(_HAND_OVER, {"organization": organization, "reads": orjson.dumps(reads).decode()})
    driver.execute(_FORGET)
    return True
