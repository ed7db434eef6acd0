"""The record's database: engines per role, raw connections for the bulk path, transactions, and what doctor asks."""

import contextlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine

from clew.kernel.connections import EmbeddedConnector, connector
from clew.kernel.database_errors import database_errors
from clew.kernel.driver import DriverConnection, Observer
from clew.kernel.embedded import EmbeddedServer
from clew.kernel.liveness import replace_dead
from clew.kernel.roles import APPLICATION, bootstrap_roles, grant_database, grant_roles
from clew.kernel.settings import Settings
from clew.kernel.statements import Statement, StatementPool
from clew.kernel.transactions import TenantContext, transaction

ADMINISTRATOR = "administrator"

__all__ = ["Database", "ServerDescription", "TenantContext"]


@dataclass(frozen=True, slots=True)
class ServerDescription:
    """What a support person asks about the server and the session of the application role."""

    address: str
    embedded: bool
    version: str
    encoding: str
    login: str
    acts_as: str
    login_is_superuser: bool
    bypasses_row_security: bool


class Database:
    """The database that the settings name. Connections are made when first asked for; `close` gives all back."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._connector = connector(settings)
        self._engines: dict[str, Engine] = {}
        self._statements: dict[str, StatementPool] = {}
        self._guard = threading.Lock()
        self._observer: Observer | None = None

    @property
    def address(self) -> str:
        """Where the database is, for people; holds no password."""
        return self._connector.address

    @property
    def embedded(self) -> EmbeddedServer | None:
        """The embedded server, or None if the user named a server."""
        return self._connector.server if isinstance(self._connector, EmbeddedConnector) else None

    def bootstrap(self) -> None:
        """Make sure that the product's roles exist and may enter the database. May be called again.

        Raises ConfigurationError with the SQL for an administrator if the administrator's login may not do it.
        """
        if self.embedded:
            self.embedded.set_up()
            return
        with database_errors(self.address), self._connector.connect_as_administrator() as connection:
            connection.autocommit = True
            ordinary = self._ordinary_login()
            bootstrap_roles(connection, {}, login=ordinary)
            for login in sorted({ordinary, connection.info.user}):
                grant_roles(connection, login)
            grant_database(connection, connection.info.dbname, exclusive=False)

    def engine(self, role: str = APPLICATION) -> Engine:
        """The pooled engine whose connections act as that role."""
        return self._engine(role)

    def admin_engine(self) -> Engine:
        """The engine of the login that makes roles: the embedded superuser, or CLEW_DATABASE_ADMIN_URL as it is."""
        return self._engine(ADMINISTRATOR)

    def connect_raw(self, role: str = APPLICATION) -> DriverConnection:
        """A psycopg connection outside any pool, for COPY; the caller closes it."""
        return self._connector.connect(role)

    def transaction(
        self, context: TenantContext | None, role: str = APPLICATION, *, reading: bool = False
    ) -> contextlib.AbstractContextManager[Connection]:
        """One transaction as that role for that tenant: see `clew.kernel.transactions.transaction`."""
        return transaction(self.engine(role), context, self.address, reading=reading)

    def ask(self, role: str, statement: Statement, parameters: Mapping[str, Any]) -> Any:
        """The row that a statement gives, which is a transaction of its own for that role; None without a row.

        See `clew.kernel.statements`: it must be one that may be carried out twice. Raises DatabaseUnavailableError.
        """
        with database_errors(self.address):
            return self._statement_pool(role).row(statement, parameters)

    def watch(self, observer: Observer) -> None:
        """Tell this observer of every `Statement` from now on: the events of engines do not see those."""
        self._observer = observer

    def describe(self) -> ServerDescription:
        """Ask the server what it is. Raises DatabaseUnavailableError if it cannot be reached."""
        with database_errors(self.address), self.connect_raw() as connection:
            row = connection.execute(
                "SELECT current_setting('server_version'), session_user, current_user,"
                " s.rolsuper, c.rolsuper OR c.rolbypassrls"
                " FROM pg_roles s, pg_roles c WHERE s.rolname = session_user AND c.rolname = current_user"
            ).fetchone()
            encoding = connection.info.parameter_status("server_encoding") or "?"
        if row is None:
            raise LookupError("a session's own roles are always listed")
        return ServerDescription(self.address, self.embedded is not None, row[0], encoding, *row[1:])

    def close(self) -> None:
        """Close all pooled connections and leave the embedded server."""
        with self._guard:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()
            for pool in self._statements.values():
                pool.close()
            self._statements.clear()
        if self.embedded:
            self.embedded.leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _engine(self, role: str) -> Engine:
        with self._guard:
            if role not in self._engines:
                self._engines[role] = self._made(role)
            return self._engines[role]

    def _statement_pool(self, role: str) -> StatementPool:
        with self._guard:
            if role not in self._statements:
                self._statements[role] = StatementPool(self.settings, lambda: self._connect(role))
            return self._statements[role]

    def _made(self, role: str) -> Engine:
        engine = create_engine(
            "postgresql+psycopg://",
            creator=lambda: self._connect(role),
            pool_size=self.settings.pool_size,
            max_overflow=self.settings.pool_overflow,
            pool_timeout=self.settings.pool_wait_seconds,
            pool_use_lifo=True,
            use_native_hstore=False,
            # Statement parameters are values of the record: they belong in no error message and no log.
            hide_parameters=True,
        )
        replace_dead(engine)  # a server that was restarted meanwhile costs nobody an error
        return engine

    def _connect(self, role: str) -> DriverConnection:
        if role == ADMINISTRATOR:
            return self._connector.connect_as_administrator()
        connection = self._connector.connect(role)
        connection.observer = self._observe
        return connection

    def _observe(self, text: str, seconds: float) -> None:
        if self._observer is not None:
            self._observer(text, seconds)

    def _ordinary_login(self) -> str:
        with self._connector.connect_plain() as connection:
            return connection.info.user
