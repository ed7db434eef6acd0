"""Single statements that are a transaction of their own, in one trip to the server.

For what every request asks before it does anything: a transaction of SQLAlchemy's takes five trips (is the connection
alive, begin, the statement, commit, and the next one), which cost more than such a statement itself.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.pool import QueuePool

from clew.kernel.driver import DriverConnection, Prepared
from clew.kernel.liveness import looks_alive
from clew.kernel.roles import AnyConnection
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
    """Connections on which every statement is committed at once. Used by many threads."""

    def __init__(self, settings: Settings, connect: Callable[[], AnyConnection]) -> None:
        self._connect = connect
        self._attempts = settings.pool_size + settings.pool_overflow + 1
        self._pool = QueuePool(
            self._opened,
            pool_size=settings.pool_size,
            max_overflow=settings.pool_overflow,
            timeout=settings.pool_wait_seconds,
            use_lifo=True,
            reset_on_return=None,
        )

    def row(self, statement: Statement, parameters: Mapping[str, Any]) -> Any:
        """The one row that the statement gives, its columns as attributes; None without a row.

        A connection that turns out to be dead, as after a restart of the server, is replaced: so the statement must be
        one that may be carried out twice.
        """
        for attempt in range(self._attempts):
            borrowed = self._pool.connect()
            driver: Any = borrowed.driver_connection
            if not looks_alive(driver):
                borrowed.invalidate()
                borrowed.close()
                continue
            try:
                rows = statement.asked(driver, parameters)
                return rows[0] if rows else None
            except psycopg.OperationalError:
                if driver.closed:
                    borrowed.invalidate()
                if not driver.closed or attempt + 1 == self._attempts:
                    raise
            finally:
                borrowed.close()
        raise psycopg.OperationalError("the server closes every connection")

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self._pool.dispose()

    def _opened(self) -> Any:
        connection = self._connect()
        connection.autocommit = True
        # Everything asked here is found by a unique key: there is one plan, and making it takes longer than using it.
        connection.execute("SET plan_cache_mode = force_generic_plan")
        return connection
