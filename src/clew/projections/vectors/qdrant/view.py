"""The Qdrant adapter's front."""

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from clew.projections.search.errors import SearchViewBusyError
from clew.projections.search.locks import Lock, writers_lock
from clew.projections.vectors.errors import VectorViewBusyError, VectorViewMissingError
from clew.projections.vectors.port import Collection, Model, VectorView, VectorWriter, ViewState
from clew.projections.vectors.qdrant.connection import QdrantConnection
from clew.projections.vectors.qdrant.generations import Generations
from clew.projections.vectors.qdrant.reader import QdrantReader
from clew.projections.vectors.qdrant.writer import QdrantWriter

SCHEMA_VERSION: Final = 1
MAIN: Final = "main"


class QdrantView:
    """A view at one place of a Qdrant. `directory`: where the lock lies that keeps a second writer out."""

    def __init__(self, connection: QdrantConnection, directory: Path, *, prefix: str, place: str = MAIN) -> None:
        self._connection = connection
        self._directory = directory
        self._prefix = prefix
        self._generations = Generations(connection, prefix, place)

    @property
    def adapter(self) -> str:
        """Always qdrant."""
        return "qdrant"

    @property
    def schema_version(self) -> int:
        """Of the payloads."""
        return SCHEMA_VERSION

    def state(self) -> ViewState | None:
        """What is published."""
        return self._generations.published()

    def rows(self) -> int:
        """How many points are published."""
        state = self.state()
        return self._generations.count(state.generation) if state is not None else 0

    def reader(self) -> QdrantReader:
        """Read what is published now."""
        return QdrantReader(self._generations, self._published())

    def writer(self) -> QdrantWriter:
        """Write to what is published."""
        lock = self._locked()
        try:
            return QdrantWriter(self._generations, self._published(), lock, published=True)
        except BaseException:
            lock.close()
            raise

    def builder(self, models: Mapping[Collection, Model]) -> QdrantWriter:
        """Write a new generation; those that are not seen any more are removed first."""
        lock = self._locked()
        try:
            published = self.state()
            self._generations.drop_all(but=published.generation if published else None)
            state = ViewState(self._generations.make(models), SCHEMA_VERSION, "", dict(models))
            return QdrantWriter(self._generations, state, lock, published=False)
        except BaseException:
            lock.close()
            raise

    def publish(self, writer: VectorWriter) -> None:
        """Let the writer's generation be the one that is seen."""
        if not isinstance(writer, QdrantWriter):
            raise TypeError("a writer of another adapter")
        self._generations.publish(writer.state)
        writer.close()

    def abandon(self, writer: VectorWriter) -> None:
        """Remove the writer's generation."""
        self._generations.drop(writer.generation)
        writer.close()

    @contextlib.contextmanager
    def copied(self) -> Iterator[VectorView]:
        """A copy at a place of its own."""
        with self.reader() as reader:
            place = f"copy_{secrets.token_hex(4)}"
            copy = QdrantView(self._connection, self._directory / place, prefix=self._prefix, place=place)
            try:
                writer = copy.builder(reader.models)
                for organization_id in reader.organizations():
                    for collection, model in reader.models.items():
                        for point in reader.stored(organization_id, collection):
                            writer.put(organization_id, collection, [point], model=model)
                state = self._published()
                writer.commit(state.position)
                copy.publish(writer)
                yield copy
            finally:
                copy.remove()

    def remove(self) -> None:
        """Remove everything at this place."""
        self._generations.drop_all()
        self._generations.forget()
        with contextlib.suppress(OSError):
            (self._directory / "lock").unlink()
            self._directory.rmdir()

    def _published(self) -> ViewState:
        state = self.state()
        if state is None or state.schema_version != SCHEMA_VERSION:
            raise VectorViewMissingError(
                "there are no vectors yet", remedy="run `clew projection rebuild vectors`, or wait for the server to"
            )
        return state

    def _locked(self) -> Lock:
        self._directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            return writers_lock(self._directory)
        except SearchViewBusyError as error:
            raise VectorViewBusyError(
                "another process writes these vectors",
                where=error.where,
                remedy="wait until it is done; `clew projection status` shows how far it is",
            ) from None
