"""The adapters that the suite runs on: how each is opened, and what it leaves."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from qdrant_client import QdrantClient

from clew.kernel.roles import MIGRATOR
from clew.projections.own_database import OwnDatabase
from clew.projections.vectors.pgvector.schema import SCHEMA
from clew.projections.vectors.pgvector.view import PgvectorView
from clew.projections.vectors.port import VectorView
from clew.projections.vectors.qdrant.connection import QdrantAddress, QdrantConnection, connection_to
from clew.projections.vectors.qdrant.view import QdrantView
from tests.support.postgres import SHARED

QDRANT_URL: Final = "CLEW_TEST_QDRANT_URL"
ADAPTERS: Final = ("pgvector", "qdrant-local", *(["qdrant"] if os.environ.get(QDRANT_URL) else []))
LARGE: Final = 300
"""In this suite so many vectors of an organization are enough for an index of its own."""


class Adapter:
    """One adapter with a place of its own. `many`: more vectors than it keeps in memory or gives at once."""

    many = 2_100

    def view(self) -> VectorView:
        raise NotImplementedError

    def traces(self) -> list[str]:
        """Everything that is kept, to see what is left."""
        raise NotImplementedError


class InPostgres(Adapter):
    """pgvector in the embedded server, which has it wherever the suite runs."""

    def __init__(self) -> None:
        self.database = SHARED.embedded
        self._own = OwnDatabase(self.database.settings, self.database)
        self._place = f"suite-{secrets.token_hex(4)}"

    def view(self) -> PgvectorView:
        return PgvectorView(self._own, place=self._place, exact_up_to=LARGE)

    def traces(self) -> list[str]:
        with self.connection() as connection:
            rows = connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind = 'r'", (SCHEMA,)
            )
            return sorted(row[0] for row in rows.fetchall())

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        with self.database.connect_raw(MIGRATOR) as connection:
            yield connection

    def indexes(self, beginning: str) -> list[str]:
        """Names of indexes of neighbours."""
        with self.connection() as connection:
            rows = connection.execute(
                sql.SQL("SELECT indexname FROM pg_indexes WHERE schemaname = {} AND indexdef LIKE '%hnsw%'").format(
                    sql.Literal(SCHEMA)
                )
            )
            return [row[0] for row in rows.fetchall() if str(row[0]).startswith(beginning)]


class InQdrant(Adapter):
    """Qdrant: the client's own engine, or a server."""

    many = 1_100  # the client's own engine takes milliseconds for each

    def __init__(self, connection: QdrantConnection, directory: Path) -> None:
        self.connection = connection
        self._directory = directory
        self._prefix = f"suite_{secrets.token_hex(4)}"

    def view(self) -> QdrantView:
        return QdrantView(self.connection, self._directory / "lock", prefix=self._prefix)

    def traces(self) -> list[str]:
        listed = self.connection.call(lambda client: client.get_collections())
        return sorted(each.name for each in listed.collections if each.name.startswith(self._prefix))


@contextmanager
def opened(name: str, directory: Path) -> Iterator[Adapter]:
    """The adapter, and nothing of it afterwards."""
    if name == "pgvector":
        adapter = InPostgres()
        yield adapter
        adapter.view().remove()
        return
    with_server = name == "qdrant"
    if with_server:
        scheme, _, rest = os.environ[QDRANT_URL].partition("://")
        host, _, port = rest.strip("/").partition(":")
        connection = connection_to(QdrantAddress(scheme, host, int(port or 6333), "suite"))
    else:
        connection = QdrantConnection(QdrantClient(path=str(directory / "engine")), "local", is_local=True)
    within = InQdrant(connection, directory)
    yield within
    within.view().remove()
    if not with_server:
        connection.close()
