"""The graph view of a server."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clew.cli.desk.remote.connection import connected, shaped
from clew.cli.options import Invocation
from clew.projections.graph import answers
from clew.projections.graph.formats import Format
from clew.projections.graph.port import Measure
from clew.records.graph import Measurement


@dataclass(frozen=True, slots=True)
class RemoteGraph:
    """See `view_ports.Graph`."""

    call: Invocation

    def neighbours(self, value: str, question: answers.Question) -> answers.GraphNeighbours:
        """The entities next to one."""
        with connected(self.call) as client:
            found = client.list_neighbours(
                entity=value, entity_type=list(question.entity_types), limit=question.limit, **_walked(question)
            )
        return shaped(found, answers.GraphNeighbours)

    def around(self, value: str, question: answers.Question) -> answers.GraphSurroundings:
        """All within some steps."""
        with connected(self.call) as client:
            found = client.get_ego(
                entity=value,
                entity_type=list(question.entity_types),
                limit=question.limit,
                depth=question.depth,
                max_degree=question.max_degree,
                between=question.between,
                **_walked(question),
            )
        return shaped(found, answers.GraphSurroundings)

    def path(self, start: str, goal: str, question: answers.Question) -> answers.GraphWays:
        """The best path."""
        with connected(self.call) as client:
            found = client.get_way(
                start=start,
                goal=goal,
                max_length=question.max_length,
                max_degree=question.max_degree,
                surest=question.surest,
                **_walked(question),
            )
        return shaped(found, answers.GraphWays)

    def paths(self, start: str, goal: str, question: answers.Question) -> answers.GraphWays:
        """All simple paths."""
        with connected(self.call) as client:
            found = client.list_ways(
                start=start,
                goal=goal,
                max_length=question.max_length,
                max_degree=question.max_degree,
                limit=question.limit,
                **_walked(question),
            )
        return shaped(found, answers.GraphWays)

    def central(
        self, measure: Measure, *, limit: int, type_: str | None
    ) -> tuple[list[answers.GraphEntity], Measurement | None]:
        """The most central entities, and the newest measuring."""
        with connected(self.call) as client:
            found = client.list_central(measure=measure.value, type=type_, limit=limit)
        measurement = None if found.measurement is None else shaped(found.measurement, Measurement)
        return [shaped(each, answers.GraphEntity) for each in found.entities], measurement

    def communities(self, *, limit: int, members: int) -> tuple[list[answers.GraphCommunity], Measurement | None]:
        """The largest communities, and the newest measuring."""
        with connected(self.call) as client:
            found = client.list_communities(limit=limit, members=members)
        measurement = None if found.measurement is None else shaped(found.measurement, Measurement)
        return [shaped(each, answers.GraphCommunity) for each in found.communities], measurement

    def measure(self) -> Measurement:
        """Measure what is there now."""
        with connected(self.call) as client:
            return shaped(client.measure_graph(), Measurement)

    def export(
        self, form: Format, sink: Callable[[bytes], object], *, value: str | None, question: answers.Question
    ) -> None:
        """Give the graph to the sink, piece by piece."""
        with (
            connected(self.call) as client,
            client.export_graph(
                format=form.value, entity=value, depth=question.depth, limit=question.limit
            ) as exported,
        ):
            for piece in exported.chunks():
                sink(piece)


def _walked(question: answers.Question) -> dict[str, Any]:
    return {
        "relationship_type": list(question.relationship_types),
        "seen_since": _moment(question.since),
        "seen_until": _moment(question.until),
        "minimum_confidence": question.minimum_confidence,
        "direction": question.direction.value,
    }


def _moment(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written)
