"""Operations of the API on: relationships.

Written by `make docs` from the API's description; edit that instead.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal
from uuid import UUID

from clew.client import paging
from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked, path_of


class RelationshipsOperations(Calls):
    """Operations on: relationships."""

    def list_relationships(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        type: str | None = None,
        minimum_confidence: float | None = None,
        first_seen_since: datetime | None = None,
        first_seen_until: datetime | None = None,
        last_seen_since: datetime | None = None,
        last_seen_until: datetime | None = None,
        sort: Literal["id", "-id"] | None = None,
    ) -> models.RelationshipPage:
        """List relationships.

        All relationships page by page, in the order of their ids; those of one entity are listed there.
        """
        return self._transport.fetch(
            models.RelationshipPage,
            asked(
                "GET",
                "/api/v1/relationships",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "type": type,
                    "minimum_confidence": minimum_confidence,
                    "first_seen_since": first_seen_since,
                    "first_seen_until": first_seen_until,
                    "last_seen_since": last_seen_since,
                    "last_seen_until": last_seen_until,
                    "sort": sort,
                },
            ),
        )

    def iterate_relationships(
        self,
        *,
        limit: int | None = None,
        type: str | None = None,
        minimum_confidence: float | None = None,
        first_seen_since: datetime | None = None,
        first_seen_until: datetime | None = None,
        last_seen_since: datetime | None = None,
        last_seen_until: datetime | None = None,
        sort: Literal["id", "-id"] | None = None,
    ) -> Iterator[models.Relationship]:
        """Every item of `list_relationships`, page after page; `limit` is the size of a page."""
        return paging.each(
            lambda cursor: self.list_relationships(
                limit=limit,
                type=type,
                minimum_confidence=minimum_confidence,
                first_seen_since=first_seen_since,
                first_seen_until=first_seen_until,
                last_seen_since=last_seen_since,
                last_seen_until=last_seen_until,
                sort=sort,
                cursor=cursor,
            )
        )

    def get_relationship(self, relationship_id: UUID) -> models.RelationshipWithSources:
        """Read a relationship.

        One relationship with its ETag, and where it comes from.
        """
        return self._transport.fetch_resource(
            models.RelationshipWithSources,
            asked("GET", path_of("/api/v1/relationships/{relationship_id}", relationship_id=relationship_id)),
        )

    def find_path(self, *, start: str, goal: str, max_length: int | None = None) -> models.Path:
        """Find how two things hang together.

        The shortest way by relationships from one entity to another. Finding none is an answer, not an error.
        """
        return self._transport.fetch_resource(
            models.Path, asked("GET", "/api/v1/paths", query={"start": start, "goal": goal, "max_length": max_length})
        )
