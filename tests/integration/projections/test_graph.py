"""The graph view of a real record: it follows whatever changes there, and what is done to it by hand is found."""

import contextlib
import itertools
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa

from clew.domains.graph.measuring import measure_graph
from clew.kernel.database import TenantContext
from clew.projections.graph.embedded.view import EmbeddedGraphView
from clew.projections.graph.neo4j.connection import connection_to
from clew.projections.graph.neo4j.view import Neo4jGraphView
from clew.projections.graph.port import Measure, Part
from clew.projections.graph.walking.around import around
from clew.projections.graph_projection import GraphProjection
from clew.projections.keeping import drill, verify
from clew.records.graph import last_measurement
from tests.contract.graph.adapters import server_address
from tests.engines.marks import ON_GRAPH_ENGINES
from tests.support.projecting import Place, add_domain, new_place
from tests.support.record import new_organization

pytestmark = pytest.mark.same_everywhere


@pytest.fixture(params=["embedded", *ON_GRAPH_ENGINES])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with new_place() as made:
        if request.param == "embedded":
            made.projection = GraphProjection.of(EmbeddedGraphView(made.directory, small=40))
            yield made
            return
        view = Neo4jGraphView(connection_to(server_address()), made.directory, prefix=f"v{secrets.token_hex(6)}")
        made.projection = GraphProjection.of(view)
        yield made
        view.remove()


def relate(connection: psycopg.Connection[Any], place: Place, source: UUID, target: UUID, kind: str = "USES") -> UUID:
    row = connection.execute(
        "INSERT INTO relationships (organization_id, source_entity_id, target_entity_id, relationship_type, confidence)"
        " VALUES (%s, %s, %s, %s, 0.7) RETURNING id",
        (place.tenant.id, source, target, kind),
    ).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def chain(place: Place, count: int) -> list[UUID]:
    with place.writing() as connection:
        ids = [add_domain(connection, place.tenant, f"n{number}.example", number=number) for number in range(count)]
        for source, target in itertools.pairwise(ids):
            relate(connection, place, source, target)
    return ids


def around_of(place: Place, entity_id: UUID, depth: int = 1) -> set[str]:
    with place.projection.view.reader() as reader:
        found = around(reader.adjacency(place.tenant.id), entity_id, depth=depth)
    return {each.node["name"] for each in found.nodes}


def test_it_follows_what_is_added_changed_and_deleted(place: Place) -> None:
    ids = chain(place, 12)
    assert place.catch_up().rebuilt is not None
    place.assert_equal(23)
    with place.writing() as connection:
        connection.execute("UPDATE entities SET name = 'renamed.example' WHERE id = %s", (ids[1],))
        connection.execute("DELETE FROM entities WHERE id = %s", (ids[2],))
        extra = add_domain(connection, place.tenant, "late.example")
        loop = relate(connection, place, extra, extra, "SAME_AS")
        relate(connection, place, ids[0], extra)
        connection.execute(
            "UPDATE relationships SET confidence = 0.11, properties = '{\"a\": [1]}' WHERE id = %s", (loop,)
        )
    outcome = place.catch_up()
    assert (outcome.error, outcome.rebuilt) == (None, None)
    assert around_of(place, ids[0]) == {"n0.example", "renamed.example", "late.example"}
    assert around_of(place, ids[1], depth=3) == {"n0.example", "renamed.example", "late.example"}
    place.assert_equal(12 + 11)


def test_measures_are_facts_that_reach_the_view_by_the_feed(place: Place) -> None:
    ids = chain(place, 9)
    place.catch_up()
    with place.database.transaction(TenantContext(place.tenant.id)) as connection:
        assert last_measurement(connection, place.tenant.id) is None
        measured = measure_graph(connection, place.tenant.id, measured_by=None)
    assert (measured.entities, measured.relationships) == (9, 8)
    outcome = place.catch_up()
    assert (outcome.error, outcome.rebuilt) == (None, None)
    place.assert_equal()
    with place.projection.view.reader() as reader:
        ranked = reader.ranked(place.tenant.id, Measure.PAGERANK, limit=20)
        assert len(ranked) == 9
        assert sum(each["pagerank"] for each in ranked) == pytest.approx(1.0)
        (middle,) = reader.ranked(place.tenant.id, Measure.BETWEENNESS, limit=1)
        assert middle["id"] == str(ids[4])
        assert middle["betweenness"] == pytest.approx(16 / 28)
        assert sum(each.size for each in reader.communities(place.tenant.id, limit=20)) == 9
    with place.writing() as connection:
        connection.execute("DELETE FROM entities WHERE id = %s", (ids[8],))
    with place.database.transaction(TenantContext(place.tenant.id)) as connection:
        again = measure_graph(connection, place.tenant.id, measured_by=None)
        assert last_measurement(connection, place.tenant.id) == again
        counted = connection.execute(sa.text("SELECT count(*) FROM graph_measures")).scalar_one()
    assert counted == 8
    place.catch_up()
    place.assert_equal(8 + 7)


