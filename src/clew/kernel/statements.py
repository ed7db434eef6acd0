"""Single statements that are a transaction of their own, in one trip to the server.

For what every request asks before it does anything: a transaction of SQLAlchemy's takes five trips (is the connection
alive, begin, the statement, commit, and the next one), which cost more than such a statement itself.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from clew.kernel.driver import DriverConnection, Prepared
from clew.kernel.liveness import looks_alive
from clew.kernel.settings import Settings
from clew.kernel.transactions import driver_connection

_DIALECT: Final = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]


class Statement:
    """A statement with named parameters, put together when it is first used and then kept as text."""

    def __init__(self, expression: sa.Executable) -> None:
        self._expression = expression
        self._parts: tuple[Prepared, list[str], dict[str, Any]] | None = None

    def row(self, connection: sa.Connection, parameters: Mapping[str, Any]) -> Any:
        """The first row that it gives within a transaction, its columns as attributes; None without a row.

        For what is read again and again: it spares the work of putting the statement together each time. Raises
        psycopg.Error.
        """
        rows = self.rows(connection, parameters)
        return rows[0] if rows else None

    def rows(self, connection: sa.Connection, parameters: Mapping[str, Any]) -> list[Any]:
        """All rows, for statements that are known to give few."""
        return self.asked(driver_connection(connection), parameters)

    def asked(self, connection: DriverConnection, parameters: Mapping[str, Any]) -> list[Any]:
        """The rows that it gives on that connection."""
        if self._parts is None:
            self._parts = self._compiled()
        prepared, names, constants = self._parts
        return connection.ask(prepared, [parameters[name] if name in parameters else constants[name] for name in names])

    def _compiled(self) -> tuple[Prepared, list[str], dict[str, Any]]:
        element: Any = self._expression
        compiled = element.compile(dialect=_DIALECT)
        return Prepared(str(compiled)), list(compiled.positiontup or ()), dict(compiled.params)


class StatementPool:
    """Connections on which every statement is committed at once. Used by many threads.

    Not SQLAlchemy's pool: taking a connection from that and giving it back costs as much as the statement.
    """

    def __init__(self, settings: Settings, connect: Callable[[], DriverConnection]) -> None:
        self._connect = connect
        self._most_idle = settings.pool_size
        self._attempts = settings.pool_size + settings.pool_overflow + 1
        self._wait_seconds = settings.pool_wait_seconds
        self._room = threading.BoundedSemaphore(settings.pool_size + settings.pool_overflow)
        self._idle: deque[DriverConnection] = deque()
        self._closed = False

    def row(self, statement: Statement, parameters: Mapping[str, Any]) -> Any:
        """The first row that the statement gives, its columns as attributes; None without a row.

        A connection that turns out to be dead, as after a restart of the server, is replaced: so the statement must be
        one that may be carried out twice. Raises sqlalchemy.exc.TimeoutError if all connections stay in use.
        """
        if not self._room.acquire(timeout=self._wait_seconds):
            raise sa.exc.TimeoutError("all connections are in use")
        try:
            rows = self._rows(statement, parameters)
        finally:
            self._room.release()
        return rows[0] if rows else None

    def close(self) -> None:
        """Close the connections that nobody uses, and those in use once they are given back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _rows(self, statement: Statement, parameters: Mapping[str, Any]) -> list[Any]:
        for attempt in range(self._attempts):
            connection = self._taken()
            try:
                return statement.asked(connection, parameters)
            except psycopg.OperationalError:
                if not connection.closed or attempt + 1 == self._attempts:
                    raise
            finally:
                self._give_back(connection)
        raise psycopg.OperationalError("the server closes every connection")

    def _taken(self) -> DriverConnection:
        while self._idle:
            with contextlib.suppress(IndexError):  # another thread was quicker
                connection = self._idle.pop()
                if looks_alive(connection):
                    return connection
                connection.close()
        return self._opened()

    def _give_back(self, connection: DriverConnection) -> None:
        if connection.closed:
            return
        if self._closed or len(self._idle) >= self._most_idle:
            connection.close()
        else:
            self._idle.append(connection)

    def _opened(self) -> DriverConnection:
        connection = self._connect()
        connection.autocommit = True
        # Everything asked here is found by a unique key: there is one plan, and making it takes longer than using it.
        connection.execute("SET plan_cache_mode = force_generic_plan")
        return connection
