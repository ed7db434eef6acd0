"""Entities: lists, one of them, its card, what a value means, and corrections."""

from typing import Annotated, cast
from uuid import UUID

import sqlalchemy as sa
from fastapi import Query
from starlette.responses import Response

from clew.api.callers import Call, needs
from clew.api.models.entities import (
    CardModel,
    EntityBriefModel,
    EntityChangesModel,
    EntityModel,
    EntityQuery,
    LookupModel,
    RelationshipModel,
    RelationshipOfQuery,
)
from clew.api.models.listing import page_shown
from clew.api.paging import Page
from clew.api.problems import MISSING
from clew.api.representations import CHECKED, require_match, shown, tagged
from clew.api.routing import router as routes
from clew.kernel.errors import NotFoundError
from clew.records.acts import Act
from clew.records.cards import card
from clew.records.entity_changes import EntityChanges, change_entity
from clew.records.entity_reading import Entity, EntityFilter, list_entities, read_entity
from clew.records.finding import found_entities
from clew.records.relationship_reading import RelationshipFilter, list_relationships_of

router = routes("entities")

Reader = Annotated[Call, needs("entity:read")]
Limit = Annotated[int, Query(ge=1, le=200, description="Most sources and neighbours that are listed.")]


@router.get("/entities", response_model=Page[EntityModel], summary="List entities", name="list_entities")
def list_them(call: Reader, query: Annotated[EntityQuery, Query()]) -> Response:
    """Entities page by page, those that came into the record last first. For words, places and ranks see search."""
    with call.reading() as connection:
        page = list_entities(connection, call.principal.organization_id, query.wanted(EntityFilter), query.page)
    call.tell_read(Act("entities_listed", "READ", "entity", request=query.asked()))
    return shown(page_shown(page, EntityModel))


@router.get(
    "/entities/lookup",
    response_model=LookupModel,
    summary="Find what a value means",
    responses=MISSING,
    name="look_up_entity",
)
def look_up(
    call: Reader,
    value: Annotated[
        str,
        Query(
            min_length=1,
            max_length=2000,
            description="A value in any spelling, platform:name, or id.",
            examples=["quietheron42"],
        ),
    ],
    type_: Annotated[
        str | None, Query(alias="type", max_length=40, description="If it could be several things.")
    ] = None,
) -> Response:
    """The entities that a value may mean, likeliest first; where it means none, what comes near is named."""
    with call.reading() as connection:
        found = found_entities(connection, call.principal.organization_id, value, type_)
    call.tell_read(Act("entity_looked_up", "READ", "entity", found[0].id, found[0].name, request={"value": value}))
    return shown(LookupModel(items=[EntityBriefModel.model_validate(each) for each in found]))


@router.get("/entities/{entity_id}", response_model=EntityModel, summary="Read an entity", name="get_entity")
def get_one(call: Reader, entity_id: UUID) -> Response:
    """One entity with its ETag. The id of one that was merged into another gives that other one."""
    with call.reading() as connection:
        found = read_entity(connection, call.principal.organization_id, entity_id)
    call.tell_read(Act("entity_read", "READ", "entity", found.id, found.name))
    return tagged(call.request, EntityModel.model_validate(found))


@router.patch(
    "/entities/{entity_id}",
    response_model=EntityModel,
    summary="Correct an entity",
    name="change_entity",
    openapi_extra=CHECKED,
)
def change_one(call: Annotated[Call, needs("entity:write")], entity_id: UUID, changes: EntityChangesModel) -> Response:
    """Change its tags, or whether it was verified. What sources tell is not changed by hand."""

    def check(present: Entity) -> None:
        require_match(call.request, EntityModel.model_validate(present))

    wanted = cast("EntityChanges", changes.model_dump(exclude_unset=True))
    with call.transaction() as connection:
        found = change_entity(connection, call.principal.organization_id, entity_id, wanted, check=check)
    return tagged(call.request, EntityModel.model_validate(found))


@router.get("/entities/{entity_id}/card", response_model=CardModel, summary="Read all about an entity", name="get_card")
def get_card(call: Reader, entity_id: UUID, limit: Limit = 50) -> Response:
    """What is known and from which line of which file, what it is related to, and when things happened."""
    with call.reading() as connection:
        found = card(connection, call.principal.organization_id, entity_id, limit=limit)
    call.tell_read(Act("entity_read", "READ", "entity", found.id, found.name, request={"card": True}))
    return tagged(call.request, CardModel.model_validate(found))


@router.get(
    "/entities/{entity_id}/relationships",
    response_model=Page[RelationshipModel],
    summary="List an entity's relationships",
    name="list_relationships_of_entity",
)
def list_relationships(
    call: Annotated[Call, needs("relationship:read")],
    entity_id: UUID,
    query: Annotated[RelationshipOfQuery, Query()],
) -> Response:
    """What an entity is related to, page by page: those that go out from it first, each by type."""
    with call.reading() as connection:
        page = list_relationships_of(
            connection,
            call.principal.organization_id,
            entity_id,
            query.wanted(RelationshipFilter),
            query.page,
            query.direction,
        )
        if not page.items and query.cursor is None:
            _require_present(connection, call.principal.organization_id, entity_id)
    call.tell_read(Act("relationships_listed", "READ", "entity", entity_id, request=query.asked()))
    return shown(page_shown(page, RelationshipModel))


def _require_present(connection: sa.Connection, organization_id: UUID, entity_id: UUID) -> None:
    """Raises NotFoundError for an id that names nothing, or an entity that was merged into another."""
    current = read_entity(connection, organization_id, entity_id).id
    if current != entity_id:
        raise NotFoundError(f"entity {entity_id} was merged into {current}", remedy="list those of the other one")
