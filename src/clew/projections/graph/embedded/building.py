"""Makes a base from rows in any order: the last one of an id counts. Texts go to disk at once, numbers stay."""

import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID

import numpy as np

from clew.kernel.directories import PRIVATE_FILE, ensure_own_directory, myself
from clew.projections.graph.embedded.base import IDS, Base, find_sorted, flush, write_base
from clew.projections.graph.embedded.columns import (
    NO_ID,
    Array,
    Codes,
    Columns,
    edge_columns,
    halves,
    id_array,
    keys,
    node_columns,
    source_columns,
)
from clew.projections.graph.port import Document, Part, document_text

_SHAPES: Final = {Part.NODES: node_columns, Part.EDGES: edge_columns, Part.SOURCES: source_columns}


class Builder:
    """Collects rows for a base in `directory`, which is made."""

    def __init__(self, directory: Path) -> None:
        ensure_own_directory(directory, myself())
        self.directory = directory
        self._spool = (directory / "spool").open("xb+")
        (directory / "spool").chmod(PRIVATE_FILE)
        self._written = 0
        self._types = {Part.NODES: Codes(), Part.EDGES: Codes(), Part.SOURCES: Codes()}
        self._chunks: dict[Part, list[Columns]] = {part: [] for part in Part}
        self._removed: set[bytes] = set()  # nodes: their edges go with them and are not missed

    def put(self, part: Part, documents: Sequence[Document]) -> None:
        """Add rows."""
        if not documents:
            return
        texts = [document_text(each) for each in documents]
        self._add(part, _SHAPES[part](documents, self._types[part]), np.array([len(text) for text in texts]))
        self._spool.writelines(texts)

    def remove(self, part: Part, ids: Sequence[bytes]) -> None:
        """Have rows of these ids gone."""
        if ids:
            self._chunks[part].append({"id": id_array(ids), "start": np.full(len(ids), -1, np.int64)})
            if part is Part.NODES:
                self._removed.update(ids)

    def put_base(self, base: Base) -> None:
        """Add all rows of a base, their texts as they are."""
        names = {Part.NODES: base.node_types.names, Part.EDGES: base.edge_types.names}
        for part in Part:
            begins = base.arrays[f"{part}_text"]
            chunk = _columns_of(base, part)
            if part in names:
                codes = np.array([self._types[part].code(name) for name in names[part]] or [0], np.uint16)
                chunk["type"] = codes[chunk["type"]]
            self._add(part, chunk, np.diff(begins))
            self._spool.write(base.text_of_all(part))

    def finish(self) -> list[tuple[Part, UUID, str]]:
        """Write the base; gives the edges that were left out because an end is not there."""
        nodes, edges, sources = (self._last(part) for part in Part)
        refused = self._place_ends(nodes, edges)
        placed = (edges["source_place"] >= 0) & (edges["target_place"] >= 0)
        edges = {name: column[placed] for name, column in edges.items()}
        arrays = self._arrays(nodes, edges, sources)
        with (self.directory / "documents").open("xb") as file:
            (self.directory / "documents").chmod(PRIVATE_FILE)
            self._spool.flush()
            for rows in (nodes, edges, sources):
                self._copy_texts(rows["start"], rows["length"], file)
            flush(file)
        types = {part.value: self._types[part].names for part in (Part.NODES, Part.EDGES)}
        write_base(self.directory, arrays, types)
        self.close()
        return refused

    def close(self) -> None:
        """Take the spool away."""
        self._spool.close()
        (self.directory / "spool").unlink(missing_ok=True)

    def _add(self, part: Part, chunk: Columns, lengths: Array) -> None:
        ends = np.cumsum(lengths, dtype=np.int64)
        self._chunks[part].append({**chunk, "start": self._written + ends - lengths, "length": lengths})
        self._written += int(ends[-1]) if len(ends) else 0

    def _last(self, part: Part) -> Columns:
        """The last row of each id that is not gone, in the order of ids."""
        chunks, self._chunks[part] = self._chunks[part], []
        filled = [chunk for chunk in chunks if len(chunk) > 2]
        shape = filled[0] if filled else {**_SHAPES[part]((), self._types[part]), "start": _NONE, "length": _NONE}
        joined = {
            name: np.concatenate(
                [np.zeros((0, *like.shape[1:]), like.dtype), *(_of(each, name, like) for each in chunks)]
            )
            for name, like in shape.items()
        }
        highs, lows = halves(joined["id"])
        order = np.lexsort((lows, highs))
        highs, lows = highs[order], lows[order]
        last = np.ones(len(order), np.bool_)
        last[:-1] = (highs[1:] != highs[:-1]) | (lows[1:] != lows[:-1])
        order = order[last]
        order = order[joined["start"][order] >= 0]
        return {name: column[order] for name, column in joined.items()}

    def _place_ends(self, nodes: Columns, edges: Columns) -> list[tuple[Part, UUID, str]]:
        highs, lows = halves(nodes["id"])
        for end in ("source", "target"):
            edges[f"{end}_place"] = find_sorted(highs, lows, *halves(edges[end]))
        refused = []
        for place in np.flatnonzero((edges["source_place"] < 0) | (edges["target_place"] < 0)):
            end = "source" if edges["source_place"][place] < 0 else "target"
            missing = edges[end][place].tobytes()
            if missing not in self._removed:
                identifier = UUID(bytes=edges["id"][place].tobytes())
                refused.append((Part.EDGES, identifier, f"its {end} {UUID(bytes=missing)} is not there"))
        return refused

    @staticmethod
    def _arrays(nodes: Columns, edges: Columns, sources: Columns) -> dict[str, Array]:
        arrays = {f"node_{name}": nodes[name] for name in ("id", "type", "wall", "pagerank", "betweenness")}
        arrays |= {f"edge_{name}": edges[name] for name in ("id", "type", "confidence", "first", "last")}
        arrays |= {
            "source_id": sources["id"],
            "edge_source": edges["source_place"],
            "edge_target": edges["target_place"],
        }
        arrays["node_community"], arrays["community_id"] = _numbered(nodes["community"])
        position = 0
        for part, rows in ((Part.NODES, nodes), (Part.EDGES, edges), (Part.SOURCES, sources)):
            begins = position + np.concatenate([np.zeros(1, np.int64), np.cumsum(rows["length"], dtype=np.int64)])
            arrays[f"{part}_text"], position = begins, int(begins[-1])
        return arrays | compressed_rows(len(nodes["id"]), edges["source_place"], edges["target_place"])

    def _copy_texts(self, starts: Array, lengths: Array, file: BinaryIO) -> None:
        """Copy texts, those that lie one after the other at once."""
        if not len(starts):
            return
        ends = starts + lengths
        breaks = np.flatnonzero(starts[1:] != ends[:-1]) + 1
        firsts, lasts = np.concatenate([[0], breaks]), np.concatenate([breaks - 1, [len(starts) - 1]])
        with mmap.mmap(self._spool.fileno(), 0, access=mmap.ACCESS_READ) as spool, memoryview(spool) as texts:
            pieces = zip(starts[firsts].tolist(), ends[lasts].tolist(), strict=True)
            file.writelines(texts[start:end] for start, end in pieces)


