"""The reader of one generation: each organization's graph is opened when it is first asked for."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, Self
from uuid import UUID

import numpy as np
import orjson

from clew.projections.graph.arrays import Adjacency
from clew.projections.graph.embedded.adjacency import EmbeddedAdjacency
from clew.projections.graph.embedded.columns import Array, keys
from clew.projections.graph.embedded.following import Followed
from clew.projections.graph.embedded.overlay import Overlay
from clew.projections.graph.embedded.places import Generation
from clew.projections.graph.port import Community, Document, Measure, Part, document_text
from clew.projections.search.locks import Lock

_MOST_OPEN: Final = 64
_READ_AT_ONCE: Final = 4_096


class EmbeddedReader:
    """See `port.GraphReader`."""

    def __init__(self, generation: Generation) -> None:
        self._generation = generation
        self._lock = Lock(generation.used)
        self._lock.share()
        if generation.state() is None:
            self._lock.close()
            raise FileNotFoundError(generation.directory)
        self._guard = threading.Lock()
        self._followed: OrderedDict[UUID, Followed] = OrderedDict()

    @property
    def generation(self) -> str:
        """The generation it reads."""
        return self._generation.name

    def adjacency(self, organization_id: UUID) -> Adjacency:
        """The organization's graph."""
        return EmbeddedAdjacency(self.overlay(organization_id))

    def ranked(
        self, organization_id: UUID, measure: Measure, *, limit: int, type_: str | None = None
    ) -> list[Document]:
        """The first by a measure."""
        overlay = self.overlay(organization_id)
        nodes = overlay.nodes_there()
        if type_ is not None:
            nodes = nodes[np.isin(overlay.node["type"].take(nodes), overlay.node_types.known([type_]))]
        return _first(overlay, nodes, measure, limit)

    def communities(self, organization_id: UUID, *, limit: int) -> list[Community]:
        """The largest ones."""
        overlay = self.overlay(organization_id)
        numbers = overlay.node["community"].take(overlay.nodes_there())
        sizes = np.bincount(numbers, minlength=1)[1:]
        ids = overlay.community_id[: len(sizes)]
        order = np.lexsort((keys(ids), -sizes)) if len(sizes) else np.zeros(0, np.int64)
        chosen = [place for place in order[:limit].tolist() if sizes[place]]
        return [Community(UUID(bytes=ids[place].tobytes()), int(sizes[place])) for place in chosen]

    def members(self, organization_id: UUID, community: UUID, *, limit: int) -> list[Document]:
        """The most central of a community."""
        overlay = self.overlay(organization_id)
        number = np.flatnonzero(keys(overlay.community_id) == np.bytes_(community.bytes)) + 1
        nodes = overlay.nodes_there()
        if not len(number):
            return []
        nodes = nodes[overlay.node["community"].take(nodes) == number[0]]
        return _first(overlay, nodes, Measure.PAGERANK, limit)

    def stored(self, organization_id: UUID, part: Part) -> Iterator[tuple[UUID, bytes]]:
        """Everything, edges as the adjacency leads to them."""
        overlay = self.overlay(organization_id)
        if part is Part.SOURCES:
            yield from ((UUID(identifier), text) for identifier, text in overlay.sources().items())
            return
        for numbers in _pieces(overlay, part):
            ids = (overlay.node if part is Part.NODES else overlay.edge)["id"].take(numbers)
            for number, row in zip(numbers.tolist(), ids, strict=True):
                text, changed = overlay.document(part, number)
                yield UUID(bytes=row.tobytes()), text if changed is None else document_text(changed)

    def count(self, organization_id: UUID, part: Part) -> int:
        """How many."""
        return self.overlay(organization_id).count(part)

    def organizations(self) -> tuple[UUID, ...]:
        """Every one with documents."""
        return tuple(each for each in self._generation.organizations() if any(self.count(each, part) for part in Part))

    def overlay(self, organization_id: UUID) -> Overlay:
        """The organization's graph in arrays."""
        with self._guard:
            followed = self._followed.get(organization_id)
            if followed is None:
                followed = self._followed[organization_id] = Followed(self._generation.organization(organization_id))
            self._followed.move_to_end(organization_id)
            if len(self._followed) > _MOST_OPEN:
                self._followed.popitem(last=False)
        return followed.overlay()

    def close(self) -> None:
        """Let go."""
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _first(overlay: Overlay, nodes: Array, measure: Measure, limit: int) -> list[Document]:
    values = overlay.node[measure.value].take(nodes)
    measured = ~np.isnan(values)
    nodes, values = nodes[measured], values[measured]
    if len(nodes) > limit > 0:  # only what is as great as the last one shown has to be ordered
        least = np.partition(values, len(values) - limit)[len(values) - limit]
        nodes, values = nodes[values >= least], values[values >= least]
    order = np.lexsort((keys(overlay.node["id"].take(nodes)), -values)) if len(nodes) else nodes
    documents = (overlay.document(Part.NODES, number) for number in nodes[order[:limit]].tolist())
    return [orjson.loads(text) if changed is None else changed for text, changed in documents]


def _pieces(overlay: Overlay, part: Part) -> Iterator[Array]:
    """The numbers of all nodes, or of the edges that lead out of them, some at a time."""
    nodes = overlay.nodes_there()
    for start in range(0, len(nodes), _READ_AT_ONCE):
        some = nodes[start : start + _READ_AT_ONCE]
        yield some if part is Part.NODES else EmbeddedAdjacency(overlay).outgoing(some)
