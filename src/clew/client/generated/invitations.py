"""Operations of the API on: invitations.

Written by `make docs` from the API's description; edit that instead.
"""

from collections.abc import Iterator
from uuid import UUID

from clew.client import paging
from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked, path_of


class InvitationsOperations(Calls):
    """Operations on: invitations."""

    def list_invitations(self, *, limit: int | None = None, cursor: str | None = None) -> models.InvitationPage:
        """List invitations.

        Every invitation of the organization, newest first.
        """
        return self._transport.fetch(
            models.InvitationPage, asked("GET", "/api/v1/invitations", query={"limit": limit, "cursor": cursor})
        )

    def iterate_invitations(self, *, limit: int | None = None) -> Iterator[models.Invitation]:
        """Every item of `list_invitations`, page after page; `limit` is the size of a page."""
        return paging.each(lambda cursor: self.list_invitations(limit=limit, cursor=cursor))

    def create_invitation(
        self, body: models.NewInvitation, *, idempotency_key: str | None = None
    ) -> models.MadeInvitation:
        """Invite somebody.

        Asks somebody in, in a role that allows nothing the caller may not. Open invitations to that address end.
        """
        return self._transport.fetch_resource(
            models.MadeInvitation, asked("POST", "/api/v1/invitations", body=body, once=idempotency_key or True)
        )

    def revoke_invitation(self, invitation_id: UUID) -> None:
        """Take an invitation back.

        Lets the link of an open invitation work no more.
        """
        self._transport.send(
            asked("DELETE", path_of("/api/v1/invitations/{invitation_id}", invitation_id=invitation_id))
        )
