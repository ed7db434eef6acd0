"""The change feed on a real server: what is recorded, and that a reader takes each change once, however late."""

import contextlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa

from clew.kernel.database import Database
from clew.kernel.roles import MIGRATOR, PROJECTOR
from clew.projections import feed
from clew.projections.feed import Key, Position, Stretch
from tests.support.record import NOON, Tenant, Writer, new_organization

TABLES = frozenset(
    {"entities", "relationships", "attack_sessions", "collection_items", "investigations", "social_posts"}
)


class Reader:
    """Follows the feed from the moment it is made, and hears of one organization only."""

    def __init__(self, database: Database, tenant: Tenant, limit: int = 1000) -> None:
        self._database = database
        self._tenant = tenant
        self._limit = limit
        with self._moment() as connection:
            self.position = Position(feed.current_epoch(connection), feed.current_snapshot(connection))

    def take(self) -> list[Key]:
        """What changed since the last time, piece by piece, in order; a key as often as pieces name it."""
        taken: list[Key] = []
        while True:
            stretch, keys = self.piece()
            taken += keys
            if stretch.is_last:
                return taken

    def piece(self) -> tuple[Stretch, list[Key]]:
        with self._moment() as connection:
            stretch = feed.read(connection, self.position, limit=self._limit)
            keys = [key for key in feed.keys_of(connection, TABLES) if key.organization_id == self._tenant.id]
        self.position = stretch.position
        return stretch, keys

    @contextlib.contextmanager
    def _moment(self) -> Iterator[psycopg.Connection[Any]]:
        with self._database.connect_raw(PROJECTOR) as connection:
            feed.prepare(connection)
            connection.commit()
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield connection


@contextlib.contextmanager
def tenant_connection(database: Database, tenant: Tenant) -> Iterator[psycopg.Connection[Any]]:
    with database.connect_raw() as connection:
        connection.autocommit = True
        connection.execute("SELECT set_config('app.current_organization_id', %s, false)", (str(tenant.id),))
        yield connection


def add_entity(connection: psycopg.Connection[Any], tenant: Tenant, name: str) -> Key:
    row = connection.execute(
        "INSERT INTO entities (organization_id, entity_type, name, normalized_name)"
        " VALUES (%s, 'domain', %s, %s) RETURNING id",
        (tenant.id, name, name),
    ).fetchone()
    assert row is not None
    return Key(tenant.id, "entities", row[0])


def test_a_transaction_held_open_while_later_ones_commit_is_not_skipped(database: Database, tenant: Tenant) -> None:
    reader = Reader(database, tenant)
    with tenant_connection(database, tenant) as slow, tenant_connection(database, tenant) as quick:
        with slow.transaction():
            late = add_entity(slow, tenant, "late.example")
            early = [add_entity(quick, tenant, f"early-{number}.example") for number in range(10)]
            assert reader.take() == early
            assert reader.take() == []
            after = add_entity(quick, tenant, "after.example")
            assert reader.take() == [after]
        assert reader.take() == [late]
        assert reader.take() == []


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1000])
def test_pieces_of_any_size_give_every_change_once(database: Database, tenant: Tenant, limit: int) -> None:
    reader = Reader(database, tenant, limit)
    with tenant_connection(database, tenant) as slow, tenant_connection(database, tenant) as quick:
        with slow.transaction():
            late = [add_entity(slow, tenant, f"late-{number}.example") for number in range(5)]
            with quick.transaction():
                early = [add_entity(quick, tenant, f"early-{number}.example") for number in range(7)]
            assert reader.take() == early
        with quick.transaction():
            later = [add_entity(quick, tenant, f"later-{number}.example") for number in range(4)]
        assert reader.take() == late + later
    assert reader.take() == []


def test_what_commits_while_a_long_stretch_is_worked_off_comes_after_it(database: Database, tenant: Tenant) -> None:
    reader = Reader(database, tenant, limit=2)
    with tenant_connection(database, tenant) as connection:
        first = [add_entity(connection, tenant, f"first-{number}.example") for number in range(4)]
        _, taken = reader.piece()
        second = add_entity(connection, tenant, "second.example")
        assert not reader.piece()[0].is_last
        assert taken == first[:2]
        assert reader.take() + reader.take() == [second]


