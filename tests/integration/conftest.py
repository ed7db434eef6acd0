"""One migrated database for the tests of a run (of each worker, under pytest-xdist)."""

from collections.abc import Iterator

import pytest

from clew.kernel.database import Database
from tests.support.record import Tenant, migrated_database, new_organization


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    with migrated_database() as opened:
        yield opened


@pytest.fixture
def tenant(database: Database) -> Tenant:
    return new_organization(database)
