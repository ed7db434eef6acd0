"""One migrated database for the tests of a run (of each worker, under pytest-xdist).

It is the embedded server's own where there is one: the program then enters it as a user's does, by logins of its roles.
"""

import os
from collections.abc import Iterator

import pytest

from clew.kernel.database import Database
from tests.support.postgres import DATABASE_URL, SHARED
from tests.support.record import Tenant, migrated_database, new_organization


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    if os.environ.get(DATABASE_URL):
        with migrated_database() as opened:
            yield opened
    else:
        yield SHARED.embedded


@pytest.fixture
def tenant(database: Database) -> Tenant:
    return new_organization(database)
