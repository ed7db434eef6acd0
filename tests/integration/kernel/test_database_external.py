"""The database facade on a server the user names: with the logins such users have, on every version found here."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from clew.kernel import connections
from clew.kernel.database import Database, TenantContext
from clew.kernel.directories import ensure_own_directory, write_privately
from clew.kernel.embedded.account import Account
from clew.kernel.embedded.binaries import server_binaries
from clew.kernel.embedded.layout import Layout, prepare_layout
from clew.kernel.embedded.process import run_program, stop_postmaster
from clew.kernel.errors import ConfigurationError, DatabaseUnavailableError, SchemaVersionError
from clew.kernel.roles import ALL_ROLES, APPLICATION, MIGRATOR, OWNER
from clew.kernel.settings import Settings
from tests.support.embedded import small_settings, temporary_base

pytestmark = pytest.mark.same_everywhere

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
VERSIONS = ("18", *(("15",) if (DEBIAN_15 / "initdb").exists() else ()))
PASSWORD = "p@ss/word:?#%"
ENCODED = "p%40ss%2Fword%3A%3F%23%25"
ONE = TenantContext(UUID(int=1))


@dataclass(frozen=True)
class ExternalServer:
    """A server that knows nothing of the product yet; `dba` is its superuser."""

    sockets: Path

    def url(self, login: str, database: str = "record") -> SecretStr:
        return SecretStr(f"postgresql://{login}:{ENCODED}@/{database}?host={self.sockets}")

    def run(self, *statements: str, database: str = "record") -> None:
        with psycopg.connect(
            host=str(self.sockets), user="dba", password=PASSWORD, dbname=database, autocommit=True
        ) as connection:
            for statement in statements:
                connection.execute(statement.encode())


def layout_beneath(base: Path) -> Layout:
    return prepare_layout(small_settings(base).model_copy(update={"data_dir": base / "not the product's"}))


def binaries_of(version: str, layout: Layout) -> Path:
    return server_binaries(layout) if version == "18" else DEBIAN_15


@pytest.fixture(scope="module", params=VERSIONS)
def cluster(request: pytest.FixtureRequest) -> Iterator[tuple[str, Path]]:
    """A version, and a cluster of it that nobody has used."""
    with temporary_base() as base:
        layout = layout_beneath(base)
        ensure_own_directory(base / "external", layout.account.owner)
        password, made = base / "external" / "password", base / "external" / "cluster"
        write_privately(password, PASSWORD.encode(), layout.account.owner)
        options = [f"--pgdata={made}", f"--pwfile={password}", "--username=dba", "--auth=scram-sha-256", "--no-sync"]
        initdb = binaries_of(request.param, layout) / "initdb"
        result = run_program(layout.account, [str(initdb), *options, "--encoding=UTF8", "--locale=C"])
        assert result.returncode == 0, result.stdout
        yield request.param, made


@pytest.fixture
def external(base: Path, cluster: tuple[str, Path]) -> Iterator[ExternalServer]:
    version, made = cluster
    layout = layout_beneath(base)
    home = base / "external"
    ensure_own_directory(home, layout.account.owner)
    subprocess.run(["cp", "--archive", made, home / "cluster"], check=True)
    start(home, binaries_of(version, layout), layout.account)
    server = ExternalServer(home)
    server.run("CREATE DATABASE record", database="postgres")
    yield server
    stop_postmaster(home / "cluster")


def start(home: Path, binaries: Path, account: Account) -> None:
    cluster = home / "cluster"
    with (cluster / "postgresql.conf").open("a") as configuration:
        configuration.write(f"listen_addresses = ''\nunix_socket_directories = '{home}'\nfsync = off\n")
    with (home / "log").open("wb") as output:
        command = [str(binaries / "pg_ctl"), "start", "--wait"]
        result = run_program(account, command, output=output, PGDATA=str(cluster))
    assert result.returncode == 0, (home / "log").read_text()


def database_for(settings: Settings, url: SecretStr, admin_url: SecretStr | None = None) -> Database:
    return Database(settings.model_copy(update={"database_url": url, "database_admin_url": admin_url}))


def acts_as(database: Database, role: str) -> tuple[str, str]:
    with database.transaction(ONE, role=role) as connection:
        row = connection.execute(text("SELECT session_user::text, current_user::text")).one()
        return row[0], row[1]


def test_a_superusers_url_is_enough_and_its_power_is_laid_down(external: ExternalServer, settings: Settings) -> None:
    with database_for(settings, external.url("dba")) as database:
        database.bootstrap()
        database.bootstrap()
        assert acts_as(database, APPLICATION) == ("dba", APPLICATION)
        assert acts_as(database, MIGRATOR) == ("dba", OWNER)
        with database.transaction(None, role=MIGRATOR) as connection:
            connection.execute(text("CREATE TABLE owned (a int)"))
            connection.execute(text("CREATE SCHEMA audit"))
            owner = text("SELECT relowner::regrole::text FROM pg_class WHERE relname = 'owned'")
            assert connection.execute(owner).scalar_one() == OWNER
        with pytest.raises(Exception, match="permission denied"), database.transaction(ONE) as connection:
            connection.execute(text("SELECT * FROM owned"))
        described = database.describe()
        assert described.login_is_superuser
        assert not described.bypasses_row_security
        assert not described.embedded


def test_an_ordinary_login_works_once_an_administrators_url_prepared_it(
    external: ExternalServer, settings: Settings
) -> None:
    external.run(f"CREATE ROLE plain LOGIN PASSWORD '{PASSWORD}'")
    with database_for(settings, external.url("plain"), external.url("dba")) as database:
        database.bootstrap()
        assert acts_as(database, APPLICATION) == ("plain", APPLICATION)
    with database_for(settings, external.url("plain")) as database:
        database.bootstrap()  # nothing is missing, so that it takes no rights
        assert acts_as(database, APPLICATION) == ("plain", APPLICATION)
        assert not database.describe().login_is_superuser


def test_a_login_that_may_not_prepare_gets_the_sql_for_the_administrator_which_works(
    external: ExternalServer, settings: Settings
) -> None:
    external.run(f"CREATE ROLE plain LOGIN PASSWORD '{PASSWORD}'")
    with database_for(settings, external.url("plain")) as database:
        with pytest.raises(ConfigurationError, match="administrator") as caught:
            database.bootstrap()
        assert caught.value.remedy is not None
        statements = caught.value.remedy.partition("\n")[2]
        assert all(f'"{role}"' in statements for role in ALL_ROLES)
        with pytest.raises(ConfigurationError, match="cannot act as clew_application"):
            acts_as(database, APPLICATION)
        external.run(*(statement for statement in statements.split(";\n") if statement))
        database.bootstrap()
        with database.transaction(None, role=MIGRATOR) as connection:
            connection.execute(text("CREATE TABLE owned (a int)"))
        assert acts_as(database, APPLICATION) == ("plain", APPLICATION)


def test_the_owner_of_the_database_who_may_make_roles_needs_no_superuser(
    external: ExternalServer, settings: Settings
) -> None:
    external.run(
        f"CREATE ROLE landlord LOGIN CREATEROLE PASSWORD '{PASSWORD}'", "ALTER DATABASE record OWNER TO landlord"
    )
    with database_for(settings, external.url("landlord")) as database:
        database.bootstrap()
        assert acts_as(database, APPLICATION) == ("landlord", APPLICATION)
        assert acts_as(database, MIGRATOR) == ("landlord", OWNER)
        with database.transaction(None, role=MIGRATOR) as connection:
            connection.execute(text("CREATE TABLE owned (a int)"))


def test_a_database_that_is_not_utf8_is_refused(external: ExternalServer, settings: Settings) -> None:
    external.run("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0", database="postgres")
    with (
        database_for(settings, external.url("dba", "latin")) as database,
        pytest.raises(ConfigurationError, match="LATIN1"),
    ):
        database.bootstrap()


def test_a_server_older_than_supported_is_refused(
    external: ExternalServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No server that old runs here, so the limit is raised above the one that does.
    monkeypatch.setattr(connections, "OLDEST_SERVER", 990_000)
    with (
        database_for(settings, external.url("dba")) as database,
        pytest.raises(SchemaVersionError, match="PostgreSQL 1"),
    ):
        database.bootstrap()


def test_the_bare_driver_scheme_is_understood(external: ExternalServer, settings: Settings) -> None:
    url = external.url("dba").get_secret_value().replace("postgresql://", "postgresql+psycopg://")
    with database_for(settings, SecretStr(url)) as database:
        database.bootstrap()
        assert acts_as(database, APPLICATION) == ("dba", APPLICATION)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        (f"postgresql://someone:{ENCODED}@127.0.0.1:9/record", DatabaseUnavailableError),
        (f"postgresql://someone:{ENCODED}@/record?host=/nonexistent", DatabaseUnavailableError),
        ("postgresql://someone:p@ss/word:?#%@127.0.0.1:x/record", ConfigurationError),
    ],
)
def test_an_unreachable_server_is_said_without_its_password(
    settings: Settings, url: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        database_for(settings, SecretStr(url)).connect_raw()
    shown = str(caught.value)
    assert PASSWORD not in shown
    assert ENCODED not in shown
    assert "ss/word" not in shown


def test_a_wrong_password_is_said_without_it(external: ExternalServer, settings: Settings) -> None:
    url = external.url("dba").get_secret_value().replace(ENCODED, "mistaken-secret")
    with pytest.raises(DatabaseUnavailableError, match="authentication failed") as caught:
        database_for(settings, SecretStr(url)).connect_raw()
    assert "mistaken-secret" not in str(caught.value)


def test_nothing_embedded_is_started_beside_a_named_server(external: ExternalServer, settings: Settings) -> None:
    with database_for(settings, external.url("dba")) as database:
        assert database.embedded is None
        database.bootstrap()
    assert not os.path.lexists(settings.data_dir)
