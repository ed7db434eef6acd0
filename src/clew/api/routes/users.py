"""The users of the caller's organization: seen, added, changed, shut out; their roles, links and sessions."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

import sqlalchemy as sa
from fastapi import Query
from starlette.responses import Response

from clew.api.callers import Call, needs
from clew.api.models.people import (
    AddedUser,
    NewUser,
    ResetLink,
    RoleChoice,
    UserChange,
    UserDetail,
    UserModel,
    UserSessionList,
    UserSessionModel,
)
from clew.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, page_of
from clew.api.repeating import IdempotencyKey, once
from clew.api.representations import CHECKED, CONDITIONAL, created, require_match, shown, tagged
from clew.api.routing import router as routes
from clew.domains.identity import roles, sessions, users
from clew.domains.identity.account_links import reset_link
from clew.domains.identity.authority import (
    authorise_role,
    permissions_of,
    require_other,
    user_to_manage,
)
from clew.domains.identity.one_time_tokens import Link
from clew.domains.identity.passwords import UNUSABLE
from clew.domains.identity.principal import authorise_granting
from clew.domains.identity.service import organization_words
from clew.domains.identity.users import User

router = routes("users")

_ENDED: Final = "ended by an administrator"


class UserSort(StrEnum):
    """What users are sorted by; - for the other way round."""

    USERNAME = "username"
    USERNAME_DOWN = "-username"
    EMAIL = "email"
    EMAIL_DOWN = "-email"
    CREATED = "created_at"
    CREATED_DOWN = "-created_at"


@router.get("/users", response_model=Page[UserModel], summary="List users")
def list_users(
    call: Annotated[Call, needs("user:read")],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    sort: UserSort = UserSort.USERNAME,
    role: Annotated[str | None, Query(max_length=60, description="Only with this built-in role.")] = None,
    is_active: bool | None = None,
    beginning: Annotated[
        str | None, Query(max_length=320, description="How user name or e-mail address begin.", examples=["an"])
    ] = None,
) -> Response:
    """The users of the caller's organization."""
    column = sort.removeprefix("-")
    kind = users.SORT_KINDS[column]
    with call.reading() as connection:
        found = users.page_of_users(
            connection,
            call.principal.organization_id,
            sort=column,
            descending=sort.startswith("-"),
            place=decode_cursor(cursor, kind, UUID),
            limit=limit,
            role=role,
            is_active=is_active,
            beginning=beginning,
        )
    items, following = page_of(found, limit, lambda user: (getattr(user, column), user.id))
    return shown(Page[UserModel](items=[UserModel.model_validate(each) for each in items], next_cursor=following))


@router.post("/users", status_code=201, response_model=AddedUser, summary="Add a user")
def create_user(
    call: Annotated[Call, needs("user:write")], body: NewUser, idempotency_key: IdempotencyKey = None
) -> Response:
    """Adds somebody with a role that allows nothing the caller may not. Without a password they get a link."""
    principal, serving = call.principal, call.serving
    authorise_role(principal, body.role)
    hashed = UNUSABLE
    if body.password is not None:
        password = body.password.get_secret_value()
        with call.transaction() as connection:
            words = organization_words(connection, principal.organization_id)
        serving.rules.policy.require(password, about=(body.username, body.email, body.full_name, *words))
        hashed = serving.rules.hasher.hash(password)
    made: list[Link] = []

    def make(connection: sa.Connection) -> Response:
        user = users.add_user(
            connection,
            principal.organization_id,
            email=body.email,
            username=body.username,
            password_hash=hashed,
            full_name=body.full_name,
            role=body.role,
            clock=serving.clock,
        )
        if hashed == UNUSABLE:
            made.append(_reset_link(call, connection, user.id))
        told = _detail(connection, user).model_dump()
        return created(AddedUser(**told, link=_to_show(call, made)), f"/api/v1/users/{user.id}")

    answer = once(call, idempotency_key, make)
    _deliver(call, made)
    return answer


@router.get("/users/{user_id}", response_model=UserDetail, responses=CONDITIONAL, summary="Show a user")
def get_user(call: Annotated[Call, needs("user:read")], user_id: UUID) -> Response:
    """A user with custom roles and all that they may do."""
    with call.reading() as connection:
        found = _detail(connection, users.find_user(connection, call.principal.organization_id, user_id))
    return tagged(call.request, found)


@router.patch("/users/{user_id}", response_model=UserDetail, summary="Change a user", openapi_extra=CHECKED)
def update_user(call: Annotated[Call, needs("user:write")], user_id: UUID, body: UserChange) -> Response:
    """Changes what is named. Whoever may do more than the caller is not changed."""
    given = body.model_fields_set
    with call.transaction() as connection:
        before = user_to_manage(connection, call.principal, user_id)
        require_match(call.request, _detail(connection, before))
        changed = users.update_user(
            connection,
            call.principal.organization_id,
            user_id,
            email=body.email if "email" in given else None,
            full_name=(body.full_name or "") if "full_name" in given else None,
            clock=call.serving.clock,
        )
        found = _detail(connection, changed)
    return tagged(call.request, found)


@router.post("/users/{user_id}/deactivate", response_model=UserDetail, summary="Shut a user out", openapi_extra=CHECKED)
def deactivate_user(call: Annotated[Call, needs("user:write")], user_id: UUID) -> Response:
    """Ends their sessions at once; their API keys rest. What they did stays."""
    return _set_active(call, user_id, active=False)


@router.post(
    "/users/{user_id}/activate", response_model=UserDetail, summary="Let a user in again", openapi_extra=CHECKED
)
def activate_user(call: Annotated[Call, needs("user:write")], user_id: UUID) -> Response:
    """Lets somebody in again who was shut out."""
    return _set_active(call, user_id, active=True)