def test_measuring_what_did_not_change_changes_nothing(place: Place) -> None:
    chain(place, 5)
    with place.database.transaction(TenantContext(place.tenant.id)) as connection:
        first = measure_graph(connection, place.tenant.id, measured_by=None)
        measure_graph(connection, place.tenant.id, measured_by=None)
        runs = set(connection.execute(sa.text("SELECT measurement_id FROM graph_measures")).scalars())
    assert runs == {first.id}


def test_where_an_entity_was_collected_from_follows_too(place: Place) -> None:
    ids = chain(place, 2)
    with place.writing() as connection:
        made = connection.execute(
            "INSERT INTO sources (organization_id, name, source_type) VALUES (%s, 'old name', 'cowrie') RETURNING id",
            (place.tenant.id,),
        ).fetchone()
    assert made is not None
    place.catch_up()
    with place.writing() as connection:
        connection.execute("UPDATE sources SET name = 'new name' WHERE id = %s", (made[0],))
    place.catch_up()
    with place.projection.view.reader() as reader:
        ((_, text),) = reader.stored(place.tenant.id, Part.SOURCES)
    assert b"new name" in text
    assert around_of(place, ids[0]) == {"n0.example", "n1.example"}
    place.assert_equal(4)


def test_a_drill_comes_out_equal_and_touches_nothing(place: Place) -> None:
    chain(place, 6)
    place.catch_up()
    before = place.projection.position()
    with place.projector() as projector:
        drilled = drill(projector, "graph")
    assert (drilled.equal, drilled.rebuilt_rows) == (True, 11)
    assert place.projection.position() == before


def test_another_organization_is_kept_apart(place: Place) -> None:
    chain(place, 4)
    other = new_organization(place.database)
    with place.writing(other) as connection:
        add_domain(connection, other, "theirs.example")
    place.catch_up()
    with place.projection.view.reader() as reader:
        assert reader.count(other.id, Part.NODES) == 1
        assert reader.count(place.tenant.id, Part.NODES) == 4
    place.assert_equal(4 + 3 + 1)


def test_what_was_changed_by_hand_in_the_server_is_found_and_repaired(place: Place) -> None:
    ids = chain(place, 8)
    place.catch_up()
    if place.projection.adapter != "neo4j":
        damage_files(place)
        return
    connection = connection_to(server_address())
    for statement in (
        "MATCH (n:Entity {id: $a}) SET n.name = 'forged'",
        "MATCH (n:Entity {id: $b}) SET n.properties = '{\"forged\": 1}'",
        "MATCH (n:Entity {id: $c}) DETACH DELETE n",
        "MATCH (n:Entity {id: $d})-[r:RELATED_TO]->() SET r.confidence = 0.123",
        "MATCH (n:Entity {id: $a})-[r:RELATED_TO]->() DELETE r",
        "MATCH (n:Entity {id: $d}) CREATE (:Entity {space: n.space, organization_id: n.organization_id, id: $e})",
    ):
        connection.run(statement, a=str(ids[0]), b=str(ids[1]), c=str(ids[3]), d=str(ids[6]), e=str(UUID(int=10)))
    with place.projector() as projector:
        found = verify(projector, "graph")
        assert (len(found.comparison.missing), len(found.comparison.extra)) == (4, 1)
        assert len(found.comparison.different) == 3
        repaired = verify(projector, "graph", repair=True)
        assert repaired.equal
    place.assert_equal(15)


def damage_files(place: Place) -> None:
    """Each file of the embedded view, damaged in turn: it is seen, and the view is made anew."""
    for path in sorted(Path(place.directory).rglob("*")):
        if not path.is_file() or path.name in {"lock", "used", "documents"} or not path.exists():
            continue
        for content in (b"", b"\xff" * 64, path.read_bytes()[:-1]):
            path.write_bytes(content)
            with contextlib.suppress(Exception), place.projection.view.reader() as reader:
                reader.count(place.tenant.id, Part.NODES)
            state = place.projection.view.state()
            readable = state is not None
            if readable:
                with place.projector() as projector:
                    verify(projector, "graph", repair=True)
            assert place.catch_up().error is None
            place.assert_equal(15)
            break  # the generation may be another now
    shutil.rmtree(place.directory)
    assert place.catch_up().rebuilt is not None
    place.assert_equal(15)
