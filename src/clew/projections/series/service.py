"""Series as commands and requests know them: ask, write, delete, list, let age. Each within a caller's transaction."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

import sqlalchemy as sa

from clew.kernel.transactions import driver_connection
from clew.projections.series.answering import answer
from clew.projections.series.port import SeriesAnswer, SeriesQuery, SeriesSource
from clew.records.act import Act
from clew.records.acts import record
from clew.records.series.archive import Archive
from clew.records.series.cold import Aged, Ageing, age
from clew.records.series.model import COUNTED, MEASUREMENTS, Series, SeriesError, require_measurement
from clew.records.series.storage import Storage
from clew.records.series.writing import Limits, PointBatch, Written, delete_points, write_points

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from clew.kernel.settings import Settings

RESOLUTIONS: Final = ("raw", "1m", "1h", "1d")
_OVERVIEW: Final = sa.text("""
SELECT s.measurement, count(*),
       (SELECT min(day) FROM series_days d WHERE d.organization_id = :organization AND d.measurement = s.measurement),
       (SELECT max(day) FROM series_days d WHERE d.organization_id = :organization AND d.measurement = s.measurement)
FROM series s WHERE s.organization_id = :organization GROUP BY s.measurement ORDER BY s.measurement
""")


@dataclass(frozen=True, slots=True)
class Measured:
    """A measurement that an organization has series of: how many, and the first and last day of any; None for none."""

    measurement: str
    series: int
    first: datetime | None
    last: datetime | None


def ask(connection: sa.Connection, settings: "Settings", organization_id: UUID, query: SeriesQuery) -> SeriesAnswer:
    """The answer, from where the settings say that series are read. Raises SeriesError, and what the engine raises."""
    require_measurement(query.measurement)
    storage = _storage(connection, settings, organization_id, query.measurement)
    return answer(query, storage.series(), _source(storage, settings))


def overview(connection: sa.Connection, organization_id: UUID) -> list[Measured]:
    """The measurements that there are series of."""
    rows = connection.execute(_OVERVIEW, {"organization": organization_id})
    return [Measured(*row) for row in rows]


def listed(connection: sa.Connection, settings: "Settings", organization_id: UUID, measurement: str) -> list[Series]:
    """The series of a measurement, by field and tags. Raises SeriesError."""
    require_measurement(measurement)
    return _storage(connection, settings, organization_id, measurement).series()


def write(
    connection: sa.Connection, settings: "Settings", organization_id: UUID, batch: PointBatch, now: int
) -> Written:
    """Write points; what was written, and which lines were refused. Raises SeriesError."""
    keep = {measurement: settings.retention_days(measurement, "raw") for measurement in MEASUREMENTS}
    archive = Archive(settings.data_dir)
    return write_points(driver_connection(connection), organization_id, archive, batch, Limits(now, keep))


def delete(
    connection: sa.Connection,
    settings: "Settings",
    organization_id: UUID,
    measurement: str,
    where: Mapping[str, Sequence[str]],
    begin: int,
    end: int,
) -> int:
    """Delete points of a span, and the roll-ups of them, from all tiers; how many hours of series it touched.

    Raises SeriesError for counted measurements, and where the span cuts what is left of rolled-up hours.
    """
    require_measurement(measurement)
    if measurement in COUNTED:
        raise SeriesError(
            f"{measurement} is counted from the record itself", where="measurement", remedy="delete the events instead"
        )
    storage = _storage(connection, settings, organization_id, measurement)
    chosen = [each for each in storage.series() if all(dict(each.tags).get(tag) in where[tag] for tag in where)]
    deleted = delete_points(storage, chosen, begin, end)
    asked = {"measurement": measurement, "where": {tag: list(values) for tag, values in where.items()}}
    span = {"from_us": begin, "to_us": end, "hours": deleted}
    record(connection, Act("series_deleted", "DELETE", "series", measurement, measurement, request=asked | span))
    return deleted


def let_age(
    transaction: Callable[[], AbstractContextManager[sa.Connection]],
    settings: "Settings",
    organization_id: UUID,
    now: int,
) -> Aged:
    """Put old days into files and give up what is too old; each step is a transaction of the organization's."""

    @contextmanager
    def opened() -> "Iterator[psycopg.Connection]":
        with transaction() as connection:
            yield driver_connection(connection)

    keep = {
        measurement: {resolution: settings.retention_days(measurement, resolution) for resolution in RESOLUTIONS}
        for measurement in MEASUREMENTS
    }
    return age(opened, organization_id, Archive(settings.data_dir), Ageing(now, settings.series_hot_days, keep))


def _storage(connection: sa.Connection, settings: "Settings", organization_id: UUID, measurement: str) -> Storage:
    driver, derived = driver_connection(connection), measurement in COUNTED
    return Storage(driver, organization_id, measurement, Archive(settings.data_dir), derived)


def _source(storage: Storage, settings: "Settings") -> SeriesSource:
    if settings.influxdb_url is None:
        return storage
    from clew.projections.series.influx.opening import influx_source  # noqa: PLC0415  loads the client

    return influx_source(settings, storage.organization_id, storage.measurement)
