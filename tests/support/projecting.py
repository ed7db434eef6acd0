"""A record with its search view for tests of projections, and a hand that writes to both."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from clew.kernel.database import Database
from clew.kernel.roles import PROJECTOR
from clew.projections import feed
from clew.projections.attempts import Outcome
from clew.projections.feed import Position
from clew.projections.keeping import verify
from clew.projections.projector import STEP_CHANGES, Projector
from clew.projections.search.port import SearchRequest
from clew.projections.search.tantivy.view import TantivySearchView
from clew.projections.search_projection import SearchProjection
from tests.support.record import Tenant, migrated_database, new_organization

DatabaseMaker = Callable[[], contextlib.AbstractContextManager[Database]]


@dataclass(slots=True)
class Place:
    """A record, a directory for its view, and a tenant. The view is that of search, unless another is put there."""

    database: Database
    directory: Path
    tenant: Tenant
    step_changes: int = STEP_CHANGES
    projection: Any = field(init=False)  # a Projection, of the kind that its tests know

    def __post_init__(self) -> None:
        self.projection = SearchProjection(TantivySearchView(self.directory))

    def catch_up(self) -> Outcome:
        with self.projector() as projector:
            (outcome,) = projector.catch_up()
        return outcome

    def projector(self) -> Projector:
        return Projector(self.database, [self.projection], step_changes=self.step_changes)

    def lag(self) -> int:
        """Changes that can be seen and that the view has not."""
        position = Position.decode(self.projection.position() or "")
        assert position is not None
        with self.database.connect_raw(PROJECTOR) as connection:
            return feed.lag(connection, position).changes

    def assert_equal(self, rows: int | None = None) -> None:
        with self.projector() as projector:
            verified = verify(projector, self.projection.name)
        assert verified.equal, verified.as_dict()
        assert not verified.as_dict()["examples"]
        if rows is not None:
            assert verified.comparison.view_rows == rows

    def found(self, text: str, tenant: Tenant | None = None) -> set[str]:
        with self.projection.view.reader() as reader:
            result = reader.search((tenant or self.tenant).id, SearchRequest(text))
        return {hit.name for hit in result.hits}

    @contextlib.contextmanager
    def writing(self, tenant: Tenant | None = None) -> Iterator[psycopg.Connection[Any]]:
        """A connection in the tenant's name, each statement a transaction of its own."""
        with self.database.connect_raw() as connection:
            connection.autocommit = True
            organization = str((tenant or self.tenant).id)
            connection.execute("SELECT set_config('app.current_organization_id', %s, false)", (organization,))
            yield connection

    @contextlib.contextmanager
    def without_triggers(self) -> Iterator[psycopg.Connection[Any]]:
        """A superuser's connection that no trigger and no row security sees."""
        with self.database.admin_engine().begin() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            driver.execute("SET LOCAL session_replication_role = replica")
            yield driver


@contextlib.contextmanager
def new_place(made: DatabaseMaker = migrated_database) -> Iterator[Place]:
    """A place with a database of its own; gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="clew-view-"))
    try:
        with made() as database:
            yield Place(database, directory / "view", new_organization(database))
    finally:
        shutil.rmtree(directory)


def add_domain(connection: psycopg.Connection[Any], tenant: Tenant, name: str, **properties: object) -> UUID:
    """A domain as a row of its own, written by plain SQL."""
    row = connection.execute(
        "INSERT INTO entities (organization_id, entity_type, name, normalized_name, properties)"
        " VALUES (%s, 'domain', %s, %s, %s) RETURNING id",
        (tenant.id, name, name, psycopg.types.json.Jsonb(properties)),
    ).fetchone()
    assert row is not None
    identifier = row[0]
    assert isinstance(identifier, UUID)
    return identifier


def kill_server(database: Database) -> None:
    """kill -9 of the embedded server: it recovers when it is next asked for."""
    assert database.embedded is not None
    pid = database.embedded.ensure_running().pid
    os.kill(pid, 9)
