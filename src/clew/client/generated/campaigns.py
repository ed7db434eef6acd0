"""Operations of the API on: campaigns.

Written by `make docs` from the API's description; edit that instead.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Literal
from uuid import UUID

from clew.client import paging
from clew.client.generated import models
from clew.client.operations import Calls, Stream
from clew.client.transport import asked, path_of


class CampaignsOperations(Calls):
    """Operations on: campaigns."""

    def list_campaigns(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: Literal["active", "dormant", "concluded", "monitoring"] | None = None,
        all: bool | None = None,
    ) -> models.CampaignPage:
        """List campaigns.

        Campaigns page by page, the newest first.
        """
        return self._transport.fetch(
            models.CampaignPage,
            asked("GET", "/api/v1/campaigns", query={"limit": limit, "cursor": cursor, "status": status, "all": all}),
        )

    def iterate_campaigns(
        self,
        *,
        limit: int | None = None,
        status: Literal["active", "dormant", "concluded", "monitoring"] | None = None,
        all: bool | None = None,
    ) -> Iterator[models.Campaign]:
        """Every item of `list_campaigns`, page after page; `limit` is the size of a page."""
        return paging.each(lambda cursor: self.list_campaigns(limit=limit, status=status, all=all, cursor=cursor))

    def explain_pair(self, *, first: str, second: str) -> models.CoordinationExplanation:
        """Explain whether two addresses act together.

        How probably they do, and why. 404 where the record has no session of one of them.
        """
        return self._transport.fetch_resource(
            models.CoordinationExplanation,
            asked("GET", "/api/v1/coordination", query={"first": first, "second": second}),
        )

    def get_campaign(self, campaign_id: UUID) -> models.CampaignDetails:
        """Read a campaign.

        Who acts in it, when, and how they are linked; with its ETag.
        """
        return self._transport.fetch_resource(
            models.CampaignDetails, asked("GET", path_of("/api/v1/campaigns/{campaign_id}", campaign_id=campaign_id))
        )

    def export_campaign(
        self, campaign_id: UUID, *, format: Literal["csv", "json", "misp", "stix"] | None = None
    ) -> AbstractContextManager[Stream]:
        """Export a campaign.

        Its indicators for other programs. In CSV, what would be a formula begins with an apostrophe.
        """
        return self._stream(
            asked(
                "GET",
                path_of("/api/v1/campaigns/{campaign_id}/export", campaign_id=campaign_id),
                query={"format": format},
            )
        )

    def decide_campaign(
        self, campaign_id: UUID, body: models.NewDecision, *, idempotency_key: str | None = None
    ) -> models.Decided:
        """Decide about a campaign.

        Pin, reject, merge, split, rename, attribute it, or undo the last of these. It binds every later analysis.
        """
        return self._transport.fetch_resource(
            models.Decided,
            asked(
                "POST",
                path_of("/api/v1/campaigns/{campaign_id}/decisions", campaign_id=campaign_id),
                body=body,
                once=idempotency_key or True,
            ),
        )
