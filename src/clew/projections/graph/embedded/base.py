"""The bulk of an organization's graph: arrays and documents in two files, mapped into memory, never changed.

NAME/arrays      the arrays of `LAYOUT`, one after the other
NAME/documents   the documents' texts: nodes, edges, sources, each in the order of their ids
NAME/meta.json   where each array begins, the names of types, a digest of the arrays; written last

Nodes and edges are in the order of their ids. The adjacency is a compressed sparse row: node i's entries are those
from begin[i] to begin[i + 1], each the other end and the edge, for both directions; an edge from a node to itself is
one entry.
"""

import mmap
import os
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from clew.kernel.directories import myself, write_privately
from clew.projections.graph.embedded.columns import Array, Codes, halves
from clew.projections.graph.errors import GraphViewMissingError
from clew.projections.graph.port import SCHEMA_VERSION, Part

LAYOUT: Final[dict[str, tuple[str, int]]] = {  # dtype, and columns of a row (0: one number)
    "node_id": ("u1", 16),
    "node_type": ("u2", 0),
    "node_wall": ("?", 0),
    "node_pagerank": ("f8", 0),
    "node_betweenness": ("f8", 0),
    "node_community": ("u4", 0),  # a row of community_id, counted from 1; 0 for none
    "community_id": ("u1", 16),
    "edge_id": ("u1", 16),
    "edge_source": ("u4", 0),
    "edge_target": ("u4", 0),
    "edge_type": ("u2", 0),
    "edge_confidence": ("u1", 0),
    "edge_first": ("i8", 0),
    "edge_last": ("i8", 0),
    "begin": ("i8", 0),
    "entry_other": ("u4", 0),
    "entry_edge": ("u4", 0),
    "source_id": ("u1", 16),
    "nodes_text": ("i8", 0),  # where each document begins, and where the last one ends
    "edges_text": ("i8", 0),
    "sources_text": ("i8", 0),
}
IDS: Final = {Part.NODES: "node_id", Part.EDGES: "edge_id", Part.SOURCES: "source_id"}
_ALIGNMENT: Final = 64
EMPTY_ARRAYS: Final = {
    name: np.zeros((0, width) if width else int(name == "begin" or name.endswith("_text")), dtype)
    for name, (dtype, width) in LAYOUT.items()
}


class Base:
    """The arrays by name, and the documents. Usable from several threads."""

    def __init__(self, arrays: dict[str, Array], documents: bytes | mmap.mmap, types: dict[str, list[str]]) -> None:
        self.arrays = arrays
        self.node_types, self.edge_types = Codes(types["nodes"]), Codes(types["edges"])
        self._documents = documents
        self._halves = {part: halves(arrays[name]) for part, name in IDS.items()}
        self.nodes, self.edges = len(arrays["node_id"]), len(arrays["edge_id"])

    @classmethod
    def empty(cls) -> "Base":
        """Of an organization that has nothing."""
        return cls(dict(EMPTY_ARRAYS), b"", {"nodes": [], "edges": []})

    @classmethod
    def open(cls, directory: Path, *, checked: bool = True) -> "Base":
        """The one in that directory; not `checked`, its arrays are taken for what was written.

        Raises GraphViewMissingError if it is damaged, FileNotFoundError if it is gone.
        """
        meta = read_meta(directory)
        mapped = np.frombuffer(_mapped(directory / "arrays"), np.uint8)
        if checked and blake2b(mapped.data).hexdigest() != meta["digest"]:
            raise damaged(directory)
        arrays: dict[str, Array] = {}
        for name, (dtype, width) in LAYOUT.items():
            start, rows = meta["arrays"][name]
            size = rows * np.dtype(dtype).itemsize * (width or 1)
            flat = mapped[start : start + size].view(dtype)
            arrays[name] = flat.reshape(rows, width) if width else flat
        return cls(arrays, _mapped(directory / "documents"), meta["types"])

    def count(self, part: Part) -> int:
        """How many documents there are."""
        return len(self.arrays[IDS[part]])

    def find(self, part: Part, ids: Array) -> Array:
        """Places of ids (rows of 16 bytes); -1 for what is not there."""
        highs, lows = self._halves[part]
        wanted_highs, wanted_lows = halves(ids)
        return find_sorted(highs, lows, wanted_highs, wanted_lows)

    def text(self, part: Part, place: int) -> bytes:
        """A document's text."""
        begins = self.arrays[f"{part}_text"]
        return bytes(self._documents[int(begins[place]) : int(begins[place + 1])])

    def text_of_all(self, part: Part) -> memoryview:
        """The texts of all documents, one after the other."""
        begins = self.arrays[f"{part}_text"]
        return memoryview(self._documents)[int(begins[0]) : int(begins[-1])]


