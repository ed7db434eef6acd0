"""Which generations a server holds, and which of them is the view.

(:ClewGraph {prefix, published})         one for each installation: the space that is the view
(:ClewGeneration {space, prefix, ...})   one for each space: its schema version, and the position that is surely in it
"""

from pathlib import Path
from typing import Final

from clew.kernel.directories import ensure_own_directory, myself
from clew.projections.graph.neo4j.connection import GraphConnection
from clew.projections.graph.port import SCHEMA_VERSION, ViewState
from clew.projections.search.locks import Lock, new_generation_name

_PUBLISHED: Final = """
MATCH (v:ClewGraph {prefix: $prefix}) MATCH (g:ClewGeneration {space: v.published})
RETURN g.space AS space, g.schema_version AS version, g.position AS position
"""
_CREATE: Final = """
CREATE (g:ClewGeneration {space: $space, prefix: $prefix, schema_version: $version, position: "", begun: datetime()})
"""
_PUBLISH: Final = """
MATCH (g:ClewGeneration {space: $space}) MERGE (v:ClewGraph {prefix: $prefix})
SET v.published = g.space RETURN g.space AS space
"""
_OTHERS: Final = """
MATCH (g:ClewGeneration {prefix: $prefix})
WHERE NOT EXISTS { MATCH (v:ClewGraph {prefix: $prefix}) WHERE v.published = g.space }
RETURN g.space AS space
"""
_WHOSE: Final = "n.space = $space AND n.organization_id IS NOT NULL AND n.id IS NOT NULL"
_IN_PIECES: Final = "CALL { WITH n DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS"
_EMPTY: Final = (
    f"MATCH (n:Entity) WHERE {_WHOSE} {_IN_PIECES}",
    f"MATCH (n:Source) WHERE {_WHOSE} {_IN_PIECES}",
    "MATCH (g:ClewGeneration {space: $space}) DELETE g",
)
_FORGET: Final = "MATCH (v:ClewGraph {prefix: $prefix}) DELETE v"


class Generations:
    """The generations of one prefix. root: a directory for the locks of this machine's readers and writer."""

    def __init__(self, connection: GraphConnection, prefix: str, root: Path) -> None:
        self.connection = connection
        self.prefix = prefix
        self.root = root

    def state(self) -> ViewState | None:
        """What is published; None where nothing is, or it is damaged or of another schema."""
        rows = self.connection.read(_PUBLISHED, prefix=self.prefix)
        if not rows or rows[0]["version"] != SCHEMA_VERSION or not isinstance(rows[0]["position"], str):
            return None
        return ViewState(rows[0]["space"], SCHEMA_VERSION, rows[0]["position"])

    def create(self) -> str:
        """A new, empty one."""
        space = f"{self.prefix}{'-' if self.prefix else ''}{new_generation_name()}"
        self.connection.run(_CREATE, space=space, prefix=self.prefix, version=SCHEMA_VERSION)
        return space

    def publish(self, space: str) -> bool:
        """Let one take the published one's place; whether it is there."""
        return bool(
            self.connection.write(lambda work: work.run(_PUBLISH, space=space, prefix=self.prefix).data()),
        )

    def lock(self, space: str) -> Lock:
        """What readers of a generation on this machine hold."""
        ensure_own_directory(self.root, myself())
        return Lock(self.root / f"used-{space}")

    def clean(self) -> None:
        """Remove those that are neither published nor read on this machine. Only the writer may."""
        for row in self.connection.read(_OTHERS, prefix=self.prefix):
            with self.lock(row["space"]) as lock:
                if lock.take():
                    self._remove(row["space"])

    def remove(self) -> None:
        """Remove all of them."""
        self.connection.run(_FORGET, prefix=self.prefix)
        for row in self.connection.read(_OTHERS, prefix=self.prefix):
            self._remove(row["space"])

    def prefixes(self, begin: str) -> list[str]:
        """The prefixes in this server that begin so."""
        rows = self.connection.read(
            "MATCH (g:ClewGeneration) WHERE g.prefix STARTS WITH $begin RETURN DISTINCT g.prefix AS prefix", begin=begin
        )
        return [row["prefix"] for row in rows]

    def _remove(self, space: str) -> None:
        for statement in _EMPTY:
            self.connection.run(statement, space=space)
        (self.root / f"used-{space}").unlink(missing_ok=True)
