"""An organization's graph in a Neo4j server, as walks see it: a question for each frontier.

Answers come as columns in one row. Most of a walk's time was the driver's, which is Python: for each row, each name in
it and each value.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import numpy as np
import numpy.typing as npt

from clew.projections.graph.arrays import Flags, Handles, Steps
from clew.projections.graph.neo4j.connection import GraphConnection
from clew.projections.graph.neo4j.shapes import EDGE_LIST, NODE_LIST, edge_document, edge_of, node_document, node_of
from clew.projections.graph.port import EVERYTHING, Document, Wanted

_FIND: Final = """
UNWIND $ids AS id MATCH (n:Entity {space: $space, organization_id: $organization, id: id})
RETURN n.id AS id, COUNT { (n)-[:RELATED_TO]-() } AS degree, coalesce(n.wall, false) AS wall
"""
_WANTED: Final = """
m.id <> n.id AND r.id IS NOT NULL
AND ($relationship_types IS NULL OR r.type IN $relationship_types)
AND ($entity_types IS NULL OR m.type IN $entity_types)
AND ($since IS NULL OR coalesce(r.last_seen, r.first_seen) >= $since)
AND ($until IS NULL OR coalesce(r.first_seen, r.last_seen) < $until)
AND r.confidence >= $minimum
AND ($direction = "any" OR (startNode(r) = n) = ($direction = "out"))
"""
# Of each step; none of these is null, which `collect` would leave out. `walls` are only those.
_STEP: Final = """
collect(at) AS origins, collect(m.id) AS others, collect(r.id) AS edges, collect(r.confidence) AS confidences,
collect(startNode(r) = n) AS outgoing, collect(COUNT { (m)-[:RELATED_TO]-() }) AS degrees,
collect(CASE WHEN m.wall THEN m.id END) AS walls
"""
_STEPS: Final = f"""
UNWIND range(0, size($ids) - 1) AS at
MATCH (n:Entity {{space: $space, organization_id: $organization, id: $ids[at]}})
MATCH (n)-[r:RELATED_TO]-(m:Entity) WHERE {_WANTED} RETURN {_STEP}
"""
_NEAREST: Final = f"""
MATCH (n:Entity {{space: $space, organization_id: $organization, id: $ids[0]}})-[r:RELATED_TO]-(m:Entity)
WHERE {_WANTED}
WITH n, m, collect(r) AS between, max(r.confidence) AS surest ORDER BY surest DESC, m.id LIMIT $limit
UNWIND between AS r WITH n, m, r, 0 AS at RETURN {_STEP}
"""
_COUNT: Final = f"""
MATCH (n:Entity {{space: $space, organization_id: $organization, id: $ids[0]}})-[r:RELATED_TO]-(m:Entity)
WHERE {_WANTED} RETURN count(DISTINCT m) AS total
"""
_COLLECTED: Final = """
[(n)-[c:COLLECTED_FROM]->(s:Source) | {source_id: s.id, collection_id: c.collection_id,
 collected_at: c.collected_at, confidence: c.confidence}]
