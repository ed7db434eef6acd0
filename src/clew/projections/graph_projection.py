"""The graph view as a projection: rows become nodes and edges, these are put, and both sides are compared."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Self

import psycopg

from clew.projections.feed import Key
from clew.projections.graph.port import SCHEMA_VERSION, GraphView, GraphWriter, Part, Refused
from clew.projections.graph_rows import FOLLOWED, SHOWN, TABLES, Batch, GraphRows, Shown
from clew.projections.projection import Aside, Comparison, Difference, Projection

NAME: Final = "graph"
_COUNT_SECONDS: Final = 0.1
_COUNT_SHARE: Final = 20


class GraphProjection:
    """Keeps a graph view. Commands that only load make one, too: the view's libraries are loaded when it is opened."""

    def __init__(self, opened: Callable[[], GraphView], adapter: str) -> None:
        self._opened = opened
        self._adapter = adapter
        self._known: GraphView | None = None
        self._count, self._count_again = 0, 0.0

    @classmethod
    def of(cls, view: GraphView) -> Self:
        """One that keeps this view."""
        return cls(lambda: view, view.adapter)

    @property
    def name(self) -> str:
        """Always "graph"."""
        return NAME

    @property
    def adapter(self) -> str:
        """The engine's name."""
        return self._adapter

    @property
    def schema_version(self) -> int:
        """Of the documents' fields."""
        return SCHEMA_VERSION

    @property
    def tables(self) -> frozenset[str]:
        """The tables whose changes change nodes, edges and sources."""
        return FOLLOWED

    @property
    def kept_by_loads(self) -> bool:
        """Never: a server follows, or whoever asks the graph brings it up first; loading stays as fast as it is."""
        return False

    @property
    def view(self) -> GraphView:
        """The view itself, for readers."""
        if self._known is None:
            self._known = self._opened()
        return self._known

    def position(self) -> str | None:
        """The position stored with the published view."""
        state = self.view.state()
        return state.position if state is not None and state.schema_version == SCHEMA_VERSION else None

    def rows(self) -> int:
        """Documents in the view, of all organizations."""
        if time.monotonic() >= self._count_again:
            began = time.monotonic()
            self._count = self._counted()
            spent = time.monotonic() - began
            # The projector asks after each commit; an engine that counts for long is not asked all the time.
            self._count_again = began + spent * _COUNT_SHARE if spent > _COUNT_SECONDS else 0.0
        return self._count

    def _counted(self) -> int:
        if self.view.state() is None:
            return 0
        with self.view.reader() as reader:
            return sum(reader.count(each, part) for each in reader.organizations() for part in Part)

    @contextlib.contextmanager
    def writing(self) -> Iterator["GraphWriting"]:
        """Write to the published view."""
        with self.view.writer() as writer:
            yield GraphWriting(writer)

    @contextlib.contextmanager
    def building(self) -> Iterator["GraphWriting"]:
        """Write a new view, published in the end."""
        writer = self.view.writer(fresh=True)
        try:
            yield GraphWriting(writer)
        except BaseException:
            self.view.abandon(writer)
            raise
        self.view.publish(writer)
        self._count_again = 0.0

    def compare(self, connection: psycopg.Connection[Any]) -> Comparison:
        """Digests of every document as the engine gives it back against those of the record's rows."""
        from clew.projections.graph_comparison import compare  # noqa: PLC0415  commands that only follow go without

        with self.view.reader() as view:
            return compare(GraphRows(connection), view)

    @contextlib.contextmanager
    def copy(self) -> Iterator[Projection]:
        """A copy of the view, removed afterwards."""
        with self.view.copied() as copy:
            yield GraphProjection.of(copy)


class GraphWriting:
    """Puts rows of the record into a view's writer."""

    def __init__(self, writer: GraphWriter) -> None:
        self._writer = writer

    def apply(self, connection: psycopg.Connection[Any]) -> tuple[Aside, ...]:
        """Put what the rows are now; remove what is not there any more."""
        # Rows are looked up by key; statistics that are behind must not talk the planner out of it.
        connection.execute("SET LOCAL enable_seqscan = off")
        rows = GraphRows(connection)
        aside = [each for shown in SHOWN for batch in rows.changed(shown) for each in self._put(shown, batch)]
        connection.execute("SET LOCAL enable_seqscan = on")
        return tuple(aside)

    def remove(self, differences: Iterable[Difference]) -> None:
        """Remove what the record has no row for."""
        for each in differences:
            self._writer.remove(each.organization_id, Part(each.part), [each.row_id])

    def fill(self, connection: psycopg.Connection[Any], observe: Callable[[int], None]) -> tuple[Aside, ...]:
        """Put every row of every organization."""
        rows = GraphRows(connection)
        aside: list[Aside] = []
        count = 0
        for organization_id in rows.organizations():
            for shown in SHOWN:
                for batch in rows.all(shown, organization_id):
                    aside += self._put(shown, batch)
                    count += len(batch)
                    observe(count)
        return tuple(aside)

    def commit(self, position: str) -> tuple[Aside, ...]:
        """Commit the view."""
        return tuple(map(_aside, self._writer.commit(position)))

    def _put(self, shown: Shown, batch: Batch) -> list[Aside]:
        self._writer.put(batch.organization_id, shown.part, batch.documents)
        if batch.gone or batch.faults:
            gone = [*batch.gone, *(row_id for row_id, _ in batch.faults)]
            self._writer.remove(batch.organization_id, shown.part, gone)
        return [Aside(Key(batch.organization_id, shown.table, row_id), reason) for row_id, reason in batch.faults]


def _aside(refused: Refused) -> Aside:
    return Aside(Key(refused.organization_id, TABLES[refused.part], refused.id), refused.reason)
