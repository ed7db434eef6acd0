"""kill -9 at every node and between nodes: the analysis completes with the same result, whoever goes on with it.

One organization holds the same sessions as another; the analysis of one is killed, that of the other is not.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clew.domains.analyses.nodes import NODES
from clew.domains.campaigns.reporting import AnalysisRequest
from clew.domains.campaigns.running import run_analysis
from clew.kernel.database import Database
from tests.support.analysing import asked_for, carried_out, shown
from tests.support.attacks import START, Operator, background
from tests.support.killing import MOMENTS, KillingProcess
from tests.support.loading import count, load, log, rows
from tests.support.record import Tenant, new_organization

KILLED = -9
QUICK = (("evidence", "before"), ("campaign_update", "within"), ("campaign_update", "behind"), ("publish", "behind"))
EVERY = [(node.name, moment) for node in NODES for moment in MOMENTS]
CHANGING = {"analysis_id", "campaigns", "seconds"}
TABLES = ("campaigns", "campaign_members", "campaign_indicators", "campaign_sessions", "analysis_session_members")
ONCE = ("alert_events", "campaign_activity", "campaign_analytics", "analysis_results", "coordination_states")
LEFT = ("analysis_intermediates", "checkpoints", "checkpoint_blobs", "checkpoint_writes")


@pytest.fixture(scope="module")
def killing() -> Iterator[KillingProcess]:
    with KillingProcess() as process:
        yield process


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = [*background(START), *Operator("kraken").lines(START), *Operator("hydra", network="198.18.9").lines(START)]
    return log(tmp_path_factory.mktemp("killing") / "cowrie.json", lines)


@pytest.fixture(scope="module")
def expected(database: Database, file: Path) -> dict[str, Any]:
    """What an analysis that nobody kills comes to."""
    tenant = new_organization(database)
    load(database, tenant, file)
    run_analysis(database, AnalysisRequest(tenant.context))
    return outcome(database, tenant)


def outcome(database: Database, tenant: Tenant) -> dict[str, Any]:
    (document,) = rows(database, tenant, "SELECT final_assessment FROM analysis_sessions")[0]
    result = {name: value for name, value in document.items() if name not in CHANGING | {"assessment"}}
    counts = {table: count(database, tenant, table) for table in (*TABLES, *ONCE)}
    members = rows(
        database,
        tenant,
        "SELECT host(source_ip), confidence, first_seen, last_seen, cardinality(session_ids) "
        "FROM campaign_members ORDER BY 1",
    )
    entities = rows(database, tenant, "SELECT entity_type, count(*) FROM entities GROUP BY 1 ORDER BY 1")
    relations = rows(database, tenant, "SELECT relationship_type, count(*) FROM relationships GROUP BY 1 ORDER BY 1")
    return {"result": result, "counts": counts, "members": members, "entities": entities, "relations": relations}


def killed_and_resumed(
    database: Database, killing: KillingProcess, file: Path, node: str, moment: str
) -> tuple[Tenant, dict[str, Any]]:
    tenant = new_organization(database)
    load(database, tenant, file)
    identifier = asked_for(database, tenant)
    assert killing.kill(database.settings, tenant.context, identifier, node, moment) == KILLED
    before = shown(database, tenant, identifier)
    is_published = node == "publish" and moment in {"behind", "between"}
    assert before.status == ("completed" if is_published else "processing")
    over = carried_out(database, tenant, identifier)
    assert over.status == "completed"
    found = shown(database, tenant, identifier)
    if not is_published:
        assert found.steps[-1].step == "publish"
    assert {step.status for step in found.steps} <= {"completed", "interrupted"}
    assert {table: count(database, tenant, table) for table in LEFT} == dict.fromkeys(LEFT, 0)
    assert found.result["assessment"]["written_by"] == "template"
    return tenant, outcome(database, tenant)


@pytest.mark.parametrize(("node", "moment"), QUICK)
def test_it_completes_with_the_same_result(
    database: Database, killing: KillingProcess, file: Path, expected: dict[str, Any], node: str, moment: str
) -> None:
    _, found = killed_and_resumed(database, killing, file, node, moment)
    assert found == expected


@pytest.mark.slow
@pytest.mark.parametrize(("node", "moment"), [each for each in EVERY if each not in QUICK])
def test_it_completes_with_the_same_result_wherever_it_is_killed(
    database: Database, killing: KillingProcess, file: Path, expected: dict[str, Any], node: str, moment: str
) -> None:
    _, found = killed_and_resumed(database, killing, file, node, moment)
    assert found == expected


def test_one_that_is_killed_at_every_node_in_turn_completes_with_the_same_result(
    database: Database, killing: KillingProcess, file: Path, expected: dict[str, Any]
) -> None:
    tenant = new_organization(database)
    load(database, tenant, file)
    identifier = asked_for(database, tenant)
    for node in NODES:
        assert killing.kill(database.settings, tenant.context, identifier, node.name, "within") == KILLED
    carried_out(database, tenant, identifier)
    assert outcome(database, tenant) == expected
    steps = [(step.step, step.status) for step in shown(database, tenant, identifier).steps]
    assert steps == [(node.name, status) for node in NODES for status in ("interrupted", "completed")]
