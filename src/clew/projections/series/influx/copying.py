"""Blocks and days of the record written to InfluxDB: those that changed, or all of them."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np
import psycopg

from clew.projections.feed import STRETCH
from clew.projections.projection import Difference
from clew.projections.series.influx.lines import heads, point_lines, rollup_lines
from clew.projections.series.influx.view import SUFFIXES, InfluxWriter
from clew.records.series.archive import Archive
from clew.records.series.model import COUNTED, DAY, HOUR, MEASUREMENTS, Series, moment_at, read_id
from clew.records.series.rollups import Array
from clew.records.series.storage import SPAN, Storage

TABLES: Final = {"series_blocks": (HOUR, ("raw", "minutes")), "series_days": (DAY, ("hours", "days"))}
"""For each table how long the stretch of a row is, and which resolutions it makes."""

_AT_ONCE: Final = 2_000
_CHANGED: Final = f"""
SELECT organization_id, row_id, bool_or(xid IS NULL) FROM {STRETCH}
WHERE table_name = %(table)s AND row_id IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608  the table's name is our own
_SERIES: Final = """
SELECT measurement, number, field, tags FROM series
WHERE organization_id = %(organization)s AND number = ANY(%(numbers)s::bigint[])
"""
# Rows that lost points since they were made; what is not there at all is looked for in files, and deleted first, too.
_KEPT_WHOLE: Final = {
    "series_blocks": """
SELECT id FROM series_blocks WHERE organization_id = %(organization)s AND hour = ANY(%(starts)s::timestamptz[])
  AND id = ANY(%(ids)s::uuid[]) AND NOT removed
""",
    "series_days": """
SELECT id FROM series_days WHERE organization_id = %(organization)s AND id = ANY(%(ids)s::uuid[]) AND NOT removed
""",
}
_SPAN: Final = """
SELECT min(day), max(day) FROM (
    SELECT day FROM series_days WHERE organization_id = %(organization)s AND measurement = %(measurement)s
    UNION ALL
    SELECT hour FROM series_blocks WHERE organization_id = %(organization)s AND measurement = %(measurement)s
    UNION ALL
    SELECT day FROM series_archives WHERE organization_id = %(organization)s AND measurement = %(measurement)s
) AS kept (day)
"""


