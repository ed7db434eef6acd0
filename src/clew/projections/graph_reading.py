"""The graph view as a server reads it: opened once, and anew when another generation of it is published."""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Final

from clew.kernel.settings import Settings
from clew.projections.graph.errors import GraphViewMissingError
from clew.projections.graph.port import GraphReader, GraphView
from clew.projections.graph_place import graph_view

_PAUSE_SECONDS: Final = 0.5


class _Lent:
    """A reader, and how many are at work with it."""

    def __init__(self, reader: GraphReader) -> None:
        self.reader = reader
        self.borrowers = 0
        self.retired = False


def _opened(view: GraphView) -> GraphReader:
    try:
        return view.reader()
    except GraphViewMissingError:
        # Where it lies on the server is nobody's business who asks from elsewhere.
        raise GraphViewMissingError(
            "there is no graph view to read yet", remedy="wait until it is built; the list of projections says when"
        ) from None


class GraphReading:
    """Lends one reader to any number of threads. Close it: until then it holds its generation.

    The reader itself sees what its generation is told meanwhile.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._guard = threading.Lock()
        self._lent: _Lent | None = None
        self._closed = False
        self._look_again = 0.0

    @contextlib.contextmanager
    def reader(self) -> Iterator[GraphReader]:
        """The reader of what is published now, for the block.

        Raises GraphViewMissingError where nothing is, or the graph view is switched off.
        """
        lent = self._borrow()
        try:
            yield lent.reader
        finally:
            with self._guard:
                lent.borrowers -= 1
                self._let_go(lent)

    def close(self) -> None:
        """Let go of the view, at the latest when the last borrower is done."""
        with self._guard:
            self._closed = True
            self._retire()

    def _borrow(self) -> _Lent:
        if self._settings.graph == "none":
            raise GraphViewMissingError("the graph is switched off", where="CLEW_GRAPH", remedy='set it to "embedded"')
        with self._guard:
            known = self._lent
            if known is not None and time.monotonic() < self._look_again:
                known.borrowers += 1
                return known
        view = graph_view(self._settings)
        state = view.state()
        with self._guard:
            self._look_again = time.monotonic() + _PAUSE_SECONDS
            known = self._lent
            if known is None or state is None or known.reader.generation != state.generation:
                self._retire()
                known = self._lent = _Lent(_opened(view))
                known.retired = self._closed
            known.borrowers += 1
            return known

    def _retire(self) -> None:
        old, self._lent = self._lent, None
        if old is not None:
            old.retired = True
            self._let_go(old)

    def _let_go(self, lent: _Lent) -> None:
        if lent.retired and not lent.borrowers:
            lent.reader.close()
