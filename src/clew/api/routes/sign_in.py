"""Signing in and out, by cookie for browsers and by tokens for programs; who one is; the keys of tokens."""

from typing import Annotated, Any, Final

from starlette.responses import Response

from clew.api.callers import Call, Visitor, in_person, public, signed_in
from clew.api.credentials import cookies_named
from clew.api.models.account import CallerModel, Credentials, Entered, JsonWebKeys, Refresh, Tokens
from clew.api.problems import REFUSED
from clew.api.representations import shown
from clew.api.routing import router as routes
from clew.domains.identity.sessions import revoke_session
from clew.domains.identity.sign_in import SignedIn
from clew.domains.identity.token_desk import READ_AGAIN_AFTER
from clew.kernel.errors import ForbiddenError

router = routes("sign-in")
well_known = routes("sign-in", prefix="/.well-known")

NO_TOKENS: Final[dict[int | str, dict[str, Any]]] = {403: {"description": "Passwords are not taken for tokens here"}}
CROSS_SITE: Final[dict[int | str, dict[str, Any]]] = {403: {"description": "Another site's page sent this"}}


@router.post("/sign-in", response_model=Entered, responses=REFUSED | CROSS_SITE, summary="Sign in, by cookie")
def sign_in(visitor: Annotated[Visitor, public()], body: Credentials) -> Response:
    """Begins a session and gives its cookie. A session that the browser brought along is ended, never taken over."""
    serving = visitor.serving
    serving.cookies.require_own_site(visitor.request.headers)
    brought = cookies_named(visitor.request.headers, serving.cookies.name)
    entered = _enter(visitor, body, brought[0] if len(brought) == 1 else None)
    answer = shown(
        Entered(
            user_id=entered.user_id,
            session_id=entered.session.id,
            expires_at=entered.session.expires_at,
            csrf_token=serving.cookies.proof(entered.session.token),
        )
    )
    serving.cookies.set_cookie(answer, entered.session, serving.clock)
    return answer


@router.get("/session", response_model=CallerModel, summary="Who is calling")
def get_session(call: Annotated[Call, signed_in(enrolling=True)]) -> Response:
    """Who the caller is, what they may do, and with a cookie the proof that unsafe requests need."""
    principal, token = call.principal, call.session_token()
    return shown(
        CallerModel(
            organization_id=principal.organization_id,
            user_id=principal.user_id,
            username=principal.username,
            session_id=principal.session_id,
            api_key_id=principal.key_id,
            permissions=sorted(principal.permissions),
            must_enrol=principal.must_enrol,
            csrf_token=None if token is None else call.serving.cookies.proof(token),
        )
    )


@router.delete("/session", status_code=204, response_class=Response, summary="Sign out")
def sign_out(call: Annotated[Call, in_person(enrolling=True)]) -> Response:
    """Ends the session, and with it its access and refresh tokens, at once."""
    session_id = call.require_session()
    with call.transaction() as connection:
        revoke_session(connection, call.principal.organization_id, session_id, clock=call.serving.clock)
    answer = Response(None, 204)
    call.serving.cookies.drop_cookie(answer)
    return answer


@router.post("/tokens", response_model=Tokens, responses=REFUSED | NO_TOKENS, summary="Sign in, by tokens")
def create_tokens(visitor: Annotated[Visitor, public()], body: Credentials) -> Response:
    """Begins a session and hands out its access and refresh token, for programs that people use.

    403 where the installation takes no password for tokens (`api_tokens_by_password`): use API keys.
    """
    if not visitor.serving.settings.api_tokens_by_password:
        raise ForbiddenError(
            "no tokens are handed out for passwords here", where="api_tokens_by_password", remedy="use an API key"
        )
    return shown(Tokens.of(visitor.serving.desk.hand_out(_enter(visitor, body, None))))


@router.post("/tokens/refresh", response_model=Tokens, responses=REFUSED, summary="Exchange a refresh token")
def refresh_tokens(visitor: Annotated[Visitor, public()], body: Refresh) -> Response:
    """The next tokens. One that comes a second time was stolen, by whom is unknown: its session ends."""
    return shown(Tokens.of(visitor.serving.desk.exchange(body.refresh_token)))


@well_known.get("/jwks.json", response_model=JsonWebKeys, summary="Public keys of access tokens")
def get_keys(visitor: Annotated[Visitor, public()]) -> Response:
    """For whoever checks access tokens elsewhere. The next key is shown before it signs anything."""
    seconds = int(READ_AGAIN_AFTER.total_seconds())
    keys = JsonWebKeys(keys=visitor.serving.desk.jwks()["keys"])
    return shown(keys, headers={"Cache-Control": f"public, max-age={seconds}"})


def _enter(visitor: Visitor, body: Credentials, brought: str | None) -> SignedIn:
    return visitor.serving.door.sign_in(
        body.name,
        body.password.get_secret_value(),
        code=body.code,
        client_ip=visitor.client_ip,
        user_agent=visitor.user_agent,
        brought_session=brought,
    )
