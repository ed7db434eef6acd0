"""One application for the tests of a run, on a database that only they use.

Tests of what lies below sign with secrets of their own, which an application could not read.
"""

from collections.abc import Iterator

import pytest

from clew.kernel.database import Database
from tests.support.api import Api, opened_api
from tests.support.record import migrated_database


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    with migrated_database() as opened:
        yield opened


@pytest.fixture(scope="session")
def api(database: Database) -> Iterator[Api]:
    with opened_api(database) as opened:
        yield opened
