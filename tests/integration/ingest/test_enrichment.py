"""Who is asked about something answers row by row: each answer is kept as it was, and once."""

from pathlib import Path

import pytest

from clew.kernel.database import Database
from tests.support.loading import load, log, rows
from tests.support.record import Tenant

FIXTURES = Path(__file__).parents[2] / "fixtures"
ENRICHED = (
    "SELECT entity.entity_type, entity.name, told.enrichment_type, told.data, told.metadata FROM enriched_data AS told"
    " JOIN entities AS entity ON entity.id = told.entity_id ORDER BY 1, 2, told.data::text"
)


@pytest.mark.parametrize(
    ("file", "kind", "enricher"),
    [
        ("whois/python_whois.json", "registration", "whois"),
        ("shodan/host.json", "exposure", "shodan"),
        ("whois/command.txt", "registration", "whois"),
    ],
)
def test_an_answer_enriches_what_it_is_about(
    database: Database, tenant: Tenant, file: str, kind: str, enricher: str
) -> None:
    load(database, tenant, FIXTURES / file)
    found = rows(database, tenant, ENRICHED)
    assert {row[2] for row in found} == {kind}
    assert {row[4]["enricher"] for row in found} == {enricher}
    assert all(isinstance(row[3], dict) and row[3] for row in found)
    assert all(row[4]["version"].isdigit() and 0 < row[4]["confidence"] <= 1 for row in found)
    entities = rows(database, tenant, "SELECT entity_type, name, properties FROM entities")
    held = {(kind_, name): properties for kind_, name, properties in entities}
    for entity_type, name, _, data, _ in found:
        assert data.keys() <= held[entity_type, name].keys()


def test_the_same_answers_again_add_nothing(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    load(database, tenant, FIXTURES / "whois/python_whois.json")
    before = rows(database, tenant, ENRICHED)
    copy = tmp_path / "copy.json"
    copy.write_bytes((FIXTURES / "whois/python_whois.json").read_bytes() + b"\n")
    load(database, tenant, copy)
    assert rows(database, tenant, ENRICHED) == before
    assert before


def test_a_log_and_a_list_of_accounts_enrich_nothing(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    header = b"username,name,url_main,url_user,exists,http_status,response_time_s"
    row = b"quietowl,siteone,https://siteone.example,https://siteone.example/quietowl,Claimed,200,0.5"
    load(database, tenant, log(tmp_path / "quietowl.csv", [header, row]))
    assert rows(database, tenant, ENRICHED) == []


def test_what_is_deleted_takes_its_enrichment_along(database: Database, tenant: Tenant) -> None:
    load(database, tenant, FIXTURES / "whois/python_whois.json")
    assert rows(database, tenant, ENRICHED)
    rows(database, tenant, "DELETE FROM entities RETURNING id")
    assert rows(database, tenant, "SELECT id FROM enriched_data") == []
