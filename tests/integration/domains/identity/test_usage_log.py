"""The log of API use: complete when it can be, honest when it cannot, and never in a request's way."""

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from clew.domains.identity.usage_log import Usage, UsageLog, delete_old_usage, drop_old_months, write_usage
from clew.kernel.database import Database
from clew.kernel.errors import DatabaseUnavailableError
from tests.support.embedded import wait_until
from tests.support.record import Tenant, new_organization


def usage(organization: UUID | None = None, moment: datetime | None = None, **more: str) -> Usage:
    return Usage(
        organization or uuid4(),
        uuid4(),
        "/api/v1/entities/{id}",
        "GET",
        moment or datetime.now(UTC),
        200,
        7,
        **more,  # type: ignore[arg-type]
    )


def logged(database: Database, tenant: Tenant) -> list[sa.Row[*tuple[object, ...]]]:
    with database.transaction(tenant.context) as connection:
        return list(connection.execute(sa.text("SELECT * FROM api_usage_logs ORDER BY request_timestamp")))


def test_what_is_recorded_is_written_each_for_its_organization(database: Database, tenant: Tenant) -> None:
    other = new_organization(database)
    log = UsageLog(lambda lines: write_usage(database, lines), interval_seconds=0.01, batch=30)
    log.start()

    def requests() -> None:
        for one in (tenant, other) * 50:
            log.record(usage(one.id))

    threads = [threading.Thread(target=requests) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = log.close()
    assert (counts.recorded, counts.written, counts.dropped) == (400, 400, 0)
    assert len(logged(database, tenant)) == len(logged(database, other)) == 200


def test_what_clients_send_cannot_spoil_a_batch(database: Database, tenant: Tenant) -> None:
    log = UsageLog(lambda lines: write_usage(database, lines))
    log.start()
    for agent, address in (("a\x00b\udcff" + "x" * 9000, "no address"), ("ok", "192.0.2.1"), ("", "::1%eth0' --")):
        log.record(usage(tenant.id, user_agent=agent, client_ip=address))
    assert log.close().written == 3
    assert {str(row.client_ip) for row in logged(database, tenant)} == {"None", "192.0.2.1", "::1"}


def test_a_request_never_waits_and_what_is_too_much_is_counted() -> None:
    gate = threading.Event()

    def slow(lines: Sequence[Usage]) -> None:
        gate.wait()

    log = UsageLog(slow, capacity=100, batch=10, interval_seconds=0.001)
    log.start()
    before = time.monotonic()
    for _ in range(1000):
        log.record(usage())
    assert time.monotonic() - before < 1
    assert 890 <= log.counts().dropped <= 900
    gate.set()
    counts = log.close()
    assert counts.recorded == 1000 == counts.written + counts.dropped


def test_a_database_that_is_away_is_waited_for() -> None:
    away = threading.Event()
    kept: list[Usage] = []
    away.set()

    def write(lines: Sequence[Usage]) -> None:
        if away.is_set():
            raise DatabaseUnavailableError("away")
        kept.extend(lines)

    log = UsageLog(write, interval_seconds=0.001)
    log.start()
    for _ in range(5):
        log.record(usage())
    assert log.counts().written == 0
    away.clear()
    wait_until(lambda: log.counts().written == 5, "the lines to be written")
    assert log.close().dropped == 0
    assert len(kept) == 5


def test_an_end_does_not_wait_for_ever_and_says_what_was_lost() -> None:
    def write(lines: Sequence[Usage]) -> None:
        raise DatabaseUnavailableError("away")

    log = UsageLog(write, interval_seconds=0.001, batch=2)
    log.start()
    for _ in range(7):
        log.record(usage())
    counts = log.close(patience_seconds=0.1)
    assert (counts.written, counts.dropped) == (0, 7)


def test_lines_that_the_server_refuses_are_counted_and_the_next_written(database: Database, tenant: Tenant) -> None:
    log = UsageLog(lambda lines: write_usage(database, lines), batch=1, interval_seconds=0.01)
    log.start()
    broken = Usage(tenant.id, uuid4(), "/", "GET", datetime.now(UTC), 2**40, 1)
    log.record(broken)
    log.record(usage(tenant.id))
    counts = log.close()
    assert (counts.written, counts.dropped) == (1, 1)


def test_a_log_that_never_began_ends_too() -> None:
    log = UsageLog(lambda lines: pytest.fail(f"{len(lines)} were written"))
    log.record(usage())
    assert log.close().dropped == 1


def test_old_lines_go_young_ones_and_other_organizations_stay(database: Database, tenant: Tenant) -> None:
    other, now = new_organization(database), datetime.now(UTC)
    # Less than thirty days, so that no whole month is old enough to go, whatever day it is.
    lines = [usage(one.id, now - timedelta(days=days)) for one in (tenant, other) for days in (1, 19, 21)]
    with database.transaction(None) as connection:
        drop_old_months(connection)  # those that other tests of this database made
        connection.execute(
            sa.text("SELECT ensure_partitions('api_usage_logs', CAST(:months AS date[]))"),
            {"months": [line.request_timestamp for line in lines]},
        )
    write_usage(database, lines)
    with database.transaction(tenant.context) as connection:
        assert delete_old_usage(connection, tenant.id, kept=timedelta(days=20)) == 1
        assert drop_old_months(connection) == 0
    assert len(logged(database, tenant)) == 2
    assert len(logged(database, other)) == 3
    with pytest.raises(sa.exc.DBAPIError, match="30 or more"), database.transaction(None) as connection:
        drop_old_months(connection, kept=timedelta(days=1))
