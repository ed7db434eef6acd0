"""The views: how they fare, whether they agree with the record, and making them anew."""

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from clew.api.callers import Call, needs
from clew.api.models.operations import ProjectionModel, ProjectionsModel, VerifiedModel, VerifyWanted
from clew.api.representations import shown
from clew.api.routing import router as routes
from clew.projections.of_an_organization import ask_for_rebuild, own_status, own_verify, require_projection
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


@router.post("/projections/{name}/verify", response_model=VerifiedModel, summary="Compare a view with the record")
def verify_projection(call: Writer, name: Name, wanted: VerifyWanted) -> Response:
    """Compare every document of a view, as its engine gives it back, with the record; with `repair` mend it.

    It answers when it is done, and is refused while another process keeps the views (code projector_busy).
    """
    database = call.serving.database
    require_projection(database, name)
    with call.serving.slots.taken("projection"):
        _tell(call, "projection_verified", name, repair=wanted.repair)
        found = own_verify(database, call.principal.organization_id, name, repair=wanted.repair)
    return shown(VerifiedModel.model_validate(found))


@router.post(
    "/projections/{name}/rebuild", status_code=202, response_model=ProjectionsModel, summary="Make a view anew"
)
def rebuild_projection(call: Writer, name: Name) -> Response:
    """Ask whoever keeps the views to make one anew; the old one is read until then. The list says when it is ready."""
    database = call.serving.database
    require_projection(database, name)
    _tell(call, "projection_rebuild_asked_for", name)
    ask_for_rebuild(database, name, f"asked for by {call.principal.username}")
    found = own_status(database, call.principal.organization_id)
    return shown(ProjectionsModel(items=[ProjectionModel.model_validate(each) for each in found]), 202)


def _tell(call: Call, event: str, name: str, **request: object) -> None:
    with call.transaction() as connection:
        call.note(connection, Act(event, "EXECUTE", "projection", name, name, request=request))
