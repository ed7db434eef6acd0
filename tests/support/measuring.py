"""A record with series for tests, wherever they are read from."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import sqlalchemy as sa

from clew.kernel.database import Database
from clew.kernel.settings import Settings
from clew.projections.attempts import Outcome
from clew.projections.keeping import Verified, verify
from clew.projections.projection import Projection
from clew.projections.projector import Projector
from clew.projections.registry import projections
from clew.projections.series import service
from clew.projections.series.port import SeriesAnswer, SeriesQuery
from clew.records.series.cold import Aged
from clew.records.series.formats import PointReader
from clew.records.series.model import COUNTED, DAY, HOUR, microseconds, series_of
from clew.records.series.writing import PointBatch, Written
from tests.support.record import Tenant, new_organization

NOW = microseconds(datetime(2026, 3, 15, 12, tzinfo=UTC))
TODAY = NOW // DAY * DAY


@dataclass
class Desk:
    """An organization whose series are written, followed and asked for."""

    database: Database
    settings: Settings
    tenant: Tenant = field(init=False)

    def __post_init__(self) -> None:
        self.tenant = new_organization(self.database)

    @property
    def views(self) -> list[Projection]:
        return [each for each in projections(self.settings) if each.name.startswith("series")]

    def write(self, lines: Sequence[str], now: int = NOW) -> Written:
        """Write lines of line protocol, times in microseconds."""
        reader = PointReader("line")
        written = Written()
        with self.transaction() as connection:
            for batch in reader.batches(f"{line}000" for line in lines):
                some = service.write(connection, self.settings, self.tenant.id, batch, now)
                written = Written(written.values + some.values, some.series, (*written.refused, *some.refused))
        return Written(written.values, written.series, (*reader.refused, *written.refused))

    def write_values(self, host: str, times: Sequence[int], values: Sequence[float], now: int = NOW) -> Written:
        """Values of network_traffic of a host, field bytes."""
        series = series_of("network_traffic", "bytes", {"host": host})
        length = len(times)
        batch = PointBatch(
            (series,),
            np.zeros(length, np.int64),
            np.array(times, np.int64),
            np.array(values, np.float64),
            np.arange(1, length + 1),
        )
        with self.transaction() as connection:
            return service.write(connection, self.settings, self.tenant.id, batch, now)

    def delete(self, begin: int, end: int, measurement: str = "network_traffic", **where: str) -> int:
        asked = {tag: [value] for tag, value in where.items()}
        with self.transaction() as connection:
            return service.delete(connection, self.settings, self.tenant.id, measurement, asked, begin, end)

    def age(self, now: int = NOW) -> Aged:
        return service.let_age(self.transaction, self.settings, self.tenant.id, now)

    def follow(self) -> None:
        """Bring the views up."""
        assert [outcome.error for outcome in self.outcomes()] == [None] * len(self.views)

    def outcomes(self) -> list[Outcome]:
        with Projector(self.database, self.views) as projector:
            return projector.catch_up()

    def ask(self, query: SeriesQuery) -> SeriesAnswer:
        """The answer once the views that it is read from have followed: measured points are the record itself."""
        if len(self.views) > 1 or query.measurement in COUNTED:
            self.follow()
        with self.transaction() as connection:
            return service.ask(connection, self.settings, self.tenant.id, query)

    def column(self, aggregate: str = "count", every: int | None = HOUR, **rest: object) -> list[float | int | None]:
        """The only column of the only line of network_traffic."""
        begin, end = int(str(rest.pop("begin", TODAY))), int(str(rest.pop("end", TODAY + DAY)))
        query = SeriesQuery("network_traffic", begin, end, every, (aggregate,), **rest)  # type: ignore[arg-type]
        (line,) = self.ask(query).lines
        return line.columns[aggregate]

    def verified(self, *, repair: bool = False) -> list[Verified]:
        with Projector(self.database, self.views) as projector:
            return [verify(projector, each.name, repair=repair) for each in self.views]

    def assert_equal(self) -> None:
        for each in self.verified():
            assert each.as_dict()["examples"] == []
            assert each.equal

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        with self.database.transaction(self.tenant.context) as connection:
            yield connection
