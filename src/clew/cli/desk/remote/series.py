"""Series in the record of a server."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from clew.cli.desk.remote.connection import connected
from clew.cli.options import Invocation
from clew.cli.refusal import require_local
from clew.client import models
from clew.projections.series.port import Line, SeriesAnswer
from clew.projections.series.service import Measured
from clew.projections.series.wording import Question
from clew.records.series.formats import PointReader
from clew.records.series.model import microseconds, moment_at
from clew.records.series.writing import PointBatch, Refused

if TYPE_CHECKING:
    from clew.records.series.cold import Aged

_AT_ONCE: Final = 20_000


@dataclass(frozen=True, slots=True)
class RemoteSeries:
    """See `view_ports.MeasuredSeries`."""

    call: Invocation

    def measurements(self) -> Sequence[Measured]:
        """The measurements that there are series of."""
        with connected(self.call) as client:
            found = client.list_measurements()
        return [Measured(each.measurement, each.series, each.first, each.last) for each in found.items]

    def series(self, measurement: str) -> Sequence[tuple[str, dict[str, str]]]:
        """Field and tags of every series of a measurement."""
        with connected(self.call) as client:
            found = client.list_series(measurement)
        return [(each.field, each.tags) for each in found.items]

    def ask(self, measurement: str, question: Question) -> SeriesAnswer:
        """The answer."""
        with connected(self.call) as client:
            found = client.ask_series(
                measurement,
                from_=question.since,
                to=question.until,
                every=question.every,
                aggregate=list(question.aggregates),
                field=list(question.fields),
                by=list(question.by),
                where=list(question.where),
                fill=question.fill,
                limit=question.limit,
            )
        return SeriesAnswer(
            found.measurement,
            microseconds(found.begin),
            microseconds(found.end),
            found.resolution,
            list(map(_line, found.lines)),
            found.truncated,
        )

    def write(self, reader: PointReader, lines: Iterable[str]) -> int:
        """Write the points of lines, some thousands in a request."""
        values = 0
        with connected(self.call) as client:
            client.list_measurements()  # whether it is there, and the key is right, before much is read
            for batch in reader.batches(lines, _AT_ONCE):
                points = list(_points(batch))
                written = client.write_points(models.PointsWanted(points=points))
                values += written.values
                reader.refused += [Refused(int(batch.line[each.line - 1]), each.reason) for each in written.refused]
        return values

    def delete(self, measurement: str, question: Question) -> int:
        """Delete points of a span."""
        with connected(self.call) as client:
            deleted = client.delete_series(
                measurement, from_=question.since, to=question.until, where=list(question.where)
            )
        return deleted.hours

    def age(self) -> "Aged":
        """A server does that by itself. Raises NotRemoteError."""
        require_local(self.call)
        raise AssertionError("a call with an address is refused")


def _line(found: models.Line) -> Line:
    return Line(found.field, found.tags, list(map(microseconds, found.times)), dict(found.values))


def _points(batch: PointBatch) -> Iterable[dict[str, Any]]:
    columns = (batch.place.tolist(), batch.time.tolist(), batch.value.tolist())
    for place, time, value in islice(zip(*columns, strict=True), None):
        series = batch.series[place]
        yield {
            "measurement": series.measurement,
            "time": moment_at(time).isoformat(),
            "tags": dict(series.tags),
            "fields": {series.field: value},
        }
