"""States of investigations told as rows of their own, and told by the history: both answer, and both stay proved."""

import sqlalchemy as sa

from clew import migrations
from clew.domains.audit.service import seal_now, verify
from clew.kernel.database import Database
from clew.kernel.roles import MIGRATOR
from tests.support.postgres import upgrade
from tests.support.record import Tenant, empty_database, new_organization

STATES = (
    "SELECT status, investigator_name, target_identifier, data_points_collected, metadata ->> 'name',"
    " investigation_type, priority, risk_score, processing_time_seconds FROM audit.investigations ORDER BY id"
)


def test_states_of_before_and_after_answer_and_are_proved_up_down_and_up_again() -> None:
    with empty_database() as database:
        upgrade(database)
        tenant = new_organization(database)
        _to(database, "0022")
        _run(
            database, tenant, "INSERT INTO investigations (organization_id, name, owner_id) VALUES (:o, 'Lantern', :u)"
        )
        _run(
            database,
            tenant,
            "INSERT INTO targets (organization_id, investigation_id, target_type, value, normalized_value)"
            " SELECT organization_id, id, 'domain', 'lantern.example', 'lantern.example' FROM investigations",
        )
        _change(database, tenant, "status = 'running', started_at = '2025-01-01'")
        operator = f"operator@{tenant.slug}"
        told = [_state("pending", operator, None, None), _state("running", operator, "lantern.example", None)]
        assert _states(database, tenant) == told
        _prove(database)
        upgrade(database)
        assert _states(database, tenant) == told
        _change(database, tenant, "status = 'completed', completed_at = '2025-01-01 00:00:01.5'")
        told.append(_state("completed", operator, "lantern.example", 1.5))
        assert _states(database, tenant) == told
        _prove(database)
        _to(database, "0022")
        assert _states(database, tenant) == told[:2]
        _change(database, tenant, "status = 'archived'")
        _prove(database)
        upgrade(database)
        told.append(_state("archived", operator, "lantern.example", 1.5))
        assert _states(database, tenant) == told
        _prove(database)


def _state(status: str, who: str, target: str | None, seconds: float | None) -> tuple[object, ...]:
    return status, who, target, 0, "Lantern", "comprehensive", "normal", 0, seconds


def _states(database: Database, tenant: Tenant) -> list[tuple[object, ...]]:
    with database.transaction(tenant.context) as connection:
        rows = connection.execute(sa.text(STATES)).all()
    return [(*row[:-1], None if row[-1] is None else float(row[-1])) for row in rows]


def _change(database: Database, tenant: Tenant, what: str) -> None:
    _run(database, tenant, f"UPDATE investigations SET {what}")


def _run(database: Database, tenant: Tenant, statement: str) -> None:
    with database.transaction(tenant.context) as connection:
        connection.execute(sa.text(statement), {"o": tenant.id, "u": tenant.operator})


def _to(database: Database, revision: str) -> None:
    with database.transaction(None, MIGRATOR) as connection:
        migrations.downgrade(connection, revision)


def _prove(database: Database) -> None:
    seal_now(database)
    verified = verify(database)
    assert (verified.ok, verified.unsealed, verified.first_bad) == (True, 0, None)
