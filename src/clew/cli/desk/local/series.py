"""Series in the record of this machine."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from clew.cli.options import Invocation
from clew.cli.session import Record, audited_record, opened_record
from clew.kernel.clock import system_clock
from clew.projections.series import service
from clew.projections.series.port import SeriesAnswer
from clew.projections.series.wording import Question
from clew.projections.series_influx_projection import NAME as COPY
from clew.projections.series_projection import NAME as COUNTS
from clew.projections.service import bring_up
from clew.records import acts
from clew.records.series.cold import Aged
from clew.records.series.formats import PointReader
from clew.records.series.model import COUNTED, microseconds


@dataclass(frozen=True, slots=True)
class LocalSeries:
    """See `ports.MeasuredSeries`."""

    call: Invocation

    def measurements(self) -> Sequence[service.Measured]:
        """The measurements that there are series of."""
        with audited_record(self.call) as record:
            bring_up(record.database, COUNTS)
            with record.transaction() as connection:
                acts.record(connection, acts.Act("series_listed", "READ", "series"))
                return service.overview(connection, record.organization_id)

    def series(self, measurement: str) -> Sequence[tuple[str, dict[str, str]]]:
        """Field and tags of every series of a measurement."""
        with audited_record(self.call) as record:
            _follow(record, measurement, copied=False)
            with record.transaction() as connection:
                acts.record(connection, acts.Act("series_listed", "READ", "series", measurement))
                found = service.listed(connection, record.settings, record.organization_id, measurement)
        return [(each.field, dict(each.tags)) for each in found]

    def ask(self, measurement: str, question: Question) -> SeriesAnswer:
        """The answer."""
        query = question.query(measurement, microseconds(system_clock()))
        with audited_record(self.call) as record:
            _follow(record, measurement)
            with record.transaction() as connection:
                asked = {"from_us": query.begin, "to_us": query.end, "where": dict(query.where)}
                acts.record(connection, acts.Act("series_read", "READ", "series", measurement, request=asked))
                return service.ask(connection, record.settings, record.organization_id, query)

    def write(self, reader: PointReader, lines: Iterable[str]) -> int:
        """Write the points of lines, a transaction for each half million values."""
        values = 0
        with audited_record(self.call) as record:
            for batch in reader.batches(lines):
                with record.transaction() as connection:
                    now = microseconds(system_clock())
                    written = service.write(connection, record.settings, record.organization_id, batch, now)
                    act = acts.Act("series_written", "CREATE", "series", response={"values": written.values})
                    acts.record(connection, act)
                values += written.values
                reader.refused += written.refused
        return values

    def delete(self, measurement: str, question: Question) -> int:
        """Delete points of a span."""
        query = question.query(measurement, microseconds(system_clock()))
        with audited_record(self.call) as record, record.transaction() as connection:
            own, where = record.organization_id, dict(query.where)
            return service.delete(connection, record.settings, own, measurement, where, query.begin, query.end)

    def age(self) -> Aged:
        """Put old days into files, and give up what is too old."""
        with opened_record(self.call) as record:
            now = microseconds(system_clock())
            return service.let_age(record.transaction, record.settings, record.organization_id, now)


def _follow(record: Record, measurement: str, *, copied: bool = True) -> None:
    """Bring up what the answer is read from."""
    if measurement in COUNTED:
        bring_up(record.database, COUNTS)
    if copied and record.settings.influxdb_url is not None:
        bring_up(record.database, COPY)
