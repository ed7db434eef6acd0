"""A graph as arrays: what measures work on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Network:
    """Nodes numbered from 0 in the order of their ids (rows of 16 bytes), and edges between two different ones.

    weights: from 0 to 1. Several edges between the same two nodes are several.
    """

    ids: Array
    sources: Array
    targets: Array
    weights: Array

    @property
    def size(self) -> int:
        """How many nodes."""
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Rows:
    """Undirected neighbours in compressed sparse rows, each once: of node i, other[begin[i] : begin[i + 1]]."""

    begin: Array
    other: Array


def network_of(sources: Array, targets: Array, weights: Array) -> Network:
    """The network of edges between ids (rows of 16 bytes); edges from a node to itself are left out."""
    between = (sources != targets).any(axis=1)
    sources, targets, weights = sources[between], targets[between], weights[between]
    ends = np.concatenate([sources, targets]).reshape(-1, 16)
    halves = np.ascontiguousarray(ends).view(">u8").reshape(-1, 2).astype(np.uint64)
    order = np.lexsort((halves[:, 1], halves[:, 0]))
    ordered = halves[order]
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.cumsum(fresh) - 1
    middle = len(sources)
    return Network(ends[order[fresh]], numbers[:middle], numbers[middle:], weights)


def undirected(network: Network) -> Rows:
    """Who is next to whom, whatever the directions and however often."""
    low, high = np.minimum(network.sources, network.targets), np.maximum(network.sources, network.targets)
    pairs = np.unique(low * network.size + high) if network.size else np.zeros(0, np.int64)
    low, high = (pairs // network.size, pairs % network.size) if network.size else (pairs, pairs)
    origin, other = np.concatenate([low, high]), np.concatenate([high, low])
    order = np.argsort(origin, kind="stable")
    begin = np.zeros(network.size + 1, np.int64)
    np.cumsum(np.bincount(origin, minlength=network.size), out=begin[1:])
    return Rows(begin, other[order])