_NONE: Final = np.zeros(0, np.int64)


def compressed_rows(nodes: int, sources: Array, targets: Array) -> dict[str, Array]:
    """The adjacency of edges between numbered nodes, both ways; one from a node to itself is entered once."""
    number = np.arange(len(sources), dtype=np.uint32)
    between = sources != targets
    origin = np.concatenate([sources, targets[between]]).astype(np.uint32)
    other = np.concatenate([targets, sources[between]]).astype(np.uint32)
    edge = np.concatenate([number, number[between]])
    order = np.argsort(origin, kind="stable")
    begin = np.zeros(nodes + 1, np.int64)
    np.cumsum(np.bincount(origin, minlength=nodes), out=begin[1:])
    return {"begin": begin, "entry_other": other[order], "entry_edge": edge[order]}


def _columns_of(base: Base, part: Part) -> Columns:
    arrays = base.arrays
    if part is Part.SOURCES:
        return {"id": arrays[IDS[part]]}
    if part is Part.NODES:
        chunk = {name: arrays[f"node_{name}"] for name in ("id", "type", "wall", "pagerank", "betweenness")}
        communities = np.concatenate([id_array([NO_ID]), arrays["community_id"]])
        return chunk | {"community": communities[arrays["node_community"]]}
    chunk = {name: arrays[f"edge_{name}"] for name in ("id", "type", "confidence", "first", "last")}
    return chunk | {end: arrays["node_id"][arrays[f"edge_{end}"]] for end in ("source", "target")}


def _of(chunk: Columns, name: str, like: Array) -> Array:
    """A chunk's column; of rows that are gone, as many zeros."""
    return chunk[name] if name in chunk else np.zeros((len(chunk["id"]), *like.shape[1:]), like.dtype)


def _numbered(ids: Array) -> tuple[Array, Array]:
    """Communities' ids as rows of a table of them, counted from 1."""
    numbers = np.zeros(len(ids), np.uint32)
    has = ids.any(axis=1)
    table, inverse = np.unique(keys(ids[has]), return_inverse=True)
    numbers[has] = inverse.reshape(-1) + 1
    return numbers, np.ascontiguousarray(table).view(np.uint8).reshape(-1, 16)
