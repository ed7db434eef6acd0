"""Documents put, replaced and removed; positions; generations; and what is refused."""

import json
from uuid import UUID

import pytest

from clew.projections.graph.errors import GraphViewBusyError, GraphViewMissingError
from clew.projections.graph.port import Document, GraphView, Part, document_text
from clew.projections.graph.walking.around import around, neighbours
from clew.projections.graph.walking.shortest import shortest_path
from tests.contract.graph.conftest import ORGANIZATION, Drawing, drawn, edge, everything, id_of, names, node, put

SOURCE = UUID("00000000-0000-4000-8000-0000000000aa")
COLLECTION = UUID("00000000-0000-4000-8000-0000000000bb")


def source(identifier: UUID = SOURCE, **fields: str) -> Document:
    return {"id": str(identifier), "name": "crt.sh", "type": "sherlock", **fields}


def rich() -> Document:
    return node(
        "a",
        properties={"nested": {"list": [1, 2.5, None, True, "ß"]}, "": ""},
        risk_score=77,
        wall=True,
        pagerank=0.1234567890123,
        betweenness=0.0,
        community=str(id_of("b")),
        first_seen="2024-01-01T00:00:00.000001Z",
        last_seen=None,
        collected_from=[
            {
                "source_id": str(SOURCE),
                "collection_id": str(COLLECTION),
                "collected_at": "2024-03-01T00:00:00.000000Z",
                "confidence": 29,
            }
        ],
    )


def test_what_is_stored_is_what_was_put(view: GraphView) -> None:
    nodes = [rich(), node("b")]
    edges = [edge("a", "b", source="whois", properties={"record": [1, {"x": 2}]}, confidence=29), edge("a", "a")]
    put(view, nodes, edges, sources=[source()])
    with view.reader() as reader:
        assert everything(reader) == {
            Part.NODES: {UUID(each["id"]): document_text(each) for each in nodes},
            Part.EDGES: {UUID(each["id"]): document_text(each) for each in edges},
            Part.SOURCES: {SOURCE: document_text(source())},
        }
        assert [reader.count(ORGANIZATION, part) for part in Part] == [2, 2, 1]
        assert reader.organizations() == (ORGANIZATION,)
        adjacency = reader.adjacency(ORGANIZATION)
        assert adjacency.nodes(adjacency.find([id_of("a")])) == [rich()]
        assert adjacency.degrees(adjacency.find([id_of("a"), id_of("b")])).tolist() == [2, 1]


def test_the_last_word_on_an_id_counts(view: GraphView) -> None:
    put(view, [node("a"), node("b"), node("c")], [edge("a", "b")])
    changed = {**edge("a", "b"), "target_entity_id": str(id_of("c")), "confidence": 90}
    put(view, [node("a", name="renamed", collected_from=rich()["collected_from"])], [changed], sources=[source()])
    put(view, [node("a", name="again")])
    writer = view.writer()
    writer.put(ORGANIZATION, Part.NODES, [node("d")])
    writer.remove(ORGANIZATION, Part.NODES, [id_of("d"), id_of("never")])
    writer.remove(ORGANIZATION, Part.NODES, [id_of("e")])
    writer.put(ORGANIZATION, Part.NODES, [node("e")])
    writer.remove(ORGANIZATION, Part.SOURCES, [SOURCE])
    assert writer.commit("later") == ()
    writer.close()
    with view.reader() as reader:
        held = everything(reader)
        assert held[Part.SOURCES] == {}
        found = {json.loads(text)["name"] for text in held[Part.NODES].values()}
        assert found == {"again", "b", "c", "e"}
        assert held[Part.EDGES] == {UUID(changed["id"]): document_text(changed)}
        near = around(reader.adjacency(ORGANIZATION), id_of("a"), depth=1)
        assert names(each.node for each in near.nodes) == ["again", "c"]
        assert neighbours(reader.adjacency(ORGANIZATION), id_of("b")).neighbours == ()


def test_a_removed_node_takes_its_edges_with_it(view: GraphView) -> None:
    put(view, *drawn("a-b", "b-c", "c-c"))
    writer = view.writer()
    writer.remove(ORGANIZATION, Part.NODES, [id_of("b")])
    assert writer.commit("later") == ()
    writer.close()
    with view.reader() as reader:
        held = everything(reader)
        assert (len(held[Part.NODES]), len(held[Part.EDGES])) == (2, 1)
        adjacency = reader.adjacency(ORGANIZATION)
        assert adjacency.degrees(adjacency.find([id_of("a"), id_of("c")])).tolist() == [0, 1]
        assert adjacency.find([id_of("b")]).tolist() == [-1]


