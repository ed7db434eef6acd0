"""The database facade on the embedded server."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
import sqlalchemy.exc
from sqlalchemy import text

from clew.kernel.database import Database, TenantContext
from clew.kernel.embedded import EmbeddedServer
from clew.kernel.errors import DatabaseUnavailableError
from clew.kernel.roles import ALL_ROLES, APPLICATION, DIRECTORY, MIGRATOR, OWNER, PARTITIONER, bootstrap_roles
from clew.kernel.settings import Settings
from clew.kernel.transactions import driver_connection
from tests.support.embedded import is_alive, small_settings, temporary_base, wait_until

pytestmark = pytest.mark.same_everywhere

ONE = TenantContext(UUID(int=1), user_id=UUID(int=11), session_id=UUID(int=111), client_ip="192.0.2.7")
TWO = TenantContext(UUID(int=2))
CONTEXT_SETTINGS = ("app.current_organization_id", "app.current_user_id", "app.session_id", "app.client_ip")


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with temporary_base() as base, Database(small_settings(base)) as opened:
        yield opened


@pytest.fixture
def notes(database: Database) -> Iterator[Database]:
    """The database with one tenant table under forced row-level security."""
    with database.transaction(None, role=MIGRATOR) as connection:
        connection.execute(text("CREATE TABLE notes (organization_id uuid NOT NULL, body text)"))
        connection.execute(text("ALTER TABLE notes ENABLE ROW LEVEL SECURITY"))
        connection.execute(text("ALTER TABLE notes FORCE ROW LEVEL SECURITY"))
        connection.execute(
            text(
                "CREATE POLICY tenant ON notes USING"
                " (organization_id = nullif(current_setting('app.current_organization_id', true), '')::uuid)"
            )
        )
        connection.execute(text("GRANT SELECT, INSERT ON notes TO clew_application"))
    yield database
    with database.transaction(None, role=MIGRATOR) as connection:
        connection.execute(text("DROP TABLE notes"))


def bodies(database: Database, context: TenantContext | None) -> list[str]:
    with database.transaction(context) as connection:
        return [row.body for row in connection.execute(text("SELECT body FROM notes ORDER BY body"))]


def add(database: Database, context: TenantContext, body: str) -> None:
    with database.transaction(context) as connection:
        connection.execute(
            text("INSERT INTO notes VALUES (:organization, :body)"),
            {"organization": context.organization_id, "body": body},
        )


@pytest.mark.parametrize(("role", "acts_as"), [(APPLICATION, APPLICATION), (MIGRATOR, OWNER), (DIRECTORY, DIRECTORY)])
def test_sessions_act_as_the_role_asked_for(database: Database, role: str, acts_as: str) -> None:
    with database.transaction(None, role=role) as connection:
        assert connection.execute(text("SELECT session_user::text, current_user::text")).one() == (role, acts_as)
    with database.connect_raw(role) as raw:
        assert raw.execute("SELECT current_user::text").fetchone() == (acts_as,)


def test_the_application_owns_nothing_and_cannot_bypass_anything(notes: Database) -> None:
    described = notes.describe()
    assert described.embedded
    assert described.encoding == "UTF8"
    assert not described.login_is_superuser
    assert not described.bypasses_row_security
    for statement in (
        "CREATE TABLE mine (a int)",
        "DROP TABLE notes",
        "SET ROLE clew_owner",
        "SET ROLE clew_superuser",
    ):
        with (
            pytest.raises(sqlalchemy.exc.ProgrammingError, match=r"permission denied|must be owner"),
            notes.transaction(ONE) as connection,
        ):
            connection.execute(text(statement))
    with notes.admin_engine().connect() as connection:
        owned = connection.execute(
            text("SELECT count(*) FROM pg_shdepend WHERE deptype = 'o' AND refobjid = 'clew_application'::regrole")
        ).scalar_one()
        assert owned == 0
        can_sign_in = text("SELECT rolname FROM pg_roles WHERE rolname LIKE 'clew%' AND NOT rolcanlogin ORDER BY 1")
        assert connection.execute(can_sign_in).scalars().all() == [OWNER, PARTITIONER]


def test_temporary_stages_and_copy_share_the_transaction(database: Database) -> None:
    with database.transaction(ONE) as connection:
        driver = driver_connection(connection)
        with driver.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE stage (value int) ON COMMIT DROP")
            with cursor.copy("COPY stage FROM STDIN") as copy:
                copy.write_row((5,))
        assert connection.execute(text("SELECT value FROM stage")).scalar_one() == 5


def test_a_tenant_sees_its_own_rows_and_nobody_sees_any_without_one(notes: Database) -> None:
    add(notes, ONE, "first")
    add(notes, TWO, "second")
    assert bodies(notes, ONE) == ["first"]
    assert bodies(notes, TWO) == ["second"]
    assert bodies(notes, None) == []


def test_the_context_is_set_for_the_transaction_and_gone_after_it(database: Database) -> None:
    read = text("SELECT " + ", ".join(f"current_setting('{name}', true)" for name in CONTEXT_SETTINGS))
    with Database(database.settings.model_copy(update={"pool_size": 1, "pool_overflow": 0})) as one_connection:
        with one_connection.transaction(ONE) as connection:
            assert connection.execute(read).one() == (
                str(ONE.organization_id),
                str(ONE.user_id),
                str(ONE.session_id),
                "192.0.2.7",
            )
        with one_connection.transaction(TWO) as connection:
            assert connection.execute(read).one() == (str(TWO.organization_id), "", "", "")
        with one_connection.transaction(None) as connection:
            assert set(connection.execute(read).one()) <= {"", None}


def test_an_error_rolls_everything_back(notes: Database) -> None:
    def fail_midway() -> None:
        with notes.transaction(ONE) as connection:
            connection.execute(text("INSERT INTO notes VALUES (:o, 'lost')"), {"o": ONE.organization_id})
            raise LookupError

    with pytest.raises(LookupError):
        fail_midway()
    assert bodies(notes, ONE) == []


def test_times_come_back_in_utc(database: Database) -> None:
    with database.transaction(ONE) as connection:
        assert connection.execute(text("SHOW timezone")).scalar_one() == "UTC"


def test_a_dropped_connection_is_said_and_the_next_transaction_works(notes: Database) -> None:
    def be_cut_off() -> None:
        with notes.transaction(ONE) as connection:
            pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with notes.admin_engine().connect() as administrator:
                administrator.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
            connection.execute(text("INSERT INTO notes VALUES (:o, 'lost')"), {"o": ONE.organization_id})

    with pytest.raises(DatabaseUnavailableError, match="stopped") as caught:
        be_cut_off()
    assert caught.value.transient
    assert bodies(notes, ONE) == []


@pytest.mark.parametrize("context", [ONE, None], ids=["a tenant's", "nobody's"])
def test_connections_that_were_cut_while_they_rested_cost_nobody_an_error(
    database: Database, context: TenantContext | None
) -> None:
    with contextlib.ExitStack() as at_once:
        for _ in range(3):
            at_once.enter_context(database.transaction(context))
    with database.admin_engine().begin() as administrator:
        cut = administrator.execute(
            text("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE usename = :login"),
            {"login": APPLICATION},
        ).scalar_one()
    assert cut >= 3
    for _ in range(5):
        with database.transaction(context) as connection:
            assert connection.execute(text("SELECT 1")).scalar_one() == 1


def test_a_killed_server_comes_back_for_the_next_transaction(notes: Database) -> None:
    add(notes, ONE, "kept")
    assert notes.embedded is not None
    pid = notes.embedded.ensure_running().pid

    def lose_the_server() -> None:
        with notes.transaction(ONE) as connection:
            connection.execute(text("INSERT INTO notes VALUES (:o, 'lost')"), {"o": ONE.organization_id})
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not is_alive(pid), "the server to die")
            wait_until(lambda: connection.execute(text("SELECT 1")).scalar_one() != 1, "the connection to notice")

    with pytest.raises(DatabaseUnavailableError):
        lose_the_server()
    assert bodies(notes, ONE) == ["kept"]


def test_a_server_that_dies_while_it_is_asked_for_is_asked_for_again(notes: Database) -> None:
    add(notes, ONE, "kept")
    assert notes.embedded is not None
    for _ in range(5):
        os.kill(notes.embedded.ensure_running().pid, signal.SIGKILL)  # dying takes a moment, in which it still accepts
        with notes.connect_raw() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_full_disk_is_said_with_what_to_do(database: Database) -> None:
    with (
        pytest.raises(DatabaseUnavailableError, match="free space") as caught,
        database.transaction(None, role=MIGRATOR) as connection,
    ):
        connection.execute(text("DO $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$"))
    assert "no space left" in caught.value.message


def test_errors_of_the_caller_are_left_as_they_are(database: Database) -> None:
    with pytest.raises(sqlalchemy.exc.ProgrammingError), database.transaction(ONE) as connection:
        connection.execute(text("SELECT no_such_column"))
    with pytest.raises(sqlalchemy.exc.OperationalError, match="timeout"), database.transaction(ONE) as connection:
        connection.execute(text("SET LOCAL statement_timeout = 20; SELECT pg_sleep(10)"))


def test_values_of_the_record_are_not_in_error_texts(database: Database) -> None:
    with pytest.raises(sqlalchemy.exc.DBAPIError) as caught, database.transaction(ONE) as connection:
        connection.execute(text("SELECT :value / 0, length(:secret)"), {"value": 1, "secret": "personal"})
    assert "personal" not in str(caught.value)


def test_a_pool_in_use_is_said(database: Database) -> None:
    small = database.settings.model_copy(update={"pool_size": 1, "pool_overflow": 0, "pool_wait_seconds": 1})
    with (
        Database(small) as one_connection,
        one_connection.transaction(ONE),
        pytest.raises(DatabaseUnavailableError, match="CLEW_POOL_SIZE"),
        one_connection.transaction(ONE),
    ):
        pytest.fail("one connection was given to two")


def test_two_bootstraps_at_once_both_succeed(server: EmbeddedServer) -> None:
    dsn = server.dsn()
    with psycopg.connect(dsn, autocommit=True) as administrator:
        administrator.execute("DROP OWNED BY clew_directory, clew_partitioner, clew_application")
        administrator.execute("DROP ROLE clew_directory, clew_partitioner, clew_application")
    failures: list[BaseException] = []

    def bootstrap() -> None:
        try:
            with psycopg.connect(dsn, autocommit=True) as connection:
                bootstrap_roles(connection, {APPLICATION: "x" * 20, DIRECTORY: "y" * 20})
        except psycopg.Error as error:
            failures.append(error)

    threads = [threading.Thread(target=bootstrap) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with psycopg.connect(dsn) as connection:
        count = connection.execute("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'clew\\_%'").fetchone()
        assert count == (len(ALL_ROLES) + 1,)  # and the superuser of the test


def test_closing_gives_the_server_back(settings: Settings) -> None:
    database = Database(settings)
    with database.transaction(ONE) as connection:
        connection.execute(text("SELECT 1"))
    assert database.embedded is not None
    database.close()
    assert not database.embedded.status().running
