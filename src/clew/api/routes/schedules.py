"""Schedules: jobs that come again by themselves."""

from typing import Annotated, cast
from uuid import UUID

import sqlalchemy as sa
from starlette.responses import Response

from clew.api.callers import Call, needs, needs_one_of
from clew.api.models.schedules import NewSchedule, ScheduleChangesModel, ScheduleModel
from clew.api.paging import Page
from clew.api.problems import MISSING
from clew.api.repeating import IdempotencyKey, once
from clew.api.representations import CHECKED, CONDITIONAL, created, require_match, shown, tagged
from clew.api.routing import PREFIX
from clew.api.routing import router as routes
from clew.domains.identity.principal import authorise
from clew.domains.jobs import schedules
from clew.domains.jobs.schedulable import SCHEDULABLE, schedulable
from clew.kernel.stored_text import storable_json
from clew.projections.of_an_organization import require_projection

router = routes("jobs")

Reader = Annotated[Call, needs("job:read")]
Writer = Annotated[Call, needs("job:write")]


@router.get("/schedules", response_model=Page[ScheduleModel], summary="List schedules")
def list_schedules(call: Reader) -> Response:
    """What is done again and again, by name. All on one page: there are as many as people wrote."""
    with call.reading() as connection:
        found = schedules.list_schedules(connection, call.principal.organization_id)
    return shown(Page[ScheduleModel](items=[ScheduleModel.model_validate(each) for each in found], next_cursor=None))


@router.post(
    "/schedules",
    status_code=201,
    response_model=ScheduleModel,
    responses=MISSING,
    summary="Have a job done again and again",
)
def create_schedule(
    call: Annotated[Call, needs_one_of(each.permission for each in SCHEDULABLE.values())],
    new: NewSchedule,
    key: IdempotencyKey = None,
) -> Response:
    """The first time at once; never beside the job of the last time. It takes what doing it once takes."""
    known = schedulable(new.kind)
    authorise(call.principal, known.permission)
    if new.kind == "projection_verify":
        require_projection(call.serving.database, new.parameters.projection)
    told = known.parameters | storable_json(new.parameters.model_dump(mode="json", exclude_unset=True))
    wanted = schedules.NewSchedule(new.name, new.kind, new.every_seconds, told, known.queue, new.priority)

    def make(connection: sa.Connection) -> Response:
        made = schedules.add_schedule(connection, call.principal.organization_id, wanted)
        return created(ScheduleModel.model_validate(made), f"{PREFIX}/schedules/{made.id}")

    return once(call, key, make)


@router.get("/schedules/{schedule_id}", response_model=ScheduleModel, responses=CONDITIONAL, summary="Read a schedule")
def get_schedule(call: Reader, schedule_id: UUID) -> Response:
    """One schedule with its ETag."""
    with call.reading() as connection:
        found = schedules.read_schedule(connection, call.principal.organization_id, schedule_id)
    return tagged(call.request, ScheduleModel.model_validate(found))


@router.patch(
    "/schedules/{schedule_id}", response_model=ScheduleModel, summary="Change a schedule", openapi_extra=CHECKED
)
def change_schedule(call: Writer, schedule_id: UUID, changes: ScheduleChangesModel) -> Response:
    """Let it come more or less often, rest, or go on: then it is due at once if its time has passed."""
    wanted = cast("schedules.ScheduleChanges", changes.model_dump(exclude_unset=True))
    with call.transaction() as connection:
        found = schedules.change_schedule(
            connection, call.principal.organization_id, schedule_id, wanted, check=_check(call)
        )
    return tagged(call.request, ScheduleModel.model_validate(found))


@router.delete("/schedules/{schedule_id}", status_code=204, summary="Remove a schedule", openapi_extra=CHECKED)
def remove_schedule(call: Writer, schedule_id: UUID) -> Response:
    """Have it done no more. Jobs that are enqueued stay."""
    with call.transaction() as connection:
        schedules.remove_schedule(connection, call.principal.organization_id, schedule_id, check=_check(call))
    return Response(status_code=204)


def _check(call: Call) -> schedules.Check:
    return lambda present: require_match(call.request, ScheduleModel.model_validate(present))
