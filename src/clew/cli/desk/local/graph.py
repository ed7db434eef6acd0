"""The graph view of this machine: brought up to now before it is read."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from clew.cli.options import Invocation
from clew.cli.session import Record, changed_record, opened_record
from clew.kernel.errors import ConfigurationError
from clew.projections.graph import answers
from clew.projections.graph.export import exported, exported_around
from clew.projections.graph.formats import Format
from clew.projections.graph.port import GraphReader, Measure
from clew.projections.graph_place import graph_view
from clew.projections.graph_projection import NAME
from clew.projections.service import bring_up
from clew.records import acts
from clew.records.finding import found_entities
from clew.records.graph import Measurement, last_measurement


@dataclass(frozen=True, slots=True)
class LocalGraph:
    """See `ports.Graph`."""

    call: Invocation

    def neighbours(self, value: str, question: answers.Question) -> answers.GraphNeighbours:
        """The entities next to one."""
        with self._opened("neighbours_read", value) as (reader, record, (here,)):
            return answers.ask_neighbours(reader, record.organization_id, here, question)

    def around(self, value: str, question: answers.Question) -> answers.GraphSurroundings:
        """All within some steps."""
        with self._opened("surroundings_read", value) as (reader, record, (here,)):
            return answers.ask_around(reader, record.organization_id, here, question)

    def path(self, start: str, goal: str, question: answers.Question) -> answers.GraphWays:
        """The best path."""
        with self._opened("path_read", start, goal) as (reader, record, (here, there)):
            return answers.ask_path(reader, record.organization_id, here, there, question)

    def paths(self, start: str, goal: str, question: answers.Question) -> answers.GraphWays:
        """All simple paths."""
        with self._opened("paths_read", start, goal) as (reader, record, (here, there)):
            return answers.ask_paths(reader, record.organization_id, here, there, question)

    def central(
        self, measure: Measure, *, limit: int, type_: str | None
    ) -> tuple[list[answers.GraphEntity], Measurement | None]:
        """The most central entities, and the newest measuring."""
        with self._opened("central_entities_listed") as (reader, record, _):
            found = answers.ask_central(reader, record.organization_id, measure, limit=limit, type_=type_)
            return found, _last(record)

    def communities(self, *, limit: int, members: int) -> tuple[list[answers.GraphCommunity], Measurement | None]:
        """The largest communities, and the newest measuring."""
        with self._opened("communities_listed") as (reader, record, _):
            found = answers.ask_communities(reader, record.organization_id, limit=limit, members=members)
            return found, _last(record)

    def measure(self) -> Measurement:
        """Measure what is there now."""
        from clew.domains.graph.measuring import measure_graph

        with changed_record(self.call) as record, record.transaction() as connection:
            return measure_graph(connection, record.organization_id, measured_by=record.user_id)

    def export(
        self, form: Format, sink: Callable[[bytes], object], *, value: str | None, question: answers.Question
    ) -> None:
        """Give the graph to the sink, piece by piece."""
        with self._opened("graph_exported", *([value] if value is not None else [])) as (reader, record, found):
            where = record.organization_id
            pieces = (
                exported_around(reader, where, found[0], question, form) if found else exported(reader, where, form)
            )
            for piece in pieces:
                sink(piece)

    @contextlib.contextmanager
    def _opened(self, event_type: str, *values: str) -> Iterator[tuple[GraphReader, Record, list[UUID]]]:
        """The view as of now, and the entities that the values mean. Raises ConfigurationError, NotFoundError."""
        with opened_record(self.call) as record:
            if record.settings.graph == "none":
                raise ConfigurationError("the graph is switched off", where="CLEW_GRAPH", remedy='set it to "embedded"')
            with record.transaction() as connection:
                found = [found_entities(connection, record.organization_id, value, None)[0] for value in values]
                here = found[0] if found else None
                acts.record(
                    connection,
                    acts.Act(
                        event_type,
                        "READ",
                        "graph" if here is None else "entity",
                        None if here is None else here.id,
                        None if here is None else here.name,
                        request={"entities": [str(each.id) for each in found]},
                    ),
                )
            bring_up(record.database, NAME)
            with graph_view(record.settings).reader() as reader:
                yield reader, record, [each.id for each in found]


def _last(record: Record) -> Measurement | None:
    with record.transaction() as connection:
        return last_measurement(connection, record.organization_id)
