"""Operations of the API on: api-keys.

Written by `make docs` from the API's description; edit that instead.
"""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from clew.client import paging
from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked, path_of


class ApiKeysOperations(Calls):
    """Operations on: api-keys."""

    def list_api_keys(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        user_id: UUID | None = None,
        everybody: bool | None = None,
        is_active: bool | None = None,
    ) -> models.KeyPage:
        """List API keys.

        The caller's own keys, newest first, revoked ones included; or those of others.
        """
        return self._transport.fetch(
            models.KeyPage,
            asked(
                "GET",
                "/api/v1/api-keys",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "user_id": user_id,
                    "everybody": everybody,
                    "is_active": is_active,
                },
            ),
        )

    def iterate_api_keys(
        self,
        *,
        limit: int | None = None,
        user_id: UUID | None = None,
        everybody: bool | None = None,
        is_active: bool | None = None,
    ) -> Iterator[models.Key]:
        """Every item of `list_api_keys`, page after page; `limit` is the size of a page."""
        return paging.each(
            lambda cursor: self.list_api_keys(
                limit=limit, user_id=user_id, everybody=everybody, is_active=is_active, cursor=cursor
            )
        )

    def create_api_key(self, body: models.NewKeyRequest) -> models.MadeKey:
        """Make an API key.

        Makes a key and shows it this once; what is kept of it cannot be turned back into it.

        For the same reason this route takes no Idempotency-Key. A key that makes a key gives it nothing it does not
        have.
        """
        return self._transport.fetch_resource(models.MadeKey, asked("POST", "/api/v1/api-keys", body=body))

    def get_api_key(self, key_id: UUID) -> models.Key:
        """Show an API key.

        A key of one's own, or with key:admin of anybody in the organization.
        """
        return self._transport.fetch_resource(
            models.Key, asked("GET", path_of("/api/v1/api-keys/{key_id}", key_id=key_id))
        )

    def revoke_api_key(self, key_id: UUID) -> None:
        """Revoke an API key.

        Lets a key be taken no more, for good: one's own, or with key:admin anybody's.
        """
        self._transport.send(asked("DELETE", path_of("/api/v1/api-keys/{key_id}", key_id=key_id)))

    def set_api_key_limits(self, key_id: UUID, body: models.KeyBounds, *, if_match: str | None = None) -> models.Key:
        """Set the limits of an API key.

        Gives a key other limits; what it used already counts against them.
        """
        return self._transport.fetch_resource(
            models.Key,
            asked("PUT", path_of("/api/v1/api-keys/{key_id}/limits", key_id=key_id), body=body, if_match=if_match),
        )

    def list_api_key_usage(
        self,
        key_id: UUID,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> models.UsagePage:
        """Requests made with an API key.

        What was asked for with a key of one's own (with key:admin: anybody's) in the last 30 days, newest first.
        """
        return self._transport.fetch(
            models.UsagePage,
            asked(
                "GET",
                path_of("/api/v1/api-keys/{key_id}/usage", key_id=key_id),
                query={"limit": limit, "cursor": cursor, "since": since, "until": until},
            ),
        )

    def iterate_api_key_usage(
        self, key_id: UUID, *, limit: int | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[models.Usage]:
        """Every item of `list_api_key_usage`, page after page; `limit` is the size of a page."""
        return paging.each(
            lambda cursor: self.list_api_key_usage(key_id, limit=limit, since=since, until=until, cursor=cursor)
        )

    def list_usage(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        api_key_id: UUID | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> models.UsagePage:
        """Requests made with API keys.

        What was asked for with any key of the organization in the last 30 days, newest first.
        """
        return self._transport.fetch(
            models.UsagePage,
            asked(
                "GET",
                "/api/v1/usage",
                query={"limit": limit, "cursor": cursor, "api_key_id": api_key_id, "since": since, "until": until},
            ),
        )

    def iterate_usage(
        self,
        *,
        limit: int | None = None,
        api_key_id: UUID | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[models.Usage]:
        """Every item of `list_usage`, page after page; `limit` is the size of a page."""
        return paging.each(
            lambda cursor: self.list_usage(limit=limit, api_key_id=api_key_id, since=since, until=until, cursor=cursor)
        )
