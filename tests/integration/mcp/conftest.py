"""One application for these tests, on a database that only they use, and in it one of everything that tools tell of."""

from collections.abc import Iterator

import pytest

from clew.kernel.database import Database
from tests.support.api import Api, opened_api
from tests.support.assistant_world import World, new_world
from tests.support.record import migrated_database


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    with migrated_database() as opened:
        yield opened


@pytest.fixture(scope="session")
def api(database: Database) -> Iterator[Api]:
    with opened_api(database) as opened:
        yield opened


@pytest.fixture(scope="session")
def world(api: Api) -> World:
    return new_world(api)
