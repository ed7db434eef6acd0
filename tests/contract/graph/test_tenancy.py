"""Organizations never cross, whatever ids, names, types and properties hold; nothing that is asked is ever executed."""

from uuid import UUID, uuid4

import pytest

from clew.kernel.errors import NotFoundError
from clew.projections.graph.port import GraphView, Measure, Part, Wanted, document_text
from clew.projections.graph.walking.around import around, neighbours
from clew.projections.graph.walking.likeliest import surest_path
from clew.projections.graph.walking.shortest import shortest_path
from clew.projections.graph.walking.simple import simple_paths
from tests.contract.graph.conftest import ORGANIZATION, OTHER, drawn, edge, everything, id_of, node, put

HOSTILE = [
    "'}) MATCH (x) DETACH DELETE x //",
    '"}) RETURN 1 UNION MATCH (n:Entity) RETURN n //',
    "`]->() DELETE r WITH 1 AS x MATCH (n) SET n.organization_id = '" + str(OTHER) + "' //",
    "$organization",
    "{{space}} ${space} %s \\u0027 \\' \\\\",
    "RELATED_TO|COLLECTED_FROM*",
    "\u202e\u0000\u0007 \U0001f9f6 \ufdfd" + "x" * 20_000,
    "",
]


def test_the_same_ids_in_two_organizations_are_different_things(view: GraphView) -> None:
    put(view, *drawn("a-b", "b-c"))
    nodes, edges = drawn("a-x", "x-y")
    put(view, [{**each, "pagerank": 0.5, "community": str(id_of("a"))} for each in nodes], edges, organization_id=OTHER)
    with view.reader() as reader:
        assert reader.organizations() == (ORGANIZATION, OTHER)
        ours, theirs = reader.adjacency(ORGANIZATION), reader.adjacency(OTHER)
        assert {each.node["name"] for each in around(ours, id_of("a"), depth=6).nodes} == {"a", "b", "c"}
        assert {each.node["name"] for each in around(theirs, id_of("a"), depth=6).nodes} == {"a", "x", "y"}
        assert ours.degrees(ours.find([id_of("a")])).tolist() == [1]
        for search in (shortest_path, surest_path, simple_paths):
            with pytest.raises(NotFoundError):
                search(ours, id_of("a"), id_of("y"))
        assert reader.ranked(ORGANIZATION, Measure.PAGERANK, limit=10) == []
        assert reader.communities(ORGANIZATION, limit=10) == []
        assert reader.members(ORGANIZATION, id_of("a"), limit=10) == []
        assert len(reader.members(OTHER, id_of("a"), limit=10)) == 3
        before = everything(reader, OTHER)
    writer = view.writer()
    for part in Part:
        writer.remove(ORGANIZATION, part, [id_of("x"), id_of("a"), UUID(edges[0]["id"])])
    writer.commit("later")
    writer.close()
    with view.reader() as reader:
        assert everything(reader, OTHER) == before
        assert reader.count(ORGANIZATION, Part.NODES) == 2
        assert reader.count(uuid4(), Part.NODES) == 0
        assert reader.adjacency(uuid4()).find([id_of("a")]).tolist() == [-1]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_text(view: GraphView, text: str) -> None:
    put(view, *drawn("p-q"), organization_id=OTHER)
    kind = text[:200]
    nodes = [node("a", kind, name=text, properties={text: [text, {text: text}]}), node("b")]
    edges = [edge("a", "b", kind, source=text, properties={text: text})]
    put(view, nodes, edges, sources=[{"id": str(id_of("s")), "name": text, "type": text}])
    with view.reader() as reader:
        held = everything(reader)
        assert held[Part.NODES] == {UUID(each["id"]): document_text(each) for each in nodes}
        assert held[Part.EDGES] == {UUID(each["id"]): document_text(each) for each in edges}
        assert len(held[Part.SOURCES]) == 1
        adjacency = reader.adjacency(ORGANIZATION)
        (found,) = neighbours(adjacency, id_of("b"), wanted=Wanted(relationship_types=(kind,))).neighbours
        assert found.node["name"] == text
        assert len(neighbours(adjacency, id_of("b"), wanted=Wanted(entity_types=(kind,))).neighbours) == 1
        nothing = Wanted(relationship_types=(f"{kind}.",), entity_types=(f"{kind}.",))
        assert neighbours(adjacency, id_of("b"), wanted=nothing).neighbours == ()
        assert reader.ranked(ORGANIZATION, Measure.PAGERANK, limit=5, type_=kind) == []
        assert reader.count(OTHER, Part.NODES) == 2
        assert reader.count(OTHER, Part.EDGES) == 1


def test_prefixes_that_begin_alike_are_strangers(view: GraphView) -> None:
    put(view, *drawn("a-b"))
    with view.copied() as copy:
        put(copy, [node("c")])
    with view.reader() as reader:
        assert reader.count(ORGANIZATION, Part.NODES) == 2
