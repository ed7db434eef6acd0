"""Each role does what it is for with the trail, and nothing else."""

import pytest
import sqlalchemy as sa
import sqlalchemy.exc

from clew.kernel.roles import APPLICATION, AUDITOR, DIRECTORY, PROJECTOR, RETENTION, SEALER
from tests.support.auditing import Trail

GRANTED = """
SELECT c.relname, may FROM pg_class c
CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS may
WHERE c.relnamespace = to_regnamespace('audit') AND c.relkind IN ('r', 'p', 'v')
  AND CASE WHEN may IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') THEN has_any_column_privilege(:role, c.oid, may)
           ELSE has_table_privilege(:role, c.oid, may) END
"""
SEALED = (
    "events",
    "row_history",
    "configuration_changes",
    "investigation_states",
    "risk_assessments",
    "compliance_assessments",
)
MEASURED = ("api_key_usage", "system_metrics")
ALL = (*SEALED, *MEASURED, "seals", "trail", "investigations")
UNWRITTEN = {"row_history", "investigation_states"}  # the trigger writes the one, nobody any more the other
WRITTEN = (*(name for name in SEALED if name not in UNWRITTEN), *MEASURED)
SPOOL = {("spool_segments", may) for may in ("SELECT", "INSERT", "DELETE")}
EXPECTED = {
    APPLICATION: {(name, "SELECT") for name in ALL} | {(name, "INSERT") for name in WRITTEN} | SPOOL,
    SEALER: {(name, "SELECT") for name in (*SEALED, "seals", "sealing", "trail")}
    | {("seals", "INSERT"), ("sealing", "UPDATE")},
    AUDITOR: {(name, "SELECT") for name in (*ALL, "sealing")},
    RETENTION: set(),
    DIRECTORY: set(),
    PROJECTOR: set(),
}


@pytest.mark.parametrize("role", EXPECTED)
def test_each_role_has_these_rights_and_no_others(trail: Trail, role: str) -> None:
    rows = trail.read(GRANTED, role=role)
    assert {(name, may) for name, may in rows} == EXPECTED[role]


@pytest.mark.parametrize("column", ["id", "xid", "salt", "created_at"])
def test_the_application_chooses_neither_number_nor_transaction_nor_salt(trail: Trail, column: str) -> None:
    value = {"salt": "gen_random_uuid()", "created_at": "now()"}.get(column, "1")
    statement = (
        f"INSERT INTO audit.events (organization_id, event_type, action, resource_type, {column})"
        f" VALUES (:id, 'x', 'READ', 'x', {value})"
    )
    with (
        pytest.raises(sa.exc.ProgrammingError, match="permission denied"),
        trail.database.transaction(trail.ours.context) as connection,
    ):
        connection.execute(sa.text(statement), {"id": trail.ours.id})


def test_an_organization_sees_and_adds_to_its_own_trail_only(trail: Trail) -> None:
    trail.act(trail.ours, "ours")
    trail.act(trail.theirs, "theirs")
    trail.seal()
    with trail.database.transaction(trail.ours.context) as connection:
        for name in (*ALL, "events"):
            owners = set(connection.scalars(sa.text(f"SELECT DISTINCT organization_id FROM audit.{name}")))
            assert owners <= {trail.ours.id}, name
        for view in ("audit_logs", "audit_log"):
            assert set(connection.scalars(sa.text(f"SELECT organization_id FROM {view}"))) == {trail.ours.id}
    for name, values in {
        "events (organization_id, event_type, action, resource_type)": "'x', 'READ', 'x'",
        "configuration_changes (organization_id, component, operation, resource_path)": "'x', 'UPDATE', 'x'",
        "system_metrics (organization_id, metric_name, metric_value, metric_type)": "'x', 1, 'gauge'",
    }.items():
        with (
            pytest.raises(sa.exc.ProgrammingError, match="row-level security"),
            trail.database.transaction(trail.ours.context) as connection,
        ):
            connection.execute(sa.text(f"INSERT INTO audit.{name} VALUES (:id, {values})"), {"id": trail.theirs.id})


def test_the_sealer_and_the_auditor_see_all_and_reach_nothing_else(trail: Trail) -> None:
    for role in (SEALER, AUDITOR):
        with trail.database.transaction(None, role) as connection:
            assert len(set(connection.scalars(sa.text("SELECT organization_id FROM audit.events")))) == 2
        for statement in (
            "SELECT FROM entities",
            "SELECT FROM users",
            "SELECT FROM audit.spool_segments",
            "SELECT audit.drop_month('events', DATE '2020-01-01')",
            "SELECT audit.keep_history('public.entities')",
        ):
            with (
                pytest.raises(sa.exc.ProgrammingError, match="permission denied"),
                trail.database.transaction(None, role) as connection,
            ):
                connection.execute(sa.text(statement))


def test_retention_gives_months_up_and_reads_nothing(trail: Trail) -> None:
    for statement in ("SELECT FROM audit.events", "SELECT FROM audit.seals", "SELECT FROM organizations"):
        with (
            pytest.raises(sa.exc.ProgrammingError, match="permission denied"),
            trail.database.transaction(None, RETENTION) as connection,
        ):
            connection.execute(sa.text(statement))
    with trail.database.transaction(None, RETENTION) as connection:
        assert connection.scalar(sa.text("SELECT audit.drop_month('events', DATE '2001-01-01')")) == 0
    for arguments in ("'seals', DATE '2001-01-01'", "'events', DATE '2001-01-02'", "'events', DATE '2001-01-01', 29"):
        with pytest.raises(sa.exc.DBAPIError), trail.database.transaction(None, RETENTION) as connection:
            connection.execute(sa.text(f"SELECT audit.drop_month({arguments})"))


def test_what_runs_with_its_owners_power_is_known_and_pinned(trail: Trail) -> None:
    found = trail.read(
        "SELECT proname, array_to_string(proconfig, ' ') FROM pg_proc"
        " WHERE prosecdef AND pronamespace = to_regnamespace('audit')"
    )
    assert [name for name, _ in found] == ["drop_month"]
    assert "search_path=pg_catalog, public" in found[0][1]
