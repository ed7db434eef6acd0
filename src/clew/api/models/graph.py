"""Questions to the graph and its answers as the API takes and shows them."""

from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, Field

from clew.api.models.listing import Given, Record, Text
from clew.kernel.lazily import lazily
from clew.projections.graph.formats import Format
from clew.projections.graph.port import (
    MAXIMUM_DEPTH,
    MAXIMUM_LENGTH,
    MAXIMUM_PATHS,
    MAXIMUM_SIMPLE_LENGTH,
    MEMBERS_SHOWN,
    Direction,
    Measure,
)

if TYPE_CHECKING:
    from clew.projections.graph import answers
else:
    answers = lazily("clew.projections.graph.answers")

Value = Annotated[Text, Field(min_length=1, max_length=2000)]
Name = Annotated[Text, Field(min_length=1, max_length=100)]
MAXIMUM_SHOWN = 2_000


class Walked(Given):
    """Which relationships are walked: those of which all that is given is true."""

    relationship_type: list[Name] = Field(default=[], max_length=50, description="Any of these types.")
    seen_since: AwareDatetime | None = Field(None, description="Seen at this time or later.")
    seen_until: AwareDatetime | None = Field(None, description="Seen before this time.")
    minimum_confidence: float = Field(0.0, ge=0.0, le=1.0)
    direction: Direction = Field(Direction.ANY, description="From where one stands; of paths, from their start.")

    def question(self, **rest: Any) -> "answers.Question":
        """As the graph view takes it."""
        return answers.Question(
            relationship_types=tuple(self.relationship_type),
            since=written(self.seen_since),
            until=written(self.seen_until),
            minimum_confidence=self.minimum_confidence,
            direction=self.direction,
            **rest,
        )

    def asked(self) -> dict[str, Any]:
        """What was asked for, as the audit trail keeps it."""
        return self.model_dump(mode="json", exclude_defaults=True)


class NeighboursQuery(Walked):
    """Whose neighbours."""

    entity: Value = Field(description="A value or id.", examples=["quietheron42"])
    entity_type: list[Name] = Field(default=[], max_length=50, description="Neighbours of any of these types.")
    limit: int = Field(50, ge=1, le=MAXIMUM_SHOWN, description="Most neighbours.")


class EgoQuery(NeighboursQuery):
    """Around which entity, and how far."""

    depth: int = Field(2, ge=1, le=MAXIMUM_DEPTH, description="Steps from the entity.")
    limit: int = Field(1_000, ge=1, le=MAXIMUM_SHOWN, description="Most entities around it.")
    max_degree: int | None = Field(None, ge=1, le=1_000_000, description="Relationships above which one is a hub.")
    between: bool = Field(default=False, description="Also relationships between the outermost entities.")


class WayQuery(Walked):
    """Between which entities, and how long a path may be."""

    start: Value = Field(description="A value or id.", examples=["quietheron42"])
    goal: Value = Field(description="A value or id.", examples=["198.51.100.7"])
    max_length: int = Field(8, ge=1, le=MAXIMUM_LENGTH, description="Most relationships on the way.")
    max_degree: int | None = Field(None, ge=1, le=1_000_000, description="Relationships above which one is a hub.")
    surest: bool = Field(default=False, description="The path of the greatest confidence in place of the shortest.")


class WaysQuery(Walked):
    """Between which entities, how long paths may be, and how many."""

    start: Value = Field(description="A value or id.", examples=["quietheron42"])
    goal: Value = Field(description="A value or id.", examples=["198.51.100.7"])
    max_length: int = Field(4, ge=1, le=MAXIMUM_SIMPLE_LENGTH, description="Most relationships on a way.")
    max_degree: int | None = Field(None, ge=1, le=1_000_000, description="Relationships above which one is a hub.")
    limit: int = Field(100, ge=1, le=MAXIMUM_PATHS, description="Most paths.")


class CentralQuery(Given):
    """By which measure, and how many."""

    measure: Measure = Measure.PAGERANK
    type: Name | None = Field(None, description="Entities of this type.")
    limit: int = Field(50, ge=1, le=MAXIMUM_SHOWN)


class CommunitiesQuery(Given):
    """How many communities, and members of each."""

    limit: int = Field(20, ge=1, le=200)
    members: int = Field(MEMBERS_SHOWN, ge=0, le=100)


class ExportQuery(Given):
    """In which format; all, or what is around an entity."""

    format: Format = Format.GRAPHML
    entity: Value | None = Field(None, description="Only what is around this value or id.")
    depth: int = Field(2, ge=1, le=MAXIMUM_DEPTH)
    limit: int = Field(10_000, ge=1, le=10_000)


class GraphEntityModel(Record):
    """An entity. The last three are null until the graph was measured."""

    id: UUID
    type: str
    name: str
    risk_score: int
    first_seen: str | None
    last_seen: str | None
    pagerank: float | None
    betweenness: float | None
    community: UUID | None


class GraphRelationshipModel(Record):
    """A relationship, in its own direction."""

    id: UUID
    type: str
    source: UUID
    target: UUID
    confidence: float
    first_seen: str | None
    last_seen: str | None


class GraphNeighbourModel(Record):
    """An entity next to another, and what is between them, surest first."""

    entity: GraphEntityModel
    relationships: list[GraphRelationshipModel]


class GraphNeighboursModel(Record):
    """Those next to an entity, surest first. `total` counts all that are wanted, `degree` all its relationships."""

    entity: GraphEntityModel
    degree: int
    total: int
    truncated: bool
    neighbours: list[GraphNeighbourModel]


class GraphReachedModel(Record):
    """An entity some steps away. `is_hub`: nothing was looked for beyond it."""

    entity: GraphEntityModel
    distance: int
    degree: int
    is_hub: bool


class GraphSurroundingsModel(Record):
    """What is around an entity, which comes first. `truncated`: there is more than was asked for, or may be shown."""

    entities: list[GraphReachedModel]
    relationships: list[GraphRelationshipModel]
    truncated: bool
    hub_count: int


class GraphWayModel(Record):
    """A path; its confidence is the product of its relationships'."""

    length: int
    confidence: float
    entities: list[GraphEntityModel]
    relationships: list[GraphRelationshipModel]


class GraphWaysModel(Record):
    """Paths, best first. `truncated`: a bound ended the search, so there may be (more). `hubs`: not gone through."""

    ways: list[GraphWayModel]
    truncated: bool
    hubs: list[GraphEntityModel]
    hub_count: int
    visited: int


class GraphMeasurementModel(Record):
    """One measuring of the graph: by what, of how much, and when."""

    id: UUID
    algorithms: str
    parameters: dict[str, Any]
    entities: int
    relationships: int
    communities: int
    modularity: float | None
    started_at: AwareDatetime
    completed_at: AwareDatetime


class GraphCentralModel(Record):
    """The most central entities, and the newest measuring; null where there was none."""

    entities: list[GraphEntityModel]
    measurement: GraphMeasurementModel | None


class GraphCommunityModel(Record):
    """A community, called after its most central member."""

    id: UUID
    size: int
    members: list[GraphEntityModel]


class GraphCommunitiesModel(Record):
    """The largest communities, and the newest measuring; null where there was none."""

    communities: list[GraphCommunityModel]
    measurement: GraphMeasurementModel | None


def written(moment: AwareDatetime | None) -> str | None:
    """A time as the graph's documents write it."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
