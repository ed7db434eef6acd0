"""Attack sessions and events."""

from typing import Final
from uuid import UUID

from pydantic import Field

from clew.api.models.happenings import (
    AttackModel,
    AttackQuery,
    AttackWithPayload,
    EventModel,
    EventOfAttackQuery,
    EventQuery,
)
from clew.api.models.listing import Given
from clew.api.paging import Page
from clew.mcp.asking import Asking
from clew.mcp.tool import Few, Tool, query_of


class FindAttacks(AttackQuery):
    """Which attack sessions."""

    limit: int = Few


class FindEvents(EventQuery):
    """Which events."""

    limit: int = Few


class NamedAttack(Given):
    """Which attack session."""

    attack_id: UUID = Field(description="As find_attacks gives it.")


class EventsOfAttack(EventOfAttackQuery):
    """Of which attack session, and which page."""

    limit: int = Few
    attack_id: UUID = Field(description="As find_attacks gives it.")


async def _find(asking: Asking, wanted: FindAttacks) -> Page[AttackModel]:
    return await asking.page(Page[AttackModel], "/attacks", query_of(wanted))


async def _get(asking: Asking, wanted: NamedAttack) -> AttackWithPayload:
    return await asking.get(AttackWithPayload, "/attacks/{attack_id}", attack_id=wanted.attack_id)


async def _events_of(asking: Asking, wanted: EventsOfAttack) -> Page[EventModel]:
    query = query_of(wanted)
    del query["attack_id"]
    return await asking.page(Page[EventModel], "/attacks/{attack_id}/events", query, attack_id=wanted.attack_id)


async def _find_events(asking: Asking, wanted: FindEvents) -> Page[EventModel]:
    return await asking.page(Page[EventModel], "/events", query_of(wanted))


TOOLS: Final = (
    Tool(
        "find_attacks",
        "Find attack sessions",
        "Attack sessions that honeypots recorded, page by page, the newest first: filtered by time, source address, "
        "sensor, port, protocol, type, payload. For words, facets and counts use `search` with index `attacks`.",
        FindAttacks,
        Page[AttackModel],
        _find,
        ("entity:read",),
    ),
    Tool(
        "get_attack",
        "Read an attack session",
        "One attack session with the commands and the payload that were sent in it.",
        NamedAttack,
        AttackWithPayload,
        _get,
        ("entity:read",),
    ),
    Tool(
        "list_attack_events",
        "List the events of an attack session",
        "What happened in one attack session, event by event, the earliest first, each with the file and line of the "
        "log that tells of it.",
        EventsOfAttack,
        Page[EventModel],
        _events_of,
        ("entity:read",),
    ),
    Tool(
        "find_events",
        "Find events",
        "Events as logs tell them, page by page, the newest first: filtered by time, kind, address, port, sensor. "
        "A page may hold few or none of few matches and still have a next_cursor.",
        FindEvents,
        Page[EventModel],
        _find_events,
        ("entity:read",),
    ),
)
