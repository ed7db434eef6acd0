"""The views: how they fare, whether they agree with the record, and making them anew."""

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from clew.api.callers import Call, needs
from clew.api.models.jobs import JobModel
from clew.api.models.operations import ProjectionModel, ProjectionsModel, VerifyWanted
from clew.api.representations import shown
from clew.api.routing import PREFIX
from clew.api.routing import router as routes
from clew.domains.jobs.service import NewJob, enqueue_unless_waiting
from clew.projections.of_an_organization import ask_for_rebuild, own_status, require_projection
from clew.records.acts import Act

router = routes("projections")

Reader = Annotated[Call, needs("projection:read")]
Writer = Annotated[Call, needs("projection:write")]
Name = Annotated[str, Path(max_length=60, examples=["search"])]


@router.get("/projections", response_model=ProjectionsModel, summary="See how the views fare")
def list_projections(call: Reader) -> Response:
    """How far every view follows the record."""
    found = own_status(call.serving.database, call.principal.organization_id)
    return shown(ProjectionsModel(items=[ProjectionModel.model_validate(each) for each in found]))


@router.post(
    "/projections/{name}/verify", status_code=202, response_model=JobModel, summary="Compare a view with the record"
)
def verify_projection(call: Writer, name: Name, wanted: VerifyWanted) -> Response:
    """Have a job compare every document of a view, as its engine gives it back, with the record; with `repair` mend it.

    The job's `result` is what of the organization's differed before any repair (missing, extra, different, each with
    `examples`), how many rows are set_aside, and whether both are `equal` now. Who asks again while that waits gets
    the same job.
    """
    require_projection(call.serving.database, name)
    parameters = {"projection": name, "repair": wanted.repair}
    with call.transaction() as connection:
        act = Act("projection_verified", "EXECUTE", "projection", name, name, request={"repair": wanted.repair})
        call.note(connection, act)
        new = NewJob("projection_verify", parameters, queue="projections")
        job = enqueue_unless_waiting(connection, call.principal.organization_id, new)
    return shown(JobModel.of(job), 202, headers={"Location": f"{PREFIX}/jobs/{job.id}"})


@router.post(
    "/projections/{name}/rebuild", status_code=202, response_model=ProjectionsModel, summary="Make a view anew"
)
def rebuild_projection(call: Writer, name: Name) -> Response:
    """Ask whoever keeps the views to make one anew; the old one is read until then. The list says when it is ready."""
    database = call.serving.database
    require_projection(database, name)
    with call.transaction() as connection:
        call.note(connection, Act("projection_rebuild_asked_for", "EXECUTE", "projection", name, name))
    ask_for_rebuild(database, name, f"asked for by {call.principal.username}")
    found = own_status(database, call.principal.organization_id)
    return shown(ProjectionsModel(items=[ProjectionModel.model_validate(each) for each in found]), 202)
