"""The writer: rows are sent many at a time; the last of them and the position are one transaction."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final, Self
from uuid import UUID

import neo4j

from clew.projections.graph.errors import GraphViewBusyError
from clew.projections.graph.neo4j.connection import RefusedStatementError
from clew.projections.graph.neo4j.generations import Generations
from clew.projections.graph.neo4j.shapes import edge_row, node_row, source_row
from clew.projections.graph.port import Document, Part, Refused
from clew.projections.search.locks import Lock

_AT_ONCE: Final = 2_000  # rows of one statement
_WAITING: Final = 20_000  # rows that wait for a commit before they are sent by themselves
_SHAPES: Final = {Part.NODES: node_row, Part.EDGES: edge_row, Part.SOURCES: source_row}

_KEY: Final = "space: $space, organization_id: $organization, id: row.id"
_PUT_SOURCES: Final = f"UNWIND $rows AS row MERGE (s:Source {{{_KEY}}}) SET s = row.fields"
_PUT_NODES: Final = f"""
UNWIND $rows AS row MERGE (n:Entity {{{_KEY}}}) SET n = row.fields
WITH n OPTIONAL MATCH (n)-[c:COLLECTED_FROM]->() DELETE c
"""
_COLLECT: Final = f"""
UNWIND $rows AS row MATCH (n:Entity {{{_KEY}}}) UNWIND row.collected AS place
MERGE (s:Source {{space: $space, organization_id: $organization, id: place.source_id}})
CREATE (n)-[c:COLLECTED_FROM]->(s) SET c = place
"""
_REMOVE_EDGES: Final = f"UNWIND $rows AS row MATCH ()-[r:RELATED_TO {{{_KEY}}}]->() DELETE r"
_PUT_EDGES: Final = """
UNWIND $rows AS row
MATCH (a:Entity {space: $space, organization_id: $organization, id: row.source})
MATCH (b:Entity {space: $space, organization_id: $organization, id: row.target})
CREATE (a)-[r:RELATED_TO]->(b) SET r = row.fields RETURN collect(row.id) AS ids
"""
_REMOVE_NODES: Final = f"UNWIND $rows AS row MATCH (n:Entity {{{_KEY}}}) DETACH DELETE n"
_REMOVE_SOURCES: Final = f"UNWIND $rows AS row MATCH (s:Source {{{_KEY}}}) REMOVE s.name, s.type"
_REMOVE_BARE: Final = f"""
UNWIND $rows AS row MATCH (s:Source {{{_KEY}}}) WHERE NOT EXISTS {{ ()-[:COLLECTED_FROM]->(s) }} DELETE s
"""
_MOVE_ON: Final = """
MATCH (g:ClewGeneration {space: $space}) WHERE g.position = $former SET g.position = $position RETURN g.space AS space
"""

Transaction = neo4j.ManagedTransaction
Row = dict[str, Any]


class Neo4jWriter:
    """See `port.GraphWriter`. Memory: that of the rows that wait, 20,000 at most."""

    def __init__(self, generations: Generations, space: str, position: str, lock: Lock) -> None:
        self._generations = generations
        self._space = space
        self._position = position
        self._lock = lock
        self._rows: dict[tuple[UUID, Part], dict[str, Document | None]] = {}
        self._refused: list[Refused] = []

    @property
    def generation(self) -> str:
        """The generation it writes."""
        return self._space

    def put(self, organization_id: UUID, part: Part, documents: Iterable[Document]) -> None:
        """Add or replace documents."""
        waiting = self._of(organization_id, part)
        for document in documents:
            waiting[document["id"]] = document
            if len(waiting) >= _WAITING:
                self._send_early()
                waiting = self._of(organization_id, part)

    def remove(self, organization_id: UUID, part: Part, ids: Iterable[UUID]) -> None:
        """Remove documents."""
        self._of(organization_id, part).update(dict.fromkeys(map(str, ids)))

    def commit(self, position: str) -> tuple[Refused, ...]:
        """What waits, and the position."""

        def work(transaction: Transaction) -> list[Refused]:
            refused = [each for group in self._groups() for each in self._send(transaction, *group)]
            self._move_on(transaction, position)
            return refused

        connection = self._generations.connection
        try:
            refused = connection.write(work)
        except RefusedStatementError:
            refused = self._send_surely()
            connection.write(lambda transaction: self._move_on(transaction, position))
        self._rows.clear()
        refused, self._refused = [*self._refused, *refused], []
        self._position = position
        return tuple(refused)

    def finish(self) -> None:
        """Leave what was not committed undone."""
        self._rows.clear()

    def close(self) -> None:
        """Let go."""
        self.finish()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _of(self, organization_id: UUID, part: Part) -> dict[str, Document | None]:
        return self._rows.setdefault((organization_id, part), {})

    def _groups(self) -> list[tuple[UUID, Part, list[tuple[str, Document | None]]]]:
        """What waits, in pieces of one statement each: nodes and sources before edges."""
        order = (Part.SOURCES, Part.NODES, Part.EDGES)
        groups = []
        for (organization_id, part), rows in sorted(self._rows.items(), key=lambda each: order.index(each[0][1])):
            listed = list(rows.items())
            groups += [(organization_id, part, listed[at : at + _AT_ONCE]) for at in range(0, len(listed), _AT_ONCE)]
        return groups

    def _send_early(self) -> None:
        """Send what waits before its commit, each piece by itself: sent again after a crash, it says the same."""
        self._refused += self._send_surely()
        self._rows.clear()

    def _send_surely(self) -> list[Refused]:
        """Send each piece by itself; of one that the server refuses the row at fault is found by halving."""
        return [each for group in self._groups() for each in self._send_or_halve(*group)]

    def _send_or_halve(
        self, organization_id: UUID, part: Part, rows: list[tuple[str, Document | None]]
    ) -> list[Refused]:
        try:
            return self._generations.connection.write(
                partial(self._send, organization_id=organization_id, part=part, rows=rows)
            )
        except RefusedStatementError as error:
            if len(rows) > 1:
                middle = len(rows) // 2
                first = self._send_or_halve(organization_id, part, rows[:middle])
                return first + self._send_or_halve(organization_id, part, rows[middle:])
            ((identifier, document),) = rows
            if document is None:
                raise
            self._send_or_halve(organization_id, part, [(identifier, None)])
            return [Refused(organization_id, part, UUID(identifier), error.message)]

    def _send(
        self, transaction: Transaction, organization_id: UUID, part: Part, rows: Sequence[tuple[str, Document | None]]
    ) -> list[Refused]:
        key: Row = {"space": self._space, "organization": str(organization_id)}
        stored_key: Row = {"space": self._space, "organization_id": str(organization_id)}
        gone = [{"id": identifier} for identifier, document in rows if document is None]
        put = [_SHAPES[part](document, stored_key) for _, document in rows if document is not None]
        if part is Part.SOURCES:
            _run(transaction, key, (_REMOVE_SOURCES, gone), (_REMOVE_BARE, gone), (_PUT_SOURCES, put))
        elif part is Part.NODES:
            collected = [each for each in put if each["collected"]]
            _run(transaction, key, (_REMOVE_NODES, gone), (_PUT_NODES, put), (_COLLECT, collected))
        else:
            _run(transaction, key, (_REMOVE_EDGES, [*gone, *({"id": each["id"]} for each in put)]))
            (found,) = transaction.run(_PUT_EDGES, rows=put, **key).data() if put else [{"ids": []}]
            placed = set(found["ids"])
            return [
                Refused(organization_id, part, UUID(each["id"]), f"{each['source']} or {each['target']} is not there")
                for each in put
                if each["id"] not in placed
            ]
        return []

    def _move_on(self, transaction: Transaction, position: str) -> None:
        """Store the position in the place of the one this writer knows. Raises GraphViewBusyError."""
        moved = transaction.run(_MOVE_ON, space=self._space, former=self._position, position=position).data()
        if not moved:
            raise GraphViewBusyError(
                "another process has written this graph view, or it is gone",
                where=self._generations.connection.address.place,
                remedy="it is tried again",
            )


def _run(transaction: Transaction, key: Row, *statements: tuple[Any, list[Row]]) -> None:
    for statement, rows in statements:
        if rows:
            transaction.run(statement, rows=rows, **key).consume()
