"""The server's constraints and indexes: numbered files of statements, each run once, in order.

They can be run by hand, too, by whoever keeps a server's schema to themselves: every statement says IF NOT EXISTS.
"""

from collections.abc import Iterator
from importlib.resources import files
from typing import Final

from clew.projections.graph.neo4j.connection import GraphConnection

_DONE: Final = "MATCH (m:ClewMigration) RETURN collect(m.name) AS names"
_NOTE: Final = "MERGE (m:ClewMigration {name: $name}) ON CREATE SET m.applied_at = datetime()"
_AWAIT: Final = "CALL db.awaitIndexes(300)"


def migrations() -> Iterator[tuple[str, str]]:
    """Name and text of each file, in order."""
    for file in sorted(files("clew.projections.graph.neo4j.cypher").iterdir(), key=lambda each: each.name):
        if file.name.endswith(".cypher"):
            yield file.name.removesuffix(".cypher"), file.read_text("utf-8")


def statements(text: str) -> Iterator[str]:
    """The statements of a file, without comments."""
    lines = (line for line in text.splitlines() if not line.startswith("//"))
    yield from (statement.strip() for statement in "\n".join(lines).split(";") if statement.strip())


def migrate(connection: GraphConnection) -> None:
    """Run what was not run yet. May be called by two at once."""
    (row,) = connection.read(_DONE)
    waiting = [(name, text) for name, text in migrations() if name not in row["names"]]
    for name, text in waiting:
        for statement in statements(text):
            connection.run(statement)
        connection.run(_NOTE, name=name)
    if waiting:
        connection.run(_AWAIT)
