"""The view of vectors as a projection: rows become texts, texts become vectors, and both sides are compared."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import psycopg

from clew.kernel.settings import Settings
from clew.projections.feed import Key
from clew.projections.own_database import OwnDatabase
from clew.projections.place import never
from clew.projections.projection import Aside, Comparison, Difference, Projection
from clew.projections.search_documents.tables import Batch, DocumentReader
from clew.projections.vector_documents import SOURCES, Source
from clew.projections.vectors.embedding.port import Embedder
from clew.projections.vectors.errors import EmbeddingError
from clew.projections.vectors.models import models_of
from clew.projections.vectors.port import Collection, Point, VectorView, VectorWriter

if TYPE_CHECKING:
    from clew.projections.vectors.embedding.kept import KeptEmbedding

NAME: Final = "vectors"
STEP_CHANGES: Final = 2_000  # some seconds of embedding by hashed n-grams, a few requests to an endpoint


class Embedders:
    """The embedder of each collection, opened when it is first needed."""

    def __init__(self, settings: Settings, database: OwnDatabase) -> None:
        self._settings = settings
        self._database = database
        self._open: dict[Collection, Embedder] = {}

    @cached_property
    def kept(self) -> "KeptEmbedding":
        """Embedding that pays for each content once."""
        from clew.projections.vectors.embedding.kept import KeptEmbedding  # noqa: PLC0415  loads arrays

        return KeptEmbedding(self._database)

    def of(self, collection: Collection) -> Embedder:
        """What embeds into a collection by the settings. Raises ConfigurationError."""
        from clew.projections.vectors.embedding.opening import embedder_of  # noqa: PLC0415  as above

        if collection not in self._open:
            models = models_of(self._settings.embedding_models)
            same = [each for each in self._open.values() if each.model == models[collection]]
            self._open[collection] = same[0] if same else embedder_of(models[collection], self._settings)
        return self._open[collection]


class VectorProjection:
    """Keeps a view of vectors."""

    step_changes = STEP_CHANGES

    def __init__(self, view: VectorView, settings: Settings, database: OwnDatabase) -> None:
        self._view = view
        self._settings = settings
        self._database = database
        self.given_up: Callable[[], bool] = never

    @property
    def name(self) -> str:
        """Always "vectors"."""
        return NAME

    @property
    def adapter(self) -> str:
        """The engine's name."""
        return self._view.adapter

    @property
    def schema_version(self) -> int:
        """Of what is stored with a vector."""
        return self._view.schema_version

    @property
    def tables(self) -> frozenset[str]:
        """The tables whose rows are embedded."""
        return frozenset(each.shown.table for each in SOURCES)

    @property
    def kept_by_loads(self) -> bool:
        """Never: embedding costs more than loading. A server keeps it, or whoever asks brings it up first."""
        return False

    @property
    def view(self) -> VectorView:
        """The view itself, for readers."""
        return self._view

    def position(self) -> str | None:
        """The position stored with the view; None also where the settings name other models than it was made with."""
        state = self._view.state()
        if state is None or state.schema_version != self._view.schema_version:
            return None
        return state.position if dict(state.models) == models_of(self._settings.embedding_models) else None

    def rows(self) -> int:
        """Vectors in the view, of all organizations."""
        return self._view.rows()

    @contextlib.contextmanager
    def writing(self) -> Iterator["VectorWriting"]:
        """Write to the published view."""
        with self._view.writer() as writer:
            yield self._writing(writer)

    @contextlib.contextmanager
    def building(self) -> Iterator["VectorWriting"]:
        """Write a new view, published in the end."""
        writer = self._view.builder(models_of(self._settings.embedding_models))
        try:
            yield self._writing(writer)
        except BaseException:
            self._view.abandon(writer)
            raise
        self._view.publish(writer)

    def compare(self, connection: psycopg.Connection[Any]) -> Comparison:
        """Subjects and digests of vectors as the engine gives them back against those made of the record's rows."""
        from clew.projections.vector_comparison import compare  # noqa: PLC0415  frames, which others do without

        with self._view.reader() as view:
            return compare(DocumentReader(connection), view, self._embedders())

    @contextlib.contextmanager
    def copy(self) -> Iterator[Projection]:
        """A copy of the view, removed afterwards."""
        with self._view.copied() as copy:
            yield VectorProjection(copy, self._settings, self._database)

    def _writing(self, writer: VectorWriter) -> "VectorWriting":
        return VectorWriting(writer, self._embedders(), self.given_up)

    def _embedders(self) -> Embedders:
        return Embedders(self._settings, self._database)


