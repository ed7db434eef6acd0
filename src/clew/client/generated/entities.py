"""Operations of the API on: entities.

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


class EntitiesOperations(Calls):
    """Operations on: entities."""

    def list_entities(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["created_at", "-created_at", "name", "-name"] | None = None,
        type: Literal[
            "person",
            "organization",
            "location",
            "domain",
            "ip_address",
            "email",
            "phone",
            "cryptocurrency_address",
            "username",
            "document",
            "social_profile",
            "url",
            "file_hash",
            "asn",
            "ssh_key",
            "software",
            "vulnerability",
            "malware",
            "threat_actor",
            "attack_pattern",
            "campaign",
            "credential",
            "user_agent",
        ]
        | None = None,
        value_prefix: str | None = None,
        tag: str | None = None,
        flag: str | None = None,
        source: str | None = None,
        minimum_confidence: float | None = None,
        minimum_risk: int | None = None,
        is_verified: bool | None = None,
        first_seen_since: datetime | None = None,
        first_seen_until: datetime | None = None,
        last_seen_since: datetime | None = None,
        last_seen_until: datetime | None = None,
        created_since: datetime | None = None,
        created_until: datetime | None = None,
    ) -> models.EntityPage:
        """List entities.

        Entities page by page, those that came into the record last first. For words, places and ranks see search.
        """
        return self._transport.fetch(
            models.EntityPage,
            asked(
                "GET",
                "/api/v1/entities",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "type": type,
                    "value_prefix": value_prefix,
                    "tag": tag,
                    "flag": flag,
                    "source": source,
                    "minimum_confidence": minimum_confidence,
                    "minimum_risk": minimum_risk,
                    "is_verified": is_verified,
                    "first_seen_since": first_seen_since,
                    "first_seen_until": first_seen_until,
                    "last_seen_since": last_seen_since,
                    "last_seen_until": last_seen_until,
                    "created_since": created_since,
                    "created_until": created_until,
                },
            ),
        )

    def iterate_entities(
        self,
        *,
        limit: int | None = None,
        sort: Literal["created_at", "-created_at", "name", "-name"] | None = None,
        type: Literal[
            "person",
            "organization",
            "location",
            "domain",
            "ip_address",
            "email",
            "phone",
            "cryptocurrency_address",
            "username",
            "document",
            "social_profile",
            "url",
            "file_hash",
            "asn",
            "ssh_key",
            "software",
            "vulnerability",
            "malware",
            "threat_actor",
            "attack_pattern",
            "campaign",
            "credential",
            "user_agent",
        ]
        | None = None,
        value_prefix: str | None = None,
        tag: str | None = None,
        flag: str | None = None,
        source: str | None = None,
        minimum_confidence: float | None = None,
        minimum_risk: int | None = None,
        is_verified: bool | None = None,
        first_seen_since: datetime | None = None,
        first_seen_until: datetime | None = None,
        last_seen_since: datetime | None = None,
        last_seen_until: datetime | None = None,
        created_since: datetime | None = None,
        created_until: datetime | None = None,
    ) -> Iterator[models.Entity]:
        """Every item of `list_entities`, page after page; `limit` is the size of a page."""
        return paging.each(
            lambda cursor: self.list_entities(
                limit=limit,
                sort=sort,
                type=type,
                value_prefix=value_prefix,
                tag=tag,
                flag=flag,
                source=source,
                minimum_confidence=minimum_confidence,
                minimum_risk=minimum_risk,
                is_verified=is_verified,
                first_seen_since=first_seen_since,
                first_seen_until=first_seen_until,
                last_seen_since=last_seen_since,
                last_seen_until=last_seen_until,
                created_since=created_since,
                created_until=created_until,
                cursor=cursor,
            )
        )

    def look_up_entity(self, *, value: str, type: str | None = None) -> models.Lookup:
        """Find what a value means.

        The entities that a value may mean, likeliest first; where it means none, what comes near is named.
        """
        return self._transport.fetch_resource(
            models.Lookup, asked("GET", "/api/v1/entities/lookup", query={"value": value, "type": type})
        )

    def get_entity(self, entity_id: UUID) -> models.Entity:
        """Read an entity.

        One entity with its ETag. The id of one that was merged into another gives that other one.
        """
        return self._transport.fetch_resource(
            models.Entity, asked("GET", path_of("/api/v1/entities/{entity_id}", entity_id=entity_id))
        )

    def change_entity(
        self, entity_id: UUID, body: models.EntityChanges, *, if_match: str | None = None
    ) -> models.Entity:
        """Correct an entity.

        Change its tags, or whether it was verified. What sources tell is not changed by hand.
        """
        return self._transport.fetch_resource(
            models.Entity,
            asked("PATCH", path_of("/api/v1/entities/{entity_id}", entity_id=entity_id), body=body, if_match=if_match),
        )

    def get_card(self, entity_id: UUID, *, limit: int | None = None) -> models.Card:
        """Read all about an entity.

        What is known and from which line of which file, what it is related to, and when things happened.
        """
        return self._transport.fetch_resource(
            models.Card,
            asked("GET", path_of("/api/v1/entities/{entity_id}/card", entity_id=entity_id), query={"limit": limit}),
        )

    def list_relationships_of_entity(
        self,
        entity_id: UUID,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        type: str | None = None,
        minimum_confidence: float | None = None,
        first_seen_since: datetime | None = None,
        first_seen_until: datetime | None = None,
        last_seen_since: datetime | None = None,
        last_seen_until: datetime | None = None,
        sort: Literal["type", "-type"] | None = None,
        direction: Literal["out", "in", "both"] | None = None,
    ) -> models.RelationshipPage:
        """List an entity's relationships.

        What an entity is related to, page by page: those that go out from it first, each by type.
        """
        return self._transport.fetch(
            models.RelationshipPage,
            asked(
                "GET",
                path_of("/api/v1/entities/{entity_id}/relationships", entity_id=entity_id),
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
                    "direction": direction,
                },
            ),
        )

    def iterate_relationships_of_entity(
        self,
        entity_id: UUID,
        *,
        limit: int | None = None,
        type: str | None = None,
        minimum_confidence: float | None = None,
        first_seen_since: datetime | None = None,
        first_seen_until: datetime | None = None,
        last_seen_since: datetime | None = None,
        last_seen_until: datetime | None = None,
        sort: Literal["type", "-type"] | None = None,
        direction: Literal["out", "in", "both"] | None = None,
    ) -> Iterator[models.Relationship]:
        """Every item of `list_relationships_of_entity`, page after page; `limit` is the size of a page."""
        return paging.each(
            lambda cursor: self.list_relationships_of_entity(
                entity_id,
                limit=limit,
                type=type,
                minimum_confidence=minimum_confidence,
                first_seen_since=first_seen_since,
                first_seen_until=first_seen_until,
                last_seen_since=last_seen_since,
                last_seen_until=last_seen_until,
                sort=sort,
                direction=direction,
                cursor=cursor,
            )
        )
