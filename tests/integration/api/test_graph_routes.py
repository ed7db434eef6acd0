"""The graph by the API: what is around things, ways between them, measures, and the whole as a file."""

import csv
import io
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import sqlalchemy as sa

from clew.kernel.database import Database
from clew.projections.service import bring_up
from tests.support.api import Api, Person, opened_api, problem
from tests.support.record import Tenant, Writer, migrated_database, new_organization

GRAPH = "/api/v1/graph"
HOSTILE = "=cmd|'/c calc'!A1 <b>&\"\x01"


@dataclass(frozen=True)
class Found:
    """An API with a graph view, in a database of its own: nobody else makes it anew meanwhile."""

    api: Api
    database: Database
    tenant: Tenant
    person: Person
    analyst: Person
    stranger: Person

    def get(self, path: str, *, status: int = 200, **query: Any) -> Any:
        response = self.api.client.get(f"{GRAPH}/{path}", params=query, headers=self.person.headers["key"])
        assert response.status_code == status, response.text
        return response.json()


@pytest.fixture(scope="module")
def found() -> Iterator[Found]:
    with migrated_database() as database, opened_api(database) as api:
        tenant = new_organization(database)
        with database.transaction(tenant.context) as connection:
            writer = Writer(connection, tenant)
            names = ["a.example.net", "b.example.net", "c.example.net", "d.example.net"]
            ids = [writer.entity("domain", name) for name in names]
            person = sa.text(
                "INSERT INTO entities (organization_id, entity_type, name, normalized_name)"
                " VALUES (:o, 'person', :name, :name) RETURNING id"
            )
            ids.append(connection.execute(person, {"o": tenant.id, "name": HOSTILE}).scalar_one())
            for source, target, kind, confidence in (
                (0, 1, "RESOLVES_TO", 0.9),
                (1, 2, "USES", 0.8),
                (0, 3, "OWNS", 0.3),
                (3, 2, "OWNS", 0.3),
                (2, 4, "USES", 1),
            ):
                connection.execute(
                    sa.text(
                        "INSERT INTO relationships (organization_id, source_entity_id, target_entity_id,"
                        " relationship_type, confidence) VALUES (:o, :s, :t, :k, :c)"
                    ),
                    {"o": tenant.id, "s": ids[source], "t": ids[target], "k": kind, "c": confidence},
                )
        bring_up(database, "graph")
        people = api.person(tenant, "readonly"), api.person(tenant, "analyst"), api.person(api.organization(), "admin")
        yield Found(api, database, tenant, *people)


def names(entities: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in entities]


def test_neighbours_and_surroundings(found: Found) -> None:
    near = found.get("neighbours", entity="a.example.net")
    assert [each["entity"]["name"] for each in near["neighbours"]] == ["b.example.net", "d.example.net"]
    assert (near["degree"], near["total"], near["truncated"]) == (2, 2, False)
    assert near["neighbours"][0]["relationships"][0]["confidence"] == 0.9
    owned = found.get("neighbours", entity="a.example.net", relationship_type="OWNS", minimum_confidence=0.2)
    assert [each["entity"]["name"] for each in owned["neighbours"]] == ["d.example.net"]
    around = found.get("ego", entity="a.example.net", depth=2)
    assert [each["distance"] for each in around["entities"]] == [0, 1, 1, 2]
    assert found.get("ego", entity="a.example.net", depth=3, max_degree=2)["hub_count"] == 1


def test_paths(found: Found) -> None:
    (way,) = found.get("path", start="a.example.net", goal="c.example.net")["ways"]
    assert names(way["entities"]) == ["a.example.net", "b.example.net", "c.example.net"]
    assert way["confidence"] == pytest.approx(0.72)
    ways = found.get("paths", start="a.example.net", goal="c.example.net")["ways"]
    assert [each["length"] for each in ways] == [2, 2]
    assert found.get("path", start="a.example.net", goal="c.example.net", direction="in")["ways"] == []


