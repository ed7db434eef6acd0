"""Cases: listed, opened, shown, changed, deleted; and what belongs to them."""

from typing import Annotated, Final, cast
from uuid import UUID

import sqlalchemy as sa
from fastapi import Query
from starlette.responses import Response

from clew.api.callers import Call, needs
from clew.api.models.investigations import (
    Attached,
    Attachment,
    InvestigationChangesModel,
    InvestigationModel,
    InvestigationQuery,
    NewInvestigation,
    OverviewModel,
)
from clew.api.models.listing import page_shown
from clew.api.paging import Page
from clew.api.repeating import IdempotencyKey, once
from clew.api.representations import CHECKED, created, encoded, require_match, shown, tagged, tagged_bytes
from clew.api.routing import PREFIX
from clew.api.routing import router as routes
from clew.domains.collections import service as collections
from clew.domains.investigations import service
from clew.kernel.cache.keys import INVESTIGATION
from clew.kernel.errors import InputError
from clew.records.acts import Act

router = routes("investigations")

_BEHIND_NAME: Final = b"\0"  # stands in no name and in no JSON

Reader = Annotated[Call, needs("investigation:read")]
Writer = Annotated[Call, needs("investigation:write")]


@router.get("/investigations", response_model=Page[InvestigationModel], summary="List cases")
def list_investigations(call: Reader, query: Annotated[InvestigationQuery, Query()]) -> Response:
    """The organization's cases page by page, the newest first unless asked otherwise."""
    wanted = query.wanted(service.InvestigationFilter)
    with call.reading() as connection:
        page = service.page_of_investigations(connection, call.principal.organization_id, wanted, query.page)
    call.tell_read(Act("investigations_listed", "READ", "investigation", request=query.asked()))
    return shown(page_shown(page, InvestigationModel))


@router.post("/investigations", status_code=201, response_model=InvestigationModel, summary="Open a case")
def create_investigation(call: Writer, new: NewInvestigation, key: IdempotencyKey = None) -> Response:
    """A new case, owned by the caller."""

    def make(connection: sa.Connection) -> Response:
        made = service.create_investigation(
            connection, call.principal.organization_id, owner_id=call.principal.user_id, **new.model_dump()
        )
        return created(InvestigationModel.model_validate(made), f"{PREFIX}/investigations/{made.id}")

    return once(call, key, make)


@router.get("/investigations/{investigation_id}", response_model=InvestigationModel, summary="Read a case")
def get_investigation(call: Reader, investigation_id: UUID) -> Response:
    """One case with its ETag."""

    def make() -> bytes:
        with call.reading() as connection:
            found = service.read_investigation(connection, call.principal.organization_id, investigation_id)
        return found.name.encode() + _BEHIND_NAME + encoded(InvestigationModel.model_validate(found))

    body = call.serving.memo.remembered(_key(call, investigation_id), INVESTIGATION.span, make)
    name, _, shown_body = body.partition(_BEHIND_NAME)
    call.tell_read(Act("investigation_read", "READ", "investigation", investigation_id, name.decode()))
    return tagged_bytes(call.request, shown_body)


@router.get(
    "/investigations/{investigation_id}/overview", response_model=OverviewModel, summary="Read a case at a glance"
)
def get_investigation_overview(call: Reader, investigation_id: UUID) -> Response:
    """What a case is about, which files belong to it, and what they told."""
    with call.reading() as connection:
        service.read_investigation(connection, call.principal.organization_id, investigation_id)
        found = service.investigation_overview(connection, call.principal.organization_id, investigation_id)
    name = found.investigation.name
    call.tell_read(Act("investigation_read", "READ", "investigation", investigation_id, name, request={"whole": True}))
    return tagged(call.request, OverviewModel.model_validate(found))


@router.patch(
    "/investigations/{investigation_id}",
    response_model=InvestigationModel,
    summary="Change a case",
    openapi_extra=CHECKED,
)
def change_investigation(call: Writer, investigation_id: UUID, changes: InvestigationChangesModel) -> Response:
    """Change what is given and nothing else. With If-Match only the state that the caller saw is changed."""
    wanted = cast("service.InvestigationChanges", changes.model_dump(exclude_unset=True))
    with call.transaction() as connection:
        found = service.change_investigation(
            connection, call.principal.organization_id, investigation_id, wanted, check=_check(call)
        )
    # What the database tells reaches the cache a moment later; whoever changed it looks at once.
    call.serving.memo.forget(_key(call, investigation_id))
    return tagged(call.request, InvestigationModel.model_validate(found))


@router.delete("/investigations/{investigation_id}", status_code=204, summary="Delete a case", openapi_extra=CHECKED)
def delete_investigation(call: Annotated[Call, needs("investigation:delete")], investigation_id: UUID) -> Response:
    """Delete a case with its targets. What was collected for it stays in the record."""
    with call.transaction() as connection:
        service.delete_investigation(connection, call.principal.organization_id, investigation_id, check=_check(call))
    call.serving.memo.forget(_key(call, investigation_id))
    return Response(status_code=204)


@router.post("/investigations/{investigation_id}/items", response_model=Attached, summary="Add items to a case")
def attach_items(call: Writer, investigation_id: UUID, wanted: Attachment, key: IdempotencyKey = None) -> Response:
    """Make files, single results, or all files of a collection part of a case; their rows come with them."""
    if not wanted.item_ids and wanted.collection_id is None:
        raise InputError("nothing was named", where="item_ids", remedy="give item_ids or a collection_id")
    organization = call.principal.organization_id

    def make(connection: sa.Connection) -> Response:
        service.read_investigation(connection, organization, investigation_id)
        items = [*wanted.item_ids]
        if wanted.collection_id is not None:
            items += collections.files_of_collection(connection, organization, wanted.collection_id)
        return shown(Attached(attached=service.attach_items(connection, organization, investigation_id, items)))

    return once(call, key, make)


def _key(call: Call, investigation_id: UUID) -> str:
    return INVESTIGATION.key(organization_id=call.principal.organization_id, id=investigation_id)


def _check(call: Call) -> service.Check:
    return lambda present: require_match(call.request, InvestigationModel.model_validate(present))
