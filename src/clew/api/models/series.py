"""Series as the API takes and shows them."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from pydantic import BaseModel, Field

from clew.api.models.base import Body
from clew.api.models.listing import Given
from clew.kernel.lazily import lazily

if TYPE_CHECKING:
    from clew.projections.series import wording
    from clew.projections.series.port import SeriesQuery
else:
    wording = lazily("clew.projections.series.wording")

Name = Annotated[str, Field(max_length=63)]


class SeriesSpan(Given):
    """A span of time and conditions on tags."""

    since: str | None = Field(
        None, alias="from", max_length=60, description="ISO 8601, or as long ago as -24h says.", examples=["-7d"]
    )
    until: str | None = Field(None, alias="to", max_length=60, description="Before this time; else now.")
    where: list[Annotated[str, Field(max_length=400)]] = Field(
        default=[], max_length=100, description="TAG=VALUE; several of one tag are alternatives."
    )


class SeriesQuestion(SeriesSpan):
    """What is asked of a measurement; without a span, of the last day."""

    every: str | None = Field(None, max_length=20, description="Length of a stretch: 30s, 5m, 1h, 1d.", examples=["1h"])
    aggregate: list[Annotated[str, Field(max_length=200)]] = Field(
        default=[],
        max_length=20,
        description="count, sum, mean, min, max, first, last, stddev, pN; mean if only `every` is given.",
    )
    field: list[Name] = Field(default=[], max_length=50, description="Only of these fields.")
    by: list[Name] = Field(default=[], max_length=16, description="A line for each value of these tags.")
    fill: str = Field("none", max_length=20, description="What gaps become: none, null, zero, previous, linear.")
    limit: int = Field(10_000, ge=1, le=100_000, description="Points, where points are asked for.")

    def query(self, measurement: str, now: int) -> "SeriesQuery":
        """As the port takes it. Raises SeriesError."""
        return wording.query_of(
            measurement,
            now,
            since=self.since,
            until=self.until,
            every=self.every,
            aggregates=self.aggregate,
            fields=self.field,
            by=self.by,
            where=self.where,
            fill=self.fill,
            limit=self.limit,
        )


class MeasurementModel(BaseModel):
    """A measurement that there are series of; `first` and `last` are the days that anything is kept of."""

    measurement: str
    series: int
    first: datetime | None
    last: datetime | None


class MeasurementsModel(BaseModel):
    """All of them."""

    items: list[MeasurementModel]


class SeriesModel(BaseModel):
    """One field under one set of tags."""

    field: str
    tags: dict[str, str]


class SeriesListModel(BaseModel):
    """The series of a measurement."""

    measurement: str
    items: list[SeriesModel]


class LineModel(BaseModel):
    """What is answered for one field and one set of tags: each column of `values` is as long as `times`."""

    field: str
    tags: dict[str, str]
    times: list[datetime]
    values: dict[str, list[float | None]]


class AnswerModel(BaseModel):
    """The answer: its span, widened to whole stretches, and which resolution it was worked out from."""

    measurement: str
    begin: datetime
    end: datetime
    resolution: str
    truncated: bool
    lines: list[LineModel]


class PointsWanted(Body):
    """Points to write."""

    points: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=50_000,
        description="Each with measurement, time, tags and fields.",
        examples=[[{"measurement": "asset_metrics", "time": "2026-03-01T12:00:00Z", "fields": {"value": 1.5}}]],
    )

    def lines(self) -> Iterator[str]:
        """As JSON lines."""
        return map(_line, self.points)


def _line(point: dict[str, Any]) -> str:
    try:
        return orjson.dumps(point).decode()
    except TypeError:  # a number beyond 64 bits, or half of a surrogate pair: whoever reads the line refuses it
        return json.dumps(point)


class RefusedPointModel(BaseModel):
    """A point that was not taken: its place in the list, from 1, and why."""

    line: int
    reason: str


class WrittenModel(BaseModel):
    """How many values were written, and which points were not."""

    values: int
    refused: list[RefusedPointModel]


class DeletedModel(BaseModel):
    """How many hours of series had points deleted."""

    hours: int