def test_what_was_rolled_back_never_shows(database: Database, tenant: Tenant) -> None:
    reader = Reader(database, tenant)
    with tenant_connection(database, tenant) as connection:
        with connection.transaction(force_rollback=True):
            add_entity(connection, tenant, "never.example")
        with connection.transaction(), contextlib.suppress(ZeroDivisionError), connection.transaction():
            add_entity(connection, tenant, "nor-this.example")
            raise ZeroDivisionError
        kept = add_entity(connection, tenant, "kept.example")
    assert reader.take() == [kept]


def test_rows_tell_of_what_they_hang_on(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        entity = writer.entity("domain", "lantern.example")
        source = writer.source("cowrie")
        case = UUID(int=77)
        writer.insert("investigations", id=case, name="a case")
    reader = Reader(database, tenant)
    with database.transaction(tenant.context) as connection:
        writer.connection = connection
        item = writer.item(source, "seen.json")
        writer.sighting(entity, item)
    assert {Key(tenant.id, "entities", entity), Key(tenant.id, "collection_items", item)} == set(reader.take())
    with database.transaction(tenant.context) as connection:
        writer.connection = connection
        writer.insert("targets", investigation_id=case, target_type="domain", value="x", normalized_value="x")
    assert reader.take() == [Key(tenant.id, "investigations", case)]


def test_a_source_is_told_with_its_entity_and_of_its_own_where_that_is_older(
    database: Database, tenant: Tenant
) -> None:
    reader = Reader(database, tenant)
    told = sa.text("SELECT operation FROM changes WHERE row_id = :entity ORDER BY sequence")

    def operations(entity: UUID) -> list[str]:
        with database.transaction(None, PROJECTOR) as connection:
            return list(connection.execute(told, {"entity": entity}).scalars())

    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        source = writer.source("cowrie")
        entity = writer.entity("domain", "lantern.example")
        first, second, third = (writer.item(source, f"seen-{number}.json") for number in range(3))
        writer.sighting(entity, first)
    assert operations(entity) == ["insert"]
    with database.transaction(tenant.context) as connection:
        writer.connection = connection
        writer.sighting(entity, second)
    assert operations(entity) == ["insert", "update"]
    with database.transaction(tenant.context) as connection:
        writer.connection = connection
        connection.execute(
            sa.text("UPDATE entities SET confidence = 0.9, updated_at = now() WHERE id = :id"), {"id": entity}
        )
        writer.sighting(entity, third)
    assert operations(entity) == ["insert", "update", "update"]
    assert Key(tenant.id, "entities", entity) in reader.take()


def test_updates_deletes_and_moves_between_months_are_told(database: Database, tenant: Tenant) -> None:
    reader = Reader(database, tenant)
    with database.transaction(tenant.context) as connection:
        connection.execute(
            sa.text("SELECT ensure_partitions('attack_sessions', ARRAY[DATE '2025-03-01', '2025-02-01'])")
        )
        session = Writer(connection, tenant).session("203.0.113.77")
    key = Key(tenant.id, "attack_sessions", session)
    assert reader.take() == [key]
    with database.transaction(tenant.context) as connection:
        connection.execute(sa.text("UPDATE attack_sessions SET timestamp = timestamp - interval '1 month'"))
    assert key in reader.piece()[1]
    with database.transaction(tenant.context) as connection:
        connection.execute(sa.text("DELETE FROM attack_sessions"))
    assert key in reader.take()


def test_a_dropped_month_is_told_row_by_row(database: Database) -> None:
    tenants = [new_organization(database), new_organization(database)]
    sessions = []
    for tenant in tenants:
        with database.transaction(tenant.context) as connection:
            connection.execute(sa.text("SELECT ensure_partitions('attack_sessions', ARRAY[DATE '2011-05-01'])"))
            session = Writer(connection, tenant).session("203.0.113.78", NOON.replace(year=2011, month=5))
            sessions.append(Key(tenant.id, "attack_sessions", session))
    readers = [Reader(database, tenant) for tenant in tenants]
    with database.transaction(None, MIGRATOR) as connection:
        dropped = connection.scalar(sa.text("SELECT drop_month_partition('attack_sessions', DATE '2011-05-01')"))
        again = connection.scalar(sa.text("SELECT drop_month_partition('attack_sessions', DATE '2011-05-01')"))
    assert (dropped, again) == (2, 0)
    assert [reader.take() for reader in readers] == [[session] for session in sessions]
    for tenant in tenants:
        with database.transaction(tenant.context) as connection:
            assert connection.scalar(sa.text("SELECT count(*) FROM attack_session_keys")) == 0


def test_the_application_may_not_drop_months(database: Database, tenant: Tenant) -> None:
    with (
        pytest.raises(sa.exc.ProgrammingError, match="permission denied"),
        database.transaction(tenant.context) as connection,
    ):
        connection.execute(sa.text("SELECT drop_month_partition('events', DATE '2011-05-01')"))


def test_open_transactions_are_told_with_their_process(database: Database, tenant: Tenant) -> None:
    with database.connect_raw(PROJECTOR) as looking, tenant_connection(database, tenant) as connection:
        with connection.transaction():
            add_entity(connection, tenant, "open.example")
            pids = [holder.pid for holder in feed.holders(looking)]
            assert connection.info.backend_pid in pids
        looking.commit()
        assert connection.info.backend_pid not in [holder.pid for holder in feed.holders(looking)]


def test_trimming_takes_only_what_was_seen(database: Database, tenant: Tenant) -> None:
    with (
        tenant_connection(database, tenant) as slow,
        tenant_connection(database, tenant) as quick,
        database.connect_raw(PROJECTOR) as projector,
    ):
        projector.autocommit = True
        with slow.transaction():
            late = add_entity(slow, tenant, "late.example")
            add_entity(quick, tenant, "early.example")
            reader = Reader(database, tenant)
            seen = reader.position.snapshot
        unseen = add_entity(quick, tenant, "unseen.example")
        feed.trim(projector, seen.xmax, seen.open)
        rows = projector.execute("SELECT row_id FROM changes WHERE organization_id = %s", (tenant.id,)).fetchall()
        assert {row[0] for row in rows} == {late.row_id, unseen.row_id}
        assert reader.take() == [late, unseen]


def test_lag_counts_what_was_not_taken(database: Database, tenant: Tenant) -> None:
    reader = Reader(database, tenant)
    with tenant_connection(database, tenant) as connection, database.connect_raw(PROJECTOR) as looking:
        looking.autocommit = True
        assert feed.lag(looking, reader.position).changes == 0
        for number in range(3):
            add_entity(connection, tenant, f"waiting-{number}.example")
        waiting = feed.lag(looking, reader.position)
        assert waiting.changes == 3
        assert waiting.seconds > 0
        reader.take()
        assert feed.lag(looking, reader.position).changes == 0


def test_lag_within_a_long_stretch_counts_only_what_is_left_of_it(database: Database, tenant: Tenant) -> None:
    with (
        tenant_connection(database, tenant) as slow,
        tenant_connection(database, tenant) as quick,
        database.connect_raw(PROJECTOR) as looking,
    ):
        looking.autocommit = True
        reader = Reader(database, tenant, limit=2)
        with slow.transaction():
            add_entity(slow, tenant, "late.example")  # begun first, and not seen by the stretch
            for number in range(5):
                add_entity(quick, tenant, f"piece-{number}.example")
            reader.piece()
            assert feed.lag(looking, reader.position).changes == 3
        assert feed.lag(looking, reader.position).changes == 4
        reader.take()
        assert feed.lag(looking, reader.position).changes == 1
        reader.take()
        assert feed.lag(looking, reader.position).changes == 0