def find_sorted(highs: Array, lows: Array, wanted_highs: Array, wanted_lows: Array) -> Array:
    """Places of (high, low) pairs among ascending ones; -1 for what is not there."""
    if not len(highs):
        return np.full(len(wanted_highs), -1, np.int64)
    # Neighbours in the search are then neighbours in memory.
    order = np.argsort(wanted_highs) if len(wanted_highs) > 1_000 else np.arange(len(wanted_highs))
    asked_highs, asked_lows = wanted_highs[order], wanted_lows[order]
    places = np.searchsorted(highs, asked_highs)
    found = np.full(len(places), -1, np.int64)
    open_ = np.arange(len(places))
    while len(open_):  # ids that share their first half are next to each other
        at = places[open_]
        inside = np.minimum(at, len(highs) - 1)
        same = (at < len(highs)) & (highs[inside] == asked_highs[open_])
        hit = same & (lows[inside] == asked_lows[open_])
        found[open_[hit]] = at[hit]
        open_ = open_[same & ~hit]
        places[open_] += 1
    given = np.empty_like(found)
    given[order] = found
    return given


def write_base(directory: Path, arrays: dict[str, Array], types: dict[str, list[str]]) -> None:
    """Write arrays beside the documents that are there already, durably; the directory is whole after this."""
    digest, places, position = blake2b(), {}, 0
    with (directory / "arrays").open("xb") as file:
        for name, (dtype, _) in LAYOUT.items():
            content = np.ascontiguousarray(arrays[name], dtype)
            places[name] = (position, len(content))
            padding = bytes(-content.nbytes % _ALIGNMENT)
            for piece in (content.reshape(-1).view(np.uint8).data, padding):
                file.write(piece)
                digest.update(piece)
            position += content.nbytes + len(padding)
        flush(file)
    meta = {
        "schema_version": SCHEMA_VERSION,
        "arrays": places,
        "types": types,
        "digest": digest.hexdigest(),
        "sizes": {"arrays": position, "documents": (directory / "documents").stat().st_size},
    }
    write_privately(directory / "meta.json", orjson.dumps(meta), myself())


def read_meta(directory: Path) -> dict[str, Any]:
    """What is written of a base whose files have the right sizes. Raises as `Base.open`."""
    text = (directory / "meta.json").read_bytes()
    meta: dict[str, Any] = {}
    try:
        meta = orjson.loads(text)
        whole = meta["schema_version"] == SCHEMA_VERSION and all(
            (directory / name).stat().st_size == size for name, size in meta["sizes"].items()
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise damaged(directory)
    return meta


def damaged(directory: Path) -> GraphViewMissingError:
    """The error for a base that is not what was written."""
    return GraphViewMissingError(
        "this part of the graph view is damaged",
        where=str(directory),
        remedy="rebuild it with `clew projection rebuild graph`",
    )


def flush(file: Any) -> None:
    """Make what was written durable."""
    file.flush()
    os.fsync(file.fileno())


def _mapped(path: Path) -> bytes | mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""
