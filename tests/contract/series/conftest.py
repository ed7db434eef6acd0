"""Every adapter of the series port runs this suite: points in by the record, followed, and asked for."""

from collections.abc import Iterator

import pytest

from clew.kernel.database import Database
from clew.kernel.settings import Settings
from tests.engines.influxdb import shared_influx
from tests.engines.marks import ON_INFLUXDB
from tests.support.measuring import Desk
from tests.support.record import migrated_database


@pytest.fixture(scope="module")
def series_database() -> Iterator[Database]:
    with migrated_database() as made:
        yield made


@pytest.fixture(scope="module", params=["postgresql", *ON_INFLUXDB])
def series_settings(request: pytest.FixtureRequest, series_database: Database) -> Settings:
    """Where series are read from."""
    if request.param == "postgresql":
        return series_database.settings
    return shared_influx().settings(series_database.settings)


@pytest.fixture
def desk(series_database: Database, series_settings: Settings) -> Desk:
    return Desk(series_database, series_settings)
