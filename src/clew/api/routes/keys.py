"""API keys: one's own, and with the permission key:admin everybody's in the organization."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import sqlalchemy as sa
from fastapi import Query, Request
from pydantic import AwareDatetime
from starlette.responses import Response

from clew.api.callers import Call, needs
from clew.api.models.keys import KeyBounds, KeyModel, MadeKey, NewKeyRequest, UsageModel
from clew.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, page_of
from clew.api.problems import MISSING
from clew.api.repeating import HEADER
from clew.api.representations import CHECKED, CONDITIONAL, require_match, shown, tagged
from clew.api.routing import router as routes
from clew.domains.identity import api_keys, usage_log
from clew.domains.identity.authority import authorise_scopes, user_to_manage
from clew.domains.identity.principal import Principal, authorise
from clew.kernel.errors import InputError

router = routes("api-keys")

_ADMIN = "key:admin"

Since = Annotated[AwareDatetime | None, Query(description="From then on.")]
Until = Annotated[AwareDatetime | None, Query(description="Before then.")]
KeyId = Annotated[UUID | None, Query(description="Only of this key.")]


@router.get("/api-keys", response_model=Page[KeyModel], summary="List API keys")
def list_api_keys(
    call: Annotated[Call, needs("key:write")],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    user_id: Annotated[UUID | None, Query(description="The owner; of others it takes key:admin.")] = None,
    everybody: Annotated[bool, Query(description="Those of everybody, which takes key:admin.")] = False,
    is_active: bool | None = None,
) -> Response:
    """The caller's own keys, newest first, revoked ones included; or those of others."""
    owner = _owner(call.principal, user_id, everybody=everybody)
    with call.reading() as connection:
        found = api_keys.page_of_keys(
            connection,
            call.principal.organization_id,
            owner,
            place=decode_cursor(cursor, datetime, UUID),
            limit=limit,
            is_active=is_active,
            clock=call.serving.clock,
        )
    items, following = page_of(found, limit, lambda key: (key.created_at, key.id))
    return shown(Page[KeyModel](items=[KeyModel.model_validate(each) for each in items], next_cursor=following))


@router.post("/api-keys", status_code=201, response_model=MadeKey, summary="Make an API key", responses=MISSING)
def create_api_key(call: Annotated[Call, needs("key:write")], body: NewKeyRequest) -> Response:
    """Makes a key and shows it this once; what is kept of it cannot be turned back into it.

    For the same reason this route takes no Idempotency-Key. A key that makes a key gives it nothing it does not have.
    """
    principal, serving = call.principal, call.serving
    _require_unrepeated(call.request)
    owner = body.user_id or principal.user_id
    if body.limits is not None or owner != principal.user_id:
        authorise(principal, _ADMIN)
    authorise_scopes(principal, body.scopes)
    with call.transaction() as connection:
        if owner != principal.user_id:
            user_to_manage(connection, principal, owner)
        made = api_keys.create_key(
            connection,
            principal.organization_id,
            owner,
            name=body.name,
            description=body.description,
            scopes=body.scopes,
            limits=_limits(body.limits or KeyBounds()),
            expires_at=body.expires_at,
            clock=serving.clock,
        )
        found = api_keys.find_key(connection, principal.organization_id, made.id, clock=serving.clock)
    told = KeyModel.model_validate(found).model_dump()
    return shown(MadeKey(**told, key=made.key), 201, headers={"Location": f"/api/v1/api-keys/{made.id}"})


@router.get("/api-keys/{key_id}", response_model=KeyModel, responses=CONDITIONAL, summary="Show an API key")
def get_api_key(call: Annotated[Call, needs("key:write")], key_id: UUID) -> Response:
    """A key of one's own, or with key:admin of anybody in the organization."""
    with call.reading() as connection:
        found = _find(call, connection, key_id)
    return tagged(call.request, found)


@router.put(
    "/api-keys/{key_id}/limits", response_model=KeyModel, summary="Set the limits of an API key", openapi_extra=CHECKED
)
def set_api_key_limits(call: Annotated[Call, needs("key:admin")], key_id: UUID, body: KeyBounds) -> Response:
    """Gives a key other limits; what it used already counts against them."""
    where = call.principal.organization_id
    with call.transaction() as connection:
        require_match(call.request, _find(call, connection, key_id))
        api_keys.set_limits(connection, where, key_id, _limits(body), clock=call.serving.clock)
        found = _find(call, connection, key_id)
    return tagged(call.request, found)


@router.delete("/api-keys/{key_id}", status_code=204, response_class=Response, summary="Revoke an API key")
def revoke_api_key(call: Annotated[Call, needs("key:write")], key_id: UUID) -> Response:
    """Lets a key be taken no more, for good: one's own, or with key:admin anybody's."""
    principal = call.principal
    with call.transaction() as connection:
        owner = None if _ADMIN in principal.permissions else principal.user_id
        api_keys.revoke_key(connection, principal.organization_id, key_id, user_id=owner, clock=call.serving.clock)
    return Response(None, 204)


@router.get("/api-keys/{key_id}/usage", response_model=Page[UsageModel], summary="Requests made with an API key")
def list_api_key_usage(
    call: Annotated[Call, needs("key:write")],
    key_id: UUID,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    since: Since = None,
    until: Until = None,
) -> Response:
    """What was asked for with a key of one's own (with key:admin: anybody's) in the last 30 days, newest first."""
    with call.reading() as connection:
        _find(call, connection, key_id)
        return _usage(call, connection, key_id, limit, cursor, since, until)


@router.get("/usage", response_model=Page[UsageModel], summary="Requests made with API keys")
def list_usage(
    call: Annotated[Call, needs("usage:read")],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    api_key_id: KeyId = None,
    since: Since = None,
    until: Until = None,
) -> Response:
    """What was asked for with any key of the organization in the last 30 days, newest first."""
    with call.reading() as connection:
        return _usage(call, connection, api_key_id, limit, cursor, since, until)


def _usage(
    call: Call,
    connection: sa.Connection,
    key_id: UUID | None,
    limit: int,
    cursor: str | None,
    since: datetime | None,
    until: datetime | None,
) -> Response:
    found = usage_log.page_of_usage(
        connection,
        call.principal.organization_id,
        api_key_id=key_id,
        since=since,
        until=until,
        place=decode_cursor(cursor, datetime, UUID),
        limit=limit,
    )
    items, following = page_of(found, limit, lambda each: (each.request_timestamp, each.id))
    return shown(Page[UsageModel](items=[UsageModel.model_validate(each) for each in items], next_cursor=following))


def _owner(principal: Principal, user_id: UUID | None, *, everybody: bool) -> UUID | None:
    if everybody or user_id not in {None, principal.user_id}:
        authorise(principal, _ADMIN)
    if everybody and user_id is not None:
        raise InputError("everybody's and one user's", where="query", remedy="send one of everybody and user_id")
    return None if everybody else user_id or principal.user_id


def _find(call: Call, connection: sa.Connection, key_id: UUID) -> KeyModel:
    principal = call.principal
    owner = None if _ADMIN in principal.permissions else principal.user_id
    found = api_keys.find_key(connection, principal.organization_id, key_id, user_id=owner, clock=call.serving.clock)
    return KeyModel.model_validate(found)


def _limits(bounds: KeyBounds) -> api_keys.KeyLimits:
    return api_keys.KeyLimits(**bounds.model_dump())


def _require_unrepeated(request: Request) -> None:
    if HEADER in request.headers:
        raise InputError(
            "a key is shown once, so its making cannot be repeated",
            where=HEADER,
            remedy="leave it out; revoke a key whose answer was lost, and make another",
        )
