"""The log of requests made with API keys: kept for 30 days, written in the background.

A request hands its line over and goes on. If the database cannot keep up, or is away, lines wait up to a bound; what is
beyond it is dropped and counted, so that the log can be incomplete but never silently so.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

import orjson
import psycopg
import sqlalchemy as sa

from clew.domains.identity.key_tables import api_keys, api_usage_logs
from clew.domains.identity.pages import Place, after
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database
from clew.kernel.errors import DatabaseUnavailableError
from clew.kernel.ids import IdMaker, new_id
from clew.kernel.logs import logger
from clew.kernel.roles import AUTHENTICATOR
from clew.kernel.stored_text import storable, storable_address
from clew.kernel.transactions import driver_connection

KEPT: Final = timedelta(days=30)
_LONGEST_TEXT: Final = 400
_LARGEST_INTEGER: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Usage:
    """One request. `endpoint` is the route's pattern, never a path with somebody's data in it; sizes in bytes."""

    organization_id: UUID
    api_key_id: UUID
    endpoint: str
    method: str
    request_timestamp: datetime
    response_status: int
    response_time_ms: int
    request_size_bytes: int = 0
    response_size_bytes: int = 0
    client_ip: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class UsageCounts:
    """What became of the lines so far."""

    recorded: int
    written: int
    dropped: int


class UsageLog:
    """Takes lines from any thread and writes them in batches from one of its own, between `start` and `close`."""

    def __init__(
        self,
        write: Callable[[Sequence[Usage]], None],
        *,
        capacity: int = 10_000,
        batch: int = 500,
        interval_seconds: float = 1.0,
    ) -> None:
        self._write = write
        self._waiting: deque[Usage] = deque()
        self._capacity = capacity
        self._batch = batch
        self._interval = interval_seconds
        self._guard = threading.Lock()
        self._recorded = self._written = self._dropped = 0
        self._ending = threading.Event()
        self._give_up_at = float("inf")
        self._thread = threading.Thread(target=self._run, name="usage log", daemon=True)

    @classmethod
    def of(cls, database: Database, *, ids: IdMaker = new_id) -> Self:
        """The log that writes to this database."""
        return cls(lambda lines: write_usage(database, lines, ids=ids))

    def start(self) -> None:
        """Begin to write. Once."""
        self._thread.start()

    def record(self, usage: Usage) -> None:
        """Hand a line over. Never waits, never raises."""
        with self._guard:
            self._recorded += 1
            if len(self._waiting) < self._capacity:
                self._waiting.append(usage)
            else:
                self._dropped += 1

    def counts(self) -> UsageCounts:
        """What became of the lines so far; the difference still waits."""
        with self._guard:
            return UsageCounts(self._recorded, self._written, self._dropped)

    def close(self, patience_seconds: float = 5.0) -> UsageCounts:
        """Write what waits, for at most about so long, and end. What could not be written is counted as dropped."""
        self._give_up_at = time.monotonic() + patience_seconds
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._count(dropped=len(self._taken(self._capacity)))
        counts = self.counts()
        if counts.dropped:
            logger(__name__).warning("lines of the usage log were dropped", dropped=counts.dropped)
        return counts

    def _run(self) -> None:
        while True:
            ending = self._ending.wait(self._interval)
            while lines := self._taken(self._batch):
                self._write_or_drop(lines)
            if ending:
                return

    def _write_or_drop(self, lines: list[Usage]) -> None:
        while True:
            try:
                self._write(lines)
            except DatabaseUnavailableError:
                if time.monotonic() >= self._give_up_at:
                    self._count(dropped=len(lines))
                    return
                self._ending.wait(self._interval)
                time.sleep(0.05 if self._ending.is_set() else 0)
            except psycopg.Error as error:
                # The server refused these very lines: again would be refused again.
                logger(__name__).error("the usage log could not be written", error=type(error).__name__)
                self._count(dropped=len(lines))
                return
            else:
                self._count(written=len(lines))
                return

    def _taken(self, most: int) -> list[Usage]:
        with self._guard:
            return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    def _count(self, *, written: int = 0, dropped: int = 0) -> None:
        with self._guard:
            self._written += written
            self._dropped += dropped


def write_usage(database: Database, lines: Sequence[Usage], *, ids: IdMaker = new_id) -> None:
    """Write lines of whatever organizations, all or none, as clew_authenticator. Raises DatabaseUnavailableError."""
    rows = orjson.dumps([_row(line, ids()) for line in lines]).decode()
    with database.transaction(None, role=AUTHENTICATOR) as connection:
        driver_connection(connection).execute(_WRITE, {"rows": rows})


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A line of the log as it is shown."""

    id: UUID
    api_key_id: UUID
    endpoint: str
    method: str
    request_timestamp: datetime
    response_status: int
    response_time_ms: int
    request_size_bytes: int
    response_size_bytes: int
    client_ip: str | None
    user_agent: str | None