"""
NODE: Final = f"n {{.*}} AS node, {_COLLECTED} AS collected"
_NODES: Final = f"""
UNWIND $ids AS id MATCH (n:Entity {{space: $space, organization_id: $organization, id: id}})
RETURN collect({NODE_LIST}) AS nodes, collect({_COLLECTED}) AS collected
"""
_EDGES: Final = f"""
UNWIND $ids AS id MATCH (a)-[r:RELATED_TO {{space: $space, organization_id: $organization, id: id}}]->(b)
RETURN collect({EDGE_LIST}) AS edges, collect(coalesce(a.id, "")) AS sources, collect(coalesce(b.id, "")) AS targets
"""
_AT_ONCE: Final = 5_000


class Neo4jAdjacency:
    """See `port.Adjacency`. Numbers are given out as nodes and edges are met; what was told of them is kept."""

    def __init__(self, connection: GraphConnection, space: str, organization_id: UUID) -> None:
        self._connection = connection
        self._key = {"space": space, "organization": str(organization_id)}
        self._nodes, self._edges = _Numbers(), _Numbers()
        self._degrees: dict[int, int] = {}
        self._walls: set[int] = set()

    def find(self, ids: Sequence[UUID]) -> Handles:
        """The nodes of these ids."""
        rows = self._connection.read(_FIND, ids=[str(each) for each in ids], **self._key)
        found = {row["id"]: self._met(row["id"], row["degree"], wall=row["wall"]) for row in rows}
        return np.array([found.get(str(each), -1) for each in ids], np.int64)

    def degrees(self, nodes: Handles) -> Handles:
        """As they were told with the nodes."""
        return np.array([self._degrees[node] for node in nodes.tolist()], np.int64)

    def walls(self, nodes: Handles) -> Flags:
        """As they were told with the nodes."""
        return np.array([node in self._walls for node in nodes.tolist()], np.bool_)

    def steps(self, nodes: Handles, wanted: Wanted = EVERYTHING) -> Steps:
        """All wanted relationships of these nodes."""
        ids = self._nodes.ids_of(nodes)
        parts = []
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            (row,) = self._connection.read(_STEPS, ids=some, **_parameters(wanted), **self._key)
            parts.append(self._shaped(row, nodes[start : start + _AT_ONCE]))
        return _joined(parts)

    def nearest(self, node: int, wanted: Wanted, limit: int) -> tuple[Steps, int]:
        """The steps to the surest neighbours, and how many neighbours there are."""
        asked = {"ids": [self._nodes.ids[node]], **_parameters(wanted), **self._key}
        (row,) = self._connection.read(_NEAREST, limit=limit, **asked)
        (counted,) = self._connection.read(_COUNT, **asked)
        return self._shaped(row, np.array([node], np.int64)), int(counted["total"])

    def node_keys(self, nodes: Handles) -> npt.NDArray[np.bytes_]:
        """Their ids."""
        return _keys(self._nodes.ids_of(nodes))

    def edge_keys(self, edges: Handles) -> npt.NDArray[np.bytes_]:
        """The edges' ids."""
        return _keys(self._edges.ids_of(edges))

    def nodes(self, nodes: Handles) -> list[Document]:
        """Their documents; of one that is gone meanwhile, its id only."""
        ids = self._nodes.ids_of(nodes)
        if not ids:
            return []
        (row,) = self._connection.read(_NODES, ids=ids, **self._key)
        documents = map(node_of, row["nodes"], row["collected"])
        found = {document["id"]: document for document in documents}
        return [found.get(each) or node_document({"id": each}, []) for each in ids]

    def edges(self, edges: Handles) -> list[Document]:
        """The edges' documents; of one that is gone meanwhile, its id only."""
        ids = self._edges.ids_of(edges)
        if not ids:
            return []
        (row,) = self._connection.read(_EDGES, ids=ids, **self._key)
        documents = map(edge_of, row["edges"], row["sources"], row["targets"])
        found = {document["id"]: document for document in documents}
        return [found.get(each) or edge_document({"id": each}, "", "") for each in ids]

    def _shaped(self, row: dict[str, Any], asked: Handles) -> Steps:
        others = [self._nodes.number(each) for each in row["others"]]
        self._degrees.update(zip(others, row["degrees"], strict=True))
        self._walls.update(map(self._nodes.number, row["walls"]))
        return Steps(
            asked[np.array(row["origins"], np.int64)],
            np.array(others, np.int64),
            np.array([self._edges.number(each) for each in row["edges"]], np.int64),
            np.rint(np.array(row["confidences"], np.float64) * 100).astype(np.int64),
            np.array(row["outgoing"], np.bool_),
        )

    def _met(self, identifier: str, degree: int, *, wall: bool) -> int:
        number = self._nodes.number(identifier)
        self._degrees[number] = degree
        if wall:
            self._walls.add(number)
        return number


class _Numbers:
    """Numbers for ids, given out as they come."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, identifier: str) -> int:
        number = self._numbers.setdefault(identifier, len(self.ids))
        if number == len(self.ids):
            self.ids.append(identifier)
        return number

    def ids_of(self, numbers: Handles) -> list[str]:
        return [self.ids[number] for number in numbers.tolist()]


def _joined(parts: list[Steps]) -> Steps:
    if len(parts) == 1:
        return parts[0]
    none = np.zeros(0, np.int64)
    return Steps(
        np.concatenate([none, *(part.origin for part in parts)]),
        np.concatenate([none, *(part.other for part in parts)]),
        np.concatenate([none, *(part.edge for part in parts)]),
        np.concatenate([none, *(part.confidence for part in parts)]),
        np.concatenate([np.zeros(0, np.bool_), *(part.outgoing for part in parts)]),
    )


def _keys(ids: list[str]) -> npt.NDArray[np.bytes_]:
    return np.array([UUID(each).bytes for each in ids], "S16")


def _parameters(wanted: Wanted) -> dict[str, Any]:
    return {
        "relationship_types": list(wanted.relationship_types) or None,
        "entity_types": list(wanted.entity_types) or None,
        "since": wanted.since,
        "until": wanted.until,
        "minimum": wanted.minimum_confidence / 100,
        "direction": wanted.direction.value,
    }
