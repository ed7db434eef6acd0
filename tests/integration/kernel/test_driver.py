"""Transactions that begin with their first statement, and end without being waited for if they only read."""

import concurrent.futures
import contextlib
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from clew.kernel.database import Database
from clew.kernel.driver import Prepared
from clew.kernel.roles import APPLICATION
from clew.kernel.statements import Statement, StatementPool
from clew.kernel.transactions import driver_connection
from tests.support.embedded import is_alive, wait_until
from tests.support.record import Tenant

PID = sa.func.pg_backend_pid().label("pid")
FOR_WHOM = sa.func.current_setting("app.current_organization_id", True).label("organization")
WHO = Statement(sa.select(PID, FOR_WHOM, sa.func.current_setting("transaction_read_only").label("read_only")))
RENAME = Statement(
    sa.text("UPDATE users SET full_name = :name RETURNING full_name").bindparams(sa.bindparam("name", type_=sa.Text))
)
QUOTIENT = Statement(sa.select(sa.literal(1) / sa.bindparam("by", type_=sa.Integer)))
NAMES = sa.text("SELECT full_name FROM users")
NAME = "Operator of Test organization"
CALL = Prepared("UPDATE users SET full_name = $1")
APPEND = Prepared("UPDATE users SET full_name = full_name || $1")
STATE = sa.text("SELECT state FROM pg_stat_activity WHERE pid = :pid")


@pytest.mark.parametrize("reading", [True, False])
def test_the_first_statement_is_asked_for_its_tenant_whoever_asks_it(
    database: Database, tenant: Tenant, *, reading: bool
) -> None:
    expected = (str(tenant.id), "on" if reading else "off")
    with database.transaction(tenant.context, reading=reading) as connection:
        row = WHO.row(connection, {})
        assert (row.organization, row.read_only) == expected
        assert connection.scalars(NAMES).all() == [NAME]  # this tenant's one user, within the same transaction
    with database.transaction(tenant.context, reading=reading) as connection:
        asked = sa.text(
            "SELECT current_setting('app.current_organization_id'), current_setting('transaction_read_only')"
        )
        assert connection.execute(asked).one() == expected
    with database.transaction(tenant.context, reading=reading) as connection:
        cursor = driver_connection(connection).execute("SELECT current_setting('app.current_organization_id')")
        assert cursor.fetchone() == (str(tenant.id),)
    with database.transaction(None) as connection:
        assert WHO.row(connection, {}).organization in {"", None}


def test_whoever_only_reads_cannot_write(database: Database, tenant: Tenant) -> None:
    with (
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
        database.transaction(tenant.context, reading=True) as connection,
    ):
        RENAME.row(connection, {"name": "written"})
    with database.transaction(tenant.context) as connection:
        assert RENAME.row(connection, {"name": "written"}).full_name == "written"
    with database.transaction(tenant.context, reading=True) as connection:
        assert connection.scalars(NAMES).all() == ["written"]


