"""The caller's organization."""

from typing import Annotated

from starlette.responses import Response

from clew.api.callers import Call, needs
from clew.api.models.organization import OrganizationModel
from clew.api.representations import CONDITIONAL, tagged
from clew.api.routing import router as routes
from clew.domains.identity.service import own_organization

router = routes("organization")


@router.get(
    "/organization", response_model=OrganizationModel, responses=CONDITIONAL, summary="The caller's organization"
)
def get_organization(call: Annotated[Call, needs("organization:read")]) -> Response:
    """What the caller belongs to, with its ETag."""
    with call.transaction() as connection:
        found = own_organization(connection, call.principal.organization_id)
    return tagged(call.request, OrganizationModel.of(found))
