"""The caller's organization."""

from typing import Annotated

from starlette.responses import Response

from clew.api.callers import Call, needs
from clew.api.models.governing import OrganizationChange
from clew.api.models.organization import OrganizationModel
from clew.api.representations import CHECKED, CONDITIONAL, require_match, tagged
from clew.api.routing import router as routes
from clew.domains.identity.service import own_organization, rename_organization

router = routes("organization")


@router.get(
    "/organization", response_model=OrganizationModel, responses=CONDITIONAL, summary="The caller's organization"
)
def get_organization(call: Annotated[Call, needs("organization:read")]) -> Response:
    """What the caller belongs to, with its ETag."""
    with call.reading() as connection:
        found = own_organization(connection, call.principal.organization_id)
    return tagged(call.request, OrganizationModel.of(found))


@router.patch(
    "/organization", response_model=OrganizationModel, summary="Change the caller's organization", openapi_extra=CHECKED
)
def update_organization(call: Annotated[Call, needs("organization:write")], body: OrganizationChange) -> Response:
    """Gives it another name. Its slug, which commands name it by, stays."""
    where = call.principal.organization_id
    with call.transaction() as connection:
        found = own_organization(connection, where)
        require_match(call.request, OrganizationModel.of(found))
        if "name" in body.model_fields_set:
            found = rename_organization(connection, where, body.name)
    return tagged(call.request, OrganizationModel.of(found))
