"""Events as the logs tell them, and the attack sessions they add up to."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime
from starlette.responses import Response

from clew.api.callers import Call, needs
from clew.api.models.happenings import (
    AttackModel,
    AttackQuery,
    AttackWithPayload,
    EventModel,
    EventOfAttackQuery,
    EventQuery,
)
from clew.api.models.listing import page_shown
from clew.api.paging import Page
from clew.api.representations import shown, tagged
from clew.api.routing import router as routes
from clew.records import happenings
from clew.records.acts import Act

router = routes("events")

Reader = Annotated[Call, needs("entity:read")]


@router.get("/events", response_model=Page[EventModel], summary="List events")
def list_events(call: Reader, query: Annotated[EventQuery, Query()]) -> Response:
    """Events page by page, the newest first unless asked otherwise."""
    wanted = query.wanted(happenings.EventFilter)
    with call.reading() as connection:
        page = happenings.list_events(connection, call.principal.organization_id, wanted, query.page)
    call.tell_read(Act("events_listed", "READ", "event", request=query.asked()))
    return shown(page_shown(page, EventModel))


@router.get("/events/{event_id}", response_model=EventModel, summary="Read an event")
def get_event(
    call: Reader,
    event_id: UUID,
    occurred_at: Annotated[AwareDatetime, Query(description="Its time, as a list gives it.")],
) -> Response:
    """One event with its ETag."""
    with call.reading() as connection:
        found = happenings.read_event(connection, call.principal.organization_id, event_id, occurred_at)
    call.tell_read(Act("event_read", "READ", "event", event_id))
    return tagged(call.request, EventModel.model_validate(found))


@router.get("/attacks", response_model=Page[AttackModel], summary="List attack sessions")
def list_attacks(call: Reader, query: Annotated[AttackQuery, Query()]) -> Response:
    """Attack sessions page by page, the newest first unless asked otherwise."""
    wanted = query.wanted(happenings.AttackFilter)
    with call.reading() as connection:
        page = happenings.list_attacks(connection, call.principal.organization_id, wanted, query.page)
    call.tell_read(Act("attacks_listed", "READ", "attack_session", request=query.asked()))
    return shown(page_shown(page, AttackModel))


@router.get("/attacks/{attack_id}", response_model=AttackWithPayload, summary="Read an attack session")
def get_attack(call: Reader, attack_id: UUID) -> Response:
    """One attack session with its ETag, and what was sent in it."""
    with call.reading() as connection:
        found = happenings.read_attack(connection, call.principal.organization_id, attack_id)
    call.tell_read(Act("attack_read", "READ", "attack_session", attack_id))
    return tagged(call.request, AttackWithPayload.model_validate(found))


@router.get("/attacks/{attack_id}/events", response_model=Page[EventModel], summary="List an attack session's events")
def list_events_of_attack(call: Reader, attack_id: UUID, query: Annotated[EventOfAttackQuery, Query()]) -> Response:
    """The events of an attack session page by page, the earliest first unless asked otherwise."""
    with call.reading() as connection:
        page = happenings.list_events_of_attack(connection, call.principal.organization_id, attack_id, query.page)
    call.tell_read(Act("events_listed", "READ", "attack_session", attack_id))
    return shown(page_shown(page, EventModel))
