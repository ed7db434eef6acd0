"""The schema's history on a real database: up, down and up again with rows in it, and what it promises of itself."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
import sqlalchemy.exc

from clew import migrations
from clew.kernel.database import Database
from clew.kernel.roles import MIGRATOR
from tests.support.postgres import upgrade
from tests.support.record import NOON, Writer, empty_database, new_organization

PARENTS = (
    "analysis_sessions",
    "api_usage_logs",
    "attack_sessions",
    "collection_items",
    "events",
    "series_blocks",
    "social_posts",
    "audit.events",
    "audit.row_history",
)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with empty_database() as opened:
        upgrade(opened)
        yield opened


def scalars(database: Database, statement: str, **parameters: object) -> list[object]:
    with database.transaction(None) as connection:
        return list(connection.scalars(sa.text(statement), parameters))


def months_of(database: Database, parent: str) -> list[str]:
    return [
        str(name)
        for name in scalars(
            database,
            "SELECT relname FROM pg_class JOIN pg_inherits ON inhrelid = oid"
            " WHERE inhparent = to_regclass(:parent) ORDER BY 1",
            parent=parent,
        )
    ]


def test_up_down_and_up_again_with_rows_in_the_tables() -> None:
    with empty_database() as database:
        for _ in range(2):
            upgrade(database)
            tenant = new_organization(database)
            with database.transaction(tenant.context) as connection:
                writer = Writer(connection, tenant)
                address, domain = (
                    writer.entity("ip_address", "203.0.113.77"),
                    writer.entity("domain", "lantern.example"),
                )
                writer.relationship(domain, "RESOLVES_TO", address)
                writer.session("203.0.113.77")
                writer.sighting(address, writer.item(writer.source("cowrie"), "cowrie.json"))
            with database.transaction(None, MIGRATOR) as connection:
                assert migrations.current(connection) == migrations.head()
                migrations.downgrade(connection, "base")
                assert migrations.current(connection) is None
            assert (
                scalars(
                    database,
                    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                    " AND relname NOT LIKE 'schema_version%'",
                )
                == []
            )
            assert scalars(database, "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace") == []
            assert scalars(database, "SELECT to_regnamespace('audit')") == [None]


def test_without_the_audit_trail_the_record_works_as_before() -> None:
    with empty_database() as database:
        upgrade(database)
        tenant = new_organization(database)
        with database.transaction(None, MIGRATOR) as connection:
            migrations.downgrade(connection, "0003")
        assert scalars(database, "SELECT create_monthly_partitions(5)") == [2 * 4]
        with database.transaction(tenant.context) as connection:
            Writer(connection, tenant).session("203.0.113.77")
            connection.execute(sa.text("UPDATE users SET full_name = 'Somebody'"))
        upgrade(database)
        assert scalars(database, "SELECT count(*) FROM audit.events") == [0]
        with database.transaction(tenant.context) as connection:
            connection.execute(sa.text("UPDATE users SET full_name = 'Somebody else'"))
            assert connection.scalars(sa.text("SELECT operation FROM audit_log")).all() == ["UPDATE"]


def test_an_upgrade_of_what_is_up_to_date_changes_nothing(database: Database) -> None:
    before = scalars(
        database, "SELECT oid::bigint FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    upgrade(database)
    after = scalars(database, "SELECT oid::bigint FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1")
    assert before == after


def test_the_database_is_what_the_tables_declare(database: Database) -> None:
    with database.transaction(None, MIGRATOR) as connection:
        assert migrations.differences(connection) == []


def test_every_index_of_a_tenants_table_leads_with_the_organization(database: Database) -> None:
    others = scalars(
        database,
        """
        SELECT i.relname FROM pg_index x
        JOIN pg_class i ON i.oid = x.indexrelid
        JOIN pg_am m ON m.oid = i.relam
        JOIN pg_class t ON t.oid = x.indrelid AND NOT t.relispartition
        JOIN pg_attribute o ON o.attrelid = t.oid AND o.attname = 'organization_id'
        WHERE t.relnamespace IN ('public'::regnamespace, to_regnamespace('audit'))
          AND m.amname = 'btree' AND x.indkey[0] <> o.attnum
        ORDER BY 1
        """,
    )
    # What one signs in with is unique over all; the projector reads the changes of all in the order of commits, and the
    # sealer the trail. The runner takes what waits of all, and finds what was left lying.
    sealed = ("compliance_assessments", "configuration_changes", "events", "investigation_states", "risk_assessments")
    trail = [f"{name}_xid_id_idx" for name in (*sealed, "row_history")]
    presented = ("api_keys_key_hash", "one_time_tokens_token_hash", "refresh_tokens_token_hash", "sessions_token_hash")
    named = [f"{name}_key" for name in (*presented, "users_email", "users_username")]
    assert others == sorted(
        ["changes_xid_sequence_idx", "jobs_running_idx", "jobs_waiting_idx", "schedules_due_idx", *named, *trail]
    )


def test_every_tenants_table_is_under_forced_row_security(database: Database) -> None:
    assert (
        scalars(
            database,
            """
        SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id'
        WHERE c.relnamespace IN ('public'::regnamespace, to_regnamespace('audit')) AND c.relkind IN ('r', 'p')
          AND NOT c.relispartition AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
        """,
        )
        == []
    )


def test_months_ahead_are_there(database: Database) -> None:
    month = datetime.now(UTC).date().replace(day=1)
    for _ in range(4):
        for parent in PARENTS:
            assert f"{parent.removeprefix('audit.')}_{month:%Y_%m}" in months_of(database, parent)
        month = (month + timedelta(days=32)).replace(day=1)
    assert scalars(database, "SELECT create_monthly_partitions()") == [0]


def test_months_of_old_data_are_made_on_demand_and_once(database: Database) -> None:
    statement = "SELECT ensure_partitions('events', CAST(:months AS date[]))"
    months = [date(2015, 7, 4), date(2015, 7, 31), date(2015, 8, 1)]
    assert scalars(database, statement, months=months) == [2]
    assert scalars(database, statement, months=months) == [0]
    assert {"events_2015_07", "events_2015_08"} <= set(months_of(database, "events"))
    tenant = new_organization(database)
    with database.transaction(tenant.context) as connection:
        Writer(connection, tenant).insert(
            "events", occurred_at=datetime(2015, 7, 31, 23, 59, tzinfo=UTC), source="x", kind="y", item_id=uuid4()
        )
    with database.transaction(tenant.context) as connection:
        assert connection.scalar(sa.text("SELECT tableoid::regclass::text FROM events")) == "events_2015_07"


def test_impossible_months_need_no_partition_and_refuse_no_row(database: Database) -> None:
    months = [date(1970, 1, 1), date(2999, 1, 1)]
    assert scalars(database, "SELECT ensure_partitions('events', CAST(:months AS date[]))", months=months) == [0]
    tenant = new_organization(database)
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        for year in (1970, 2999):
            moment = datetime(year, 1, 1, tzinfo=UTC)
            writer.insert("events", occurred_at=moment, source="x", kind="y", item_id=uuid4(), impossible_time=True)
        places = sa.text("SELECT tableoid::regclass::text FROM events ORDER BY occurred_at")
        assert connection.scalars(places).all() == ["events_impossible_past", "events_impossible_future"]


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("SELECT ensure_partitions('users', ARRAY[DATE '2015-01-01'])", "not partitioned"),
        ("SELECT ensure_partitions('events; DROP TABLE users', ARRAY[DATE '2015-01-01'])", "not partitioned"),
        ("SELECT ensure_partitions('events', array_fill(DATE '2015-01-01', ARRAY[1201]))", "1200 months"),
        ("SELECT create_monthly_partitions(25)", "between 0 and 24"),
        ("SELECT create_monthly_partitions(-1)", "between 0 and 24"),
        ("SELECT make_month_partition('users', DATE '2015-01-01')", "permission denied"),
        ("SELECT advance_future('events', DATE '2999-01-01')", "permission denied"),
    ],
)
def test_the_application_can_make_partitions_of_these_tables_and_do_nothing_else(
    database: Database, statement: str, problem: str
) -> None:
    with pytest.raises(sqlalchemy.exc.DBAPIError, match=problem), database.transaction(None) as connection:
        connection.execute(sa.text(statement))


def test_null_arguments_make_nothing(database: Database) -> None:
    before = months_of(database, "events")
    with database.transaction(None) as connection:
        for statement in (
            "SELECT ensure_partitions('events', NULL)",
            "SELECT ensure_partitions('events', ARRAY[NULL]::date[])",
            "SELECT ensure_partitions('events', ARRAY[]::date[])",
        ):
            connection.execute(sa.text(statement))
    assert months_of(database, "events") == before


def test_rows_of_the_future_move_into_their_month_when_it_comes(database: Database) -> None:
    tenant = new_organization(database)
    # five months ahead: beyond what is made now (three), within what is made next (six)
    coming = (datetime.now(UTC).replace(day=1) + timedelta(days=5 * 31)).replace(day=15, hour=12)
    places = sa.text("SELECT tableoid::regclass::text FROM events WHERE kind = 'coming'")
    with database.transaction(tenant.context) as connection:
        Writer(connection, tenant).insert("events", occurred_at=coming, source="x", kind="coming", item_id=uuid4())
        assert connection.scalars(places).all() == ["events_impossible_future"]
    assert scalars(database, "SELECT create_monthly_partitions(6)")[0] == 3 * len(PARENTS)
    with database.transaction(tenant.context) as connection:
        assert connection.scalars(places).all() == [f"events_{coming:%Y_%m}"]
        later = datetime(2999, 1, 1, tzinfo=UTC)
        Writer(connection, tenant).insert("events", occurred_at=later, source="x", kind="later", item_id=uuid4())
    assert scalars(database, "SELECT create_monthly_partitions(6)") == [0]


def test_partitions_carry_their_parents_indexes(database: Database) -> None:
    lacking = scalars(
        database,
        """
        SELECT p.relname FROM pg_inherits h
        JOIN pg_class p ON p.oid = h.inhrelid AND p.relkind = 'r' JOIN pg_class t ON t.oid = h.inhparent
        WHERE t.relkind = 'p' AND (SELECT count(*) FROM pg_index WHERE indrelid = p.oid)
                               < (SELECT count(*) FROM pg_index WHERE indrelid = t.oid)
        """,
    )
    assert lacking == []


def test_changes_say_what_really_changed(database: Database) -> None:
    tenant = new_organization(database)
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        address, domain = writer.entity("ip_address", "203.0.113.77"), writer.entity("domain", "lantern.example")
        relationship = writer.relationship(domain, "RESOLVES_TO", address, first_seen=NOON)
    with database.transaction(tenant.context) as connection:
        connection.execute(sa.text("DELETE FROM entities WHERE id = :id"), {"id": address})
    with database.transaction(tenant.context) as connection:
        logged = connection.execute(
            sa.text("SELECT table_name, operation, row_id FROM changes ORDER BY sequence")
        ).all()
        assert connection.scalar(sa.text("SELECT count(*) FROM relationships")) == 0
    assert {tuple(row) for row in logged} == {
        ("entities", "insert", address),
        ("entities", "insert", domain),
        ("relationships", "insert", relationship),
        ("entities", "delete", address),
        ("relationships", "delete", relationship),
    }
