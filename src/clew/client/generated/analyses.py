"""Operations of the API on: analyses.

Written by `make docs` from the API's description; edit that instead.
"""

from collections.abc import Iterator
from typing import Literal
from uuid import UUID

from clew.client import paging
from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked, path_of


class AnalysesOperations(Calls):
    """Operations on: analyses."""

    def start_analysis(self, body: models.NewAnalysis, *, idempotency_key: str | None = None) -> models.Analysis:
        """Start an analysis.

        It waits for a worker; its place is the Location. An API key's quota of analyses is counted down by one.
        """
        return self._transport.fetch_resource(
            models.Analysis, asked("POST", "/api/v1/analyses", body=body, once=idempotency_key or True)
        )

    def list_analyses(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: Literal["queued", "processing", "completed", "failed", "cancelled"] | None = None,
    ) -> models.AnalysisPage:
        """List analyses.

        Analyses page by page, the newest first.
        """
        return self._transport.fetch(
            models.AnalysisPage,
            asked("GET", "/api/v1/analyses", query={"limit": limit, "cursor": cursor, "status": status}),
        )

    def iterate_analyses(
        self,
        *,
        limit: int | None = None,
        status: Literal["queued", "processing", "completed", "failed", "cancelled"] | None = None,
    ) -> Iterator[models.Analysis]:
        """Every item of `list_analyses`, page after page; `limit` is the size of a page."""
        return paging.each(lambda cursor: self.list_analyses(limit=limit, status=status, cursor=cursor))

    def get_analysis(self, analysis_id: UUID) -> models.AnalysisDetails:
        """Read an analysis.

        How far it is, by which steps, and what came of it; with its ETag.
        """
        return self._transport.fetch_resource(
            models.AnalysisDetails, asked("GET", path_of("/api/v1/analyses/{analysis_id}", analysis_id=analysis_id))
        )

    def cancel_analysis(self, analysis_id: UUID, *, if_match: str | None = None) -> models.AnalysisDetails:
        """Cancel an analysis.

        At once if it waits, else behind the node it is at. 409 if it is completed or failed.
        """
        return self._transport.fetch_resource(
            models.AnalysisDetails,
            asked("POST", path_of("/api/v1/analyses/{analysis_id}/cancel", analysis_id=analysis_id), if_match=if_match),
        )

    def get_webhook_secret(self) -> models.WebhookSecret:
        """The secret that callbacks are signed with.

        Since when, and its fingerprint; never the secret itself. 404 if there is none.
        """
        return self._transport.fetch_resource(models.WebhookSecret, asked("GET", "/api/v1/organization/webhook-secret"))

    def renew_webhook_secret(self, *, idempotency_key: str | None = None) -> models.NewWebhookSecret:
        """Renew the secret that callbacks are signed with.

        The new one is shown this once. The one before signs beside it for another day.
        """
        return self._transport.fetch_resource(
            models.NewWebhookSecret, asked("POST", "/api/v1/organization/webhook-secret", once=idempotency_key or True)
        )

    def remove_webhook_secret(self) -> None:
        """Remove the secret of callbacks.

        Callbacks that wait then fail, and no analysis may name an address to be told.
        """
        self._transport.send(asked("DELETE", "/api/v1/organization/webhook-secret"))
