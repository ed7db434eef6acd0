"""Entities, relationships, and ways between them."""

from typing import Any, Final
from uuid import UUID

from pydantic import Field

from clew.api.models.entities import (
    CardModel,
    EntityModel,
    EntityQuery,
    LookupModel,
    PathModel,
    PathQuery,
    RelationshipModel,
    RelationshipOfQuery,
    RelationshipWithSources,
)
from clew.api.models.listing import Given
from clew.api.paging import Page
from clew.mcp.asking import Asking
from clew.mcp.tool import Few, Tool, query_of

_Entity: Any = Field(
    min_length=1,
    max_length=2000,
    description="A value in any spelling, platform:name, or id.",
    examples=["198.51.100.7"],
)
_Kind: Any = Field(None, max_length=40, description="Its type, if the value could be several things.")


class FindEntities(EntityQuery):
    """Which entities."""

    limit: int = Few


class Value(Given):
    """What is looked up."""

    value: str = _Entity
    type: str | None = _Kind


class NamedEntity(Given):
    """Which entity, and how much of it."""

    entity: str = _Entity
    type: str | None = _Kind
    limit: int = Field(20, ge=1, le=200, description="Most sources and neighbours that are listed.")


class RelationshipsOf(RelationshipOfQuery):
    """Of which entity, and which of its relationships."""

    limit: int = Few
    entity: str = _Entity


class NamedRelationship(Given):
    """Which relationship."""

    relationship_id: UUID


async def _find(asking: Asking, wanted: FindEntities) -> Page[EntityModel]:
    return await asking.page(Page[EntityModel], "/entities", query_of(wanted))


async def _look_up(asking: Asking, wanted: Value) -> LookupModel:
    return await asking.get(LookupModel, "/entities/lookup", query_of(wanted))


async def _get(asking: Asking, wanted: NamedEntity) -> CardModel:
    found = await asking.entity_id(wanted.entity, wanted.type)
    return await asking.get(CardModel, "/entities/{entity_id}/card", {"limit": wanted.limit}, entity_id=found)


async def _relationships(asking: Asking, wanted: RelationshipsOf) -> Page[RelationshipModel]:
    query = query_of(wanted)
    del query["entity"]
    found = await asking.entity_id(wanted.entity, None)
    return await asking.page(Page[RelationshipModel], "/entities/{entity_id}/relationships", query, entity_id=found)


async def _relationship(asking: Asking, wanted: NamedRelationship) -> RelationshipWithSources:
    return await asking.get(
        RelationshipWithSources, "/relationships/{relationship_id}", relationship_id=wanted.relationship_id
    )


async def _path(asking: Asking, wanted: PathQuery) -> PathModel:
    return await asking.get(PathModel, "/paths", query_of(wanted))


TOOLS: Final = (
    Tool(
        "find_entities",
        "Find entities",
        "What the record knows – people, accounts, addresses, domains, files … – page by page, filtered by type, "
        "beginning of the name, tag, source, risk, time. For words use `search`.",
        FindEntities,
        Page[EntityModel],
        _find,
        ("entity:read",),
    ),
    Tool(
        "look_up",
        "Find what a value means",
        "The entities that a value may mean, in whatever spelling, likeliest first.",
        Value,
        LookupModel,
        _look_up,
        ("entity:read",),
    ),
    Tool(
        "get_entity",
        "Read all about an entity",
        "The card of an entity: its facts, which line of which file of which tool each comes from, how sure, what it "
        "is related to, and when things happened. Cite file and line when you report a fact.",
        NamedEntity,
        CardModel,
        _get,
        ("entity:read",),
    ),
    Tool(
        "list_relationships",
        "List an entity's relationships",
        "What an entity is related to, page by page: those that go out from it first, each by type.",
        RelationshipsOf,
        Page[RelationshipModel],
        _relationships,
        ("entity:read", "relationship:read"),
    ),
    Tool(
        "get_relationship",
        "Read a relationship",
        "One relationship, and the items and lines that tell of it, the surest first.",
        NamedRelationship,
        RelationshipWithSources,
        _relationship,
        ("relationship:read",),
    ),
    Tool(
        "find_path",
        "Find how two things hang together",
        "The shortest way by relationships from one entity to another. That none is found is an answer; `truncated` "
        "then says that one may exist beyond the bounds.",
        PathQuery,
        PathModel,
        _path,
        ("relationship:read",),
    ),
)
