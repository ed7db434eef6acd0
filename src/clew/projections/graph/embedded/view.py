"""The embedded view's front: what is published, who writes, who reads."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from clew.projections.graph.embedded.places import Generation, Places
from clew.projections.graph.embedded.reader import EmbeddedReader
from clew.projections.graph.embedded.writer import SMALL, EmbeddedWriter
from clew.projections.graph.errors import GraphViewError, GraphViewMissingError
from clew.projections.graph.port import GraphReader, GraphView, GraphWriter, ViewState

_ATTEMPTS: Final = 5


class EmbeddedGraphView:
    """A graph view in a directory of its own (made at need, 0700; its parent must exist).

    small: see `writer.SMALL`.
    """

    def __init__(self, root: Path, *, small: int = SMALL) -> None:
        self._places = Places(root)
        self._small = small

    @property
    def adapter(self) -> str:
        """The adapter's name."""
        return "embedded"

    def state(self) -> ViewState | None:
        """What is published; None where nothing is, or it is damaged or of another format."""
        current = self._places.current()
        return current.state() if current is not None else None

    def reader(self) -> GraphReader:
        """Read what is published now. Raises GraphViewMissingError."""
        for _ in range(_ATTEMPTS):  # the generation may be replaced and removed between the look and the lock
            current = self._places.current()
            if current is None:
                break
            try:
                return EmbeddedReader(current)
            except FileNotFoundError:
                continue
        raise GraphViewMissingError(
            "there is no graph view to read yet",
            where=str(self._places.root),
            remedy="build it with `clew projection rebuild graph`",
        )

    def writer(self, *, fresh: bool = False) -> GraphWriter:
        """Write to what is published or, if `fresh` or nothing is, to a new generation. Raises GraphViewBusyError."""
        lock = self._places.lock()
        try:
            self._places.clean()
            current = self._places.current()
            if fresh or current is None or current.state() is None:
                current = self._places.new_generation()
            return EmbeddedWriter(current, lock, small=self._small)
        except BaseException:
            lock.close()
            raise

    def publish(self, writer: GraphWriter) -> None:
        """Close the writer and let its generation take the place of the published one."""
        own = self._own(writer)
        try:
            own.finish()
            generation = Generation(self._places.root, own.generation)
            if generation.state() is None:
                raise GraphViewError(
                    "this generation is gone or damaged and cannot be published",
                    where=str(generation.directory),
                    remedy="rebuild it",
                )
            self._places.publish(generation)
            self._places.clean()
        finally:
            own.close()

    def abandon(self, writer: GraphWriter) -> None:
        """Close the writer and remove its generation, unless it is the published one."""
        own = self._own(writer)
        try:
            own.finish()
            self._places.clean()
        finally:
            own.close()

    @contextmanager
    def copied(self) -> Iterator[GraphView]:
        """A view with a copy of the directory, beside it; gone after the block."""
        root = self._places.root
        root.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=f"{root.name}-drill-", dir=root.parent))
        try:
            if root.exists():
                shutil.copytree(root, place / "view", symlinks=True)
            yield EmbeddedGraphView(place / "view", small=self._small)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _own(self, writer: GraphWriter) -> EmbeddedWriter:
        if not isinstance(writer, EmbeddedWriter):
            raise TypeError("this writer belongs to another adapter")
        return writer
