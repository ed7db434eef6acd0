"""Entities and relationships as the API shows them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from clew.api.models.listing import Given, ListQuery, Record, Text
from clew.ontology import EntityType
from clew.records.entity_changes import MAXIMUM_TAGS
from clew.records.paths import MAXIMUM_LENGTH, USUAL_LENGTH

EntityTypeName = Annotated[str, Field(json_schema_extra={"enum": [str(each) for each in EntityType]})]
Confidence = Annotated[float, Field(ge=0, le=1, description="From 0 to 1.", examples=[0.8])]
EXAMPLE: Any = "0b6f2f0e-58f5-5a3e-9a53-2f8d4a3e7c11"


class EntityModel(Record):
    """Something that the record knows: a person, an address, an account, and so on."""

    id: UUID = Field(examples=[EXAMPLE])
    type: str = Field(examples=["ip_address"])
    name: str = Field(examples=["198.51.100.7"])
    normalized_name: str = Field(examples=["198.51.100.7"])
    properties: dict[str, Any] = Field(examples=[{"asn": 64500}])
    tags: list[str] = Field(examples=[["red team"]])
    flags: list[str] = Field(description="What keeps a value from standing for anything: private, placeholder …")
    risk_score: int = Field(ge=0, le=100)
    confidence: Confidence
    is_verified: bool
    first_seen: AwareDatetime | None
    last_seen: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class EntityQuery(ListQuery):
    """Which entities. Those asked for by type, prefix and time of creation are found by index."""

    sort: Literal["created_at", "-created_at", "name", "-name"] | None = "-created_at"
    entity_type: EntityTypeName | None = Field(None, alias="type", max_length=40)
    value_prefix: str | None = Field(None, min_length=1, max_length=200, description="How the normalised name begins.")
    tag: str | None = Field(None, max_length=100)
    flag: str | None = Field(None, max_length=100)
    source: str | None = Field(None, max_length=200, description="Name of a source that tells of it.")
    minimum_confidence: Confidence | None = None
    minimum_risk: int | None = Field(None, ge=0, le=100)
    is_verified: bool | None = None
    first_seen_since: AwareDatetime | None = None
    first_seen_until: AwareDatetime | None = None
    last_seen_since: AwareDatetime | None = None
    last_seen_until: AwareDatetime | None = None
    created_since: AwareDatetime | None = None
    created_until: AwareDatetime | None = None


class EntityChangesModel(Given):
    """What about an entity a person corrects. What is left out stays."""

    tags: list[Text] = Field(default=[], max_length=MAXIMUM_TAGS, examples=[["red team"]])
    is_verified: bool = Field(default=False)


class EntityBriefModel(Record):
    """An entity in brief. `platform` is that of an account."""

    id: UUID = Field(examples=[EXAMPLE])
    type: str = Field(examples=["username"])
    name: str = Field(examples=["quietheron42"])
    normalized_name: str = Field(examples=["quietheron42"])
    platform: str | None = Field(examples=["github"])


class LookupModel(Record):
    """What a text may mean, likeliest first."""

    items: list[EntityBriefModel]


class SourceLineModel(Record):
    """Where an entity was seen: the tool, the item, and the place in its file."""

    source: str | None = Field(examples=["cowrie"])
    item_id: UUID
    file: str | None = Field(examples=["cowrie.json"])
    line: int | None = Field(examples=[17])
    confidence: float
    method: str | None


class NeighbourModel(Record):
    """An entity at the other end of a relationship; `direction` is "out" where the card's entity is the source."""

    id: UUID
    type: str
    name: str
    platform: str | None
    relationship_type: str
    relationship_id: UUID
    direction: str
    confidence: float
    first_seen: AwareDatetime | None
    last_seen: AwareDatetime | None


class AliasModel(Record):
    """What was merged into an entity, and on whose judgement."""

    id: UUID
    reason: str | None
    judged_by: str | None


class CardModel(Record):
    """All that is worth knowing of one entity. The lists may be cut; the counts say how much there is."""

    id: UUID = Field(examples=[EXAMPLE])
    type: str
    name: str
    normalized_name: str
    properties: dict[str, Any]
    confidence: float
    first_seen: AwareDatetime | None
    last_seen: AwareDatetime | None
    flags: list[str]
    tags: list[str]
    risk_score: int
    is_verified: bool
    sources: list[SourceLineModel]
    source_count: int
    neighbours: list[NeighbourModel]
    neighbour_count: int
    aliases: list[AliasModel]
    alternatives: list[EntityBriefModel]
    timeline: list[dict[str, Any]] = Field(description="What happened, by `kind`: session, relationship, post.")
    post_count: int


class EndModel(Record):
    """An entity at an end of a relationship."""

    id: UUID
    type: str
    name: str
    platform: str | None


class RelationshipModel(Record):
    """How two entities hang together."""

    id: UUID
    type: str = Field(examples=["USES"])
    source: EndModel
    target: EndModel
    confidence: Confidence
    told_by: str | None = Field(description="What the relationship is known by.")
    properties: dict[str, Any]
    first_seen: AwareDatetime | None
    last_seen: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class SightingModel(Record):
    """An item that tells of a relationship."""

    item_id: UUID
    line: int | None
    confidence: float


class RelationshipWithSources(RelationshipModel):
    """A relationship, and the items that tell of it, the surest first, at most 200."""

    sightings: list[SightingModel]


class RelationshipFilters(ListQuery):
    """Which relationships."""

    relationship_type: str | None = Field(None, alias="type", max_length=100, examples=["USES"])
    minimum_confidence: Confidence | None = None
    first_seen_since: AwareDatetime | None = None
    first_seen_until: AwareDatetime | None = None
    last_seen_since: AwareDatetime | None = None
    last_seen_until: AwareDatetime | None = None


class RelationshipQuery(RelationshipFilters):
    """Which of all relationships."""

    sort: Literal["id", "-id"] | None = None


class RelationshipOfQuery(RelationshipFilters):
    """Which relationships of an entity. Those that go out come before those that come in, each by type."""

    sort: Literal["type", "-type"] | None = None
    direction: Literal["out", "in", "both"] = "both"


class PathQuery(Given):
    """Between which entities, each by its value or id, and how long a way may be."""

    start: str = Field(min_length=1, max_length=2000, examples=["quietheron42"])
    goal: str = Field(min_length=1, max_length=2000, examples=["198.51.100.7"])
    max_length: int = Field(USUAL_LENGTH, ge=1, le=MAXIMUM_LENGTH, description="Most relationships on the way.")


class PathNodeModel(Record):
    """An entity on the way."""

    id: UUID
    type: str
    name: str


class PathStepModel(Record):
    """A relationship on the way, in its own direction."""

    id: UUID
    type: str
    source: UUID
    target: UUID
    confidence: float


class PathModel(Record):
    """The way found, or that there is none. `truncated`: none was found within the bounds, so one may exist.

    `hubs_skipped` names up to 20 entities that the search did not go through.
    """

    found: bool
    length: int | None
    nodes: list[PathNodeModel]
    relationships: list[PathStepModel]
    truncated: bool
    hubs_skipped: list[PathNodeModel]
    hub_count: int
    visited: int
