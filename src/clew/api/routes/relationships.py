"""Relationships, and ways through them."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from clew.api.callers import Call, needs
from clew.api.models.entities import (
    PathModel,
    PathQuery,
    RelationshipModel,
    RelationshipQuery,
    RelationshipWithSources,
    SightingModel,
)
from clew.api.models.listing import page_shown
from clew.api.paging import Page
from clew.api.problems import MISSING
from clew.api.representations import shown, tagged
from clew.api.routing import router as routes
from clew.records import relationship_reading as reading
from clew.records.acts import Act
from clew.records.finding import found_entities
from clew.records.paths import find_path as shortest

router = routes("relationships")

Reader = Annotated[Call, needs("relationship:read")]


@router.get("/relationships", response_model=Page[RelationshipModel], summary="List relationships")
def list_relationships(call: Reader, query: Annotated[RelationshipQuery, Query()]) -> Response:
    """All relationships page by page, in the order of their ids; those of one entity are listed there."""
    wanted = query.wanted(reading.RelationshipFilter)
    with call.reading() as connection:
        page = reading.list_relationships(connection, call.principal.organization_id, wanted, query.page)
    call.tell_read(Act("relationships_listed", "READ", "relationship", request=query.asked()))
    return shown(page_shown(page, RelationshipModel))


@router.get("/relationships/{relationship_id}", response_model=RelationshipWithSources, summary="Read a relationship")
def get_relationship(call: Reader, relationship_id: UUID) -> Response:
    """One relationship with its ETag, and where it comes from."""
    with call.reading() as connection:
        found, sightings = reading.read_relationship(connection, call.principal.organization_id, relationship_id)
    call.tell_read(Act("relationship_read", "READ", "relationship", found.id, found.type))
    described = RelationshipModel.model_validate(found).model_dump()
    listed = [SightingModel.model_validate(each) for each in sightings]
    return tagged(call.request, RelationshipWithSources(**described, sightings=listed))


@router.get("/paths", response_model=PathModel, summary="Find how two things hang together", responses=MISSING)
def find_path(call: Reader, query: Annotated[PathQuery, Query()]) -> Response:
    """The shortest way by relationships from one entity to another. Finding none is an answer, not an error."""
    organization = call.principal.organization_id
    with call.reading() as connection:
        here, there = (found_entities(connection, organization, value, None)[0] for value in (query.start, query.goal))
        found = shortest(connection, organization, here.id, there.id, max_length=query.max_length)
    call.tell_read(Act("path_read", "READ", "entity", here.id, here.name, request={"goal": str(there.id)}))
    return shown(PathModel.model_validate(found))
