"""The copy in InfluxDB beside the record: every block and day, as the engine gives it back."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
import psycopg

from clew.projections.projection import Comparison, Difference
from clew.projections.series.influx.copying import TABLES, days_of, storages
from clew.projections.series.influx.view import InfluxSource, InfluxView, InfluxWriter
from clew.projections.series.port import SeriesSource
from clew.records.series.archive import Archive
from clew.records.series.model import DAY, HOUR, MEASUREMENTS, block_id
from clew.records.series.rollups import Array
from clew.records.series.storage import Storage

if TYPE_CHECKING:
    from clew.kernel.settings import Settings

_AT_ONCE = 7 * DAY


def compare(connection: psycopg.Connection[Any], view: InfluxView, settings: "Settings") -> Comparison:
    """Record and copy at the moment of that connection's transaction."""
    state = view.state()
    found = _Found()
    if state is None:
        return found.comparison()
    database = view.database(state.generation)
    known: dict[tuple[UUID, str], Storage] = {
        (storage.organization_id, storage.measurement): storage
        for storage in storages(connection, Archive(settings.data_dir))
    }
    kept = InfluxWriter(view, state.generation).organizations()
    for organization_id in sorted({*kept, *(identifier for identifier, _ in known)}):
        for measurement in MEASUREMENTS:
            source = InfluxSource(view.connection, database, organization_id, measurement)
            found.add(organization_id, measurement, known.get((organization_id, measurement)), source)
    return found.comparison()


class _Found:
    """Collects a comparison."""

    def __init__(self) -> None:
        self._rows = [0, 0]
        self._missing: list[Difference] = []
        self._extra: list[Difference] = []
        self._different: list[Difference] = []

    def add(self, organization_id: UUID, measurement: str, storage: Storage | None, source: InfluxSource) -> None:
        for begin in _weeks(storage, source):
            for table in TABLES:
                record = _rows(storage, table, begin) if storage is not None else {}
                view = _rows(source, table, begin)
                self._rows[0] += len(record)
                self._rows[1] += len(view)
                width, _ = TABLES[table]
                for number, start in sorted({*record, *view}):
                    own = (number, start)
                    held = table if own in record else None
                    place = block_id(number, start // width)
                    difference = Difference(organization_id, f"{measurement}:{table}", place, held)
                    if own not in view:
                        self._missing.append(difference)
                    elif own not in record:
                        self._extra.append(difference)
                    elif record[own] != view[own]:
                        self._different.append(difference)

    def comparison(self) -> Comparison:
        return Comparison(
            self._rows[0], self._rows[1], tuple(self._missing), tuple(self._extra), tuple(self._different)
        )


def _weeks(storage: Storage | None, source: InfluxSource) -> Iterable[int]:
    """Where stretches that are compared at once begin."""
    days = range(0) if storage is None else days_of(storage)
    spans = [(days[0], days[-1] + DAY)] if len(days) else []
    held = source.span()
    if held is not None:
        spans.append(held)
    if not spans:
        return ()
    first, last = min(begin for begin, _ in spans), max(end for _, end in spans)
    return range(first // _AT_ONCE * _AT_ONCE, last, _AT_ONCE)


def _rows(source: SeriesSource, table: str, begin: int) -> dict[tuple[int, int], list[bytes]]:
    """What there is of every block or day."""
    end = begin + _AT_ONCE
    if table == "series_blocks":
        columns = [source.points(begin, end), source.minutes(begin, end)]
    else:
        columns = [
            source.hours(begin, end),
            source.bins(HOUR, begin, end),
            source.days(begin, end),
            source.bins(DAY, begin, end),
        ]
    width, _ = TABLES[table]
    found: dict[tuple[int, int], list[bytes]] = {}
    for place, rows in enumerate(columns):
        for own, part in _parts(rows, width):
            found.setdefault(own, [b""] * len(columns))[place] = part
    return found


def _parts(rows: Array, width: int) -> Iterable[tuple[tuple[int, int], bytes]]:
    names = [name for name in ("series", "time", "key") if name in (rows.dtype.names or ())]
    rows = np.sort(rows, order=names)
    start = rows["time"] // width * width
    changes = np.flatnonzero((rows["series"][1:] != rows["series"][:-1]) | (start[1:] != start[:-1])) + 1
    for part in np.split(rows, changes):
        if len(part):
            yield (int(part["series"][0]), int(part["time"][0]) // width * width), part.tobytes()