class Copying:
    """Writes what a connection of the projector's reads."""

    def __init__(self, writer: InfluxWriter, data_dir: Path) -> None:
        self._writer = writer
        self._archive = Archive(data_dir)

    def changed(self, connection: psycopg.Connection[Any]) -> None:
        """Take over the rows in STRETCH; those that were named by hand are deleted first."""
        for table in TABLES:
            rows = connection.execute(_CHANGED, {"table": table}).fetchall()
            for start in range(0, len(rows), _AT_ONCE):
                some = rows[start : start + _AT_ONCE]
                for organization_id in sorted({row[0] for row in some}):
                    own = [(identifier, given) for owner, identifier, given in some if owner == organization_id]
                    self._take(connection, organization_id, table, own)

    def remove(self, differences: Iterable[Difference]) -> None:
        """Delete stretches that the record does not hold."""
        for each in differences:
            measurement, _, table = each.part.partition(":")
            if not measurement:
                self._writer.delete_organization(each.organization_id)
                continue
            width, policies = TABLES[table]
            number, place = read_id(each.row_id)
            stretch = (number, place * width, (place + 1) * width)
            self._writer.delete(each.organization_id, measurement, policies, [stretch])

    def everything(self, connection: psycopg.Connection[Any], observe: Callable[[int], None]) -> None:
        """Write all of it, a day after the other."""
        rows = 0
        for storage in storages(connection, self._archive):
            heads_of = _heads(storage, storage.series())
            for day in days_of(storage):
                hours, days = storage.hours(day, day + DAY), storage.days(day, day + DAY)
                self._put(heads_of, "raw", point_lines, storage.points(day, day + DAY))
                self._put(heads_of, "minutes", rollup_lines, storage.minutes(day, day + DAY))
                self._put_rollups(heads_of, "hours", hours, storage.bins(HOUR, day, day + DAY))
                self._put_rollups(heads_of, "days", days, storage.bins(DAY, day, day + DAY))
                rows += len(days)
                observe(rows)

    def _take(
        self, connection: psycopg.Connection[Any], organization_id: UUID, table: str, rows: list[tuple[UUID, bool]]
    ) -> None:
        width, policies = TABLES[table]
        ids = [identifier for identifier, _ in rows]
        numbers = sorted({read_id(identifier)[0] for identifier in ids})
        asked: dict[str, Any] = {"organization": organization_id, "numbers": numbers, "ids": ids}
        asked["starts"] = sorted({moment_at(read_id(identifier)[1] * width) for identifier in ids})
        by_measurement: dict[str, list[Series]] = {}
        for measurement, number, field, tags in connection.execute(_SERIES, asked).fetchall():
            found = Series(measurement, field, tuple(sorted(tags.items())), number)
            by_measurement.setdefault(measurement, []).append(found)
        whole = {identifier for (identifier,) in connection.execute(_KEPT_WHOLE[table], asked).fetchall()}
        first = _spans((identifier for identifier, given in rows if given or identifier not in whole), width)
        spans = _spans(ids, width)
        for measurement, series in sorted(by_measurement.items()):
            own = np.array([each.number for each in series], np.int64)
            storage = Storage(connection, organization_id, measurement, self._archive, derived=measurement in COUNTED)
            gone = first[np.isin(first["series"], own)]
            if len(gone):
                stretches = [(number, start, start + width) for number, start in gone.tolist()]
                self._writer.delete(organization_id, measurement, policies, stretches)
            self._write(storage, table, spans[np.isin(spans["series"], own)], series)

    def _write(self, storage: Storage, table: str, spans: Array, series: list[Series]) -> None:
        heads_of = _heads(storage, series)
        if table == "series_blocks":
            self._put(heads_of, "raw", point_lines, storage.blocks(spans))
            self._put(heads_of, "minutes", rollup_lines, storage.minute_blocks(spans))
        else:
            hours, hour_bins, days, day_bins = storage.day_rows(spans)
            self._put_rollups(heads_of, "hours", hours, hour_bins)
            self._put_rollups(heads_of, "days", days, day_bins)

    def _put(
        self,
        heads_of: dict[str, dict[int, str]],
        policy: str,
        made: Callable[[Array, dict[int, str]], bytes],
        rows: Array,
    ) -> None:
        self._writer.put(policy, made(rows, heads_of[policy]))

    def _put_rollups(self, heads_of: dict[str, dict[int, str]], policy: str, rows: Array, bins: Array) -> None:
        self._writer.put(policy, rollup_lines(rows, heads_of[policy], bins))


def storages(connection: psycopg.Connection[Any], archive: Archive) -> Iterator[Storage]:
    """Every measurement of every organization that has any series."""
    rows = connection.execute("SELECT DISTINCT organization_id, measurement FROM series ORDER BY 1, 2").fetchall()
    for organization_id, measurement in rows:
        if measurement in MEASUREMENTS:
            yield Storage(connection, organization_id, measurement, archive, derived=measurement in COUNTED)


def days_of(storage: Storage) -> range:
    """The days from the first to the last of which anything is kept."""
    asked = {"organization": storage.organization_id, "measurement": storage.measurement}
    row = storage.connection.execute(_SPAN, asked).fetchone()
    if row is None or row[0] is None:
        return range(0)
    first, last = (int(moment.timestamp()) * 1_000_000 // DAY * DAY for moment in row)
    return range(first, last + DAY, DAY)


def _heads(storage: Storage, series: Iterable[Series]) -> dict[str, dict[int, str]]:
    listed = list(series)
    return {policy: heads(storage.organization_id, listed, suffix) for policy, suffix in SUFFIXES.items()}


def _spans(ids: Iterable[UUID], width: int) -> Array:
    pairs = [read_id(identifier) for identifier in ids]
    return np.array([(number, place * width) for number, place in pairs], SPAN)
