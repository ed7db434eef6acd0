"""A record with its view of vectors, for tests of both. On the embedded server, which has pgvector everywhere."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import conninfo, sql
from pydantic import SecretStr

from clew.kernel.database import Database
from clew.kernel.settings import Settings
from clew.projections.attempts import Outcome
from clew.projections.keeping import Verified, verify
from clew.projections.own_database import OwnDatabase
from clew.projections.projector import Projector
from clew.projections.vector_projection import VectorProjection
from clew.projections.vectors.port import VectorView
from tests.support.postgres import SHARED, upgrade
from tests.support.record import Tenant, Writer, new_organization


@dataclass(frozen=True)
class VectorPlace:
    """A record of its own, a tenant, and the view that its settings name unless another is given."""

    database: Database
    tenant: Tenant
    view: VectorView
    projection: VectorProjection

    def projector(self) -> Projector:
        return Projector(self.database, [self.projection])

    def catch_up(self) -> Outcome:
        with self.projector() as projector:
            (outcome,) = projector.catch_up()
        return outcome

    def verified(self, *, repair: bool = False) -> Verified:
        with self.projector() as projector:
            return verify(projector, "vectors", repair=repair)

    @contextlib.contextmanager
    def writing(self, tenant: Tenant | None = None) -> Iterator[Writer]:
        """A hand that writes in the tenant's name, all of it in one transaction."""
        own = tenant or self.tenant
        with self.database.transaction(own.context) as connection:
            yield Writer(connection, own)


@contextlib.contextmanager
def embedded_record(directory: Path, **settings: Any) -> Iterator[Database]:
    """An empty record in a database of its own on the embedded server; gone afterwards."""
    embedded = SHARED.embedded.embedded
    assert embedded is not None
    url = embedded.dsn(database="postgres")
    name = f"clew_vectors_{directory.name.replace('-', '_')[-40:]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    parameters = conninfo.conninfo_to_dict(url)
    own = f"postgresql:///{name}?host={parameters['host']}&port={parameters['port']}&user={parameters['user']}"
    own += f"&password={parameters['password']}"
    given: dict[str, Any] = {"vectors": "pgvector", "data_dir": directory, "database_url": SecretStr(own)}
    try:
        with Database(Settings(**(given | settings))) as database:
            database.bootstrap()
            upgrade(database)
            yield database
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def place_of(database: Database, view: VectorView | None = None, tenant: Tenant | None = None) -> VectorPlace:
    """The record's place."""
    from clew.projections.vector_place import vector_view

    own = OwnDatabase(database.settings, database)
    chosen = view or vector_view(database.settings, own)
    projection = VectorProjection(chosen, database.settings, own)
    return VectorPlace(database, tenant or new_organization(database), chosen, projection)
