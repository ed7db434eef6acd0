"""Every adapter of the graph port runs this suite; it knows the port and nothing of any engine."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

import pytest

from clew.projections.graph.arrays import Adjacency
from clew.projections.graph.port import Document, GraphReader, GraphView, Part
from tests.contract.graph.adapters import OPENERS, Adapter
from tests.engines.marks import ON_GRAPH_ENGINES

ORGANIZATION: Final = UUID("00000000-0000-4000-8000-000000000001")
OTHER: Final = UUID("00000000-0000-4000-8000-000000000002")
ADAPTERS: Final = ["embedded", "embedded-small", *ON_GRAPH_ENGINES]
MOMENT: Final = "2024-03-01T00:00:00.000000Z"


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Adapter]:
    made = OPENERS[request.param](tmp_path / "view")
    yield made
    made.remove()


@pytest.fixture
def view(adapter: Adapter) -> GraphView:
    return adapter.view()


def id_of(name: str) -> UUID:
    """The id of the node with this name."""
    return uuid5(ORGANIZATION, name)


def node(name: str, type_: str = "domain", /, **fields: Any) -> Document:
    return {
        "id": str(id_of(name)),
        "type": type_,
        "name": name,
        "risk_score": 0,
        "wall": False,
        "properties": {},
        "first_seen": MOMENT,
        "last_seen": MOMENT,
        "created_at": MOMENT,
        "updated_at": MOMENT,
        "pagerank": None,
        "betweenness": None,
        "community": None,
        "collected_from": [],
        **fields,
    }


def edge(source: str, target: str, type_: str = "RESOLVES_TO", /, number: int = 0, **fields: Any) -> Document:
    return {
        "id": str(id_of(f"{source}>{type_}>{target}>{number}")),
        "type": type_,
        "source_entity_id": str(id_of(source)),
        "target_entity_id": str(id_of(target)),
        "confidence": 50,
        "source": None,
        "properties": {},
        "first_seen": MOMENT,
        "last_seen": MOMENT,
        "created_at": MOMENT,
        "updated_at": MOMENT,
        **fields,
    }


def put(
    view: GraphView,
    nodes: Iterable[Document] = (),
    edges: Iterable[Document] = (),
    *,
    sources: Iterable[Document] = (),
    organization_id: UUID = ORGANIZATION,
    position: str = "put",
) -> None:
    """Put documents into what is published; publish a first generation if none is."""
    fresh = view.state() is None
    writer = view.writer()
    for part, documents in ((Part.SOURCES, sources), (Part.NODES, nodes), (Part.EDGES, edges)):
        writer.put(organization_id, part, documents)
    assert writer.commit(position) == ()
    if fresh:
        view.publish(writer)
    else:
        writer.close()


def drawn(*pairs: str, **fields: Any) -> tuple[list[Document], list[Document]]:
    """Nodes and edges of a drawing such as "a-b", "b-c"."""
    ends = [pair.split("-") for pair in pairs]
    names = sorted({name for pair in ends for name in pair})
    return [node(name) for name in names], [edge(source, target, **fields) for source, target in ends]


def names(documents: Iterable[Document]) -> list[str]:
    return [document["name"] for document in documents]


def everything(reader: GraphReader, organization_id: UUID = ORGANIZATION) -> dict[Part, dict[UUID, bytes]]:
    """All that is stored; each document once."""
    held: dict[Part, dict[UUID, bytes]] = {}
    for part in Part:
        listed = list(reader.stored(organization_id, part))
        held[part] = dict(listed)
        assert len(held[part]) == len(listed)
    return held


@pytest.fixture
def graph(view: GraphView) -> Iterator["Drawing"]:
    with_readers = Drawing(view)
    yield with_readers
    with_readers.close()


class Drawing:
    """Draws graphs into a view and gives them back as adjacencies."""

    def __init__(self, view: GraphView) -> None:
        self._view = view
        self._readers: list[GraphReader] = []

    def of(
        self, *pairs: str, nodes: Iterable[Document] = (), edges: Iterable[Document] = (), **fields: Any
    ) -> Adjacency:
        drawn_nodes, drawn_edges = drawn(*pairs, **fields)
        put(self._view, [*drawn_nodes, *nodes], [*drawn_edges, *edges])
        return self.again()

    def again(self) -> Adjacency:
        self._readers.append(self._view.reader())
        return self._readers[-1].adjacency(ORGANIZATION)

    def close(self) -> None:
        for reader in self._readers:
            reader.close()
