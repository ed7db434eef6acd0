"""The graph as walks see it: nodes and edges by numbers, whole frontiers at once. Another part of the port."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import numpy as np
import numpy.typing as npt

from clew.projections.graph.port import EVERYTHING, Document, Wanted

Handles = npt.NDArray[np.int64]
"""Nodes or edges as an adjacency numbers them: from 0, good for as long as it lives."""
Flags = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Steps:
    """Relationships as seen from one of their ends, in no particular order: arrays of one length.

    confidence: in hundredths. outgoing: whether the relationship goes from origin to other.
    """

    origin: Handles
    other: Handles
    edge: Handles
    confidence: Handles
    outgoing: Flags

    def __len__(self) -> int:
        """How many."""
        return len(self.origin)

    def where(self, chosen: Flags | Handles) -> "Steps":
        """Those that a mask or a list of places chooses."""
        return Steps(
            self.origin[chosen], self.other[chosen], self.edge[chosen], self.confidence[chosen], self.outgoing[chosen]
        )


class Adjacency(Protocol):
    """One organization's graph at one moment (of an engine: at the moment of each question). For one thread."""

    def find(self, ids: Sequence[UUID]) -> Handles:
        """The nodes of these ids; -1 for what is not there."""

    def degrees(self, nodes: Handles) -> Handles:
        """How many relationships each has, in both directions, whatever is wanted; one with itself counts once."""

    def walls(self, nodes: Handles) -> Flags:
        """Which of them no path goes through: placeholders, private addresses and the like."""

    def steps(self, nodes: Handles, wanted: Wanted = EVERYTHING) -> Steps:
        """All wanted relationships of these nodes but those with themselves."""

    def nearest(self, node: int, wanted: Wanted, limit: int) -> tuple[Steps, int]:
        """The steps to the first `limit` neighbours, and how many neighbours there are.

        Neighbours are in the order of the confidence of the surest relationship with them, then of their ids.
        """

    def node_keys(self, nodes: Handles) -> npt.NDArray[np.bytes_]:
        """Their ids as 16 bytes each, which order them."""

    def edge_keys(self, edges: Handles) -> npt.NDArray[np.bytes_]:
        """The edges' ids as 16 bytes each, which order them."""

    def nodes(self, nodes: Handles) -> list[Document]:
        """Their documents."""

    def edges(self, edges: Handles) -> list[Document]:
        """The edges' documents."""
