"""The reader of one generation in a Neo4j server."""

from collections.abc import Iterator
from typing import Final, Self
from uuid import UUID

from clew.projections.graph.arrays import Adjacency
from clew.projections.graph.neo4j.adjacency import NODE, Neo4jAdjacency
from clew.projections.graph.neo4j.connection import GraphConnection
from clew.projections.graph.neo4j.shapes import edge_document, node_document
from clew.projections.graph.port import Community, Document, Measure, Part, document_text
from clew.projections.search.locks import Lock

_OF: Final = "{space: $space, organization_id: $organization}"
_RANKED: Final = {
    measure: f"""
MATCH (n:Entity {_OF}) WHERE n.{measure} IS NOT NULL AND ($type IS NULL OR n.type = $type)
WITH n ORDER BY n.{measure} DESC, n.id LIMIT $limit RETURN {NODE}
"""
    for measure in Measure
}
_COMMUNITIES: Final = f"""
MATCH (n:Entity {_OF}) WHERE n.community IS NOT NULL
RETURN n.community AS id, count(*) AS size ORDER BY size DESC, id LIMIT $limit
"""
_MEMBERS: Final = f"""
MATCH (n:Entity {_OF}) WHERE n.community = $community AND n.pagerank IS NOT NULL
WITH n ORDER BY n.pagerank DESC, n.id LIMIT $limit RETURN {NODE}
"""
_STORED: Final = {
    Part.NODES: f"MATCH (n:Entity {_OF}) WHERE n.id IS NOT NULL RETURN {NODE}",
    Part.EDGES: f"MATCH (a:Entity {_OF})-[r:RELATED_TO]->(b) WHERE a.id IS NOT NULL"
    " RETURN r {.*} AS edge, a.id AS source, b.id AS target",
    Part.SOURCES: f"MATCH (s:Source {_OF}) WHERE s.id IS NOT NULL AND s.name IS NOT NULL"
    " RETURN s.id AS id, s.name AS name, s.type AS type",
}
_COUNTS: Final = {
    Part.NODES: f"MATCH (n:Entity {_OF}) WHERE n.id IS NOT NULL RETURN count(n) AS count",
    Part.EDGES: f"MATCH (n:Entity {_OF})-[r:RELATED_TO]->() WHERE n.id IS NOT NULL RETURN count(r) AS count",
    Part.SOURCES: f"MATCH (s:Source {_OF}) WHERE s.id IS NOT NULL AND s.name IS NOT NULL RETURN count(s) AS count",
}
_ORGANIZATIONS: Final = """
MATCH (n:Entity {space: $space}) WHERE n.organization_id IS NOT NULL AND n.id IS NOT NULL
RETURN DISTINCT n.organization_id AS id
UNION MATCH (n:Source {space: $space}) WHERE n.organization_id IS NOT NULL AND n.id IS NOT NULL
RETURN DISTINCT n.organization_id AS id
"""


class Neo4jReader:
    """See `port.GraphReader`."""

    def __init__(self, connection: GraphConnection, space: str, lock: Lock) -> None:
        self._connection = connection
        self._space = space
        self._lock = lock

    @property
    def generation(self) -> str:
        """The generation it reads."""
        return self._space

    def adjacency(self, organization_id: UUID) -> Adjacency:
        """The organization's graph."""
        return Neo4jAdjacency(self._connection, self._space, organization_id)

    def ranked(
        self, organization_id: UUID, measure: Measure, *, limit: int, type_: str | None = None
    ) -> list[Document]:
        """The first by a measure."""
        rows = self._connection.read(_RANKED[measure], type=type_, limit=limit, **self._key(organization_id))
        return [node_document(row["node"], row["collected"]) for row in rows]

    def communities(self, organization_id: UUID, *, limit: int) -> list[Community]:
        """The largest ones."""
        rows = self._connection.read(_COMMUNITIES, limit=limit, **self._key(organization_id))
        return [Community(UUID(row["id"]), row["size"]) for row in rows]

    def members(self, organization_id: UUID, community: UUID, *, limit: int) -> list[Document]:
        """The most central of a community."""
        asked = {"community": str(community), "limit": limit, **self._key(organization_id)}
        rows = self._connection.read(_MEMBERS, **asked)
        return [node_document(row["node"], row["collected"]) for row in rows]

    def stored(self, organization_id: UUID, part: Part) -> Iterator[tuple[UUID, bytes]]:
        """Everything, as it comes from the server."""
        for row in self._connection.stream(_STORED[part], **self._key(organization_id)):
            if part is Part.NODES:
                document = node_document(row["node"], row["collected"])
            elif part is Part.EDGES:
                document = edge_document(row["edge"], row["source"], row["target"])
            else:
                document = row
            yield _uuid(document["id"]), document_text(document)

    def count(self, organization_id: UUID, part: Part) -> int:
        """How many."""
        (row,) = self._connection.read(_COUNTS[part], **self._key(organization_id))
        return int(row["count"])

    def organizations(self) -> tuple[UUID, ...]:
        """Every one with documents."""
        rows = self._connection.read(_ORGANIZATIONS, space=self._space)
        return tuple(sorted(UUID(row["id"]) for row in rows))

    def close(self) -> None:
        """Let go."""
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _key(self, organization_id: UUID) -> dict[str, str]:
        return {"space": self._space, "organization": str(organization_id)}


def _uuid(text: object) -> UUID:
    """An id as it was written; for anything else that somebody put there, one that the record does not hold."""
    try:
        return UUID(str(text))
    except ValueError:
        return UUID(int=0)