class VectorWriting:
    """Embeds rows of the record and puts the vectors into a view's writer."""

    def __init__(self, writer: VectorWriter, embedders: Embedders, given_up: Callable[[], bool]) -> None:
        self._writer = writer
        self._embedders = embedders
        self._given_up = given_up

    def apply(self, connection: psycopg.Connection[Any]) -> tuple[Aside, ...]:
        """Embed what the rows are now; remove what is not there or not embedded any more."""
        connection.execute("SET LOCAL enable_seqscan = off")
        reader = DocumentReader(connection)
        aside: list[Aside] = []
        changing = reader.changing()
        for source in SOURCES:
            if source.shown.table in changing:
                for batch in reader.changed(source.shown):
                    aside += self._put(source, batch)
        connection.execute("SET LOCAL enable_seqscan = on")
        return tuple(aside)

    def remove(self, differences: Iterable[Difference]) -> None:
        """Remove vectors that the record has no row for."""
        for each in differences:
            self._writer.remove(each.organization_id, Collection(each.part), [each.row_id])

    def fill(self, connection: psycopg.Connection[Any], observe: Callable[[int], None]) -> tuple[Aside, ...]:
        """Embed every row of every organization."""
        began = connection.execute("SELECT now()").fetchone()
        reader = DocumentReader(connection)
        aside: list[Aside] = []
        rows = 0
        for organization_id in reader.organizations():
            for source in SOURCES:
                for batch in reader.all(source.shown, organization_id):
                    aside += self._put(source, batch)
                    rows += len(batch)
                    observe(rows)
        costly = [model for part, model in self._writer.models.items() if self._embedders.of(part).is_costly]
        if costly and began is not None:
            self._embedders.kept.forget_unused(costly, began[0])
        return tuple(aside)

    def commit(self, position: str) -> tuple[Aside, ...]:
        """Commit the view. Raises EndedError if it is given up while an index is made."""
        self._writer.commit(position, self._given_up)
        return ()

    def _put(self, source: Source, batch: Batch) -> list[Aside]:
        organization_id = batch.organization_id
        gone = [UUID(row_id) for row_id in (*batch.hidden, *(row_id for row_id, _ in batch.faults))]
        if gone:
            self._writer.remove(organization_id, source.collection, gone)
        refused = [(UUID(row_id), reason) for row_id, reason in batch.faults]
        refused += self._embed(organization_id, source.collection, batch.documents)
        return [Aside(Key(organization_id, source.shown.table, row_id), reason) for row_id, reason in refused]

    def _embed(
        self, organization_id: UUID, collection: Collection, materials: Sequence[Mapping[str, Any]]
    ) -> list[tuple[UUID, str]]:
        """Embed and put; a text that the model chokes on is found by halving, and given with the reason."""
        if not materials:
            return []
        embedder = self._embedders.of(collection)
        texts = [each["text"] for each in materials]
        hashes = [each["subject"].content_hash for each in materials]
        try:
            vectors = self._embedders.kept.vectors(organization_id, embedder, texts, hashes)
        except EmbeddingError as error:
            if len(materials) == 1:
                subject = materials[0]["subject"]
                self._writer.remove(organization_id, collection, [subject.id])
                return [(subject.id, f"{type(error).__name__}: {error.message}")]
            middle = len(materials) // 2
            return [
                *self._embed(organization_id, collection, materials[:middle]),
                *self._embed(organization_id, collection, materials[middle:]),
            ]
        points = [Point(each["subject"], vector) for each, vector in zip(materials, vectors, strict=True)]
        refused = self._writer.put(organization_id, collection, points, model=embedder.model)
        return [(each.id, each.reason) for each in refused]
