"""An organization's graph in arrays, as walks see it."""

from collections.abc import Sequence
from uuid import UUID

import numpy as np
import numpy.typing as npt
import orjson

from clew.projections.graph.arrays import Flags, Handles, Steps
from clew.projections.graph.embedded.columns import Array, id_array, keys, microseconds
from clew.projections.graph.embedded.overlay import Overlay
from clew.projections.graph.port import EVERYTHING, Direction, Document, Part, Wanted


class EmbeddedAdjacency:
    """See `port.Adjacency`. Gathers whole frontiers at once."""

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay
        arrays = overlay.base.arrays
        self._begin, self._other, self._edge = arrays["begin"], arrays["entry_other"], arrays["entry_edge"]

    def find(self, ids: Sequence[UUID]) -> Handles:
        """Places of these ids."""
        return self._overlay.find(id_array(each.bytes for each in ids)).astype(np.int64)

    def degrees(self, nodes: Handles) -> Handles:
        """Entries of each."""
        overlay, size = self._overlay, self._overlay.base.nodes
        inside = np.where(nodes < size, nodes, 0) if size else np.zeros(len(nodes), np.int64)
        counts = self._begin[inside + 1] - self._begin[inside] if size else np.zeros(len(nodes), np.int64)
        counts = np.where(nodes < size, counts, 0)
        counts = counts - _looked_up(overlay.fewer, overlay.fewer_by, nodes)
        added = overlay.added
        given: Handles = counts + _looked_up(added.nodes, np.diff(added.begin), nodes)
        return given

    def walls(self, nodes: Handles) -> Flags:
        """Which of them no path goes through."""
        return self._overlay.node["wall"].take(nodes)

    def steps(self, nodes: Handles, wanted: Wanted = EVERYTHING) -> Steps:
        """All wanted entries of these nodes."""
        return self._filtered(*self._entries(nodes), wanted)

    def outgoing(self, nodes: Handles) -> Handles:
        """The edges that lead out of these nodes, those to themselves too: each edge of a graph once."""
        origin, _, edge = self._entries(nodes)
        given: Handles = edge[self._overlay.edge["source"].take(edge) == origin]
        return given

    def _entries(self, nodes: Handles) -> tuple[Array, Array, Array]:
        overlay, size = self._overlay, self._overlay.base.nodes
        inside = nodes[nodes < size]
        origin, other, edge = _gathered(inside, inside, self._begin, self._other, self._edge)
        if len(overlay.dead):
            at = np.minimum(np.searchsorted(overlay.dead, edge), len(overlay.dead) - 1)
            alive = overlay.dead[at] != edge
            origin, other, edge = origin[alive], other[alive], edge[alive]
        added = overlay.added
        if len(added.nodes):
            at = np.minimum(np.searchsorted(added.nodes, nodes), len(added.nodes) - 1)
            here = added.nodes[at] == nodes
            more = _gathered(nodes[here], at[here], added.begin, added.other, added.edge)
            origin, other, edge = (np.concatenate(pair) for pair in zip((origin, other, edge), more, strict=True))
        return origin, other, edge

    def nearest(self, node: int, wanted: Wanted, limit: int) -> tuple[Steps, int]:
        """The steps to the surest neighbours, and how many neighbours there are."""
        steps = self.steps(np.array([node], np.int64), wanted)
        others, inverse = np.unique(steps.other, return_inverse=True)
        total = len(others)
        surest = np.zeros(total, np.int64)
        np.maximum.at(surest, inverse, steps.confidence)
        if total > limit:  # only what is as sure as the last one shown has to be ordered
            kept = surest >= np.partition(surest, total - limit)[total - limit]
            others, surest = others[kept], surest[kept]
            others = others[np.lexsort((self.node_keys(others), -surest))[:limit]]
        return steps.where(np.isin(steps.other, others)), total

    def node_keys(self, nodes: Handles) -> npt.NDArray[np.bytes_]:
        """Their ids."""
        return keys(self._overlay.node["id"].take(nodes))

    def edge_keys(self, edges: Handles) -> npt.NDArray[np.bytes_]:
        """The edges' ids."""
        return keys(self._overlay.edge["id"].take(edges))

    def nodes(self, nodes: Handles) -> list[Document]:
        """Their documents."""
        return self._documents(Part.NODES, nodes)

    def edges(self, edges: Handles) -> list[Document]:
        """The edges' documents."""
        return self._documents(Part.EDGES, edges)

    def _documents(self, part: Part, numbers: Handles) -> list[Document]:
        found = (self._overlay.document(part, number) for number in numbers.tolist())
        return [orjson.loads(text) if changed is None else changed for text, changed in found]

    def _filtered(self, origin: Array, other: Array, edge: Array, wanted: Wanted) -> Steps:
        """The steps of which all that is wanted is true."""
        edges, nodes = self._overlay.edge, self._overlay.node
        keep = origin != other
        if wanted.relationship_types:
            keep &= np.isin(edges["type"].take(edge), self._overlay.edge_types.known(wanted.relationship_types))
        if wanted.entity_types:
            keep &= np.isin(nodes["type"].take(other), self._overlay.node_types.known(wanted.entity_types))
        if wanted.since is not None:
            keep &= edges["last"].take(edge) >= microseconds(wanted.since)
        if wanted.until is not None:
            keep &= edges["first"].take(edge) < microseconds(wanted.until)
        confidence = edges["confidence"].take(edge).astype(np.int64)
        if wanted.minimum_confidence:
            keep &= confidence >= wanted.minimum_confidence
        outgoing = edges["source"].take(edge) == origin
        if wanted.direction is not Direction.ANY:
            keep &= outgoing == (wanted.direction is Direction.OUT)
        return Steps(
            origin[keep], other[keep].astype(np.int64), edge[keep].astype(np.int64), confidence[keep], outgoing[keep]
        )


def _gathered(nodes: Array, rows: Array, begin: Array, other: Array, edge: Array) -> tuple[Array, Array, Array]:
    """The entries of these rows, each with the node that the row is of."""
    if not len(rows):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
    starts = begin[rows]
    counts = begin[rows + 1] - starts
    ends = np.cumsum(counts)
    places = np.arange(int(ends[-1])) + np.repeat(starts - ends + counts, counts)
    return np.repeat(nodes, counts), other[places].astype(np.int64), edge[places].astype(np.int64)


def _looked_up(known: Array, values: Array, wanted: Array) -> Array:
    """The values of what is known (ascending); 0 for what is not."""
    if not len(known):
        return np.zeros(len(wanted), np.int64)
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[at] == wanted, values[at], 0).astype(np.int64)
