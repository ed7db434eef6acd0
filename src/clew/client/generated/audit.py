"""Operations of the API on: audit.

Written by `make docs` from the API's description; edit that instead.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime

from clew.client import paging
from clew.client.generated import models
from clew.client.operations import Calls, Stream
from clew.client.transport import asked


class AuditOperations(Calls):
    """Operations on: audit."""

    def list_audit_events(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        user: str | None = None,
        action: str | None = None,
        event_type: str | None = None,
        resource_type: str | None = None,
        resource_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        text: str | None = None,
    ) -> models.AuditEventPage:
        """Search the audit trail.

        What was done, the newest first. That it was asked for is in the trail itself.
        """
        return self._transport.fetch(
            models.AuditEventPage,
            asked(
                "GET",
                "/api/v1/audit/events",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "user": user,
                    "action": action,
                    "event_type": event_type,
                    "resource_type": resource_type,
                    "resource_id": resource_id,
                    "since": since,
                    "until": until,
                    "text": text,
                },
            ),
        )

    def iterate_audit_events(
        self,
        *,
        limit: int | None = None,
        user: str | None = None,
        action: str | None = None,
        event_type: str | None = None,
        resource_type: str | None = None,
        resource_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        text: str | None = None,
    ) -> Iterator[models.AuditEvent]:
        """Every item of `list_audit_events`, page after page; `limit` is the size of a page."""
        return paging.each(
            lambda cursor: self.list_audit_events(
                limit=limit,
                user=user,
                action=action,
                event_type=event_type,
                resource_type=resource_type,
                resource_id=resource_id,
                since=since,
                until=until,
                text=text,
                cursor=cursor,
            )
        )

    def get_audit_state(self) -> models.Sealed:
        """How far the trail is sealed.

        Seals so far, and the public key that an export is checked with.
        """
        return self._transport.fetch_resource(models.Sealed, asked("GET", "/api/v1/audit/state"))

    def verify_audit_trail(self) -> models.Verified:
        """Prove the trail.

        Follows the organization's chain from its beginning, and names the first thing that is not as it was sealed.

        Takes a second for some twenty thousand rows.
        """
        return self._transport.fetch_resource(models.Verified, asked("POST", "/api/v1/audit/verify"))

    def export_audit_trail(self) -> AbstractContextManager[Stream]:
        """Export the trail.

        All that is sealed, with its seals, as lines of JSON that others check (`clew audit verify --export`).
        """
        return self._stream(asked("GET", "/api/v1/audit/export"))
