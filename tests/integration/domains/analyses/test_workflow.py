"""An analysis as a workflow: the same result as in one go, each node told, and nothing left behind."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from clew.domains.analyses.nodes import NODES
from clew.domains.analyses.request import NewAnalysisSession
from clew.domains.analyses.workbench import StoppedError
from clew.domains.campaigns.reporting import AnalysisRequest
from clew.domains.campaigns.running import run_analysis
from clew.kernel.database import Database
from clew.kernel.errors import InputError, NotFoundError
from tests.support.analysing import asked_for, attempted, carried_out, shown
from tests.support.attacks import START, Operator, background
from tests.support.loading import count, load, log, rows
from tests.support.record import Tenant, new_organization

LEFT = ("analysis_intermediates", "checkpoints", "checkpoint_blobs", "checkpoint_writes")
CHANGING = {"analysis_id", "campaigns", "seconds", "assessment"}


def attacked(database: Database, tenant: Tenant, folder: Path, *names: str) -> None:
    lines = [*background(START)]
    for number, name in enumerate(names or ("kraken",)):
        lines += Operator(name, network=f"198.18.{number + 7}").lines(START)
    load(database, tenant, log(folder / "cowrie.json", lines))


def same(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in CHANGING}


def members(database: Database, tenant: Tenant) -> list[tuple[Any, ...]]:
    query = """SELECT host(m.source_ip), m.confidence, m.first_seen, m.last_seen, cardinality(m.session_ids)
        FROM campaign_members AS m ORDER BY 1"""
    return rows(database, tenant, query)


def test_an_analysis_node_by_node_finds_what_one_in_one_go_finds(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    other = new_organization(database)
    for each in (tenant, other):
        attacked(database, each, tmp_path)
    report = run_analysis(database, AnalysisRequest(other.context)).as_dict()
    identifier = asked_for(database, tenant, NewAnalysisSession(priority=8))
    assert (waiting := shown(database, tenant, identifier)).status == "queued"
    assert waiting.priority == 8
    steps: list[str] = []
    over = carried_out(database, tenant, identifier, observe=lambda step, _done: steps.append(step))
    assert over.status == "completed"
    assert same(over.document) == same(report)
    assert len(over.document["campaigns"]) == 1
    assert members(database, tenant) == members(database, other)
    assert {"fetch", "weighing pairs", "publish"} <= set(steps)
    found = shown(database, tenant, identifier)
    assert (found.status, found.is_over, found.result) == ("completed", True, over.document)
    assert [(step.step, step.status) for step in found.steps] == [(node.name, "completed") for node in NODES]
    assert {table: count(database, tenant, table) for table in LEFT} == dict.fromkeys(LEFT, 0)


def test_what_is_over_is_given_as_it_is(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    attacked(database, tenant, tmp_path)
    identifier = asked_for(database, tenant)
    first = carried_out(database, tenant, identifier)
    assert carried_out(database, tenant, identifier) == first
    assert len(shown(database, tenant, identifier).steps) == len(NODES)
    assert count(database, tenant, "analysis_results") == 1


def test_a_part_is_named_by_addresses_sessions_times_sensors_and_campaign(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    attacked(database, tenant, tmp_path, "kraken", "hydra")
    whole = carried_out(database, tenant, asked_for(database, tenant)).document
    assert len(whole["campaigns"]) == 2
    some = tuple(f"198.18.7.{number}" for number in range(1, 6))
    assert _part(database, tenant, source_ips=some)["sessions"] == 15
    ids = tuple(UUID(str(each)) for (each,) in rows(database, tenant, "SELECT id FROM attack_sessions LIMIT 7"))
    assert _part(database, tenant, session_ids=ids)["sessions"] == 7
    assert _part(database, tenant, since=START + timedelta(days=3))["sessions"] == 0
    assert _part(database, tenant, sensors=("nowhere",))["sessions"] == 0
    assert _part(database, tenant, campaign=whole["campaigns"][0])["sessions"] == 24
    assert _part(database, tenant, campaign=whole["campaigns"][0], source_ips=("203.0.113.9",))["sessions"] == 0


def _part(database: Database, tenant: Tenant, **limits: Any) -> dict[str, Any]:
    return carried_out(database, tenant, asked_for(database, tenant, NewAnalysisSession(**limits))).document


def test_what_cannot_be_analysed_is_refused_when_it_is_asked_for(database: Database, tenant: Tenant) -> None:
    now = datetime.now(UTC)
    wrong = (
        ({"priority": 11}, "no priority 11"),
        ({"since": now, "until": now}, "nothing between"),
        ({"source_ips": ("a.b",)}, "is no address"),
        ({"source_ips": ()}, "0 are named"),
        ({"callback_url": "https://hooks.example.com/x"}, "no secret to sign"),
        ({"callback_url": "http://169.254.169.254/"}, "this machine or its network"),
        ({"callback_url": "ftp://hooks.example.com"}, "not http"),
    )
    for given, message in wrong:
        with pytest.raises(InputError, match=message):
            asked_for(database, tenant, NewAnalysisSession(**given))
    with pytest.raises(NotFoundError):
        asked_for(database, tenant, NewAnalysisSession(campaign=str(uuid4())))
    assert count(database, tenant, "analysis_sessions") == count(database, tenant, "jobs") == 0


def test_a_stopped_server_leaves_the_analysis_to_the_next(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    attacked(database, tenant, tmp_path)
    stop = threading.Event()

    def observe(step: str, _done: float) -> None:
        if step == "weighing pairs":
            stop.set()

    identifier = asked_for(database, tenant)
    with pytest.raises(StoppedError):
        carried_out(database, tenant, identifier, stop=stop, observe=observe)
    halted = shown(database, tenant, identifier)
    assert (halted.status, halted.steps[-1].step, halted.steps[-1].status) == ("processing", "evidence", "interrupted")
    assert not attempted(database, tenant, identifier, stop=stop).finished
    assert shown(database, tenant, identifier).status == "processing"
    assert attempted(database, tenant, identifier).finished
    told = [step.step for step in shown(database, tenant, identifier).steps if step.status == "completed"]
    assert told == [node.name for node in NODES], "what was done before is not done again"
