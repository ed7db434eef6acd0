"""Operations of the API on: collections.

Written by `make docs` from the API's description; edit that instead.
"""

from collections.abc import Iterator
from typing import Literal
from uuid import UUID

from clew.client import paging
from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked, path_of


class CollectionsOperations(Calls):
    """Operations on: collections."""

    def list_sources(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["name", "-name"] | None = None,
        source_type: str | None = None,
        is_active: bool | None = None,
    ) -> models.SourcePage:
        """List sources.

        What the record is told by, page by page, by name.
        """
        return self._transport.fetch(
            models.SourcePage,
            asked(
                "GET",
                "/api/v1/sources",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "source_type": source_type,
                    "is_active": is_active,
                },
            ),
        )

    def iterate_sources(
        self,
        *,
        limit: int | None = None,
        sort: Literal["name", "-name"] | None = None,
        source_type: str | None = None,
        is_active: bool | None = None,
    ) -> Iterator[models.Source]:
        """Every item of `list_sources`, page after page; `limit` is the size of a page."""
        return paging.each(
            lambda cursor: self.list_sources(
                limit=limit, sort=sort, source_type=source_type, is_active=is_active, cursor=cursor
            )
        )

    def add_source(self, body: models.NewSource, *, idempotency_key: str | None = None) -> models.Source:
        """Add a source.

        A new source. Secrets are refused: there is no encrypted place for them yet.
        """
        return self._transport.fetch_resource(
            models.Source, asked("POST", "/api/v1/sources", body=body, once=idempotency_key or True)
        )

    def get_source(self, source_id: UUID) -> models.Source:
        """Read a source.

        One source with its ETag.
        """
        return self._transport.fetch_resource(
            models.Source, asked("GET", path_of("/api/v1/sources/{source_id}", source_id=source_id))
        )

    def change_source(
        self, source_id: UUID, body: models.SourceChanges, *, if_match: str | None = None
    ) -> models.Source:
        """Change a source, or switch it off.

        Change what is given and nothing else. With If-Match only the state that the caller saw is changed.
        """
        return self._transport.fetch_resource(
            models.Source,
            asked("PATCH", path_of("/api/v1/sources/{source_id}", source_id=source_id), body=body, if_match=if_match),
        )

    def list_collections(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["created_at", "-created_at"] | None = None,
        status: Literal["pending", "running", "completed", "failed", "cancelled"] | None = None,
        collector_type: Literal["social_media", "domain_intel", "public_db", "news", "dark_web", "custom"]
        | None = None,
        user_id: UUID | None = None,
    ) -> models.CollectionPage:
        """List collections.

        The organization's collections page by page, the newest first unless asked otherwise.
        """
        return self._transport.fetch(
            models.CollectionPage,
            asked(
                "GET",
                "/api/v1/collections",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "status": status,
                    "collector_type": collector_type,
                    "user_id": user_id,
                },
            ),
        )

    def iterate_collections(
        self,
        *,
        limit: int | None = None,
        sort: Literal["created_at", "-created_at"] | None = None,
        status: Literal["pending", "running", "completed", "failed", "cancelled"] | None = None,
        collector_type: Literal["social_media", "domain_intel", "public_db", "news", "dark_web", "custom"]
        | None = None,
        user_id: UUID | None = None,
    ) -> Iterator[models.Collection]:
        """Every item of `list_collections`, page after page; `limit` is the size of a page."""
        return paging.each(
            lambda cursor: self.list_collections(
                limit=limit, sort=sort, status=status, collector_type=collector_type, user_id=user_id, cursor=cursor
            )
        )

    def define_collection(self, body: models.NewCollection, *, idempotency_key: str | None = None) -> models.Collection:
        """Define a collection.

        A new collection of the caller's. Its items are made part of a case there.
        """
        return self._transport.fetch_resource(
            models.Collection, asked("POST", "/api/v1/collections", body=body, once=idempotency_key or True)
        )

    def get_collection(self, collection_id: UUID) -> models.Collection:
        """Read a collection.

        One collection with its ETag.
        """
        return self._transport.fetch_resource(
            models.Collection, asked("GET", path_of("/api/v1/collections/{collection_id}", collection_id=collection_id))
        )

    def change_collection(
        self, collection_id: UUID, body: models.CollectionChanges, *, if_match: str | None = None
    ) -> models.Collection:
        """Change a collection.

        Change how a collection is defined. With If-Match only the state that the caller saw is changed.
        """
        return self._transport.fetch_resource(
            models.Collection,
            asked(
                "PATCH",
                path_of("/api/v1/collections/{collection_id}", collection_id=collection_id),
                body=body,
                if_match=if_match,
            ),
        )
