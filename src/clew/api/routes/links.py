"""What people do by links that were sent to them: they are known by nothing else."""

from datetime import timedelta
from typing import Annotated

from starlette.responses import Response

from clew.api.callers import Visitor, public
from clew.api.models.account import Acceptance, Profile, Reset, ResetRequest, Verification
from clew.api.problems import REFUSED
from clew.api.representations import shown
from clew.api.routing import router as routes
from clew.api.serving import Serving
from clew.domains.identity.account_links import request_password_reset, reset_password, verify_email
from clew.domains.identity.invitations import accept_invitation
from clew.domains.identity.one_time_tokens import INVITATION, find_organization_of_token
from clew.domains.identity.service import organization_words
from clew.kernel.roles import AUTHENTICATOR
from clew.kernel.transactions import TenantContext

router = routes("links")


@router.post("/password-resets", status_code=202, response_class=Response, summary="Ask for a reset link")
def request_reset(visitor: Annotated[Visitor, public()], body: ResetRequest) -> Response:
    """Sends a link if the address is somebody's. The answer is the same at once, whether it is or not."""
    visitor.serving.background.submit(_send_reset, visitor.serving, body.email, visitor.client_ip, visitor.user_agent)
    return Response(None, 202)


@router.post(
    "/password-resets/confirm",
    status_code=204,
    response_class=Response,
    responses=REFUSED,
    summary="Choose a new password",
)
def confirm_reset(visitor: Annotated[Visitor, public()], body: Reset) -> Response:
    """Takes the link's token. Every session ends; the second factor stays."""
    serving = visitor.serving
    reset_password(serving.database, body.token, body.password.get_secret_value(), serving.rules, clock=serving.clock)
    return Response(None, 204)


@router.post(
    "/email-verifications/confirm",
    status_code=204,
    response_class=Response,
    responses=REFUSED,
    summary="Verify an address",
)
def confirm_email(visitor: Annotated[Visitor, public()], body: Verification) -> Response:
    """Takes the link's token, which only the mailbox's owner has."""
    verify_email(visitor.serving.database, body.token, clock=visitor.serving.clock)
    return Response(None, 204)


@router.post(
    "/invitations/accept", status_code=201, response_model=Profile, responses=REFUSED, summary="Accept an invitation"
)
def accept(visitor: Annotated[Visitor, public()], body: Acceptance) -> Response:
    """Makes an account of the role that was offered. It signs in like any other afterwards."""
    serving, password = visitor.serving, body.password.get_secret_value()
    with serving.database.transaction(None, AUTHENTICATOR) as connection:
        organization_id = find_organization_of_token(connection, INVITATION, body.token)
    context = TenantContext(organization_id, client_ip=visitor.client_ip)
    with serving.database.transaction(context) as connection:
        words = organization_words(connection, organization_id)
    serving.rules.policy.require(password, about=(body.username, body.full_name, *words))
    hashed = serving.rules.hasher.hash(password)
    with serving.database.transaction(context) as connection:
        user = accept_invitation(
            connection,
            organization_id,
            body.token,
            username=body.username,
            password_hash=hashed,
            full_name=body.full_name,
            clock=serving.clock,
        )
    return shown(Profile.of(user), 201)


def _send_reset(serving: Serving, email: str, client_ip: str | None, user_agent: str | None) -> None:
    link = request_password_reset(
        serving.database,
        email,
        lifetime=timedelta(minutes=serving.settings.password_reset_minutes),
        limits=serving.rules.limits,
        client_ip=client_ip,
        user_agent=user_agent,
        clock=serving.clock,
    )
    if link is not None:
        serving.deliver(link)
