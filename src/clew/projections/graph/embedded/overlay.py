"""The bulk with its later changes over it, as arrays again: built anew from both whenever something changed.

Nodes and edges of the bulk keep their numbers, and new ones are numbered after them. A changed edge is a dead one of
the bulk and a new one: whatever it was, only its new state is walked.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np

from clew.projections.graph.embedded.base import Base, find_sorted
from clew.projections.graph.embedded.building import compressed_rows
from clew.projections.graph.embedded.columns import (
    Array,
    Codes,
    Columns,
    edge_columns,
    halves,
    id_array,
    id_bytes,
    node_columns,
)
from clew.projections.graph.embedded.delta import Changes
from clew.projections.graph.port import Document, Part, document_text

_NONE: Final = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the bulk, with some values replaced and some added after it."""

    base: Array
    places: Array
    values: Array
    added: Array

    def take(self, numbers: Array) -> Array:
        """The values at these places."""
        if not len(self.places) and not len(self.added):
            taken: Array = self.base[numbers]
            return taken
        size = len(self.base)
        beyond = numbers >= size
        source = self.base if size else np.zeros((1, *self.base.shape[1:]), self.base.dtype)
        taken = source[np.where(beyond, 0, numbers)]
        taken[beyond] = self.added[numbers[beyond] - size]
        if len(self.places):
            at = np.minimum(np.searchsorted(self.places, numbers), len(self.places) - 1)
            replaced = self.places[at] == numbers
            taken[replaced] = self.values[at[replaced]]
        return taken

    def all(self) -> Array:
        """The whole column."""
        return self.take(np.arange(len(self.base) + len(self.added)))


@dataclass(frozen=True, slots=True)
class Rows:
    """Compressed sparse rows of some nodes only: those in `nodes`, ascending."""

    nodes: Array
    begin: Array
    other: Array
    edge: Array


