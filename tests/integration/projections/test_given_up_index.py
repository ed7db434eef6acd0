"""An index that is being made when the server ends is given up at once, and made by whoever follows next."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest
from psycopg import sql

from clew.kernel.roles import MIGRATOR
from clew.projections.own_database import OwnDatabase
from clew.projections.place import EndedError
from clew.projections.vectors.pgvector.schema import graph_name, table_of
from clew.projections.vectors.pgvector.view import PgvectorView
from clew.projections.vectors.port import Collection
from tests.contract.vectors.conftest import DOMAINS, MODEL, MODELS, ORGANIZATION, point
from tests.support.embedded import wait_until
from tests.support.vectors import VectorPlace, embedded_record, place_of

pytestmark = [pytest.mark.same_everywhere, pytest.mark.slow]

FEW: Final = 3  # in these tests more vectors of an organization than this are given an index of their own


@pytest.fixture
def place(tmp_path: Path) -> Iterator[VectorPlace]:
    with embedded_record(tmp_path) as database:
        yield place_of(database, PgvectorView(OwnDatabase(database.settings, database), exact_up_to=FEW))


@contextlib.contextmanager
def no_index_is_made(place: VectorPlace, collection: Collection) -> Iterator[None]:
    """Within the block whoever makes an index waits, as for a very large one."""
    with place.database.connect_raw(MIGRATOR) as connection:
        connection.execute(
            sql.SQL("LOCK TABLE {} IN ROW EXCLUSIVE MODE").format(table_of(_generation(place), collection))
        )
        yield
        connection.rollback()


def index_waits(place: VectorPlace) -> bool:
    waits = (
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'ShareLock' AND locktype = 'relation'"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return _number(place, waits) == 1


def has_index(place: VectorPlace, organization_id: UUID, collection: Collection) -> bool:
    name = graph_name(_generation(place), collection, organization_id)
    return _number(place, "SELECT count(*) FROM pg_indexes WHERE indexname = %s", name) == 1


def test_a_commit_that_is_given_up_leaves_the_former_position_and_is_done_again(place: VectorPlace) -> None:
    view = place.view
    view.publish(view.builder(MODELS))
    points = [point(number, (1, number)) for number in range(FEW + 1)]
    with view.writer() as writer, no_index_is_made(place, DOMAINS):
        assert writer.put(ORGANIZATION, DOMAINS, points, model=MODEL) == ()
        with pytest.raises(EndedError):
            writer.commit("given up", lambda: True)
    state = view.state()
    assert state is not None
    assert (state.position, view.rows(), has_index(place, ORGANIZATION, DOMAINS)) == ("", FEW + 1, False)
    with view.writer() as writer:
        writer.put(ORGANIZATION, DOMAINS, points, model=MODEL)
        writer.commit("done")
    state = view.state()
    assert state is not None
    assert (state.position, view.rows(), has_index(place, ORGANIZATION, DOMAINS)) == ("done", FEW + 1, True)


def test_who_follows_ends_while_an_index_is_made_and_the_next_one_makes_it(place: VectorPlace) -> None:
    tenant = place.tenant.id
    assert place.catch_up().error is None
    before = place.projection.position()
    with place.writing() as writer:
        for number in range(FEW + 1):
            writer.entity("domain", f"n{number}.example")
    with no_index_is_made(place, DOMAINS):
        with followed(place):
            wait_until(lambda: index_waits(place), "an index to be made")
        assert place.projection.position() == before
        assert not has_index(place, tenant, DOMAINS)
    with followed(place):
        wait_until(lambda: has_index(place, tenant, DOMAINS), "the next one to make it")
        wait_until(lambda: place.projection.position() != before, "the next one to say so")
    assert place.verified().equal
    assert place.view.rows() == FEW + 1


@contextlib.contextmanager
def followed(place: VectorPlace) -> Iterator[None]:
    """Somebody follows within the block, and has ended behind it."""
    stop = threading.Event()
    with place.projector() as projector:
        thread = threading.Thread(target=projector.follow, args=(stop,), kwargs={"idle_seconds": 0.01})
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def _generation(place: VectorPlace) -> str:
    state = place.view.state()
    assert state is not None
    return state.generation


def _number(place: VectorPlace, statement: str, *values: str) -> int:
    with place.database.connect_raw(MIGRATOR) as connection:
        row = connection.execute(statement, values).fetchone()
    assert row is not None
    return int(row[0])
