"""What a server does about series beside answering: old days go to files, and the engine that is named is looked at."""

import functools
import threading
from typing import Final

import structlog

from clew.kernel.database import Database, TenantContext
from clew.kernel.roles import PROJECTOR
from clew.kernel.settings import Settings

SECONDS: Final = 3600.0

log: Final = structlog.get_logger(__name__)


def let_series_age(database: Database, stop: threading.Event) -> None:
    """Every hour, for every organization, until `stop` is set."""
    while not stop.wait(SECONDS):
        let_all_age(database)


def let_all_age(database: Database) -> None:
    """One pass over every organization that has series."""
    from clew.kernel.clock import system_clock  # noqa: PLC0415
    from clew.projections.series.service import let_age  # noqa: PLC0415  loads what reads files
    from clew.records.series.model import microseconds  # noqa: PLC0415

    with database.transaction(None, PROJECTOR) as connection:
        rows = connection.exec_driver_sql("SELECT DISTINCT organization_id FROM series").all()
    for (organization_id,) in rows:
        opened = functools.partial(database.transaction, TenantContext(organization_id))
        done = let_age(opened, database.settings, organization_id, microseconds(system_clock()))
        if done.archived or done.expired:
            log.info("series aged", organization=str(organization_id), archived=done.archived, expired=done.expired)


def check_influxdb(settings: Settings) -> None:
    """Look at the InfluxDB that the settings name; one that does not answer now may do later.

    Raises ConfigurationError for one that Clew does not work with, that refuses the login, or that is not trusted.
    """
    from clew.projections.series.influx.connection import InfluxUnavailableError  # noqa: PLC0415
    from clew.projections.series.influx.opening import influx_connection  # noqa: PLC0415  loads the client

    connection = influx_connection(settings)
    try:
        version = connection.version()
        connection.databases()
    except InfluxUnavailableError as error:
        log.warning("InfluxDB is awaited", error=str(error))
    else:
        log.info("InfluxDB", version=version, place=connection.address.place)
