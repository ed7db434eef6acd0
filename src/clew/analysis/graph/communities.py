"""Communities: Leiden (Traag, Waltman and van Eck 2019) on edges weighted by their confidence, without directions."""

from dataclasses import dataclass
from typing import Final

import graspologic_native  # type: ignore[import-untyped]
import numpy as np

from clew.analysis.graph.network import Array, Network

LEIDEN: Final = "leiden-v1"
RESOLUTION: Final = 1.0
_SEED: Final = 20_241
_LEAST_WEIGHT: Final = 0.01  # an edge that nobody believes still is one


@dataclass(frozen=True, slots=True)
class Communities:
    """For each node the node that its community is called after: its most central one. modularity: of the whole."""

    centres: Array
    modularity: float

    @property
    def count(self) -> int:
        """How many communities."""
        return len(np.unique(self.centres))


def communities(network: Network, ranks: Array, *, resolution: float = RESOLUTION) -> Communities:
    """Communities, the same for the same network. ranks: each node's PageRank; of equals the first is more central."""
    if not network.size:
        return Communities(np.zeros(0, np.int64), 0.0)
    low, high = np.minimum(network.sources, network.targets), np.maximum(network.sources, network.targets)
    pairs, inverse = np.unique(low * network.size + high, return_inverse=True)
    weights = np.bincount(inverse.reshape(-1), np.maximum(network.weights, _LEAST_WEIGHT))
    first, second = np.char.mod("%d", pairs // network.size), np.char.mod("%d", pairs % network.size)
    edges = list(zip(first.tolist(), second.tolist(), weights.tolist(), strict=True))
    modularity, found = graspologic_native.leiden(edges, resolution=resolution, seed=_SEED, iterations=2)
    labels = np.fromiter((found[str(node)] for node in range(network.size)), np.int64, network.size)
    order = np.lexsort((np.arange(network.size), -ranks, labels))
    _, starts = np.unique(labels[order], return_index=True)
    centre_of = order[starts]
    return Communities(centre_of[np.unique(labels, return_inverse=True)[1].reshape(-1)], float(modularity))
