"""Operations of the API on: graph.

Written by `make docs` from the API's description; edit that instead.
"""

from contextlib import AbstractContextManager
from datetime import datetime

from clew.client.generated import models
from clew.client.operations import Calls, Stream
from clew.client.transport import asked


class GraphOperations(Calls):
    """Operations on: graph."""

    def list_neighbours(
        self,
        *,
        entity: str,
        relationship_type: list[str] | None = None,
        seen_since: datetime | None = None,
        seen_until: datetime | None = None,
        minimum_confidence: float | None = None,
        direction: models.Direction | None = None,
        entity_type: list[str] | None = None,
        limit: int | None = None,
    ) -> models.GraphNeighbours:
        """List neighbours.

        The entities next to one, those of the surest relationships first, however many it has.
        """
        return self._transport.fetch_resource(
            models.GraphNeighbours,
            asked(
                "GET",
                "/api/v1/graph/neighbours",
                query={
                    "relationship_type": relationship_type,
                    "seen_since": seen_since,
                    "seen_until": seen_until,
                    "minimum_confidence": minimum_confidence,
                    "direction": direction,
                    "entity": entity,
                    "entity_type": entity_type,
                    "limit": limit,
                },
            ),
        )

    def get_ego(
        self,
        *,
        entity: str,
        relationship_type: list[str] | None = None,
        seen_since: datetime | None = None,
        seen_until: datetime | None = None,
        minimum_confidence: float | None = None,
        direction: models.Direction | None = None,
        entity_type: list[str] | None = None,
        limit: int | None = None,
        depth: int | None = None,
        max_degree: int | None = None,
        between: bool | None = None,
    ) -> models.GraphSurroundings:
        """Show surroundings.

        All within some steps of an entity. Hubs are reached, but not gone through; see `truncated` and `is_hub`.
        """
        return self._transport.fetch_resource(
            models.GraphSurroundings,
            asked(
                "GET",
                "/api/v1/graph/ego",
                query={
                    "relationship_type": relationship_type,
                    "seen_since": seen_since,
                    "seen_until": seen_until,
                    "minimum_confidence": minimum_confidence,
                    "direction": direction,
                    "entity": entity,
                    "entity_type": entity_type,
                    "limit": limit,
                    "depth": depth,
                    "max_degree": max_degree,
                    "between": between,
                },
            ),
        )

    def get_way(
        self,
        *,
        start: str,
        goal: str,
        relationship_type: list[str] | None = None,
        seen_since: datetime | None = None,
        seen_until: datetime | None = None,
        minimum_confidence: float | None = None,
        direction: models.Direction | None = None,
        max_length: int | None = None,
        max_degree: int | None = None,
        surest: bool | None = None,
    ) -> models.GraphWays:
        """Find the best path.

        The shortest path between two entities, or the surest; none, or one. Finding none is an answer.
        """
        return self._transport.fetch_resource(
            models.GraphWays,
            asked(
                "GET",
                "/api/v1/graph/path",
                query={
                    "relationship_type": relationship_type,
                    "seen_since": seen_since,
                    "seen_until": seen_until,
                    "minimum_confidence": minimum_confidence,
                    "direction": direction,
                    "start": start,
                    "goal": goal,
                    "max_length": max_length,
                    "max_degree": max_degree,
                    "surest": surest,
                },
            ),
        )

    def list_ways(
        self,
        *,
        start: str,
        goal: str,
        relationship_type: list[str] | None = None,
        seen_since: datetime | None = None,
        seen_until: datetime | None = None,
        minimum_confidence: float | None = None,
        direction: models.Direction | None = None,
        max_length: int | None = None,
        max_degree: int | None = None,
        limit: int | None = None,
    ) -> models.GraphWays:
        """Find all paths.

        All simple paths between two entities up to a length, the shortest and of these the surest first.
        """
        return self._transport.fetch_resource(
            models.GraphWays,
            asked(
                "GET",
                "/api/v1/graph/paths",
                query={
                    "relationship_type": relationship_type,
                    "seen_since": seen_since,
                    "seen_until": seen_until,
                    "minimum_confidence": minimum_confidence,
                    "direction": direction,
                    "start": start,
                    "goal": goal,
                    "max_length": max_length,
                    "max_degree": max_degree,
                    "limit": limit,
                },
            ),
        )

    def list_central(
        self, *, measure: models.Measure | None = None, type: str | None = None, limit: int | None = None
    ) -> models.GraphCentral:
        """List the most central entities.

        By PageRank or betweenness, as last measured. Nothing is listed before the first measuring.
        """
        return self._transport.fetch_resource(
            models.GraphCentral,
            asked("GET", "/api/v1/graph/central", query={"measure": measure, "type": type, "limit": limit}),
        )

    def list_communities(self, *, limit: int | None = None, members: int | None = None) -> models.GraphCommunities:
        """List communities.

        The largest communities, as last measured, with their most central members.
        """
        return self._transport.fetch_resource(
            models.GraphCommunities,
            asked("GET", "/api/v1/graph/communities", query={"limit": limit, "members": members}),
        )

    def measure_graph(self) -> models.GraphMeasurement:
        """Measure the graph.

        PageRank, betweenness and communities of all that is there now, kept as facts. The views follow in a moment.

        Takes some seconds for each 100,000 relationships; one at a time.
        """
        return self._transport.fetch_resource(models.GraphMeasurement, asked("POST", "/api/v1/graph/measurements"))

    def export_graph(
        self,
        *,
        format: models.Format | None = None,
        entity: str | None = None,
        depth: int | None = None,
        limit: int | None = None,
    ) -> AbstractContextManager[Stream]:
        """Export the graph.

        All entities and relationships, or what is around one, as a file that is sent while it is read.
        """
        return self._stream(
            asked(
                "GET",
                "/api/v1/graph/export",
                query={"format": format, "entity": entity, "depth": depth, "limit": limit},
            )
        )