def test_measures_are_made_by_who_may_and_then_listed(found: Found) -> None:
    before = found.get("central")
    assert before["measurement"] is None or before["entities"]
    refused = found.api.client.post(f"{GRAPH}/measurements", headers=found.person.headers["key"])
    assert refused.status_code == 403
    made = found.api.client.post(f"{GRAPH}/measurements", headers=found.analyst.headers["key"])
    assert made.status_code == 201, made.text
    assert made.json()["entities"] == 5
    bring_up(found.database, "graph")
    central = found.get("central", measure="betweenness", limit=2)
    assert central["measurement"]["id"] == made.json()["id"]
    assert names(central["entities"])[0] == "c.example.net"
    assert names(found.get("central", type="person")["entities"]) == [HOSTILE]
    groups = found.get("communities", members=1)["communities"]
    assert sum(each["size"] for each in groups) == 5
    assert all(each["members"][0]["id"] == each["id"] for each in groups)


@pytest.mark.parametrize("form", ["graphml", "gexf", "json", "csv", "csv-entities"])
def test_the_whole_as_a_file_that_others_read(found: Found, form: str) -> None:
    def export(**query: str) -> str:
        response = found.api.client.get(
            f"{GRAPH}/export", params={"format": form, **query}, headers=found.person.headers["key"]
        )
        assert response.status_code == 200, response.text
        assert "attachment" in response.headers["content-disposition"]
        return response.text

    whole = export()
    assert counted(form, whole) == {"csv": (0, 5), "csv-entities": (5, 0)}.get(form, (5, 5))
    near = export(entity="a.example.net", depth="1")
    assert counted(form, near) == {"csv": (0, 2), "csv-entities": (3, 0)}.get(form, (3, 2))


def counted(form: str, text: str) -> tuple[int, int]:
    """Nodes and edges in a file."""
    if form == "json":
        read = json.loads(text)
        ids = {each["id"] for each in read["nodes"]}
        assert all({each["source"], each["target"]} <= ids for each in read["links"])
        return len(read["nodes"]), len(read["links"])
    if form.startswith("csv"):
        rows = list(csv.DictReader(io.StringIO(text)))
        assert not any(value.startswith(("=", "+", "@")) for row in rows for value in row.values())
        return (len(rows), 0) if form == "csv-entities" else (0, len(rows))
    root = ET.fromstring(text)
    return len(root.findall(".//{*}node")), len(root.findall(".//{*}edge"))


def test_nothing_of_others_is_seen(found: Found) -> None:
    headers = found.stranger.headers["key"]
    for path in ("neighbours?entity=a.example.net", "ego?entity=a.example.net", "export?entity=a.example.net"):
        response = found.api.client.get(f"{GRAPH}/{path}", headers=headers)
        assert response.status_code == 404, response.text
    assert found.api.client.get(f"{GRAPH}/central", headers=headers).json()["entities"] == []
    assert found.api.client.get(f"{GRAPH}/communities", headers=headers).json()["communities"] == []
    exported = found.api.client.get(f"{GRAPH}/export", params={"format": "json"}, headers=headers).json()
    assert exported["nodes"] == []


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("neighbours", {}),
        ("neighbours", {"entity": "a.example.net", "limit": 0}),
        ("ego", {"entity": "a.example.net", "depth": 7}),
        ("path", {"start": "a.example.net", "goal": "b.example.net", "max_length": 21}),
        ("paths", {"start": "a.example.net", "goal": "b.example.net", "max_length": 9}),
        ("central", {"measure": "luck"}),
        ("export", {"format": "xlsx"}),
        ("ego", {"entity": "a.example.net", "minimum_confidence": 2}),
        ("ego", {"entity": "a.example.net", "cypher": "MATCH (n) DETACH DELETE n"}),
    ],
)
def test_what_cannot_be_asked_is_told(found: Found, path: str, query: dict[str, Any]) -> None:
    response = found.api.client.get(f"{GRAPH}/{path}", params=query, headers=found.person.headers["key"])
    assert problem(response, 422, "validation")


def test_an_entity_that_is_not_there_is_told(found: Found) -> None:
    found.get("path", start="a.example.net", goal=str(uuid.uuid4()), status=404)
