"""One application for the tests of a run, on the shared database."""

from collections.abc import Iterator

import pytest

from clew.kernel.database import Database
from tests.support.api import Api, opened_api


@pytest.fixture(scope="session")
def api(database: Database) -> Iterator[Api]:
    with opened_api(database) as opened:
        yield opened
