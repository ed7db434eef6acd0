"""The text of an analysis from the record to its row: what strangers wrote into the record steers nothing."""

import importlib
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from clew.domains.analyses.service import NewAnalysisSession
from clew.kernel.database import Database
from clew.ontology import entity_id, normalize
from tests.support.analysing import asked_for, attempted, carried_out, shown
from tests.support.attacks import START, Operator, background, session
from tests.support.loading import load, log, rows
from tests.support.model_server import model_server, summary
from tests.support.receiver import receiver
from tests.support.record import Tenant, new_organization

ATTEMPTS = Path(__file__).parents[3] / "unit" / "domains" / "analyses" / "injections.txt"


def attempts() -> list[str]:
    """Those that name no address to fetch from: such a one is a fact, and counted as one."""
    lines = [line for line in ATTEMPTS.read_text().splitlines() if line and not line.startswith("#")]
    return [line for line in lines if "://" not in line]


def attacked(database: Database, tenant: Tenant, folder: Path, told: list[str]) -> None:
    """Eight addresses of one operator, who types what is told, calls its client so, and is known to a peer by it."""
    lines = [*background(START)]
    operator = Operator("kraken")
    for place, number in enumerate(operator.addresses):
        text = told[place % len(told)]
        lines += session(
            f"198.18.7.{number}", START.replace(minute=place), logins=(("root", "kraken!2025"),),
            commands=(*operator.typed(), *told), download=("http://kraken.example/kraken.sh", operator.file),
            client=f"SSH-2.0-{text}"[:200],
        )  # fmt: skip
    load(database, tenant, log(folder / "cowrie.json", lines))
    known_as(database, tenant, operator.file, told[0])


def known_as(database: Database, tenant: Tenant, file: str, text: str) -> None:
    """A peer's word that the file is of some malware, with a name and a description of the peer's."""
    known = normalize("file_hash", file)
    row: dict[str, Any] = {
        "organization": tenant.id, "malware": uuid4(), "name": f"Kraken {text}"[:200], "described": text,
        "file": entity_id(tenant.id, "file_hash", known.identity),
    }  # fmt: skip
    with database.transaction(tenant.context) as connection:
        connection.execute(
            sa.text("""
            INSERT INTO entities (organization_id, id, entity_type, name, normalized_name, properties)
            VALUES (:organization, :malware, 'malware', :name, lower(:name),
                    jsonb_build_object('description', CAST(:described AS text)))"""),
            row,
        )
        connection.execute(
            sa.text("""
            INSERT INTO relationships (organization_id, source_entity_id, target_entity_id, relationship_type, source)
            VALUES (:organization, :file, :malware, 'INDICATES', 'misp')"""),
            row,
        )


def own_words(text: str) -> str:
    """Without what is quoted, which is what strangers wrote."""
    return re.sub(r'"[^"]*"', '""', text)


def test_what_strangers_wrote_into_the_record_steers_nothing(database: Database, tmp_path: Path) -> None:
    texts = []
    hostile = attempts()
    for told in (["harmless " + "abc "[: 1 + number % 3] * (1 + number) for number in range(len(hostile))], hostile):
        tenant = new_organization(database)
        attacked(database, tenant, tmp_path / tenant.slug, told)
        texts.append(carried_out(database, tenant, asked_for(database, tenant)).document["assessment"])
    harmless, steered = texts
    assert steered["summary"] == harmless["summary"]
    assert steered["actions"] == harmless["actions"]
    assert 'malware that others call "Kraken' in steered["text"]
    claimed = (
        "9,999",
        "Lazarus",
        "APT28",
        "77 ",
        "42 sources",
        "12 campaigns",
        "allow list",
        "benign",
        "harmless",
        "revoked",
    )
    assert [each for each in claimed if each in own_words(steered["text"])] == []


@pytest.mark.parametrize(
    ("says", "written_by"),
    [("One group of 8 sources appears to act together.", "model"), ("It was Lazarus.", "template")],
)
def test_the_worker_asks_the_model_that_the_settings_name(
    database: Database, tenant: Tenant, tmp_path: Path, says: str, written_by: str
) -> None:
    load(database, tenant, log(tmp_path / "cowrie.json", [*background(START), *Operator("kraken").lines(START)]))
    with model_server(lambda *_: summary(says)) as server:
        settings = database.settings.model_copy(
            update={"assessment_url": f"{server.url}/v1", "assessment_model": "small-1", "assessment_input_price": 1.0}
        )
        with Database(settings) as other:
            identifier = asked_for(other, tenant, NewAnalysisSession(depth="minimal"))
            assert attempted(other, tenant, identifier).finished
    assessment = shown(database, tenant, identifier).result["assessment"]
    assert (assessment["written_by"], assessment["model"]) == (written_by, "small-1")
    assert (assessment["fallback_reason"] is None) == (written_by == "model")
    query = (
        "SELECT service_name, success, cost_usd::float8, request_metadata ->> 'input_tokens' FROM audit.api_key_usage"
    )
    assert rows(database, tenant, query) == [("assessment:openai", True, 0.0009, "900")]
    (step,) = [each for each in shown(database, tenant, identifier).steps if each.step == "assessment"]
    assert step.output["written_by"] == written_by


def test_an_environment_that_asks_for_tracing_is_not_listened_to(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LangChain would send every run to whoever LANGSMITH_ENDPOINT names, by variables that it looks at once."""
    importlib.import_module("langsmith.utils").get_env_var.cache_clear()
    with receiver(lambda _: (200, None)) as collector:
        for name in ("LANGSMITH", "LANGCHAIN"):
            monkeypatch.setenv(f"{name}_TRACING", "true")
            monkeypatch.setenv(f"{name}_TRACING_V2", "true")
            monkeypatch.setenv(f"{name}_ENDPOINT", f"http://{collector.address}")
            monkeypatch.setenv(f"{name}_API_KEY", "lsv2_test")
        assert carried_out(database, tenant, asked_for(database, tenant)).status == "completed"
        importlib.import_module("langchain_core.tracers.langchain").wait_for_all_tracers()
        assert collector.received == []
