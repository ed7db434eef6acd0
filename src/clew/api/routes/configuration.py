"""What the organization configured: values of JSON under names."""

from typing import Annotated

import sqlalchemy as sa
from fastapi import Path
from starlette.responses import Response

from clew.api.callers import Call, needs
from clew.api.models.governing import ConfigurationEntry, ConfigurationList, ConfigurationValue
from clew.api.representations import CHECKED, CONDITIONAL, require_match, tagged
from clew.api.routing import router as routes
from clew.domains.identity import configuration
from clew.kernel.errors import NotFoundError

router = routes("configuration")

Key = Annotated[str, Path(max_length=100, pattern=r"^[a-z0-9][a-z0-9_.:-]*$", examples=["retention.days"])]


@router.get("/configuration", response_model=ConfigurationList, responses=CONDITIONAL, summary="List the configuration")
def list_configuration(call: Annotated[Call, needs("configuration:read")]) -> Response:
    """Everything that is configured, by key."""
    with call.reading() as connection:
        found = configuration.read_configuration(connection, call.principal.organization_id)
    items = [ConfigurationEntry(key=key, value=value) for key, value in found.items()]
    return tagged(call.request, ConfigurationList(items=items))


@router.get(
    "/configuration/{key}",
    response_model=ConfigurationEntry,
    responses=CONDITIONAL,
    summary="Show one configured value",
)
def get_configuration(call: Annotated[Call, needs("configuration:read")], key: Key) -> Response:
    """One configured value, with its ETag."""
    with call.reading() as connection:
        found = _find(call, connection, key)
    return tagged(call.request, found)


@router.put(
    "/configuration/{key}", response_model=ConfigurationEntry, summary="Configure a value", openapi_extra=CHECKED
)
def set_configuration(
    call: Annotated[Call, needs("configuration:write")], key: Key, body: ConfigurationValue
) -> Response:
    """Configures one key, new or in place of what it was. What it was before is in the audit trail."""
    principal = call.principal
    with call.transaction() as connection:
        if "if-match" in call.request.headers:
            require_match(call.request, _find(call, connection, key))
        configuration.set_configuration(
            connection,
            principal.organization_id,
            key,
            body.value,
            updated_by=principal.user_id,
            clock=call.serving.clock,
        )
    return tagged(call.request, ConfigurationEntry(key=key, value=body.value))


@router.delete(
    "/configuration/{key}",
    status_code=204,
    response_class=Response,
    summary="Forget a configured value",
    openapi_extra=CHECKED,
)
def remove_configuration(call: Annotated[Call, needs("configuration:write")], key: Key) -> Response:
    """Forgets one key."""
    with call.transaction() as connection:
        require_match(call.request, _find(call, connection, key))
        configuration.remove_configuration(connection, call.principal.organization_id, key)
    return Response(None, 204)


def _find(call: Call, connection: sa.Connection, key: str) -> ConfigurationEntry:
    found = configuration.read_configuration(connection, call.principal.organization_id)
    if key not in found:
        raise NotFoundError(f"{key!r} is not configured", remedy="list the configuration")
    return ConfigurationEntry(key=key, value=found[key])
