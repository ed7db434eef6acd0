"""Roles: the built-in ones, and custom ones of the caller's organization."""

from typing import Annotated
from uuid import UUID

import sqlalchemy as sa
from starlette.responses import Response

from clew.api.callers import Call, needs
from clew.api.models.people import NewRole, RoleChange, RoleList, RoleModel
from clew.api.repeating import IdempotencyKey, once
from clew.api.representations import CHECKED, CONDITIONAL, created, require_match, shown, tagged
from clew.api.routing import router as routes
from clew.domains.identity import roles
from clew.domains.identity.principal import authorise_granting

router = routes("roles")


@router.get("/roles", response_model=RoleList, summary="List roles")
def list_roles(call: Annotated[Call, needs("role:read")]) -> Response:
    """The built-in roles first, then those of the organization, by name."""
    with call.reading() as connection:
        found = roles.list_roles(connection)
    return shown(RoleList(items=[RoleModel.model_validate(each) for each in found]))


@router.post("/roles", status_code=201, response_model=RoleModel, summary="Make a custom role")
def create_role(
    call: Annotated[Call, needs("role:write")], body: NewRole, idempotency_key: IdempotencyKey = None
) -> Response:
    """Makes a role that allows nothing the caller may not."""
    authorise_granting(call.principal, body.permissions)

    def make(connection: sa.Connection) -> Response:
        made = roles.create_role(
            connection,
            call.principal.organization_id,
            body.name,
            description=body.description,
            permissions=body.permissions,
            clock=call.serving.clock,
        )
        return created(RoleModel.model_validate(made), f"/api/v1/roles/{made.id}")

    return once(call, idempotency_key, make)


@router.get("/roles/{role_id}", response_model=RoleModel, responses=CONDITIONAL, summary="Show a role")
def get_role(call: Annotated[Call, needs("role:read")], role_id: UUID) -> Response:
    """A role and what it allows."""
    with call.reading() as connection:
        found = roles.find_role_by_id(connection, role_id)
    return tagged(call.request, RoleModel.model_validate(found))


@router.patch(
    "/roles/{role_id}", response_model=RoleModel, summary="Change what a custom role allows", openapi_extra=CHECKED
)
def grant_permissions(call: Annotated[Call, needs("role:write")], role_id: UUID, body: RoleChange) -> Response:
    """Allows more, or less, from the next request on. Nobody grants what they do not have."""
    authorise_granting(call.principal, body.add)
    with call.transaction() as connection:
        before = roles.find_role_by_id(connection, role_id)
        require_match(call.request, RoleModel.model_validate(before))
        changed = roles.grant_permissions(
            connection,
            call.principal.organization_id,
            before.name,
            add=body.add,
            remove=body.remove,
            clock=call.serving.clock,
        )
    return tagged(call.request, RoleModel.model_validate(changed))


@router.delete(
    "/roles/{role_id}", status_code=204, response_class=Response, summary="Delete a custom role", openapi_extra=CHECKED
)
def delete_role(call: Annotated[Call, needs("role:write")], role_id: UUID) -> Response:
    """Deletes it; whoever had it has it no more."""
    with call.transaction() as connection:
        found = roles.find_role_by_id(connection, role_id)
        require_match(call.request, RoleModel.model_validate(found))
        roles.delete_role(connection, call.principal.organization_id, found.name)
    return Response(None, 204)
