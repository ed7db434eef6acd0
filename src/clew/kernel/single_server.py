"""At most one server process works on a record as long as limits and live state are in a process's memory.

Two would each allow everybody the whole of every limit. Those that share a Redis may be as many as they like, but work
beside none that does not, and none that names another Redis. A lock in the database says that a server runs: it holds
for every machine and data directory, and goes with the connection, so that a server that was killed leaves nothing
behind. A second one, whose number is the mark of the server's Redis, says which. A worker of Celery's, which keeps no
limits, says only that.
"""

import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self

import psycopg

from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.errors import ConflictError

if TYPE_CHECKING:
    from clew.kernel.roles import AnyConnection

# Of a machine that vanished the database hears nothing more: without these it would wait for it for two hours.
_SESSION: Final = (
    "SELECT set_config('tcp_keepalives_idle', '20', false), set_config('tcp_keepalives_interval', '5', false),"
    " set_config('tcp_keepalives_count', '4', false), set_config('idle_session_timeout', '0', false)"
)
_LOCK: Final = "SELECT pg_try_advisory_lock(hashtextextended('clew server', 0))"
_SHARED_LOCK: Final = "SELECT pg_try_advisory_lock_shared(hashtextextended('clew server', 0))"
# One process at a time looks which others there are, and says what it has itself.
_IN_TURN: Final = "SELECT pg_advisory_xact_lock(hashtextextended('clew redis', 0))"
CLASS: Final = 0x636C6577
"""The first number of the locks by which processes say which Redis they have."""
_OTHERS: Final = (
    "SELECT DISTINCT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted"
    " AND classid = %s AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_SAY: Final = "SELECT pg_advisory_lock_shared(%s, %s)"
_ALIVE: Final = "SELECT 1"
_PAUSE_SECONDS: Final = 0.1
_PATIENCE_SECONDS: Final = 2.0
_MARKING_SECONDS: Final = 15.0  # in which other servers write a mark that got lost


class Mark(Protocol):
    """Tells which Redis it is that the settings name."""

    def tell(self, *, alone: bool) -> int | None:
        """Its mark; where it has none, who is alone makes one, and others are given None."""
        ...


class UnmarkedError(ConflictError):
    """A Redis has no mark, or another one, while other servers are there."""


class SingleServer:
    """Within the block no other process is a server of this record, or if `shared` only such as are shared, too.

    Raises ConflictError if one is already, or a shared one by another Redis than that of `mark`. Who is not `serving`
    is no server, and only says which Redis it has: it is refused beside those that have another one, and they beside
    it.

    One that was killed this very moment may still hold the lock: for that it is waited `patience_seconds`.
    """

    def __init__(
        self,
        database: Database,
        *,
        patience_seconds: float = _PATIENCE_SECONDS,
        shared: bool = False,
        mark: Mark | None = None,
        serving: bool = True,
    ) -> None:
        self._database = database
        self._lock = (_SHARED_LOCK if shared else _LOCK) if serving else _ALIVE
        self._shared = shared
        self._mark = mark
        self._told: int | None = None
        self._patience = patience_seconds
        self._guard = threading.Lock()
        self._connection: AnyConnection | None = None

    def __enter__(self) -> Self:
        began = time.monotonic()
        with self._guard:
            while True:
                try:
                    self._take()
                except ConflictError as error:
                    patience = _MARKING_SECONDS if isinstance(error, UnmarkedError) else self._patience
                    if time.monotonic() >= began + patience:
                        raise
                    time.sleep(_PAUSE_SECONDS)
                else:
                    return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._guard:
            self._leave()

    def confirm(self) -> None:
        """Make sure that it is still so: after a restart of the database the lock has to be taken again.

        For the check of readiness. Raises DatabaseUnavailableError, or ConflictError if another server was quicker:
        then this one must not go on.
        """
        with self._guard:
            if self._connection is not None:
                try:
                    self._connection.execute(_ALIVE)
                except psycopg.OperationalError:
                    self._leave()
                else:
                    return
            self._take()

    @property
    def mark(self) -> int | None:
        """The mark of this server's Redis, which has to be there for whoever starts beside it."""
        return self._told

    def _take(self) -> None:
        with database_errors(self._database.address):
            connection = self._database.connect_raw()
            try:
                connection.autocommit = True
                connection.execute(_SESSION)
                row = connection.execute(self._lock).fetchone()
            except BaseException:
                connection.close()
                raise
        if row is None or not row[0]:
            connection.close()
            raise ConflictError(
                "another server without Redis works on this record, and keeps limits in its own memory"
                if self._shared
                else "another server works on this record, and limits are kept in the memory of one process",
                where=self._database.address,
                remedy="stop that one first; several at once all need the same Redis (CLEW_REDIS_URL)",
            )
        try:
            self._say_which(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _say_which(self, connection: "AnyConnection") -> None:
        """Say which Redis this server has. Raises ConflictError if others have another one."""
        if self._mark is None:
            return
        with database_errors(self._database.address), connection.transaction():
            connection.execute(_IN_TURN)
            others = {number for (number,) in connection.execute(_OTHERS, (CLASS,))}
            mark = self._mark.tell(alone=not others)
            if mark is None or others - {mark}:
                raise (UnmarkedError if mark is None else ConflictError)(
                    "another server or worker of this installation names another Redis: limits would be counted, cached"
                    " answers forgotten, events and jobs told for each of them alone",
                    where=self._database.address,
                    remedy="name the same Redis, and the same number of its database, in every CLEW_REDIS_URL",
                )
            connection.execute(_SAY, (CLASS, mark))
            self._told = mark

    def _leave(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