def test_an_edge_without_its_ends_is_refused_and_nothing_of_it_stays(view: GraphView) -> None:
    put(view, *drawn("a-b"))
    homeless = {**edge("a", "b"), "target_entity_id": str(id_of("nowhere"))}
    writer = view.writer()
    writer.put(ORGANIZATION, Part.EDGES, [homeless])
    (refused,) = writer.commit("later")
    writer.close()
    assert (refused.part, refused.id) == (Part.EDGES, UUID(homeless["id"]))
    assert str(id_of("nowhere")) in refused.reason
    with view.reader() as reader:
        assert everything(reader)[Part.EDGES] == {}
    put(view, [node("nowhere")], [homeless])
    with view.reader() as reader:
        assert len(everything(reader)[Part.EDGES]) == 1


def test_a_reader_sees_what_is_committed_while_it_is_open(view: GraphView) -> None:
    put(view, *drawn("a-b"))
    with view.reader() as reader:
        assert len(around(reader.adjacency(ORGANIZATION), id_of("a")).nodes) == 2
        writer = view.writer()
        writer.put(ORGANIZATION, Part.NODES, [node("c")])
        writer.put(ORGANIZATION, Part.EDGES, [edge("b", "c")])
        assert len(around(reader.adjacency(ORGANIZATION), id_of("a")).nodes) == 2
        writer.commit("later")
        assert len(around(reader.adjacency(ORGANIZATION), id_of("a")).nodes) == 3
        writer.close()


def test_the_position_is_that_of_the_last_commit(view: GraphView) -> None:
    assert view.state() is None
    with pytest.raises(GraphViewMissingError):
        view.reader()
    put(view, position="first")
    put(view, [node("a")], position="second")
    with view.writer() as writer:
        writer.put(ORGANIZATION, Part.NODES, [node("b")])
    state = view.state()
    assert state is not None
    assert state.position == "second"
    with view.reader() as reader:
        assert reader.count(ORGANIZATION, Part.NODES) == 1


def test_a_new_generation_is_seen_when_it_is_published_and_not_before(view: GraphView) -> None:
    put(view, *drawn("a-b"))
    old = view.reader()
    writer = view.writer(fresh=True)
    writer.put(ORGANIZATION, Part.NODES, [node("z")])
    writer.commit("built")
    assert old.generation == view.state().generation  # type: ignore[union-attr]
    assert old.count(ORGANIZATION, Part.NODES) == 2
    view.publish(writer)
    assert old.count(ORGANIZATION, Part.NODES) == 2
    with view.reader() as reader:
        assert reader.generation != old.generation
        assert reader.count(ORGANIZATION, Part.NODES) == 1
    old.close()
    abandoned = view.writer(fresh=True)
    abandoned.put(ORGANIZATION, Part.NODES, [node("y")])
    abandoned.commit("half")
    view.abandon(abandoned)
    state = view.state()
    assert state is not None
    assert state.position == "built"


def test_there_is_one_writer(view: GraphView) -> None:
    put(view)
    with view.writer(), pytest.raises(GraphViewBusyError):
        view.writer()
    view.writer().close()


def test_a_copy_is_whole_and_its_own(view: GraphView) -> None:
    put(view, *drawn("a-b", "b-c"), sources=[source()])
    with view.reader() as reader:
        before = everything(reader)
    with view.copied() as copy:
        with copy.reader() as reader:
            assert everything(reader) == before
        put(copy, [node("z")])
        with copy.reader() as reader:
            assert reader.count(ORGANIZATION, Part.NODES) == 4
    with view.reader() as reader:
        assert everything(reader) == before


def test_many_small_commits_say_the_same_as_one(view: GraphView) -> None:
    nodes, edges = drawn(*(f"n{number}-n{(number * 7 + 1) % 30}" for number in range(30)))
    for each in nodes:
        put(view, [each])
    for each in edges:
        put(view, [], [each])
    with view.reader() as reader:
        held = everything(reader)
        assert held[Part.NODES] == {UUID(each["id"]): document_text(each) for each in nodes}
        assert held[Part.EDGES] == {UUID(each["id"]): document_text(each) for each in edges}


def test_a_walk_through_what_was_changed_finds_the_new_ways_only(graph: Drawing, view: GraphView) -> None:
    graph.of("a-b", "b-c", "c-d")
    writer = view.writer()
    writer.remove(ORGANIZATION, Part.EDGES, [id_of("b>RESOLVES_TO>c>0")])
    writer.put(ORGANIZATION, Part.NODES, [node("x"), node("y")])
    writer.put(ORGANIZATION, Part.EDGES, [edge("b", "x"), edge("x", "y"), edge("y", "c")])
    writer.commit("later")
    writer.close()
    (way,) = shortest_path(graph.again(), id_of("a"), id_of("d")).ways
    assert names(way.nodes) == ["a", "b", "x", "y", "c", "d"]
