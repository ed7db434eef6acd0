"""Targets: what a case is about."""

from typing import Annotated, cast
from uuid import UUID

import sqlalchemy as sa
from fastapi import Query
from starlette.responses import Response

from clew.api.callers import Call, needs
from clew.api.models.investigations import NewTarget, TargetChangesModel, TargetModel
from clew.api.models.listing import ListQuery, page_shown
from clew.api.paging import Page
from clew.api.repeating import IdempotencyKey, once
from clew.api.representations import CHECKED, created, require_match, shown, tagged
from clew.api.routing import PREFIX
from clew.api.routing import router as routes
from clew.domains.investigations import targets
from clew.domains.investigations.service import read_investigation
from clew.records.acts import Act

router = routes("targets")

Reader = Annotated[Call, needs("investigation:read")]
Writer = Annotated[Call, needs("investigation:write")]


@router.get(
    "/investigations/{investigation_id}/targets", response_model=Page[TargetModel], summary="List a case's targets"
)
def list_targets(call: Reader, investigation_id: UUID, query: Annotated[ListQuery, Query()]) -> Response:
    """What a case is about, in the order in which it was added, with what the record knows of it now."""
    organization = call.principal.organization_id
    with call.reading() as connection:
        read_investigation(connection, organization, investigation_id)
        page = targets.page_of_targets(connection, organization, investigation_id, query.page)
    call.tell_read(Act("targets_listed", "READ", "investigation", investigation_id))
    return shown(page_shown(page, TargetModel))


@router.post(
    "/investigations/{investigation_id}/targets",
    status_code=201,
    response_model=TargetModel,
    responses={200: {"model": TargetModel, "description": "It was a target of the case already"}},
    summary="Add a target",
)
def add_target(call: Writer, investigation_id: UUID, new: NewTarget, key: IdempotencyKey = None) -> Response:
    """Make a value a target of a case, whether the record knows it yet or not. One that was there is given back."""
    organization = call.principal.organization_id

    def make(connection: sa.Connection) -> Response:
        read_investigation(connection, organization, investigation_id)
        made = targets.add_target(
            connection, organization, investigation_id, new.value, new.target_type, notes=new.notes
        )
        if not made.added:
            return tagged(call.request, TargetModel.model_validate(made))
        place = f"{PREFIX}/investigations/{investigation_id}/targets/{made.id}"
        return created(TargetModel.model_validate(made), place)

    return once(call, key, make)


@router.get(
    "/investigations/{investigation_id}/targets/{target_id}", response_model=TargetModel, summary="Read a target"
)
def get_target(call: Reader, investigation_id: UUID, target_id: UUID) -> Response:
    """One target with its ETag."""
    with call.reading() as connection:
        found = targets.read_target(connection, call.principal.organization_id, investigation_id, target_id)
    call.tell_read(Act("target_read", "READ", "target", found.id, found.value))
    return tagged(call.request, TargetModel.model_validate(found))


@router.patch(
    "/investigations/{investigation_id}/targets/{target_id}",
    response_model=TargetModel,
    summary="Change a target",
    openapi_extra=CHECKED,
)
def change_target(call: Writer, investigation_id: UUID, target_id: UUID, changes: TargetChangesModel) -> Response:
    """Change what is noted about a target. With If-Match only the state that the caller saw is changed."""
    wanted = cast("targets.TargetChanges", changes.model_dump(exclude_unset=True))
    with call.transaction() as connection:
        found = targets.change_target(
            connection, call.principal.organization_id, investigation_id, target_id, wanted, check=_check(call)
        )
    return tagged(call.request, TargetModel.model_validate(found))


@router.delete(
    "/investigations/{investigation_id}/targets/{target_id}",
    status_code=204,
    summary="Remove a target",
    openapi_extra=CHECKED,
)
def remove_target(call: Writer, investigation_id: UUID, target_id: UUID) -> Response:
    """Take a target out of its case."""
    with call.transaction() as connection:
        targets.remove_target(
            connection, call.principal.organization_id, investigation_id, target_id, check=_check(call)
        )
    return Response(status_code=204)


def _check(call: Call) -> targets.Check:
    return lambda present: require_match(call.request, TargetModel.model_validate(present))
