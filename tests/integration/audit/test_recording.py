"""What is told of an act, of a changed row and of a changed setting, and how it is found again."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from clew.domains.audit.search import AuditQuery, search
from clew.domains.audit.service import Act, ConfigurationChange, record, record_configuration
from clew.domains.identity.api_keys import create_key, revoke_key
from clew.domains.identity.key_tables import api_keys
from clew.domains.identity.users import add_user
from clew.domains.investigations.service import add_target, change_investigation, create_investigation
from clew.kernel.errors import InputError
from clew.kernel.transactions import TenantContext
from tests.support.auditing import Trail


def test_an_act_tells_who_where_and_what(trail: Trail) -> None:
    session = uuid4()
    context = TenantContext(trail.ours.id, trail.ours.operator, session, "2001:db8::7")
    with trail.database.transaction(context) as connection:
        act = Act(
            "api_call_made", "EXECUTE", "entity", "e-1", "a\0b", request={"q": ["\ud800", 1.5]}, milliseconds=1.25
        )
        record(connection, act)
    (row,) = trail.read("SELECT * FROM audit.events WHERE event_type = 'api_call_made'")
    assert (row.user_id, row.session_id, str(row.source_ip)) == (trail.ours.operator, session, "2001:db8::7")
    assert row.user_name == f"operator@{trail.ours.slug}"
    assert (row.resource_name, row.request_data) == ("a\ufffdb", {"q": ["?", 1.5]})
    assert (row.success, float(row.processing_time_ms)) == (True, 1.25)


def test_a_time_to_come_is_told_as_now(trail: Trail) -> None:
    with trail.database.transaction(trail.ours.context) as connection:
        record(connection, Act("clock", "READ", "x", at=datetime.now(UTC) + timedelta(days=900)))
    (row,) = trail.read("SELECT \"timestamp\" <= now() FROM audit.events WHERE event_type = 'clock'")
    assert row[0]


def test_history_tells_what_changed_and_no_secret(trail: Trail) -> None:
    with trail.database.transaction(trail.ours.context) as connection:
        change = "UPDATE users SET password_hash = 'very-secret', mfa_secret = 'hidden', full_name = 'New Name'"
        connection.execute(sa.text(change))
        connection.execute(sa.text("UPDATE users SET updated_at = now()"))
        connection.execute(sa.text("DELETE FROM users WHERE id = :id"), {"id": uuid4()})
    rows = trail.read(
        "SELECT * FROM audit_log WHERE organization_id = :id AND table_name = 'users' ORDER BY id", id=trail.ours.id
    )
    assert [row.operation for row in rows] == ["INSERT", "UPDATE"]
    update = rows[1]
    assert update.changed == ["full_name", "mfa_secret", "password_hash"]
    assert update.new_data["full_name"] == "New Name"
    assert update.row_id == update.user_id == trail.ours.operator
    for row in rows:
        for data in (row.old_data, row.new_data):
            assert data is None or not {"password_hash", "mfa_secret"} & data.keys()
    assert "very-secret" not in str(trail.read("SELECT old_data, new_data FROM audit.row_history"))


def test_what_was_decided_about_a_key_is_told_and_not_that_it_was_used(trail: Trail) -> None:
    ours = trail.ours
    with trail.database.transaction(ours.context) as connection:
        made = create_key(connection, ours.id, ours.operator, name="collector")
        connection.execute(sa.update(api_keys).where(api_keys.c.id == made.id).values(last_used_at=sa.func.now()))
        revoke_key(connection, ours.id, made.id)
    rows = trail.read("SELECT * FROM audit_log WHERE table_name = 'api_keys' AND row_id = :id ORDER BY id", id=made.id)
    assert [row.operation for row in rows] == ["INSERT", "UPDATE"]
    assert rows[1].changed == ["is_active", "revoked_at"]
    assert all("key_hash" not in data for row in rows for data in (row.old_data, row.new_data) if data)


def test_opening_a_case_leaves_its_act_its_state_and_its_row(trail: Trail) -> None:
    with trail.database.transaction(trail.theirs.context) as connection:
        made = create_investigation(connection, trail.theirs.id, "Lantern", owner_id=trail.theirs.operator)
        add_target(connection, trail.theirs.id, made.id, "203.0.113.9")
        add_target(connection, trail.theirs.id, made.id, "203.0.113.9")
    told = trail.read("SELECT event_type FROM audit.events WHERE organization_id = :id ORDER BY id", id=trail.theirs.id)
    assert [row[0] for row in told] == ["organization_created", "investigation_created", "target_added"]
    (state,) = trail.read("SELECT * FROM audit.investigations WHERE investigation_id = :id", id=made.id)
    assert (state.status, state.investigator_name) == ("pending", f"operator@{trail.theirs.slug}")
    assert (state.target_identifier, state.data_points_collected) == (None, 0)
    (row,) = trail.read("SELECT * FROM audit_log WHERE row_id = :id", id=made.id)
    assert (row.operation, row.new_data["name"]) == ("INSERT", "Lantern")


def test_a_state_is_told_whoever_changes_the_case_and_only_if_it_differs(trail: Trail) -> None:
    with trail.database.transaction(trail.ours.context) as connection:
        made = create_investigation(connection, trail.ours.id, "Beacon", owner_id=trail.ours.operator)
        add_target(connection, trail.ours.id, made.id, "203.0.113.9")
        connection.execute(sa.text("UPDATE investigations SET risk_score = 70 WHERE id = :id"), {"id": made.id})
        connection.execute(sa.text("UPDATE investigations SET updated_at = now() WHERE id = :id"), {"id": made.id})
        connection.execute(sa.text("DELETE FROM investigations WHERE id = :id"), {"id": made.id})
    states = trail.read("SELECT * FROM audit.investigations WHERE investigation_id = :id ORDER BY id", id=made.id)
    assert [(state.risk_score, state.target_identifier) for state in states] == [(0, None), (70, "203.0.113.9")]
    assert {state.investigator_name for state in states} == {f"operator@{trail.ours.slug}"}
    rows = trail.read("SELECT * FROM audit_log WHERE row_id = :id ORDER BY id", id=made.id)
    assert [(row.operation, row.changed) for row in rows] == [
        ("INSERT", []),
        ("UPDATE", ["risk_score"]),
        ("DELETE", []),
    ]
    assert (rows[1].old_data["risk_score"], rows[1].new_data["risk_score"], rows[2].new_data) == (0, 70, None)
    trail.seal()
    assert trail.verify().ok


def test_a_changed_setting_is_told_with_what_it_was(trail: Trail) -> None:
    with trail.database.transaction(trail.ours.context) as connection:
        change = ConfigurationChange("limits", "UPDATE", "rate/minute", 10, 20, "more users", trail.ours.operator)
        record_configuration(connection, change)
    (row,) = trail.read("SELECT * FROM audit.configuration_changes")
    assert (row.old_value, row.new_value, row.changed_by) == (10, 20, trail.ours.operator)
    trail.seal()
    assert trail.verify().ok


def test_the_named_functions_answer(trail: Trail) -> None:
    with trail.database.transaction(trail.ours.context) as connection:
        ann = add_user(connection, trail.ours.id, email="ann@lantern.example", username="ann")
        cases = [create_investigation(connection, trail.ours.id, f"{n}", owner_id=ann.id).id for n in range(4)]
        for case, status in ((0, "running"), (0, "completed"), (1, "failed"), (2, "completed"), (3, "running")):
            change_investigation(connection, trail.ours.id, cases[case], {"status": status})
        for succeeded, days in ((True, 1), (False, 2), (True, 90)):
            connection.execute(
                sa.text(
                    "INSERT INTO audit.api_key_usage (organization_id, service_name, operation, success, cost_usd,"
                    " response_time_ms, request_timestamp)"
                    " VALUES (:id, 'shodan', 'host', :s, 0.5, 10, now() - make_interval(days => :d))"
                ),
                {"id": trail.ours.id, "s": succeeded, "d": days},
            )
        rate = connection.scalar(sa.text("SELECT audit.get_investigator_success_rate('ann')"))
        stats = connection.execute(sa.text("SELECT * FROM audit.get_api_usage_stats('shodan', 30)")).one()
    assert float(rate or 0) == 66.67
    assert (stats.total_calls, stats.successful_calls, stats.failed_calls, float(stats.total_cost_usd)) == (
        2,
        1,
        1,
        1.0,
    )
    with trail.database.transaction(trail.theirs.context) as connection:
        assert connection.scalar(sa.text("SELECT audit.get_investigator_success_rate('ann')")) is None


def test_acts_are_found_page_by_page(trail: Trail) -> None:
    trail.act(trail.ours, *(f"needle-{number}" for number in range(7)))
    seen: list[str] = []
    cursor = None
    with trail.database.transaction(trail.ours.context) as connection:
        while True:
            query = AuditQuery(
                user=f"operator@{trail.ours.slug}", action="create", text="NEEDLE", limit=3, cursor=cursor
            )
            page = search(connection, trail.ours.id, query)
            seen += [each["resource_name"] for each in page.events]
            cursor = page.cursor
            if cursor is None:
                break
        assert seen == [f"needle-{number}" for number in reversed(range(7))]
        for nothing in (
            AuditQuery(text="needle", until=datetime(2020, 1, 1, tzinfo=UTC)),
            AuditQuery(text="needle", resource_type="file"),
            AuditQuery(user=str(uuid4())),
        ):
            assert search(connection, trail.ours.id, nothing).events == []
        for wrong in (AuditQuery(action="STEAL"), AuditQuery(cursor="AAAA"), AuditQuery(limit=0)):
            with pytest.raises(InputError):
                search(connection, trail.ours.id, wrong)