@router.put("/users/{user_id}/role", response_model=UserDetail, summary="Give a built-in role", openapi_extra=CHECKED)
def set_user_role(call: Annotated[Call, needs("role:write")], user_id: UUID, body: RoleChoice) -> Response:
    """Gives a built-in role in place of the present one; their sessions end. Nobody gives what they do not have."""
    require_other(call.principal, user_id)
    authorise_role(call.principal, body.role)
    with call.transaction() as connection:
        before = user_to_manage(connection, call.principal, user_id)
        require_match(call.request, _detail(connection, before))
        where = call.principal.organization_id
        changed = users.set_built_in_role(connection, where, user_id, body.role, clock=call.serving.clock)
        found = _detail(connection, changed)
    return tagged(call.request, found)


@router.put("/users/{user_id}/custom-roles/{role_id}", response_model=UserDetail, summary="Give a custom role")
def give_custom_role(call: Annotated[Call, needs("role:write")], user_id: UUID, role_id: UUID) -> Response:
    """Gives a custom role beside what they have; their sessions end. Nobody gives what they do not have."""
    require_other(call.principal, user_id)
    with call.transaction() as connection:
        user = user_to_manage(connection, call.principal, user_id)
        role = roles.find_role_by_id(connection, role_id)
        authorise_granting(call.principal, role.permissions)
        roles.add_role(
            connection,
            call.principal.organization_id,
            user_id,
            role.name,
            granted_by=call.principal.user_id,
            clock=call.serving.clock,
        )
        found = _detail(connection, user)
    return shown(found)


@router.delete("/users/{user_id}/custom-roles/{role_id}", response_model=UserDetail, summary="Take a custom role")
def take_custom_role(call: Annotated[Call, needs("role:write")], user_id: UUID, role_id: UUID) -> Response:
    """Takes a custom role from a user; their sessions end."""
    require_other(call.principal, user_id)
    with call.transaction() as connection:
        user = user_to_manage(connection, call.principal, user_id)
        name = roles.find_role_by_id(connection, role_id).name
        roles.remove_role(connection, call.principal.organization_id, user_id, name, clock=call.serving.clock)
        found = _detail(connection, user)
    return shown(found)


@router.post("/users/{user_id}/reset-link", status_code=201, response_model=ResetLink, summary="Make a reset link")
def create_reset_link(call: Annotated[Call, needs("user:write")], user_id: UUID) -> Response:
    """A link by which the user chooses a password: mailed, or without a mail server shown this once."""
    with call.transaction() as connection:
        user_to_manage(connection, call.principal, user_id)
        made = [_reset_link(call, connection, user_id)]
    _deliver(call, made)
    return shown(ResetLink(expires_at=made[0].expires_at, link=_to_show(call, made)), 201)


@router.get("/users/{user_id}/sessions", response_model=UserSessionList, summary="Sessions of a user")
def list_user_sessions(call: Annotated[Call, needs("session:admin")], user_id: UUID) -> Response:
    """Every live session of the user, newest first."""
    where, door = call.principal.organization_id, call.serving.door
    with call.reading() as connection:
        users.find_user(connection, where, user_id)
        found = sessions.list_sessions(connection, where, user_id, limits=door.session_limits, clock=door.clock)
    return shown(UserSessionList(items=[UserSessionModel.model_validate(each) for each in found]))


@router.delete("/users/{user_id}/sessions", status_code=204, response_class=Response, summary="End a user's sessions")
def revoke_user_sessions(call: Annotated[Call, needs("session:admin")], user_id: UUID) -> Response:
    """Ends every session of the user."""
    where = call.principal.organization_id
    with call.transaction() as connection:
        users.find_user(connection, where, user_id)
        sessions.revoke_sessions(connection, where, user_id, reason=_ENDED, clock=call.serving.clock)
    return Response(None, 204)


@router.delete(
    "/users/{user_id}/sessions/{session_id}", status_code=204, response_class=Response, summary="End a session"
)
def revoke_user_session(call: Annotated[Call, needs("session:admin")], user_id: UUID, session_id: UUID) -> Response:
    """Ends one session of the user."""
    where = call.principal.organization_id
    with call.transaction() as connection:
        sessions.revoke_session(connection, where, session_id, user_id=user_id, reason=_ENDED, clock=call.serving.clock)
    return Response(None, 204)


def _set_active(call: Call, user_id: UUID, *, active: bool) -> Response:
    if not active:
        require_other(call.principal, user_id)
    with call.transaction() as connection:
        before = user_to_manage(connection, call.principal, user_id)
        require_match(call.request, _detail(connection, before))
        where = call.principal.organization_id
        changed = users.set_active(connection, where, user_id, active=active, clock=call.serving.clock)
        found = _detail(connection, changed)
    return tagged(call.request, found)


def _detail(connection: sa.Connection, user: User) -> UserDetail:
    return UserDetail(
        **UserModel.model_validate(user).model_dump(),
        custom_roles=roles.custom_roles_of(connection, user.organization_id, user.id),
        permissions=sorted(permissions_of(connection, user.organization_id, user.id)),
    )


def _reset_link(call: Call, connection: sa.Connection, user_id: UUID) -> Link:
    lifetime = timedelta(minutes=call.serving.settings.password_reset_minutes)
    return reset_link(connection, call.principal.organization_id, user_id, lifetime=lifetime, clock=call.serving.clock)


def _to_show(call: Call, links: list[Link]) -> str | None:
    """The address of a link that cannot be mailed."""
    settings = call.serving.settings
    return links[0].address(settings.public_url) if links and settings.smtp_host is None else None


def _deliver(call: Call, links: list[Link]) -> None:
    if call.serving.settings.smtp_host is not None:
        for link in links:
            call.serving.background.submit(call.serving.deliver, link)
