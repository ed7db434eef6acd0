"""Which nodes a walk has been at, and on which level: looked up for whole frontiers at once."""

import numpy as np

from clew.projections.graph.arrays import Flags, Handles

_LEAST = 1_024


class Marks:
    """A level for each node that was reached; handles may be any."""

    def __init__(self) -> None:
        self._levels = np.zeros(_LEAST, np.int8)
        self.count = 0

    def mark(self, nodes: Handles, level: int) -> None:
        """Note nodes (each once) that are reached for the first time."""
        if len(nodes):
            self._reach(int(nodes.max()))
            self._levels[nodes] = level + 1
            self.count += len(nodes)

    def marked(self, nodes: Handles) -> Flags:
        """Which of them were reached."""
        return self.levels(nodes) >= 0

    def levels(self, nodes: Handles) -> Handles:
        """The level on which each was reached; -1 for those that were not."""
        inside = nodes < len(self._levels)
        levels = np.full(len(nodes), -1, np.int64)
        levels[inside] = self._levels[nodes[inside]].astype(np.int64) - 1
        return levels

    def _reach(self, highest: int) -> None:
        if highest >= len(self._levels):
            larger = np.zeros(max(2 * len(self._levels), highest + 1), np.int8)
            larger[: len(self._levels)] = self._levels
            self._levels = larger
