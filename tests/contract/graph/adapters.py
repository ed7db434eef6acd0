"""The adapters that the suite runs on: how each is opened, and what it leaves."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from clew.projections.graph.embedded.view import EmbeddedGraphView
from clew.projections.graph.port import GraphView


class Adapter(Protocol):
    """One adapter with a place of its own."""

    def view(self) -> GraphView:
        """The view at the place."""

    def remove(self) -> None:
        """Remove everything."""


class InDirectory:
    """The embedded one. small: rows that are kept as a delta; 0 has every commit write all anew."""

    def __init__(self, place: Path, small: int) -> None:
        self._place = place
        self._small = small

    def view(self) -> GraphView:
        return EmbeddedGraphView(self._place, small=self._small)

    def remove(self) -> None:
        pass  # pytest does


OPENERS: Final[dict[str, Callable[[Path], Adapter]]] = {
    "embedded": lambda place: InDirectory(place, 5_000),
    "embedded-small": lambda place: InDirectory(place, 0),
}
