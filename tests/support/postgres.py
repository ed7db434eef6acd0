"""The one PostgreSQL server that the tests of a process share, and databases on it, copied rather than set up anew.

It is an embedded server, or the one that CLEW_TEST_DATABASE_URL names. Making a cluster, starting it and bringing up
the schema costs two seconds of processor time; a copy of a database that is brought up costs thirty milliseconds.
"""

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import conninfo, sql
from pydantic import SecretStr

from clew import migrations
from clew.kernel.database import Database
from clew.kernel.roles import MIGRATOR
from clew.kernel.settings import Settings
from tests.support.embedded import UNLASTING, small_settings, temporary_base
from tests.support.leftovers import ENDINGS

DATABASE_URL = "CLEW_TEST_DATABASE_URL"
EMPTY = "template0"


class SharedServer:
    """Started when it is first asked for. What it was asked for is gone when the tests of the process are over."""

    def __init__(self) -> None:
        self._embedded: Database | None = None
        self._template: str | None = None

    @property
    def url(self) -> str:
        """A superuser's URL."""
        return os.environ.get(DATABASE_URL) or _url_of_embedded(self.embedded)

    @property
    def embedded(self) -> Database:
        """The embedded server's own database, brought up to the present schema, which the program enters by logins."""
        if self._embedded is None:
            settings = small_settings(ENDINGS.enter_context(temporary_base()))
            more = {"embedded_shared_buffers_mb": 64, "embedded_max_connections": 300}
            opened = ENDINGS.enter_context(Database(settings.model_copy(update=more)))
            opened.bootstrap()
            _make_unlasting(opened)
            upgrade(opened)
            self._embedded = opened
        return self._embedded

    @contextlib.contextmanager
    def database(self, template: str = EMPTY) -> Iterator[str]:
        """The URL of a new database, dropped afterwards."""
        url, name = self.url, f"clew_test_{secrets.token_hex(6)}"
        _execute(url, _create(name, template))
        try:
            yield _url_of({**conninfo.conninfo_to_dict(url), "dbname": name})
        finally:
            _execute(url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextlib.contextmanager
    def migrated_database(self) -> Iterator[str]:
        """The same, brought up to the present schema."""
        if self._template is None:
            url = ENDINGS.enter_context(self.database())
            with opened_by(url) as database:
                upgrade(database)
            self._template = str(conninfo.conninfo_to_dict(url)["dbname"])
        with self.database(self._template) as url:
            yield url


SHARED = SharedServer()


@contextlib.contextmanager
def opened_by(url: str) -> Iterator[Database]:
    """The program's access to that database, with the roles it needs, and files in a directory of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="k-") as folder,
        Database(Settings(data_dir=Path(folder), database_url=SecretStr(url))) as database,
    ):
        database.bootstrap()
        yield database


def upgrade(database: Database) -> None:
    """Bring the schema up to the present and make the partitions ahead."""
    with database.transaction(None, MIGRATOR) as connection:
        migrations.upgrade(connection)
    with database.transaction(None) as connection:
        connection.execute(sa.text("SELECT create_monthly_partitions()"))


def _url_of_embedded(database: Database) -> str:
    assert database.embedded is not None
    return database.embedded.dsn(database="postgres")


def _make_unlasting(database: Database) -> None:
    with database.admin_engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for setting in UNLASTING:
            connection.execute(sa.text(f"ALTER SYSTEM SET {setting}"))
        connection.execute(sa.text("SELECT pg_reload_conf()"))


def _create(name: str, template: str) -> sql.Composed:
    # Copying files is twice as fast as writing every page of a template into the log.
    statement = sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE {} STRATEGY file_copy")
    return statement.format(sql.Identifier(name), sql.Identifier(template))


def _execute(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def _url_of(parameters: dict[str, Any]) -> str:
    keys = ("user", "password", "host", "port", "dbname")
    query = sa.URL.create(
        "postgresql",
        username=parameters.get("user"),
        password=parameters.get("password"),
        database=parameters["dbname"],
        query={key: str(value) for key, value in parameters.items() if key == "host" or key not in keys},
    )
    port = {"port": str(parameters["port"])} if parameters.get("port") else {}
    return query.update_query_dict(port).render_as_string(hide_password=False)
