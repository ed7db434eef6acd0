"""The caller's own account, sessions and settings."""

from typing import Annotated
from uuid import UUID

from fastapi import Path
from starlette.responses import Response

from clew.api.callers import Call, in_person, signed_in
from clew.api.models.account import PasswordProof, Profile, ProfileChange, SessionModel, SettingsModel, SettingValue
from clew.api.paging import Page
from clew.api.representations import CHECKED, CONDITIONAL, require_match, shown, tagged
from clew.api.routing import router as routes
from clew.domains.identity.account_links import verification_link
from clew.domains.identity.changing_password import confirm_password
from clew.domains.identity.configuration import read_user_settings, remove_user_setting, set_user_setting
from clew.domains.identity.sessions import list_sessions, revoke_session, revoke_sessions
from clew.domains.identity.users import find_user, normal_email, update_user
from clew.kernel.errors import InputError

router = routes("profile", prefix="/api/v1/me")

Key = Annotated[str, Path(max_length=100, examples=["theme"])]


@router.get("", response_model=Profile, responses=CONDITIONAL, summary="One's own account")
def get_profile(call: Annotated[Call, signed_in()]) -> Response:
    """The caller's account, with its ETag."""
    with call.reading() as connection:
        user = find_user(connection, call.principal.organization_id, call.principal.user_id)
    return tagged(call.request, Profile.of(user))


@router.patch("", response_model=Profile, summary="Change one's own account", openapi_extra=CHECKED)
def update_profile(call: Annotated[Call, in_person()], body: ProfileChange) -> Response:
    """Changes what is given. Another e-mail address takes the password and is unverified until its link comes back."""
    where, who = call.principal.organization_id, call.principal.user_id
    if body.email is not None:
        if body.password is None:
            raise InputError("another e-mail address takes the password", where="password", remedy="send it along")
        normal_email(body.email)
        confirm_password(call.serving.door, call.principal, body.password.get_secret_value())
    link = None
    with call.transaction() as connection:
        before = find_user(connection, where, who)
        require_match(call.request, Profile.of(before))
        user = update_user(connection, where, who, email=body.email, full_name=body.full_name, clock=call.serving.clock)
        if user.email != before.email:
            link = verification_link(connection, where, who, clock=call.serving.clock)
    if link is not None:
        call.serving.background.submit(call.serving.deliver, link)
    return tagged(call.request, Profile.of(user))


@router.post("/email-verification", status_code=202, response_class=Response, summary="Send a verification link")
def request_email_verification(call: Annotated[Call, in_person()]) -> Response:
    """Sends a link to the caller's own address."""
    with call.transaction() as connection:
        link = verification_link(
            connection, call.principal.organization_id, call.principal.user_id, clock=call.serving.clock
        )
    call.serving.background.submit(call.serving.deliver, link)
    return Response(None, 202)


@router.get("/sessions", response_model=Page[SessionModel], summary="One's own sessions")
def list_own_sessions(call: Annotated[Call, in_person()]) -> Response:
    """Every live session of the caller, newest first."""
    principal = call.principal
    with call.reading() as connection:
        found = list_sessions(
            connection,
            principal.organization_id,
            principal.user_id,
            limits=call.serving.door.session_limits,
            clock=call.serving.clock,
        )
    items = [SessionModel.of(each, principal.session_id) for each in found]
    return shown(Page[SessionModel](items=items, next_cursor=None))


@router.post("/sessions/{session_id}/end", status_code=204, response_class=Response, summary="End one's own session")
def revoke_own_session(call: Annotated[Call, in_person()], session_id: UUID, body: PasswordProof) -> Response:
    """Ends one of the caller's sessions. Takes the password; to end the one that this comes in, sign out."""
    confirm_password(call.serving.door, call.principal, body.password.get_secret_value())
    principal = call.principal
    with call.transaction() as connection:
        revoke_session(
            connection,
            principal.organization_id,
            session_id,
            user_id=principal.user_id,
            reason="ended by its owner",
            clock=call.serving.clock,
        )
    return Response(None, 204)


@router.post("/sessions/end-others", status_code=204, response_class=Response, summary="End all one's other sessions")
def revoke_other_sessions(call: Annotated[Call, in_person()], body: PasswordProof) -> Response:
    """Ends every session of the caller but the one this request came in. Takes the password.

    Whoever found a session open must not lock its owner out with it.
    """
    confirm_password(call.serving.door, call.principal, body.password.get_secret_value())
    principal, own = call.principal, call.require_session()
    with call.transaction() as connection:
        revoke_sessions(
            connection,
            principal.organization_id,
            principal.user_id,
            reason="ended by its owner",
            keep=own,
            clock=call.serving.clock,
        )
    return Response(None, 204)


@router.get("/settings", response_model=SettingsModel, responses=CONDITIONAL, summary="One's own settings")
def get_settings(call: Annotated[Call, signed_in()]) -> Response:
    """Everything the caller set, with its ETag."""
    with call.reading() as connection:
        found = read_user_settings(connection, call.principal.organization_id, call.principal.user_id)
    return tagged(call.request, SettingsModel(settings=found))


@router.put("/settings/{key}", status_code=204, response_class=Response, summary="Set one of one's own settings")
def set_setting(call: Annotated[Call, in_person()], key: Key, body: SettingValue) -> Response:
    """Sets one key."""
    principal = call.principal
    with call.transaction() as connection:
        set_user_setting(
            connection, principal.organization_id, principal.user_id, key, body.value, clock=call.serving.clock
        )
    return Response(None, 204)


@router.delete("/settings/{key}", status_code=204, response_class=Response, summary="Forget one of one's own settings")
def remove_setting(call: Annotated[Call, in_person()], key: Key) -> Response:
    """Forgets one key."""
    with call.transaction() as connection:
        remove_user_setting(connection, call.principal.organization_id, call.principal.user_id, key)
    return Response(None, 204)
