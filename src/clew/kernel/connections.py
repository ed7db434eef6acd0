"""Making connections to the record: to the embedded server or to one the user named, as one of the product's roles."""

import time
from dataclasses import dataclass, field
from typing import Any, Protocol

import psycopg
from psycopg import conninfo
from pydantic import SecretStr

from clew.kernel.database_errors import as_unavailable
from clew.kernel.driver import DriverConnection
from clew.kernel.embedded import EmbeddedServer
from clew.kernel.embedded.cluster import SUPERUSER
from clew.kernel.embedded.server import DATABASE
from clew.kernel.errors import ConfigurationError, DatabaseUnavailableError, SchemaVersionError
from clew.kernel.roles import ACTS_AS, APPLICATION, MIGRATOR, AnyConnection, statements_for_administrator
from clew.kernel.settings import Settings

OLDEST_SERVER = 150_000
APPLICATION_NAME = "clew"
PAUSES_SECONDS = (0.05, 0.1, 0.2, 0.4)


class Connector(Protocol):
    """A database that can be connected to. `address` names it for people and holds no password."""

    @property
    def address(self) -> str:
        """Where the database is."""

    def connect(self, role: str) -> DriverConnection:
        """A connection that acts as that role of the product."""

    def connect_plain(self) -> DriverConnection:
        """A connection as the login that does the product's ordinary work, before it acts as any role."""

    def connect_as_administrator(self) -> DriverConnection:
        """A connection that may make roles and grant them."""


@dataclass(frozen=True)
class EmbeddedConnector:
    """Connects to the embedded server, starting it where needed; every role is a login with its own password."""

    settings: Settings
    server: EmbeddedServer

    @property
    def address(self) -> str:
        """The data directory."""
        return f"embedded database in {self.settings.data_dir}"

    def connect(self, role: str) -> DriverConnection:
        """A connection as that login. Raises DatabaseUnavailableError if the server cannot be started."""
        return self._opened(role, ACTS_AS.get(role))

    def connect_plain(self) -> DriverConnection:
        """A connection as the application's login."""
        return self._opened(APPLICATION)

    def connect_as_administrator(self) -> DriverConnection:
        """A connection as the cluster's superuser."""
        return self._opened(SUPERUSER)

    def _opened(self, login: str, acts_as: str | None = None) -> DriverConnection:
        """A server that dies between being found alive and being connected to is started again by asking again."""
        for pause in PAUSES_SECONDS:
            parameters = self._parameters(login)
            try:
                return opened(parameters, self.address, acts_as=acts_as)
            except DatabaseUnavailableError:
                time.sleep(pause)
        return opened(self._parameters(login), self.address, acts_as=acts_as)

    def _parameters(self, login: str) -> dict[str, Any]:
        running = self.server.ensure_running()
        return {
            "host": str(running.socket_directory),
            "port": running.port,
            "user": login,
            "password": self.server.password(login),
            "dbname": DATABASE,
            "connect_timeout": self.settings.database_connect_seconds,
        }


@dataclass(frozen=True)
class ExternalConnector:
    """Connects to a server of the user's by one login, which then acts as the role asked for."""

    settings: Settings
    url: SecretStr
    admin_url: SecretStr
    parameters: dict[str, Any] = field(init=False, repr=False)
    admin_parameters: dict[str, Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        seconds = self.settings.database_connect_seconds
        for name, url, variable in (
            ("parameters", self.url, "CLEW_DATABASE_URL"),
            ("admin_parameters", self.admin_url, "CLEW_DATABASE_ADMIN_URL"),
        ):
            object.__setattr__(self, name, {"connect_timeout": seconds, **parsed(url, variable)})

    @property
    def address(self) -> str:
        """Host, port and database."""
        return described(self.parameters)

    def connect(self, role: str) -> DriverConnection:
        """A connection that acts as that role. Raises ConfigurationError if the login may not."""
        parameters = self.admin_parameters if role == MIGRATOR else self.parameters
        return opened(parameters, described(parameters), acts_as=ACTS_AS.get(role, role))

    def connect_plain(self) -> DriverConnection:
        """A connection as the ordinary login itself."""
        return opened(self.parameters, self.address)

    def connect_as_administrator(self) -> DriverConnection:
        """A connection as the administrator's login itself."""
        return opened(self.admin_parameters, described(self.admin_parameters))


def connector(settings: Settings) -> Connector:
    """How to reach the record that the settings name."""
    if settings.database_url is None:
        return EmbeddedConnector(settings, EmbeddedServer(settings))
    return ExternalConnector(settings, settings.database_url, settings.database_admin_url or settings.database_url)


def opened(parameters: dict[str, Any], address: str, *, acts_as: str | None = None) -> DriverConnection:
    """Connect, refuse a server or database the product does not work with, and take on a role.

    Raises DatabaseUnavailableError, SchemaVersionError or ConfigurationError; none of them shows a password.
    """
    try:
        connection = DriverConnection.connect(**{"application_name": APPLICATION_NAME, **parameters})
    except psycopg.OperationalError as error:
        unavailable = as_unavailable(error, address)
        raise unavailable or DatabaseUnavailableError(str(error), where=address) from error
    try:
        _refuse_unsuitable(connection, address)
        _prepare_session(connection, address, acts_as)
    except BaseException:
        connection.close()
        raise
    return connection


def parsed(url: SecretStr, variable: str) -> dict[str, Any]:
    """Connection parameters of a URL. Raises ConfigurationError, which does not repeat the URL."""
    plain = url.get_secret_value().replace("postgresql+psycopg://", "postgresql://", 1)
    try:
        return dict(conninfo.conninfo_to_dict(plain))
    except psycopg.ProgrammingError:
        # Its message quotes the part it does not understand, which may be the password.
        raise ConfigurationError(
            "this is not a valid database URL",
            where=variable,
            remedy="write postgresql://user:password@host:5432/database, with special characters percent-encoded",
        ) from None


def described(parameters: dict[str, Any]) -> str:
    """Host, port and database of connection parameters, for people."""
    host, port = parameters.get("host") or "local socket", parameters.get("port") or 5432
    return f"database {parameters.get('dbname') or parameters.get('user') or ''} on {host}:{port}"


def _refuse_unsuitable(connection: AnyConnection, address: str) -> None:
    version = connection.info.server_version
    if version < OLDEST_SERVER:
        raise SchemaVersionError(
            f"this server is PostgreSQL {version // 10_000}", where=address, remedy="clew needs PostgreSQL 15 or newer"
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise ConfigurationError(
            f"this database is encoded in {encoding}",
            where=address,
            remedy="make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
        )


def _prepare_session(connection: AnyConnection, address: str, acts_as: str | None) -> None:
    connection.autocommit = True
    try:
        connection.execute("SELECT set_config('TimeZone', 'UTC', false)")
        if acts_as:
            connection.execute("SELECT set_config('role', %s, false)", [acts_as])
    except (psycopg.errors.InvalidParameterValue, psycopg.errors.InsufficientPrivilege) as error:
        login = connection.info.user
        statements = statements_for_administrator(login, connection.info.dbname)
        raise ConfigurationError(
            f"login {login} cannot act as {acts_as}, which does not exist or is not granted to it",
            where=address,
            remedy=f"run `clew init`, or let an administrator run:\n{statements}",
        ) from error
    connection.autocommit = False