def test_what_raises_is_undone_and_the_connection_goes_on(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        pid = WHO.row(connection, {}).pid
    with pytest.raises(ZeroDivisionError), database.transaction(tenant.context) as connection:
        assert len(RENAME.rows(connection, {"name": "undone"})) // 0
    for reading in (False, True):
        with (
            pytest.raises(psycopg.errors.DivisionByZero),
            database.transaction(tenant.context, reading=reading) as connection,
        ):
            QUOTIENT.row(connection, {"by": 0})
    with database.transaction(tenant.context) as connection:
        assert connection.scalars(NAMES).all() == [NAME]
        assert WHO.row(connection, {}).pid == pid
    with pytest.raises(ZeroDivisionError), database.transaction(tenant.context):
        raise ZeroDivisionError  # before anything was asked: there is nothing to undo


def test_an_end_that_nobody_waited_for_is_an_end(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context, reading=True) as connection:
        pid = WHO.row(connection, {}).pid
    with database.admin_engine().connect() as connection:
        wait_until(lambda: connection.scalar(STATE, {"pid": pid}) == "idle", "the transaction to end")
        connection.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    wait_until(lambda: not is_alive(pid), "the backend to end")
    with database.transaction(tenant.context, reading=True) as connection:  # the answer is there, but nobody behind it
        row = WHO.row(connection, {})
        assert (row.pid != pid, row.organization) == (True, str(tenant.id))


def test_what_psycopg_forgets_is_prepared_again(database: Database, tenant: Tenant) -> None:
    for _ in range(7):  # psycopg begins to prepare statements with the sixth time
        with database.transaction(tenant.context) as connection:
            assert WHO.row(connection, {}).organization == str(tenant.id)
            connection.execute(sa.text("DROP TABLE IF EXISTS pg_temp.nothing"))
            assert WHO.row(connection, {}).organization == str(tenant.id)


def test_statements_are_told_to_whoever_watches(database: Database, tenant: Tenant) -> None:
    told: list[tuple[str, float]] = []
    database.watch(lambda text, seconds: told.append((text, seconds)))
    with database.transaction(tenant.context, reading=True) as connection:
        WHO.row(connection, {})
    database.ask(APPLICATION, WHO, {})
    database.watch(lambda _text, _seconds: None)
    assert [text.startswith("SELECT pg_backend_pid()") for text, _ in told] == [True, True]
    assert all(seconds > 0 for _, seconds in told)


def names(database: Database, tenant: Tenant) -> list[str | None]:
    with database.transaction(tenant.context) as connection:
        return list(connection.scalars(NAMES))


def test_what_is_written_later_is_there_for_the_next_statement_and_after_the_commit(
    database: Database, tenant: Tenant
) -> None:
    with database.transaction(tenant.context) as connection:
        driver = driver_connection(connection)
        driver.write_later(CALL, ["first"])  # the transaction has not even begun
        assert connection.scalars(NAMES).all() == ["first"]
        driver.write_later(APPEND, [", second"])
        assert WHO.row(connection, {}).organization == str(tenant.id)
        driver.write_later(APPEND, [", third"])
    assert names(database, tenant) == ["first, second, third"]
    with database.transaction(tenant.context) as connection:
        for _ in range(250):  # more than are kept back
            driver_connection(connection).write_later(APPEND, ["."])
    assert names(database, tenant) == ["first, second, third" + 250 * "."]


def _write_and_fail(database: Database, tenant: Tenant, last: sa.TextClause | None) -> None:
    with database.transaction(tenant.context) as connection:
        assert RENAME.row(connection, {"name": "written"}).full_name == "written"
        driver_connection(connection).write_later(Prepared("SELECT 1 / 0"), [])
        driver_connection(connection).write_later(CALL, ["behind it"])
        if last is not None:
            connection.scalars(last)


@pytest.mark.parametrize("last", [None, NAMES], ids=["with the commit", "with the next statement"])
def test_of_what_is_refused_later_nothing_is_kept(
    database: Database, tenant: Tenant, last: sa.TextClause | None
) -> None:
    with pytest.raises(sa.exc.DataError, match="division by zero"):
        _write_and_fail(database, tenant, last)
    assert names(database, tenant) == [NAME]


def test_what_is_written_later_is_undone_with_what_surrounds_it(database: Database, tenant: Tenant) -> None:
    with contextlib.suppress(ZeroDivisionError), database.transaction(tenant.context) as connection:
        driver_connection(connection).write_later(CALL, ["undone"])
        raise ZeroDivisionError
    assert names(database, tenant) == [NAME]
    with database.transaction(tenant.context) as connection:
        driver = driver_connection(connection)
        driver.write_later(APPEND, [" stays"])
        with contextlib.suppress(ZeroDivisionError), connection.begin_nested():
            driver.write_later(CALL, ["undone"])
            raise ZeroDivisionError
        with contextlib.suppress(ZeroDivisionError), driver.transaction():
            assert not driver.keeps_back  # psycopg ends this one without a word to us
            driver.execute("UPDATE users SET full_name = 'undone'")
            raise ZeroDivisionError
        driver.write_later(APPEND, [", too"])
    assert names(database, tenant) == [f"{NAME} stays, too"]


def test_nothing_is_written_later_where_nobody_would_write_it(database: Database, tenant: Tenant) -> None:
    with database.connect_raw() as connection, pytest.raises(psycopg.ProgrammingError):
        connection.write_later(CALL, ["never"])
    with database.transaction(tenant.context) as connection:
        driver = driver_connection(connection)
        with contextlib.suppress(psycopg.errors.DivisionByZero):
            QUOTIENT.row(connection, {"by": 0})
        assert not driver.keeps_back  # whoever writes into a failed transaction learns of it at once
    assert names(database, tenant) == [NAME]


@pytest.fixture
def narrow(database: Database) -> Iterator[StatementPool]:
    settings = database.settings.model_copy(update={"pool_size": 1, "pool_overflow": 0, "pool_wait_seconds": 0})
    pool = StatementPool(settings, database.connect_raw)
    yield pool
    pool.close()


def test_no_more_connections_than_there_is_room_for(database: Database, narrow: StatementPool) -> None:
    waits = Statement(sa.select(sa.func.pg_advisory_xact_lock(815)))
    blocked = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 815 AND NOT granted")
    with (
        concurrent.futures.ThreadPoolExecutor(1) as beside,
        database.admin_engine().connect() as connection,
        database.admin_engine().connect() as other,
    ):
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(815)"))
        following = beside.submit(narrow.row, waits, {})
        wait_until(lambda: other.scalar(blocked) == 1, "the only connection to be in use")
        with pytest.raises(sa.exc.TimeoutError):
            narrow.row(WHO, {})
        connection.rollback()
        following.result()
    assert narrow.row(WHO, {}).pid == narrow.row(WHO, {}).pid


def test_a_connection_that_was_interrupted_is_used_by_nobody(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_connection: object, _what: int) -> None:
        raise KeyboardInterrupt

    sleep = Statement(sa.select(sa.func.pg_sleep(60)))
    with monkeypatch.context() as patched:
        patched.setattr("clew.kernel.driver.DriverConnection._await", interrupted)
        with pytest.raises(KeyboardInterrupt), database.transaction(tenant.context) as connection:
            sleep.row(connection, {})
    with database.transaction(tenant.context, reading=True) as connection:
        assert WHO.row(connection, {}).organization == str(tenant.id)
