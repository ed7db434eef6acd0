"""Events and attack sessions as the API shows them."""

from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from clew.api.models.listing import ListQuery, Record

Port = Field(None, ge=0, le=65_535)
Address = Field(None, max_length=60, examples=["198.51.100.7"])


class EventModel(Record):
    """Something that happened, as a log tells it. Its key is its id together with its time."""

    id: UUID
    occurred_at: AwareDatetime
    source: str = Field(examples=["cowrie"])
    kind: str = Field(examples=["login.failed"])
    item_id: UUID = Field(description="The file that tells of it.")
    line: int | None
    session_id: UUID | None
    source_ip: str | None = Field(examples=["198.51.100.7"])
    source_port: int | None
    destination_ip: str | None
    target_port: int | None
    protocol: str | None
    sensor: str | None
    payload: str | None
    properties: dict[str, Any] | None
    impossible_time: bool = Field(description="Its clock said what cannot be, such as 1970.")


class AttackModel(Record):
    """A session in which somebody attacked a honeypot."""

    id: UUID
    timestamp: AwareDatetime
    ended_at: AwareDatetime
    source: str = Field(examples=["cowrie"])
    sensor: str | None
    source_ip: str | None = Field(examples=["198.51.100.7"])
    source_port: int | None
    destination_ip: str | None
    target_port: int | None
    protocol: str | None
    attack_type: str | None
    client: str | None
    fingerprint: str | None
    event_count: int
    login_failures: int
    login_successes: int
    session_key: str
    payload_hash: str


class AttackWithPayload(AttackModel):
    """An attack session with what was sent in it; `commands` are its first 1,000 texts."""

    payload: str
    commands: list[Any]


class EventQuery(ListQuery):
    """Which events. Time is found by index; for all else a page looks at a bounded number of events."""

    sort: Literal["occurred_at", "-occurred_at"] | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    source: str | None = Field(None, max_length=200)
    kind: str | None = Field(None, max_length=200)
    source_ip: str | None = Address
    destination_ip: str | None = Address
    target_port: int | None = Port
    protocol: str | None = Field(None, max_length=100)
    sensor: str | None = Field(None, max_length=200)
    session_id: UUID | None = None


class EventOfAttackQuery(ListQuery):
    """Which page of an attack session's events."""

    sort: Literal["occurred_at", "-occurred_at"] | None = None


class AttackQuery(ListQuery):
    """Which attack sessions. Time, source address and payload are found by index."""

    sort: Literal["timestamp", "-timestamp"] | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    source: str | None = Field(None, max_length=200)
    source_ip: str | None = Address
    target_port: int | None = Port
    protocol: str | None = Field(None, max_length=100)
    sensor: str | None = Field(None, max_length=200)
    attack_type: str | None = Field(None, max_length=200)
    payload_hash: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    minimum_login_successes: int | None = Field(None, ge=0, le=2_147_483_647)
