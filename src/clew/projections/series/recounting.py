"""Counting again: what changed, everything, and for comparison with what is stored."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np
import psycopg

from clew.projections.feed import STRETCH
from clew.projections.projection import Comparison, Difference
from clew.projections.series.counting import COUNTED_FROM, LATEST, Counted, stretches
from clew.records.series.archive import Archive, Archived
from clew.records.series.model import DAY, EARLIEST, HOUR, MINUTE, block_id, read_id
from clew.records.series.rollups import Array, bins_of, merge, merge_bins, roll_up
from clew.records.series.storage import Storage, among, as_spans, hours_of

if TYPE_CHECKING:
    from clew.kernel.settings import Settings

# Of sessions that are gone it is not known when they were: all hours of that organization are looked at again.
_CHANGED: Final = f"""
SELECT s.organization_id, s.table_name, (c.batch->>'from_us')::bigint, (c.batch->>'to_us')::bigint
FROM {STRETCH} s JOIN changes c ON c.xid = s.xid AND c.sequence = s.sequence
WHERE s.table_name = 'events' AND c.operation = 'batch'
UNION ALL
SELECT s.organization_id, s.table_name,
       (extract(epoch FROM (c.batch->>'from')::timestamptz) * 1000000)::bigint,
       (extract(epoch FROM (c.batch->>'to')::timestamptz) * 1000000)::bigint
FROM {STRETCH} s JOIN changes c ON c.xid = s.xid AND c.sequence = s.sequence
WHERE s.table_name = 'events' AND c.operation = 'drop'
UNION ALL
SELECT s.organization_id, 'attack_sessions', (extract(epoch FROM a.timestamp) * 1000000)::bigint,
       (extract(epoch FROM a.ended_at) * 1000000)::bigint
FROM (SELECT DISTINCT organization_id, row_id FROM {STRETCH} WHERE table_name = 'attack_sessions' AND xid IS NOT NULL) s
LEFT JOIN attack_session_keys k ON k.organization_id = s.organization_id AND k.id = s.row_id
LEFT JOIN attack_sessions a
  ON a.organization_id = k.organization_id AND a.timestamp = k.timestamp AND a.id = k.id
"""  # noqa: S608  the table's name is our own
_GIVEN: Final = f"SELECT organization_id, table_name, row_id FROM {STRETCH} WHERE xid IS NULL"  # noqa: S608
_DELETE: Final = ("DELETE FROM series_blocks WHERE derived", "DELETE FROM series_days WHERE derived")
_FILES: Final = """
SELECT organization_id, measurement, (extract(epoch FROM day) * 1000000)::bigint, resolution, sha256::text, bytes, rows
FROM series_archives
"""
_DAYS: Final = """
SELECT min((extract(epoch FROM day) * 1000000)::bigint), max((extract(epoch FROM day) * 1000000)::bigint)
FROM series_days WHERE organization_id = %(organization)s AND measurement = %(measurement)s
"""


class Recount:
    """Writes counts through a connection of the projector's, from what another one reads."""

    def __init__(self, own: psycopg.Connection[Any], settings: "Settings") -> None:
        self._own = own
        self._archive = Archive(settings.data_dir)

    def changed(self, connection: psycopg.Connection[Any]) -> None:
        """Count the hours again that the changes in STRETCH touch."""
        spans: dict[tuple[UUID, str], list[tuple[int, int]]] = {}
        for organization_id, table, begin, end in connection.execute(_CHANGED).fetchall():
            span = (EARLIEST, LATEST) if begin is None else (begin, end)
            spans.setdefault((organization_id, table), []).append(span)
        for organization_id, table, row_id in connection.execute(_GIVEN).fetchall():
            day = read_id(row_id)[1] * DAY
            spans.setdefault((organization_id, table), []).append((day, day + DAY - 1))
        for (organization_id, table), listed in sorted(spans.items()):
            for counted in COUNTED_FROM:
                if counted.table == table:
                    for begin, end in _joined(listed):
                        self._count(connection, organization_id, counted, begin, end)

    def everything(self, connection: psycopg.Connection[Any], observe: Callable[[int], None]) -> None:
        """Replace all counts; `observe` is told of each stretch of time."""
        for statement in _DELETE:
            self._own.execute(statement)
        rows = 0
        for organization_id in _organizations(connection):
            for counted in COUNTED_FROM:
                span = counted.span_of(connection, organization_id)
                if span is not None:
                    before = rows
                    for done in self._counting(connection, organization_id, counted, *span):
                        rows = before + done
                        observe(rows)

    def remove(self, differences: Iterable[Difference]) -> None:
        """Remove the days that the record has nothing of."""
        for each in differences:
            storage = self._storage(each.organization_id, each.part)
            day = read_id(each.row_id)[1] * DAY
            storage.replace(_all_hours(storage, day, day + DAY), storage.points(0, 0), removed=True)

    def _count(
        self, connection: psycopg.Connection[Any], organization_id: UUID, counted: Counted, begin: int, end: int
    ) -> None:
        for _ in self._counting(connection, organization_id, counted, begin, end):
            pass

    def _counting(
        self, connection: psycopg.Connection[Any], organization_id: UUID, counted: Counted, begin: int, end: int
    ) -> Iterator[int]:
        """Count a span again; after each of its stretches, how many points there are so far."""
        storage = self._storage(organization_id, counted.measurement)
        rows = 0
        span = counted.span_of(connection, organization_id)
        for start, stop in stretches(*self._where_any(storage, span, begin, end)):
            series, points = counted.count(connection, organization_id, start, stop)
            storage.name(series)
            old = storage.points(start, stop)
            touched = np.unique(np.concatenate([hours_of(points), _all_hours(storage, start, stop)]))
            gone = not among(old["series"], old["time"], as_spans(points)).all()
            storage.replace(touched, points, removed=gone)
            rows += len(points)
            yield rows

    def _where_any(self, storage: Storage, span: tuple[int, int] | None, begin: int, end: int) -> tuple[int, int]:
        """The span by whole hours, without what neither the record nor the view has anything of."""
        stored = self._own.execute(
            _DAYS, {"organization": storage.organization_id, "measurement": storage.measurement}
        ).fetchone()
        spans = [] if span is None else [span]
        if stored is not None and stored[0] is not None:
            spans.append((stored[0], stored[1] + DAY))
        if not spans:
            return 0, 0
        first, last = min(first for first, _ in spans), max(last for _, last in spans)
        return max(begin, first) // HOUR * HOUR, -(-min(end, last) // HOUR) * HOUR

    def _storage(self, organization_id: UUID, measurement: str) -> Storage:
        return Storage(self._own, organization_id, measurement, self._archive, derived=True)


