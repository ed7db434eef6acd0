"""Neo4j behind the graph port: see docs/decisions/0028.

    GraphAddress     where the server is                         address
    connection_to    statements to it                            connection
    Neo4jGraphView   the view: state, reader, writer, publish    here

What the port demands and how it is kept:

- Nothing of another organization: the organization is part of every key and of every MATCH, and what callers give is
  a parameter, never text of a statement.
- A commit and its position are one transaction; of more than 20,000 rows the first ones are sent before it.
- Generations: spaces of their own, swapped by one property. One writer: a lock on this machine, the projector's place
  among machines, and a position that can only be replaced by whoever knows the former one.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import orjson

from clew.kernel.directories import ensure_own_directory, myself
from clew.projections.graph.errors import GraphViewBusyError, GraphViewError, GraphViewMissingError
from clew.projections.graph.neo4j.connection import GraphConnection
from clew.projections.graph.neo4j.generations import Generations
from clew.projections.graph.neo4j.migrations import migrate
from clew.projections.graph.neo4j.reader import Neo4jReader
from clew.projections.graph.neo4j.writer import Neo4jWriter
from clew.projections.graph.port import GraphReader, GraphView, GraphWriter, Part, ViewState
from clew.projections.search.locks import Lock

_ATTEMPTS: Final = 5
_DRILL: Final = "drill-"


class Neo4jGraphView:
    """A graph view in a server. root: a directory for the locks of this machine (made at need)."""

    def __init__(self, connection: GraphConnection, root: Path, *, prefix: str = "") -> None:
        self._connection = connection
        self._root = root
        self._generations = Generations(connection, prefix, root)

    @property
    def adapter(self) -> str:
        """The adapter's name."""
        return "neo4j"

    def state(self) -> ViewState | None:
        """What is published; None where nothing is, or it is damaged or of another format."""
        self._connection.version()
        return self._generations.state()

    def reader(self) -> GraphReader:
        """Read what is published now. Raises GraphViewMissingError."""
        for _ in range(_ATTEMPTS):  # the generation may be replaced and removed between the look and the lock
            state = self.state()
            if state is None:
                break
            lock = self._generations.lock(state.generation)
            lock.share()
            if self._generations.state() == state or self._is_published(state.generation):
                return Neo4jReader(self._connection, state.generation, lock)
            lock.close()
        raise GraphViewMissingError(
            "there is no graph view to read yet",
            where=self._connection.address.place,
            remedy="build it with `clew projection rebuild graph`",
        )

    def writer(self, *, fresh: bool = False) -> GraphWriter:
        """Write to what is published or, if `fresh` or nothing is, to a new generation. Raises GraphViewBusyError."""
        self._connection.version()
        lock = self._lock()
        try:
            migrate(self._connection)
            self._generations.clean()
            state = self._generations.state()
            if fresh or state is None:
                return Neo4jWriter(self._generations, self._generations.create(), "", lock)
            return Neo4jWriter(self._generations, state.generation, state.position, lock)
        except BaseException:
            lock.close()
            raise

    def publish(self, writer: GraphWriter) -> None:
        """Close the writer and let its generation take the place of the published one."""
        own = self._own(writer)
        try:
            own.finish()
            if not self._generations.publish(own.generation):
                raise GraphViewError(
                    "this generation is gone and cannot be published",
                    where=self._connection.address.place,
                    remedy="rebuild it",
                )
            self._generations.clean()
        finally:
            own.close()

    def abandon(self, writer: GraphWriter) -> None:
        """Close the writer and remove its generation, unless it is the published one."""
        own = self._own(writer)
        try:
            own.finish()
            self._generations.clean()
        finally:
            own.close()

    @contextmanager
    def copied(self) -> Iterator[GraphView]:
        """A view with a copy of what is published, under a prefix of its own; gone after the block."""
        own = f"{self._generations.prefix}{_DRILL}"
        for left in self._generations.prefixes(own):  # of who was killed
            Generations(self._connection, left, self._root).remove()
        prefix = f"{own}{secrets.token_hex(6)}"
        copy = Neo4jGraphView(self._connection, self._root.with_name(f"{self._root.name}-{prefix}"), prefix=prefix)
        try:
            if self.state() is not None:
                self._copy_to(copy)
            yield copy
        finally:
            copy.remove()

    def remove(self) -> None:
        """Remove all that is in the server, published or not, and the directory."""
        self._generations.remove()
        if self._root.exists():
            for path in self._root.iterdir():
                path.unlink()
            self._root.rmdir()

    def _copy_to(self, copy: "Neo4jGraphView") -> None:
        with self.reader() as reader:
            writer = copy.writer(fresh=True)
            for organization_id in reader.organizations():
                for part in (Part.SOURCES, Part.NODES, Part.EDGES):
                    stored = reader.stored(organization_id, part)
                    writer.put(organization_id, part, (orjson.loads(text) for _, text in stored))
            writer.commit("")
            copy.publish(writer)

    def _is_published(self, space: str) -> bool:
        state = self._generations.state()
        return state is not None and state.generation == space

    def _lock(self) -> Lock:
        ensure_own_directory(self._root, myself())
        lock = Lock(self._root / "lock")
        if not lock.take():
            holder = lock.text()
            lock.close()
            raise GraphViewBusyError(
                f"process {holder or 'unknown'} is writing this graph view",
                where=str(self._root),
                remedy="wait for it to finish, or stop it",
            )
        return lock

    def _own(self, writer: GraphWriter) -> Neo4jWriter:
        if not isinstance(writer, Neo4jWriter):
            raise TypeError("this writer belongs to another adapter")
        return writer
