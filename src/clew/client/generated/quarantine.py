"""Operations of the API on: quarantine.

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


class QuarantineOperations(Calls):
    """Operations on: quarantine."""

    def list_quarantine(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["created_at", "-created_at"] | None = None,
        status: Literal["held", "retried", "dropped"] | None = None,
        reason: str | None = None,
        file: str | None = None,
        source: str | None = None,
    ) -> models.HeldPage:
        """List rejected records.

        Records that were rejected and wait, page by page, the oldest first unless asked otherwise.
        """
        return self._transport.fetch(
            models.HeldPage,
            asked(
                "GET",
                "/api/v1/quarantine",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "status": status,
                    "reason": reason,
                    "file": file,
                    "source": source,
                },
            ),
        )

    def iterate_quarantine(
        self,
        *,
        limit: int | None = None,
        sort: Literal["created_at", "-created_at"] | None = None,
        status: Literal["held", "retried", "dropped"] | None = None,
        reason: str | None = None,
        file: str | None = None,
        source: str | None = None,
    ) -> Iterator[models.Held]:
        """Every item of `list_quarantine`, page after page; `limit` is the size of a page."""
        return paging.each(
            lambda cursor: self.list_quarantine(
                limit=limit, sort=sort, status=status, reason=reason, file=file, source=source, cursor=cursor
            )
        )

    def get_quarantined(self, record_id: UUID) -> models.Held:
        """Read a rejected record.

        One rejected record with its ETag, and what was wrong with it.
        """
        return self._transport.fetch_resource(
            models.Held, asked("GET", path_of("/api/v1/quarantine/{record_id}", record_id=record_id))
        )

    def get_quarantined_content(self, record_id: UUID) -> AbstractContextManager[Stream]:
        """Download a rejected record.

        Its bytes as they came, 64 KiB at most; to be saved, never opened: whoever made them may be an attacker.
        """
        return self._stream(asked("GET", path_of("/api/v1/quarantine/{record_id}/content", record_id=record_id)))

    def retry_quarantined(self, body: models.RetryWanted) -> models.Retried:
        """Read rejected records again.

        Read held records again, as after an upgrade that reads more. One such request is worked on at a time.

        It answers when it is done: their files are read from the beginning.
        """
        return self._transport.fetch_resource(models.Retried, asked("POST", "/api/v1/quarantine/retry", body=body))

    def drop_quarantined(self, body: models.DropWanted, *, idempotency_key: str | None = None) -> models.Dropped:
        """Give rejected records up.

        Give them up. They stay counted as rejected, and their file stays as it is. An unknown id drops nothing.
        """
        return self._transport.fetch_resource(
            models.Dropped, asked("POST", "/api/v1/quarantine/drop", body=body, once=idempotency_key or True)
        )