def compare(connection: psycopg.Connection[Any], own: psycopg.Connection[Any], settings: "Settings") -> Comparison:
    """What is counted now beside what is stored, by measurement and day. Raises ArchiveDamagedError."""
    archive = Archive(settings.data_dir)
    for row in connection.execute(_FILES).fetchall():
        archive.check(Archived(*row))
    cells = [0, 0]
    missing: list[Difference] = []
    extra: list[Difference] = []
    different: list[Difference] = []
    for organization_id in _organizations(connection):
        for counted in COUNTED_FROM:
            storage = Storage(own, organization_id, counted.measurement, archive, derived=True)
            for begin, end in stretches(*_range(connection, own, organization_id, counted)):
                _, points = counted.count(connection, organization_id, begin, end)
                record, view = _cells(_all_of(points)), _cells(_stored(storage, begin, end))
                cells[0] += len(record)
                cells[1] += len(view)
                for day in sorted({*record, *view}):
                    table = counted.table if day in record else None
                    found = Difference(organization_id, counted.measurement, block_id(0, day // DAY), table)
                    if day not in view:
                        missing.append(found)
                    elif day not in record:
                        extra.append(found)
                    elif record[day] != view[day]:
                        different.append(found)
    return Comparison(cells[0], cells[1], tuple(missing), tuple(extra), tuple(different))


def _range(
    connection: psycopg.Connection[Any], own: psycopg.Connection[Any], organization_id: UUID, counted: Counted
) -> tuple[int, int]:
    """Whole days, from the first to the last that either side has anything of."""
    asked = {"organization": organization_id, "measurement": counted.measurement}
    stored = own.execute(_DAYS, asked).fetchone()
    spans = [span for span in (counted.span_of(connection, organization_id),) if span is not None]
    if stored is not None and stored[0] is not None:
        spans.append((stored[0], stored[1] + DAY))
    if not spans:
        return 0, 0
    return min(span[0] for span in spans) // DAY * DAY, -(-max(span[1] for span in spans) // DAY) * DAY


def _all_of(points: Array) -> tuple[Array, ...]:
    hours, bins = roll_up(points, HOUR), bins_of(points, HOUR)
    whole, _ = merge(hours, hours["series"], hours["time"] // DAY * DAY)
    whole_bins = merge_bins(bins, bins["series"], bins["time"] // DAY * DAY)
    return points, roll_up(points, MINUTE), hours, bins, whole, whole_bins


def _stored(storage: Storage, begin: int, end: int) -> tuple[Array, ...]:
    span = (begin, end)
    return (
        storage.points(*span),
        storage.minutes(*span),
        storage.hours(*span),
        storage.bins(HOUR, *span),
        storage.days(*span),
        storage.bins(DAY, *span),
    )


def _cells(columns: Sequence[Array]) -> dict[int, tuple[bytes, ...]]:
    """What there is of each day, to be compared: the bytes of points, roll-ups and bins in order."""
    days = {int(day) for rows in columns for day in np.unique(rows["time"] // DAY * DAY)}
    found = {}
    for day in days:
        own = [rows[rows["time"] // DAY * DAY == day] for rows in columns]
        found[day] = tuple(np.sort(rows, order=_order(rows)).tobytes() for rows in own)
    return found


def _order(rows: Array) -> list[str]:
    names = rows.dtype.names or ()
    return [name for name in ("series", "time", "key") if name in names]


def _all_hours(storage: Storage, begin: int, end: int) -> Array:
    """The series and hours that anything is stored of."""
    return np.unique(np.concatenate([hours_of(storage.points(begin, end)), hours_of(storage.hours(begin, end))]))


def _joined(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans by whole hours, those that touch joined, in order."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted((begin // HOUR * HOUR, (end // HOUR + 1) * HOUR) for begin, end in spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    yield from joined


def _organizations(connection: psycopg.Connection[Any]) -> list[UUID]:
    return [identifier for (identifier,) in connection.execute("SELECT id FROM organizations ORDER BY id").fetchall()]
