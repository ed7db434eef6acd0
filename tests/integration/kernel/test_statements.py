"""Statements in one trip, on connections whose end shows without asking."""

import concurrent.futures

import psycopg
import pytest
import sqlalchemy as sa

from clew.kernel.database import Database
from clew.kernel.liveness import looks_alive
from clew.kernel.roles import APPLICATION
from clew.kernel.statements import Statement
from tests.support.embedded import is_alive, wait_until
from tests.support.record import Tenant

WHO = Statement(sa.select(sa.func.pg_backend_pid().label("pid"), sa.func.pg_current_xact_id_if_assigned().label("xid")))
ORGANIZATION = sa.text("SELECT current_setting('app.current_organization_id'), current_setting('app.client_ip')")


def end_backend(database: Database, pid: int) -> None:
    with database.admin_engine().connect() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    wait_until(lambda: not is_alive(pid), "the backend to end")  # only then are its sockets closed


def test_a_connection_that_the_server_ended_costs_nobody_an_error(database: Database, tenant: Tenant) -> None:
    for _ in range(2):
        pid = database.ask(APPLICATION, WHO, {}).pid
        assert database.ask(APPLICATION, WHO, {}).pid == pid
        end_backend(database, pid)
        assert database.ask(APPLICATION, WHO, {}).pid != pid
    with database.transaction(tenant.context) as connection:
        pid = connection.scalar(sa.text("SELECT pg_backend_pid()"))
    end_backend(database, pid)
    with database.transaction(tenant.context) as connection:
        assert connection.scalar(sa.text("SELECT pg_backend_pid()")) != pid


def test_an_idle_connection_looks_alive_until_it_is_ended(database: Database) -> None:
    with database.connect_raw() as connection:
        connection.autocommit = True
        assert looks_alive(connection)
        end_backend(database, connection.info.backend_pid)
        wait_until(lambda: not looks_alive(connection), "the end to show")


def test_a_notice_that_came_unasked_is_no_end(database: Database) -> None:
    with database.connect_raw() as connection, database.connect_raw() as other:
        connection.autocommit = other.autocommit = True
        connection.execute("LISTEN trial")
        other.execute("NOTIFY trial")
        assert looks_alive(connection)
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_transaction_begins_for_its_tenant_and_carries_nothing_over(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        assert connection.execute(ORGANIZATION).one() == (str(tenant.id), "")
    with database.transaction(None) as connection:
        assert connection.execute(ORGANIZATION).one() == ("", "")


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "", "'); DROP TABLE users; --", "a'b\\"])
def test_an_address_is_a_value_whatever_it_holds(database: Database, tenant: Tenant, address: str) -> None:
    context = type(tenant.context)(tenant.id, tenant.operator, None, address)
    with database.transaction(context) as connection:
        assert connection.execute(ORGANIZATION).one() == (str(tenant.id), address)
        assert connection.scalar(sa.text("SELECT count(*) FROM users")) == 1


def test_what_a_transaction_did_is_undone_if_it_raises(database: Database, tenant: Tenant) -> None:
    change = sa.text("UPDATE users SET full_name = 'changed'")
    with pytest.raises(ZeroDivisionError), database.transaction(tenant.context) as connection:
        assert connection.execute(change).rowcount // 0
    with database.transaction(tenant.context) as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM users WHERE full_name = 'changed'")) == 0


def test_many_threads_ask_at_once(database: Database) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        pids = {done.result().pid for done in [pool.submit(database.ask, APPLICATION, WHO, {}) for _ in range(64)]}
    assert 1 <= len(pids) <= 8


def test_what_the_server_refuses_is_raised_as_it_is(database: Database) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        database.ask(APPLICATION, Statement(sa.text("SELECT * FROM no_such_table")), {})
    assert database.ask(APPLICATION, WHO, {}).xid is None
