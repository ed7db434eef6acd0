"""Invitations into the caller's organization; how one is accepted is in clew.api.routes.links."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import sqlalchemy as sa
from starlette.responses import Response

from clew.api.callers import Call, needs
from clew.api.models.people import InvitationModel, MadeInvitation, NewInvitation
from clew.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, page_of
from clew.api.repeating import IdempotencyKey, once
from clew.api.representations import shown
from clew.api.routing import router as routes
from clew.domains.identity import invitations
from clew.domains.identity.authority import authorise_role
from clew.domains.identity.one_time_tokens import Link

router = routes("invitations")


@router.get("/invitations", response_model=Page[InvitationModel], summary="List invitations")
def list_invitations(
    call: Annotated[Call, needs("user:read")], limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """Every invitation of the organization, newest first."""
    with call.reading() as connection:
        place = decode_cursor(cursor, datetime, UUID)
        found = invitations.page_of_invitations(connection, call.principal.organization_id, place=place, limit=limit)
    items, following = page_of(found, limit, lambda each: (each.created_at, each.id))
    shown_items = [InvitationModel.model_validate(each) for each in items]
    return shown(Page[InvitationModel](items=shown_items, next_cursor=following))


@router.post("/invitations", status_code=201, response_model=MadeInvitation, summary="Invite somebody")
def create_invitation(
    call: Annotated[Call, needs("user:write")], body: NewInvitation, idempotency_key: IdempotencyKey = None
) -> Response:
    """Asks somebody in, in a role that allows nothing the caller may not. Open invitations to that address end."""
    authorise_role(call.principal, body.role)
    settings, made = call.serving.settings, list[Link]()

    def make(connection: sa.Connection) -> Response:
        invitation, link = invitations.invite(
            connection,
            call.principal.organization_id,
            body.email,
            role=body.role,
            invited_by=call.principal.user_id,
            lifetime=timedelta(hours=settings.invitation_hours),
            clock=call.serving.clock,
        )
        made.append(link)
        address = link.address(settings.public_url) if settings.smtp_host is None else None
        return shown(MadeInvitation(**InvitationModel.model_validate(invitation).model_dump(), link=address), 201)

    answer = once(call, idempotency_key, make)
    if settings.smtp_host is not None:
        for link in made:
            call.serving.background.submit(call.serving.deliver, link)
    return answer


@router.delete(
    "/invitations/{invitation_id}", status_code=204, response_class=Response, summary="Take an invitation back"
)
def revoke_invitation(call: Annotated[Call, needs("user:write")], invitation_id: UUID) -> Response:
    """Lets the link of an open invitation work no more."""
    with call.transaction() as connection:
        invitations.revoke_invitation(
            connection, call.principal.organization_id, invitation_id, clock=call.serving.clock
        )
    return Response(None, 204)
