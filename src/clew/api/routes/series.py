"""Measured values over time: asked for, written, deleted."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
from fastapi import Path, Query
from starlette.responses import Response

from clew.api.callers import Call, needs
from clew.api.models.series import (
    AnswerModel,
    DeletedModel,
    LineModel,
    MeasurementModel,
    MeasurementsModel,
    PointsWanted,
    RefusedPointModel,
    SeriesListModel,
    SeriesModel,
    SeriesQuestion,
    SeriesSpan,
    WrittenModel,
)
from clew.api.problems import MISSING
from clew.api.repeating import IdempotencyKey, once
from clew.api.representations import shown
from clew.api.routing import router as routes
from clew.kernel.errors import NotFoundError
from clew.kernel.lazily import lazily
from clew.records.acts import Act
from clew.records.series.model import MEASUREMENTS, microseconds, moment_at

if TYPE_CHECKING:
    from clew.projections.series import service, wording
    from clew.projections.series.port import SeriesAnswer
    from clew.records.series import formats
else:
    service = lazily("clew.projections.series.service")
    wording = lazily("clew.projections.series.wording")
    formats = lazily("clew.records.series.formats")

router = routes("series")

Reader = Annotated[Call, needs("series:read")]
Writer = Annotated[Call, needs("series:write")]
Measurement = Annotated[str, Path(max_length=63, examples=["system_metrics"])]
_MOST_BYTES = 16 * 1024 * 1024
_MOST_TOLD = 1000


@router.get("/series", response_model=MeasurementsModel, summary="List measurements")
def list_measurements(call: Reader) -> Response:
    """The measurements that there are series of."""
    with call.reading() as connection:
        found = service.overview(connection, call.principal.organization_id)
    call.tell_read(Act("series_listed", "READ", "series"))
    return shown(MeasurementsModel(items=[MeasurementModel(**asdict(each)) for each in found]))


@router.get(
    "/series/{measurement}",
    response_model=SeriesListModel,
    summary="List the series of a measurement",
    responses=MISSING,
)
def list_series(call: Reader, measurement: Measurement) -> Response:
    """Every field under every set of tags that a measurement has."""
    _require(measurement)
    with call.reading() as connection:
        found = service.listed(connection, call.serving.settings, call.principal.organization_id, measurement)
    call.tell_read(Act("series_listed", "READ", "series", measurement))
    items = [SeriesModel(field=each.field, tags=dict(each.tags)) for each in found]
    return shown(SeriesListModel(measurement=measurement, items=items))


@router.get(
    "/series/{measurement}/values", response_model=AnswerModel, summary="Ask for values over time", responses=MISSING
)
def ask_series(call: Reader, measurement: Measurement, question: Annotated[SeriesQuestion, Query()]) -> Response:
    """Points, or aggregates by stretches of time, over all tiers. Percentiles of whole hours are within 1 %."""
    _require(measurement)
    query = question.query(measurement, microseconds(call.serving.clock()))
    with call.reading() as connection:
        answer = service.ask(connection, call.serving.settings, call.principal.organization_id, query)
    asked = question.model_dump(mode="json", exclude_defaults=True)
    call.tell_read(Act("series_read", "READ", "series", measurement, request=asked))
    return shown(_answer(answer))


@router.post("/series/points", response_model=WrittenModel, summary="Write points", max_body_size=_MOST_BYTES)
def write_points(call: Writer, wanted: PointsWanted, key: IdempotencyKey = None) -> Response:
    """Write points of measured values. One for the same series and time replaces what was there; bad ones are told."""

    def make(connection: sa.Connection) -> Response:
        reader = formats.PointReader("jsonl")
        values = 0
        for batch in reader.batches(wanted.lines()):
            now = microseconds(call.serving.clock())
            written = service.write(connection, call.serving.settings, call.principal.organization_id, batch, now)
            values += written.values
            reader.refused += written.refused
        call.note(connection, Act("series_written", "CREATE", "series", response={"values": values}))
        listed = sorted(reader.refused, key=lambda each: each.line)[:_MOST_TOLD]
        refused = [RefusedPointModel(line=each.line, reason=each.reason) for each in listed]
        return shown(WrittenModel(values=values, refused=refused))

    return once(call, key, make)


@router.delete("/series/{measurement}/values", response_model=DeletedModel, summary="Delete values", responses=MISSING)
def delete_series(call: Writer, measurement: Measurement, span: Annotated[SeriesSpan, Query()]) -> Response:
    """Delete the points of a span, and what was rolled up from them, from all tiers."""
    _require(measurement)
    query = wording.query_of(
        measurement, microseconds(call.serving.clock()), since=span.since, until=span.until, where=span.where
    )
    with call.transaction() as connection:
        hours = service.delete(
            connection,
            call.serving.settings,
            call.principal.organization_id,
            measurement,
            dict(query.where),
            query.begin,
            query.end,
        )
    return shown(DeletedModel(hours=hours))


def _require(measurement: str) -> None:
    if measurement not in MEASUREMENTS:
        raise NotFoundError(f"there is no measurement {measurement!r}", remedy=f"there are: {', '.join(MEASUREMENTS)}")


def _answer(answer: "SeriesAnswer") -> AnswerModel:
    return AnswerModel(
        measurement=answer.measurement,
        begin=moment_at(answer.begin),
        end=moment_at(answer.end),
        resolution=answer.resolution,
        truncated=answer.truncated,
        lines=[
            LineModel(field=line.field, tags=line.tags, times=list(map(moment_at, line.times)), values=line.columns)
            for line in answer.lines
        ],
    )
