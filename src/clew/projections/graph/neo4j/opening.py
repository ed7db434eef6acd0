"""The view in the server that the settings name."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from clew.projections.graph.neo4j.address import address_of
from clew.projections.graph.neo4j.connection import GraphConnection, connection_to
from clew.projections.graph.neo4j.view import Neo4jGraphView

if TYPE_CHECKING:
    from clew.kernel.settings import Settings


def engine_view(settings: "Settings", directory: Path) -> Neo4jGraphView:
    """The view; its locks lie beneath the directory. Raises ConfigurationError for settings that name no server."""
    connection = engine_connection(settings)
    place = hashlib.sha256(connection.address.place.encode()).hexdigest()[:16]
    return Neo4jGraphView(connection, directory / f"engine-{place}", prefix=connection.address.prefix)


def engine_connection(settings: "Settings") -> GraphConnection:
    """The process's connections to the server."""
    return connection_to(address_of(settings))
