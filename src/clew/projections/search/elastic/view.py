"""Elasticsearch and OpenSearch behind the search port, by the REST calls that both share: see docs/decisions/0024.

    EngineAddress      where the engine is                         address
    connection_to      requests to it                              connection
    ElasticSearchView  the view: state, reader, writer, publish    here

What the port demands and how it is kept:

- Nothing of another organization: every query is put into a filter by organization last, and ranks know nothing of
  other documents than the one they are of.
- A commit is seen as a whole: indices are refreshed by the commit and by nothing else. The position follows it.
- Generations: indices of their own, swapped by one change of all aliases.
- One writer: a lock on this machine, the projector's place among machines, and a position that can only be replaced by
  whoever knows the former one.
"""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from clew.projections.search.elastic.ageing import Done
from clew.projections.search.elastic.connection import EngineConnection
from clew.projections.search.elastic.generations import Copies, Generations, Held
from clew.projections.search.elastic.names import Names
from clew.projections.search.elastic.reader import ElasticReader
from clew.projections.search.elastic.view_ageing import ViewAgeing
from clew.projections.search.elastic.writer import ElasticWriter
from clew.projections.search.errors import SearchViewMissingError
from clew.projections.search.fields import SCHEMA_VERSION
from clew.projections.search.locks import writers_lock
from clew.projections.search.port import SearchReader, SearchView, SearchWriter, ViewState

DEFAULT_MEMORY: Final = 128 << 20
ONE_COPY: Final = Copies({}, 0)
_ATTEMPTS: Final = 5
_DRILL: Final = "drill_"


class ElasticSearchView:
    """A search view in an engine.

    root: a directory for the locks of this machine (made at need, 0700; its parent must exist). prefix: of all names.
    memory: bytes of changes that may wait for a commit.
    """

    def __init__(
        self,
        connection: EngineConnection,
        root: Path,
        *,
        prefix: str,
        memory: int = DEFAULT_MEMORY,
        copies: Copies = ONE_COPY,
    ) -> None:
        self._connection = connection
        self._root = root
        self._memory = memory
        self._generations = Generations(connection, Names(prefix), root, copies)

    @property
    def adapter(self) -> str:
        """The adapter's name."""
        return "elastic"

    @property
    def schema_version(self) -> int:
        """The version this program reads and writes."""
        return SCHEMA_VERSION

    @property
    def names(self) -> Names:
        """What things are called in the engine."""
        return self._generations.names

    def state(self) -> ViewState | None:
        """What is published; None where nothing is, or it is damaged or of another format."""
        self._connection.identity()
        return self._generations.state_of(self._generations.published())

    def reader(self) -> SearchReader:
        """Read what is published now. Raises SearchViewMissingError."""
        self._connection.identity()
        for _ in range(_ATTEMPTS):  # the generation may be replaced and removed between the look and the lock
            held = self._generations.published()
            if held is None or held.schema_version != SCHEMA_VERSION:
                break
            lock = self._generations.lock(held.generation)
            lock.share()
            if self._generations.held(held.generation) is not None:
                return ElasticReader(self._generations, held.generation, lock)
            lock.close()
        raise SearchViewMissingError(
            "there is no search view to read yet",
            where=self._connection.address.place,
            remedy="build it with `clew projection rebuild`",
        )

    def writer(self, *, fresh: bool = False) -> SearchWriter:
        """Write to what is published or, if `fresh` or nothing is, to a new generation. Raises SearchViewBusyError."""
        self._connection.identity()
        lock = writers_lock(self._root)
        try:
            self._generations.clean()
            held = self._generations.published()
            seen = not fresh and held is not None and self._generations.state_of(held) is not None
            held = self._generations.settled(held) if held is not None and seen else self._generations.create()
            return ElasticWriter(self._generations, held, lock, memory=self._memory, seen=seen)
        except BaseException:
            lock.close()
            raise

    def publish(self, writer: SearchWriter) -> None:
        """Close the writer and let its generation take the place of the published one."""
        own = self._own(writer)
        try:
            own.finish()
            self._generations.publish(own.held)
            self._generations.clean()
        finally:
            own.close()

    def abandon(self, writer: SearchWriter) -> None:
        """Close the writer and remove its generation, unless it is the published one."""
        own = self._own(writer)
        try:
            own.finish()
            self._generations.clean()
        finally:
            own.close()

    @contextmanager
    def copied(self) -> Iterator[SearchView]:
        """A view with a copy of what is published, under a prefix of its own; gone after the block."""
        for left in self._connection.names_like(f"{self.names.prefix}{_DRILL}*"):  # of who was killed
            match = re.fullmatch(rf"{re.escape(self.names.prefix)}({_DRILL}[0-9a-f]{{12}})-.+", left)
            if match is not None:
                self._beside(match[1]).remove()
        copy = self._beside(f"{_DRILL}{secrets.token_hex(6)}")
        try:
            held = self._generations.published()
            if held is not None and self._generations.state_of(held) is not None:
                writer = copy.writer(fresh=True)
                self._generations.copy(held, copy.names, writer.generation)
                writer.commit(held.position)
                copy.publish(writer)
            yield copy
        finally:
            copy.remove()

    def age(self, now: datetime, alone: Callable[[], AbstractContextManager[object]]) -> list[Done]:
        """Do the next step of every index of attacks that has one; `alone` keeps out who writes elsewhere, for a block.

        Raises SearchViewBusyError if somebody writes on this machine, and what `alone` raises.
        """

        @contextmanager
        def held_alone() -> Iterator[Held | None]:
            with alone(), writers_lock(self._root):
                published = self._generations.published()
                whole = published is not None and self._generations.state_of(published) is not None
                yield self._generations.settled(published) if published is not None and whole else None

        self._connection.identity()
        return ViewAgeing(self._generations, held_alone).run(now)

    def remove(self) -> None:
        """Remove all that is in the engine, published or not, and the directory."""
        self._generations.remove(self._generations.all())
        if self._root.exists():
            for path in self._root.iterdir():
                path.unlink()
            self._root.rmdir()

    def _beside(self, name: str) -> "ElasticSearchView":
        prefix = f"{self.names.prefix}{name}"
        root = self._root.with_name(f"{self._root.name}-{name}")
        return ElasticSearchView(self._connection, root, prefix=prefix, memory=self._memory)

    def _own(self, writer: SearchWriter) -> ElasticWriter:
        if not isinstance(writer, ElasticWriter):
            raise TypeError("this writer belongs to another adapter")
        return writer
