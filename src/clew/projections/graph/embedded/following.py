"""An organization's graph as a reader has it in memory, taken further whenever the files say more."""

import threading
from pathlib import Path
from typing import Final

from clew.projections.graph.embedded import delta
from clew.projections.graph.embedded.base import Base
from clew.projections.graph.embedded.delta import Changes
from clew.projections.graph.embedded.overlay import Overlay
from clew.projections.graph.embedded.places import OrganizationPlace
from clew.projections.graph.errors import GraphViewMissingError

_ATTEMPTS: Final = 5


class Followed:
    """Gives the present graph: a look at two files where nothing changed, else what the new frames say over it."""

    def __init__(self, place: OrganizationPlace) -> None:
        self._place = place
        self._guard = threading.Lock()
        self._directory: Path | None = None
        self._base = Base.empty()
        self._changes = Changes()
        self._read = self._seen = 0
        self._overlay = Overlay(self._base, self._changes)

    def overlay(self) -> Overlay:
        """The graph as of now. Raises GraphViewMissingError if its files are damaged or gone."""
        with self._guard:
            for _ in range(_ATTEMPTS):
                directory = self._place.base()
                if directory is None:
                    return self._overlay
                try:
                    return self._at(directory)
                except FileNotFoundError:
                    continue  # another base took its place just now
        raise GraphViewMissingError(
            "this part of the graph view is gone",
            where=str(self._place.directory),
            remedy="rebuild it with `clew projection rebuild graph`",
        )

    def _at(self, directory: Path) -> Overlay:
        if directory != self._directory:
            self._base = Base.open(directory)
            self._changes, self._read, self._seen = Changes(), 0, -1
            self._directory = directory
        size = delta.size(directory)
        if size != self._seen:
            told, self._read = delta.read(directory, self._read)
            changes = self._changes.copied()  # the one before belongs to whoever still walks through it
            changes.add(told)
            self._changes, self._seen = changes, size
            self._overlay = Overlay(self._base, changes)
        return self._overlay
