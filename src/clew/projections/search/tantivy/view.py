"""The view's front: what is published, who writes, who reads."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from clew.projections.search.errors import SearchViewError, SearchViewMissingError
from clew.projections.search.fields import SCHEMA_VERSION
from clew.projections.search.port import SearchReader, SearchView, SearchWriter, ViewState
from clew.projections.search.tantivy.places import Generation, Places
from clew.projections.search.tantivy.reader import TantivyReader
from clew.projections.search.tantivy.writer import DEFAULT_MEMORY, TantivyWriter

_ATTEMPTS: Final = 5


class TantivySearchView:
    """A search view in a directory of its own (made at need, 0700; its parent must exist).

    memory: bytes a writer may use for documents on their way. threads: indexing threads per index being written.
    """

    def __init__(self, root: Path, *, memory: int = DEFAULT_MEMORY, threads: int = 1) -> None:
        self._places = Places(root)
        self._memory = memory
        self._threads = threads

    @property
    def adapter(self) -> str:
        """The adapter's name."""
        return "tantivy"

    @property
    def schema_version(self) -> int:
        """The version this program reads and writes."""
        return SCHEMA_VERSION

    def state(self) -> ViewState | None:
        """What is published; None where nothing is, or it is damaged or of another format."""
        current = self._places.current()
        return current.state() if current is not None else None

    def reader(self) -> SearchReader:
        """Read what is published now. Raises SearchViewMissingError."""
        for _ in range(_ATTEMPTS):  # the generation may be replaced and removed between the look and the lock
            current = self._places.current()
            if current is None:
                break
            try:
                return TantivyReader(current)
            except FileNotFoundError:
                continue
        raise SearchViewMissingError(
            "there is no search view to read yet",
            where=str(self._places.root),
            remedy="build it with `clew projection rebuild`",
        )

    def writer(self, *, fresh: bool = False) -> SearchWriter:
        """Write to what is published or, if `fresh` or nothing is, to a new generation. Raises SearchViewBusyError."""
        lock = self._places.lock()
        try:
            self._places.clean()
            current = self._places.current()
            if fresh or current is None or current.state() is None:
                current = self._places.new_generation()
            return TantivyWriter(current, lock, memory=self._memory, threads=self._threads)
        except BaseException:
            lock.close()
            raise

    def publish(self, writer: SearchWriter) -> None:
        """Close the writer and let its generation take the place of the published one."""
        own = self._own(writer)
        try:
            own.finish()
            generation = Generation(self._places.root, own.generation)
            if generation.state() is None:
                raise SearchViewError(
                    "this generation is gone or damaged and cannot be published",
                    where=str(generation.directory),
                    remedy="rebuild it",
                )
            self._places.publish(generation)
            self._places.clean()
        finally:
            own.close()

    def abandon(self, writer: SearchWriter) -> None:
        """Close the writer and remove its generation, unless it is the published one."""
        own = self._own(writer)
        try:
            own.finish()
            self._places.clean()
        finally:
            own.close()

    @contextmanager
    def copied(self) -> Iterator[SearchView]:
        """A view with a copy of the directory, beside it; gone after the block."""
        root = self._places.root
        root.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=f"{root.name}-drill-", dir=root.parent))
        try:
            if root.exists():
                shutil.copytree(root, place / "view", symlinks=True)
            yield TantivySearchView(place / "view", memory=self._memory, threads=self._threads)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _own(self, writer: SearchWriter) -> TantivyWriter:
        if not isinstance(writer, TantivyWriter):
            raise TypeError("this writer belongs to another adapter")
        return writer
