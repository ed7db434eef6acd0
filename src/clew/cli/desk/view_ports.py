"""What commands ask of the views. See `ports`."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from clew.domains.similarity.questions import Answer, Grouping, Question
    from clew.projections.documents.port import DocumentPage
    from clew.projections.feed import Holder
    from clew.projections.graph.answers import (
        GraphCommunity,
        GraphEntity,
        GraphNeighbours,
        GraphSurroundings,
        GraphWays,
    )
    from clew.projections.graph.answers import Question as GraphQuestion
    from clew.projections.graph.formats import Format
    from clew.projections.graph.port import Measure
    from clew.projections.search.fields import SearchIndex
    from clew.projections.search.port import SearchRequest, SearchResult, Suggestion
    from clew.projections.series.port import SeriesAnswer
    from clew.projections.series.service import Measured
    from clew.projections.series.wording import Question as SeriesQuestion
    from clew.projections.vectors.port import Collection
    from clew.records.graph import Measurement
    from clew.records.series.cold import Aged
    from clew.records.series.formats import PointReader


class Searching(Protocol):
    """The search view."""

    def search(self, request: "SearchRequest") -> "SearchResult":
        """What is found."""

    def suggest(self, prefix: str, *, index: "SearchIndex", types: Sequence[str], limit: int) -> "Sequence[Suggestion]":
        """Names that begin like that."""


class Graph(Protocol):
    """The graph view. Entities are named by their values or ids."""

    def neighbours(self, value: str, question: "GraphQuestion") -> "GraphNeighbours":
        """The entities next to one. Raises NotFoundError."""

    def around(self, value: str, question: "GraphQuestion") -> "GraphSurroundings":
        """All within some steps. Raises NotFoundError."""

    def path(self, start: str, goal: str, question: "GraphQuestion") -> "GraphWays":
        """The best path. Raises NotFoundError."""

    def paths(self, start: str, goal: str, question: "GraphQuestion") -> "GraphWays":
        """All simple paths. Raises NotFoundError."""

    def central(
        self, measure: "Measure", *, limit: int, type_: str | None
    ) -> "tuple[list[GraphEntity], Measurement | None]":
        """The most central entities, and the newest measuring."""

    def communities(self, *, limit: int, members: int) -> "tuple[list[GraphCommunity], Measurement | None]":
        """The largest communities, and the newest measuring."""

    def measure(self) -> "Measurement":
        """Measure what is there now, and keep it."""

    def export(
        self, form: "Format", sink: Callable[[bytes], object], *, value: str | None, question: "GraphQuestion"
    ) -> None:
        """Give all of the graph, or what is around an entity, to the sink. Raises NotFoundError."""


class MeasuredSeries(Protocol):
    """Measured values over time. Raises SeriesError for what cannot be asked or done."""

    def measurements(self) -> "Sequence[Measured]":
        """The measurements that there are series of."""

    def series(self, measurement: str) -> "Sequence[tuple[str, dict[str, str]]]":
        """Field and tags of every series of a measurement."""

    def ask(self, measurement: str, question: "SeriesQuestion") -> "SeriesAnswer":
        """The answer."""

    def write(self, reader: "PointReader", lines: "Iterable[str]") -> int:
        """Write the points of lines; how many values. What was refused is added to the reader's."""

    def delete(self, measurement: str, question: "SeriesQuestion") -> int:
        """Delete points of a span; how many hours of series it touched."""

    def age(self) -> "Aged":
        """Put old days into files, and give up what is too old. Raises NotRemoteError for a server's record."""


class Similarity(Protocol):
    """The view of vectors."""

    def similar(self, question: "Question") -> "Answer":
        """What is alike. Raises VectorQueryError, NotFoundError."""

    def clusters(self, collection: "Collection", *, limit: int) -> "Grouping":
        """Groups of what is alike, the largest first."""

    def hybrid(self, request: "SearchRequest") -> "SearchResult":
        """What words and likeness find together."""


class Documents(Protocol):
    """Documents, by the names of their collections."""

    def find(self, collection: str, conditions: Sequence[str], *, limit: int, cursor: str | None) -> "DocumentPage":
        """A page of them. Raises DocumentQueryError."""

    def get(self, collection: str, identifier: UUID) -> dict[str, Any]:
        """One of them. Raises NotFoundError."""

    def content(self, collection: str, identifier: UUID, start: int, sink: Callable[[bytes], object]) -> None:
        """Give its content from a byte on to the sink, piece by piece. Raises NotFoundError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """How far a view follows; `document` is all of it for JSON. None: whoever answers does not say."""

    projection: str
    adapter: str
    state: str
    reason: str | None
    lag_seconds: float
    set_aside: int
    document: dict[str, Any]
    lag_changes: int | None = None
    rows: int | None = None
    errors: int | None = None
    last_error: str | None = None
    held_back_by: "Sequence[Holder]" = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A view beside the record: how many documents differ, and each holds; `document` is all of it for JSON."""

    projection: str
    missing: int
    extra: int
    different: int
    set_aside: int
    equal: bool
    repaired: bool
    document: dict[str, Any]
    record_rows: int | None = None
    view_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A view that was made anew, with so many rows; None: whoever answers does not say."""

    projection: str
    rows: int | None


class Projections(Protocol):
    """The views of the record; all of them where `name` is None."""

    def status(self) -> Sequence[Following]:
        """How far each follows."""

    def verify(self, name: str | None, *, repair: bool) -> Sequence[Compared]:
        """Each beside the record. Raises NotFoundError."""

    def rebuild(self, name: str | None) -> Sequence[Rebuilt]:
        """Each made anew. Raises NotFoundError."""