def page_of_usage(
    connection: sa.Connection,
    organization_id: UUID,
    *,
    api_key_id: UUID | None = None,
    user_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    place: Place | None = None,
    limit: int = 50,
) -> list[LoggedRequest]:
    """Requests behind a place (request_timestamp, id), newest first, at most `limit` + 1.

    Of one key, of the keys of one user, or of all; `until` itself is not included.
    """
    logs = api_usage_logs.c
    columns = [
        sa.func.host(logs.client_ip).label(name) if name == "client_ip" else logs[name]
        for name in LoggedRequest.__slots__
    ]
    query = sa.select(*columns).where(logs.organization_id == organization_id)
    if api_key_id is not None:
        query = query.where(logs.api_key_id == api_key_id)
    if user_id is not None:
        own = sa.select(api_keys.c.id).where(
            api_keys.c.organization_id == organization_id, api_keys.c.user_id == user_id
        )
        query = query.where(logs.api_key_id.in_(own))
    if since is not None:
        query = query.where(logs.request_timestamp >= since)
    if until is not None:
        query = query.where(logs.request_timestamp < until)
    ordered = after(query, (logs.request_timestamp, logs.id), place, limit, descending=True)
    return [LoggedRequest(*row) for row in connection.execute(ordered)]


def delete_old_usage(
    connection: sa.Connection, organization_id: UUID, *, kept: timedelta = KEPT, clock: Clock = system_clock
) -> int:
    """Delete an organization's lines older than that; how many. Whole months go by `drop_old_months`."""
    old = sa.delete(api_usage_logs).where(
        api_usage_logs.c.organization_id == organization_id, api_usage_logs.c.request_timestamp < clock() - kept
    )
    return connection.execute(old).rowcount


def drop_old_months(connection: sa.Connection, *, kept: timedelta = KEPT) -> int:
    """Give up the months of every organization that ended so long ago, 30 days at least; how many."""
    dropped = connection.scalar(sa.text("SELECT drop_old_api_usage_logs(:days)"), {"days": kept.days})
    return int(dropped or 0)


# As one value: bound one by one, the columns of a row take longer than everything else about it.
_WRITE: Final = """
INSERT INTO api_usage_logs (organization_id, id, api_key_id, endpoint, method, request_timestamp, response_status,
                            response_time_ms, request_size_bytes, response_size_bytes, client_ip, user_agent)
SELECT organization_id, id, api_key_id, endpoint, method, request_timestamp, response_status, response_time_ms,
       request_size_bytes, response_size_bytes, client_ip, user_agent
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (organization_id uuid, id uuid, api_key_id uuid, endpoint text,
     method text, request_timestamp timestamptz, response_status integer, response_time_ms integer,
     request_size_bytes bigint, response_size_bytes bigint, client_ip inet, user_agent text)
"""


def _row(line: Usage, identifier: UUID) -> dict[str, Any]:
    return {
        "organization_id": line.organization_id,
        "id": identifier,
        "api_key_id": line.api_key_id,
        "endpoint": storable(line.endpoint, _LONGEST_TEXT),
        "method": storable(line.method, _LONGEST_TEXT),
        "request_timestamp": line.request_timestamp,
        "response_status": line.response_status,
        "response_time_ms": min(line.response_time_ms, _LARGEST_INTEGER),
        "request_size_bytes": line.request_size_bytes,
        "response_size_bytes": line.response_size_bytes,
        "client_ip": storable_address(line.client_ip),
        "user_agent": storable(line.user_agent, _LONGEST_TEXT) if line.user_agent else None,
    }
