"""Days go to files, what is old is given up: each step a transaction, whose end is all that counts.

Rows leave the database in the transaction that lists the file they are in. Dying before it commits leaves a file that
nobody lists, which the next pass removes; dying after it leaves nothing to do.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np
import psycopg

from clew.records.series.archive import Archive, Archived
from clew.records.series.model import COUNTED, DAY, EARLIEST, HOUR, MEASUREMENTS, moment_at
from clew.records.series.rollups import Array
from clew.records.series.statements import (
    BLOCK_DAYS,
    DELETE_BLOCKS_IN,
    FORGET_ARCHIVE,
    FORGET_DAYS,
    FORGET_HOURS,
    LIST_ARCHIVE,
    LISTED_FILES,
    LOCK,
    MOVE,
    TELL,
)
from clew.records.series.storage import Storage, among, hours_of

Transaction = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]
"""Opens a transaction of the organization."""

RESOLUTIONS: Final = ("raw", "1m")


@dataclass(frozen=True, slots=True)
class Ageing:
    """When what is old: `hot_days` in the database, `keep_days` at all, by measurement and resolution."""

    now: int
    hot_days: int
    keep_days: Mapping[str, Mapping[str, int]]

    def before(self, measurement: str, resolution: str) -> int:
        """The first day that is kept."""
        return (self.now - self.keep_days[measurement][resolution] * DAY) // DAY * DAY


@dataclass(frozen=True, slots=True)
class Aged:
    """What a pass did: days put into files, files given up, strays removed."""

    archived: int = 0
    expired: int = 0
    swept: int = 0


def age(transaction: Transaction, organization_id: UUID, archive: Archive, ageing: Ageing) -> Aged:
    """One pass over an organization. Counted measurements stay: the record's own events are what they age with."""
    with transaction() as connection:
        connection.execute(LOCK, {"organization": organization_id})
        listed = connection.execute(LISTED_FILES, {"organization": organization_id}).fetchall()
        swept = archive.sweep(organization_id, (digest for (digest,) in listed))
    archived = expired = 0
    for measurement in MEASUREMENTS:
        if measurement in COUNTED:
            continue
        for day in _days_to_archive(transaction, organization_id, measurement, ageing):
            with transaction() as connection:
                connection.execute(LOCK, {"organization": organization_id})
                archive_day(Storage(connection, organization_id, measurement, archive), day)
            archived += 1
        with transaction() as connection:
            connection.execute(LOCK, {"organization": organization_id})
            expired += _expire(Storage(connection, organization_id, measurement, archive), ageing)
    return Aged(archived, expired, swept)


def archive_day(storage: Storage, day: int) -> None:
    """Put a day's points and minutes into files, with what files had of it already, and take them out of the tables."""
    points, minutes = storage.points(day, day + DAY), storage.minutes(day, day + DAY)
    for resolution, rows in (("raw", points), ("1m", minutes)):
        list_file(storage, day, resolution, rows)
    own = {"organization": storage.organization_id, "measurement": storage.measurement}
    storage.connection.execute(MOVE, {"moved": "yes"})
    storage.connection.execute(DELETE_BLOCKS_IN, own | {"begin": moment_at(day), "end": moment_at(day + DAY)})
    storage.connection.execute(MOVE, {"moved": ""})


def list_file(storage: Storage, day: int, resolution: str, rows: Array) -> None:
    """Make these rows all that files have of a day: in a file of their own, or none if there are none."""
    own = {
        "organization": storage.organization_id,
        "measurement": storage.measurement,
        "day": day,
        "resolution": resolution,
    }
    if not len(rows):
        storage.connection.execute(FORGET_ARCHIVE, own)
        return
    made = storage.archive.write(storage.organization_id, storage.measurement, day, resolution, rows)
    storage.connection.execute(LIST_ARCHIVE, own | {"sha256": made.sha256, "bytes": made.bytes, "rows": made.rows})


def take_out(storage: Storage, day: int, touched: Array) -> None:
    """Take hours (SPAN) out of a day's files; what remains of those hours is the caller's to write to the tables."""
    for resolution in RESOLUTIONS:
        for archived in storage.archived(resolution, day, day + DAY):
            rows = _read(storage, archived)
            out = among(rows["series"], rows["time"] // HOUR * HOUR, touched)
            if out.any():
                _tell(storage, hours_of(rows[out]))
                list_file(storage, day, resolution, rows[~out])


def _days_to_archive(transaction: Transaction, organization_id: UUID, measurement: str, ageing: Ageing) -> list[int]:
    hot = (ageing.now - ageing.hot_days * DAY) // DAY * DAY
    before = max(hot, ageing.before(measurement, "raw"))
    asked = {"organization": organization_id, "measurement": measurement, "before": moment_at(before)}
    with transaction() as connection:
        return [int(day.timestamp()) * 1_000_000 for (day,) in connection.execute(BLOCK_DAYS, asked).fetchall()]


def _expire(storage: Storage, ageing: Ageing) -> int:
    """Give up what is older than what is kept; how many files."""
    expired = 0
    for resolution in RESOLUTIONS:
        for archived in storage.archived(resolution, EARLIEST, ageing.before(storage.measurement, resolution)):
            _tell(storage, hours_of(_read(storage, archived)))
            list_file(storage, archived.day, resolution, np.empty(0))
            expired += 1
    own = {"organization": storage.organization_id, "measurement": storage.measurement}
    for statement, resolution in ((FORGET_HOURS, "1h"), (FORGET_DAYS, "1d")):
        before = moment_at(ageing.before(storage.measurement, resolution))
        storage.connection.execute(statement, own | {"before": before})
    return expired


def _tell(storage: Storage, hours: Array) -> None:
    """Leave records of change for hours (SPAN) that no row of a table stands for."""
    told = {"series": hours["series"].tolist(), "hours": [moment_at(time) for time in hours["time"].tolist()]}
    storage.connection.execute(TELL, {"organization": storage.organization_id, **told})


def _read(storage: Storage, archived: Archived) -> Array:
    storage.archive.check(archived)
    return storage.archive.read([archived], archived.day, archived.day + DAY, resolution=archived.resolution)
