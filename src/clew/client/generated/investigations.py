"""Operations of the API on: investigations.

Written by `make docs` from the API's description; edit that instead.
"""

from collections.abc import Iterator
from typing import Literal
from uuid import UUID

from clew.client import paging
from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked, path_of


class InvestigationsOperations(Calls):
    """Operations on: investigations."""

    def list_investigations(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["created_at", "-created_at", "updated_at", "-updated_at", "name", "-name"] | None = None,
        status: Literal["pending", "running", "completed", "failed", "cancelled", "archived"] | None = None,
        priority: Literal["low", "normal", "high", "urgent", "critical"] | None = None,
        investigation_type: Literal[
            "comprehensive", "corporate", "infrastructure", "social_media", "threat_assessment", "person"
        ]
        | None = None,
        owner_id: UUID | None = None,
    ) -> models.InvestigationPage:
        """List cases.

        The organization's cases page by page, the newest first unless asked otherwise.
        """
        return self._transport.fetch(
            models.InvestigationPage,
            asked(
                "GET",
                "/api/v1/investigations",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "status": status,
                    "priority": priority,
                    "investigation_type": investigation_type,
                    "owner_id": owner_id,
                },
            ),
        )

    def iterate_investigations(
        self,
        *,
        limit: int | None = None,
        sort: Literal["created_at", "-created_at", "updated_at", "-updated_at", "name", "-name"] | None = None,
        status: Literal["pending", "running", "completed", "failed", "cancelled", "archived"] | None = None,
        priority: Literal["low", "normal", "high", "urgent", "critical"] | None = None,
        investigation_type: Literal[
            "comprehensive", "corporate", "infrastructure", "social_media", "threat_assessment", "person"
        ]
        | None = None,
        owner_id: UUID | None = None,
    ) -> Iterator[models.Investigation]:
        """Every item of `list_investigations`, page after page; `limit` is the size of a page."""
        return paging.each(
            lambda cursor: self.list_investigations(
                limit=limit,
                sort=sort,
                status=status,
                priority=priority,
                investigation_type=investigation_type,
                owner_id=owner_id,
                cursor=cursor,
            )
        )

    def create_investigation(
        self, body: models.NewInvestigation, *, idempotency_key: str | None = None
    ) -> models.Investigation:
        """Open a case.

        A new case, owned by the caller.
        """
        return self._transport.fetch_resource(
            models.Investigation, asked("POST", "/api/v1/investigations", body=body, once=idempotency_key or True)
        )

    def get_investigation(self, investigation_id: UUID) -> models.Investigation:
        """Read a case.

        One case with its ETag.
        """
        return self._transport.fetch_resource(
            models.Investigation,
            asked("GET", path_of("/api/v1/investigations/{investigation_id}", investigation_id=investigation_id)),
        )

    def change_investigation(
        self, investigation_id: UUID, body: models.InvestigationChanges, *, if_match: str | None = None
    ) -> models.Investigation:
        """Change a case.

        Change what is given and nothing else. With If-Match only the state that the caller saw is changed.
        """
        return self._transport.fetch_resource(
            models.Investigation,
            asked(
                "PATCH",
                path_of("/api/v1/investigations/{investigation_id}", investigation_id=investigation_id),
                body=body,
                if_match=if_match,
            ),
        )

    def delete_investigation(self, investigation_id: UUID, *, if_match: str | None = None) -> None:
        """Delete a case.

        Delete a case with its targets. What was collected for it stays in the record.
        """
        self._transport.send(
            asked(
                "DELETE",
                path_of("/api/v1/investigations/{investigation_id}", investigation_id=investigation_id),
                if_match=if_match,
            )
        )

    def get_investigation_overview(self, investigation_id: UUID) -> models.Overview:
        """Read a case at a glance.

        What a case is about, which files belong to it, and what they told.
        """
        return self._transport.fetch_resource(
            models.Overview,
            asked(
                "GET", path_of("/api/v1/investigations/{investigation_id}/overview", investigation_id=investigation_id)
            ),
        )

    def attach_items(
        self, investigation_id: UUID, body: models.Attachment, *, idempotency_key: str | None = None
    ) -> models.Attached:
        """Add items to a case.

        Make files, single results, or all files of a collection part of a case; their rows come with them.
        """
        return self._transport.fetch_resource(
            models.Attached,
            asked(
                "POST",
                path_of("/api/v1/investigations/{investigation_id}/items", investigation_id=investigation_id),
                body=body,
                once=idempotency_key or True,
            ),
        )
