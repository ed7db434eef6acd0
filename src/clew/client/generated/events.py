"""Operations of the API on: events.

Written by `make docs` from the API's description; edit that instead.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Literal
from uuid import UUID

from clew.client import paging
from clew.client.events import Event
from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked, path_of


class EventsOperations(Calls):
    """Operations on: events."""

    def follow_events(
        self, *, topics: str, last_event_id: str | None = None
    ) -> AbstractContextManager[Iterator[Event]]:
        """Follow what changes.

        Server-sent events: that something was created, updated or deleted, and its id; details are asked for.

        `reset` means that events may be missing: look at everything anew. Each topic needs the permission that reading
        its things needs, and no other: investigations investigation:read, jobs job:read, uploads ingest:write.
        """
        return self._events(
            asked("GET", "/api/v1/live", query={"topics": topics}, headers={"Last-Event-ID": last_event_id})
        )

    def list_events(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["occurred_at", "-occurred_at"] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        source: str | None = None,
        kind: str | None = None,
        source_ip: str | None = None,
        destination_ip: str | None = None,
        target_port: int | None = None,
        protocol: str | None = None,
        sensor: str | None = None,
        session_id: UUID | None = None,
    ) -> models.EventPage:
        """List events.

        Events page by page, the newest first unless asked otherwise.
        """
        return self._transport.fetch(
            models.EventPage,
            asked(
                "GET",
                "/api/v1/events",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "since": since,
                    "until": until,
                    "source": source,
                    "kind": kind,
                    "source_ip": source_ip,
                    "destination_ip": destination_ip,
                    "target_port": target_port,
                    "protocol": protocol,
                    "sensor": sensor,
                    "session_id": session_id,
                },
            ),
        )

    def iterate_events(
        self,
        *,
        limit: int | None = None,
        sort: Literal["occurred_at", "-occurred_at"] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        source: str | None = None,
        kind: str | None = None,
        source_ip: str | None = None,
        destination_ip: str | None = None,
        target_port: int | None = None,
        protocol: str | None = None,
        sensor: str | None = None,
        session_id: UUID | None = None,
    ) -> Iterator[models.Event]:
        """Every item of `list_events`, page after page; `limit` is the size of a page."""
        return paging.each(
            lambda cursor: self.list_events(
                limit=limit,
                sort=sort,
                since=since,
                until=until,
                source=source,
                kind=kind,
                source_ip=source_ip,
                destination_ip=destination_ip,
                target_port=target_port,
                protocol=protocol,
                sensor=sensor,
                session_id=session_id,
                cursor=cursor,
            )
        )

    def get_event(self, event_id: UUID, *, occurred_at: datetime) -> models.Event:
        """Read an event.

        One event with its ETag.
        """
        return self._transport.fetch_resource(
            models.Event,
            asked("GET", path_of("/api/v1/events/{event_id}", event_id=event_id), query={"occurred_at": occurred_at}),
        )

    def list_attacks(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["timestamp", "-timestamp"] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        source: str | None = None,
        source_ip: str | None = None,
        target_port: int | None = None,
        protocol: str | None = None,
        sensor: str | None = None,
        attack_type: str | None = None,
        payload_hash: str | None = None,
        minimum_login_successes: int | None = None,
    ) -> models.AttackPage:
        """List attack sessions.

        Attack sessions page by page, the newest first unless asked otherwise.
        """
        return self._transport.fetch(
            models.AttackPage,
            asked(
                "GET",
                "/api/v1/attacks",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "since": since,
                    "until": until,
                    "source": source,
                    "source_ip": source_ip,
                    "target_port": target_port,
                    "protocol": protocol,
                    "sensor": sensor,
                    "attack_type": attack_type,
                    "payload_hash": payload_hash,
                    "minimum_login_successes": minimum_login_successes,
                },
            ),
        )

    def iterate_attacks(
        self,
        *,
        limit: int | None = None,
        sort: Literal["timestamp", "-timestamp"] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        source: str | None = None,
        source_ip: str | None = None,
        target_port: int | None = None,
        protocol: str | None = None,
        sensor: str | None = None,
        attack_type: str | None = None,
        payload_hash: str | None = None,
        minimum_login_successes: int | None = None,
    ) -> Iterator[models.Attack]:
        """Every item of `list_attacks`, page after page; `limit` is the size of a page."""
        return paging.each(
            lambda cursor: self.list_attacks(
                limit=limit,
                sort=sort,
                since=since,
                until=until,
                source=source,
                source_ip=source_ip,
                target_port=target_port,
                protocol=protocol,
                sensor=sensor,
                attack_type=attack_type,
                payload_hash=payload_hash,
                minimum_login_successes=minimum_login_successes,
                cursor=cursor,
            )
        )

    def get_attack(self, attack_id: UUID) -> models.AttackWithPayload:
        """Read an attack session.

        One attack session with its ETag, and what was sent in it.
        """
        return self._transport.fetch_resource(
            models.AttackWithPayload, asked("GET", path_of("/api/v1/attacks/{attack_id}", attack_id=attack_id))
        )

    def list_events_of_attack(
        self,
        attack_id: UUID,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["occurred_at", "-occurred_at"] | None = None,
    ) -> models.EventPage:
        """List an attack session's events.

        The events of an attack session page by page, the earliest first unless asked otherwise.
        """
        return self._transport.fetch(
            models.EventPage,
            asked(
                "GET",
                path_of("/api/v1/attacks/{attack_id}/events", attack_id=attack_id),
                query={"limit": limit, "cursor": cursor, "sort": sort},
            ),
        )

    def iterate_events_of_attack(
        self, attack_id: UUID, *, limit: int | None = None, sort: Literal["occurred_at", "-occurred_at"] | None = None
    ) -> Iterator[models.Event]:
        """Every item of `list_events_of_attack`, page after page; `limit` is the size of a page."""
        return paging.each(lambda cursor: self.list_events_of_attack(attack_id, limit=limit, sort=sort, cursor=cursor))