class Overlay:
    """An organization's graph at one moment. Never changed; usable from several threads."""

    def __init__(self, base: Base, changes: Changes) -> None:
        self.base = base
        self._changes = changes
        self.node_types, self.edge_types = Codes(base.node_types.names), Codes(base.edge_types.names)
        self._texts: dict[Part, dict[int, Document]] = {Part.NODES: {}, Part.EDGES: {}}
        self.gone = _NONE  # nodes of the bulk that are not there any more, ascending
        self._put_nodes()
        self._put_edges()

    def count(self, part: Part) -> int:
        """How many documents there are."""
        if part is Part.NODES:
            return self.base.nodes + len(self.node["id"].added) - len(self.gone)
        if part is Part.EDGES:
            return self.base.edges + len(self.edge["id"].added) - len(self.dead)
        return len(self.sources())

    def find(self, ids: Array) -> Array:
        """Numbers of nodes (ids as rows of 16 bytes); -1 for what is not there."""
        found = self.base.find(Part.NODES, ids)
        if len(self.gone):
            found[np.isin(found, self.gone)] = -1
        added = self.node["id"].added
        if len(added):
            late = find_sorted(*halves(added), *halves(ids))
            found = np.where(late >= 0, late + self.base.nodes, found)
        return found

    def document(self, part: Part, number: int) -> tuple[bytes, Document | None]:
        """A node's or edge's text in the bulk, or the document that it was replaced by."""
        changed = self._texts[part].get(number)
        return (b"", changed) if changed is not None else (self.base.text(part, number), None)

    def sources(self) -> dict[str, bytes]:
        """The texts of the sources by their ids."""
        ids = self.base.arrays["source_id"]
        texts = {str(UUID(bytes=row.tobytes())): self.base.text(Part.SOURCES, at) for at, row in enumerate(ids)}
        for identifier, document in self._changes.rows[Part.SOURCES].items():
            texts.pop(identifier, None)
            if document is not None:
                texts[identifier] = document_text(document)
        return texts

    def nodes_there(self) -> Array:
        """The numbers of all nodes."""
        there = np.arange(self.base.nodes + len(self.node["id"].added))
        return there if not len(self.gone) else np.setdiff1d(there, self.gone, assume_unique=True)

    def _put_nodes(self) -> None:
        rows = self._changes.rows[Part.NODES]
        documents = [each for each in rows.values() if each is not None]
        documents.sort(key=lambda document: id_bytes(document["id"]))
        columns = node_columns(documents, self.node_types)
        at = self.base.find(Part.NODES, columns["id"])
        replaced, added = np.flatnonzero(at >= 0), np.flatnonzero(at < 0)
        arrays = self.base.arrays
        communities, numbers = self._communities(columns["community"])
        self.community_id = communities
        columns["community"] = numbers
        self.node = {
            name: Column(arrays[f"node_{name}"], at[replaced], columns[name][replaced], columns[name][added])
            for name in ("id", "type", "wall", "pagerank", "betweenness", "community")
        }
        numbered = dict(zip(added.tolist(), range(self.base.nodes, self.base.nodes + len(added)), strict=True))
        for place, document in enumerate(documents):
            self._texts[Part.NODES][numbered.get(place, int(at[place]))] = document
        removed = [id_bytes(identifier) for identifier, document in rows.items() if document is None]
        gone = self.base.find(Part.NODES, id_array(removed))
        self.gone = np.sort(gone[gone >= 0])

    def _communities(self, ids: Array) -> tuple[Array, Array]:
        """All communities' ids, and the numbers (from 1, 0 for none) of those given here."""
        table = [row.tobytes() for row in self.base.arrays["community_id"]] if len(ids) else []
        if not len(ids):
            return self.base.arrays["community_id"], np.zeros(0, np.uint32)
        known = {identifier: number for number, identifier in enumerate(table, 1)}
        numbers = []
        for row in ids:
            identifier = row.tobytes()
            if identifier.strip(b"\0") and identifier not in known:
                table.append(identifier)
                known[identifier] = len(table)
            numbers.append(known.get(identifier, 0))
        return id_array(table), np.array(numbers, np.uint32)

    def _put_edges(self) -> None:
        rows, arrays = self._changes.rows[Part.EDGES], self.base.arrays
        documents = [each for each in rows.values() if each is not None]
        columns = edge_columns(documents, self.edge_types)
        ends = {end: self.find(columns[end]) for end in ("source", "target")}
        placed = (ends["source"] >= 0) & (ends["target"] >= 0)
        changed = self.base.find(Part.EDGES, id_array(map(id_bytes, rows)))
        dead = changed[changed >= 0]
        if len(self.gone):  # the record has removed their edges as well, and says so in a change of its own
            dead = np.concatenate([dead, self._entries_of(self.gone)])
        self.dead = np.unique(dead)
        columns = {name: column[placed] for name, column in columns.items()}
        columns |= {end: ends[end][placed].astype(np.uint32) for end in ends}
        self.edge = {
            name: Column(arrays[f"edge_{name}"], _NONE, _NONE, columns[name])
            for name in ("id", "source", "target", "type", "confidence", "first", "last")
        }
        for number, place in enumerate(np.flatnonzero(placed).tolist(), self.base.edges):
            self._texts[Part.EDGES][number] = documents[place]
        self.added = self._added_rows(columns)
        ended = np.concatenate([arrays["edge_source"][self.dead], arrays["edge_target"][self.dead]])
        loops = arrays["edge_source"][self.dead] == arrays["edge_target"][self.dead]
        ended = ended[np.concatenate([np.ones(len(loops), np.bool_), ~loops])] if len(ended) else ended
        self.fewer, self.fewer_by = np.unique(ended, return_counts=True)

    def _entries_of(self, nodes: Array) -> Array:
        begin = self.base.arrays["begin"]
        edges = [self.base.arrays["entry_edge"][begin[node] : begin[node + 1]] for node in nodes.tolist()]
        return np.concatenate(edges).astype(np.int64) if edges else _NONE

    def _added_rows(self, columns: Columns) -> Rows:
        nodes = np.unique(np.concatenate([columns["source"], columns["target"]])).astype(np.int64)
        local = {end: np.searchsorted(nodes, columns[end]) for end in ("source", "target")}
        rows = compressed_rows(len(nodes), local["source"], local["target"])
        edge = rows["entry_edge"].astype(np.int64) + self.base.edges
        return Rows(nodes, rows["begin"], nodes[rows["entry_other"]], edge)


def refused_edges(overlay: Overlay, changes: Changes) -> list[tuple[UUID, str]]:
    """The edges among changes whose ends are not there, and which."""
    documents = [each for each in changes.rows[Part.EDGES].values() if each is not None]
    refused = []
    for end in ("source", "target"):
        ids = id_array(id_bytes(each[f"{end}_entity_id"]) for each in documents)
        for place in np.flatnonzero(overlay.find(ids) < 0).tolist():
            document = documents[place]
            refused.append((UUID(document["id"]), f"its {end} {document[f'{end}_entity_id']} is not there"))
    return list({identifier: (identifier, reason) for identifier, reason in reversed(refused)}.values())
