"""A view as a server reads it: opened once, and anew when another generation of it is published."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, Generic, Protocol, TypeVar

PAUSE_SECONDS: Final = 0.5


class GenerationReader(Protocol):
    """Reads one generation of a view."""

    @property
    def generation(self) -> str:
        """Its name."""

    def close(self) -> None:
        """Let go of it."""


Reader = TypeVar("Reader", bound=GenerationReader)
Given_co = TypeVar("Given_co", bound=GenerationReader, covariant=True)


class ReadableView(Protocol[Given_co]):
    """A view that may be published anew."""

    def state(self) -> Any:
        """What is published, with its `generation`; None where nothing is."""

    def reader(self) -> Given_co:
        """Read it. Raises an error of its own where nothing is published."""


class _Lent(Generic[Reader]):
    """A reader, and how many are at work with it."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.borrowers = 0
        self.retired = False


class ViewReading(Generic[Reader]):
    """Lends one reader to any number of threads. Close it: until then it holds its generation.

    `view` opens the view, or raises where it is switched off; `missing` is raised where nothing is published (where
    it lies on the server is nobody's business who asks from elsewhere). It is looked at again after `pause_seconds`:
    a look at a file costs nothing, to ask an engine takes as long as many a question.
    """

    def __init__(
        self, view: Callable[[], ReadableView[Reader]], missing: Callable[[], Exception], pause_seconds: float
    ) -> None:
        self._view = view
        self._missing = missing
        self._pause = pause_seconds
        self._guard = threading.Lock()
        self._lent: _Lent[Reader] | None = None
        self._closed = False
        self._look_again = 0.0

    @contextlib.contextmanager
    def reader(self) -> Iterator[Reader]:
        """The reader of what is published now, for the block. Raises what `view` and `missing` say."""
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

    def _borrow(self) -> _Lent[Reader]:
        with self._guard:
            known = self._lent
            if known is not None and time.monotonic() < self._look_again:
                known.borrowers += 1
                return known
        view = self._view()
        state = view.state()
        with self._guard:
            self._look_again = time.monotonic() + self._pause
            known = self._lent
            if known is None or state is None or known.reader.generation != state.generation:
                self._retire()
                known = self._lent = _Lent(self._opened(view))
                known.retired = self._closed
            known.borrowers += 1
            return known

    def _opened(self, view: ReadableView[Reader]) -> Reader:
        missing = self._missing()
        try:
            return view.reader()
        except type(missing):
            raise missing from None

    def _retire(self) -> None:
        old, self._lent = self._lent, None
        if old is not None:
            old.retired = True
            self._let_go(old)

    def _let_go(self, lent: _Lent[Reader]) -> None:
        if lent.retired and not lent.borrowers:
            lent.reader.close()
