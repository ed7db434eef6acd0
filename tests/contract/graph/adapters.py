"""The adapters that the suite runs on: how each is opened, and what it leaves."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

from clew.projections.graph.embedded.view import EmbeddedGraphView
from clew.projections.graph.neo4j.address import GraphAddress
from clew.projections.graph.neo4j.connection import connection_to
from clew.projections.graph.neo4j.view import Neo4jGraphView
from clew.projections.graph.port import GraphView
from tests.engines.neo4j import USER, running_neo4j


class Adapter(Protocol):
    """One adapter with a place of its own."""

    def view(self) -> GraphView:
        """The view at the place."""

    def remove(self) -> None:
        """Remove everything."""


class InDirectory:
    """The embedded one. small: rows that are kept as a delta; 0 has every commit write all anew."""

    def __init__(self, place: Path, small: int) -> None:
        self._place = place
        self._small = small

    def view(self) -> GraphView:
        return EmbeddedGraphView(self._place, small=self._small)

    def remove(self) -> None:
        pass  # pytest does


class InServer:
    """Neo4j, at a prefix of its own."""

    def __init__(self, address: GraphAddress, place: Path) -> None:
        self._address = address
        self._place = place
        self._prefix = f"t{hashlib.sha256(str(place).encode()).hexdigest()[:16]}"

    def view(self) -> Neo4jGraphView:
        return Neo4jGraphView(connection_to(self._address), self._place, prefix=self._prefix)

    def remove(self) -> None:
        self.view().remove()


def server_address() -> GraphAddress:
    """The server that the environment names, else one of this run."""
    url = os.environ.get("CLEW_TEST_NEO4J_URL")
    if url is None:
        server = running_neo4j()
        return GraphAddress("bolt", "127.0.0.1", server.port, user=USER, password=server.password)
    parts = urlsplit(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return GraphAddress(parts.scheme, parts.hostname or "", parts.port or 7687, user=user, password=password)


OPENERS: Final[dict[str, Callable[[Path], Adapter]]] = {
    "embedded": lambda place: InDirectory(place, 5_000),
    "embedded-small": lambda place: InDirectory(place, 0),
    "neo4j": lambda place: InServer(server_address(), place),
}
