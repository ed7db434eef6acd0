"""Reads of case data, told to the trail in batches without slowing the reader, and without losing one.

A read is one line written to a file of the process's own: what was written survives the death of the process at once,
and that of the machine as soon as the file is flushed to disk, several times a second. Another thread hands whole
files over to the database, each in one transaction that also notes the file's id, so that a file met again after a
crash is only thrown away. A process finds the files of dead ones by their locks. (Inserts committed in groups would
need no file, but lose with the process what the group had gathered, and tell nothing while the database is away.)
"""

import threading
from collections import defaultdict
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

import orjson
import structlog
from sqlalchemy import Connection

from clew.domains.audit.read_spool import Reader, Segment, line_of, spool_directory, waiting
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database
from clew.kernel.errors import ClewError
from clew.kernel.transactions import TenantContext, driver_connection
from clew.records.acts import Act

FLUSH_SECONDS: Final = 0.2

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
        self._directory = database.settings.data_dir
        self._flush_seconds = flush_seconds
        self._clock = clock
        self._guard = threading.Lock()
        self._segment: Segment | None = None
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(work,), name=f"clew-audit-{name}", daemon=True)
            for name, work in (("flush", self._flush), ("drain", self.drain))
        ]

    def __enter__(self) -> Self:
        self._directory = spool_directory(self._database.settings.data_dir)
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
        line = line_of(Reader.of(context), act, self._clock)
        with self._guard:
            if self._segment is None:
                self._segment = Segment.make(self._directory)
            self._segment.write(line)

    def drain(self) -> int:
        """Hand over what is waiting, that of dead processes included; how many reads. A database away is told once."""
        with self._guard:
            taken, self._segment = self._segment, None
        if taken is not None:
            taken.flush(self._directory)
            taken.close()
        return hand_over_reads(self._database)

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


def hand_over_reads(database: Database) -> int:
    """Write into the trail what processes left that are gone, each file once; how many reads.

    Raises DatabaseUnavailableError; what waits is kept then.
    """
    return sum(_hand_over(database, segment) for segment in waiting(spool_directory(database.settings.data_dir)))


def _hand_over(database: Database, segment: Segment) -> int:
    try:
        lines, damaged = segment.lines()
        with database.transaction(None) as connection:
            is_new = _insert(connection, segment.id, lines)
        if damaged:
            segment.keep_aside()
            log.error("lines of the audit spool could not be read", file=str(segment.path), lines=damaged)
        else:
            segment.path.unlink()
        return len(lines) if is_new else 0
    finally:
        segment.close()


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
