"""Cases and their targets as the API shows them."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from clew.api.models.entities import EXAMPLE, EntityTypeName
from clew.api.models.listing import Given, ListQuery, Record, Text
from clew.domains.investigations.tables import INVESTIGATION_TYPES, PRIORITIES, STATUSES
from clew.records.tables.items import RUN_STATES

LONGEST_NAME = 200
LONGEST_TEXT = 20_000

Name = Annotated[Text, Field(min_length=1, max_length=LONGEST_NAME, examples=["Harbour"])]
LongText = Annotated[Text, Field(max_length=LONGEST_TEXT)]
InvestigationType = Annotated[str, Field(json_schema_extra={"enum": list(INVESTIGATION_TYPES)})]
Priority = Annotated[str, Field(json_schema_extra={"enum": list(PRIORITIES)})]
Status = Annotated[str, Field(json_schema_extra={"enum": list(STATUSES)})]
TargetStatus = Annotated[str, Field(json_schema_extra={"enum": list(RUN_STATES)})]


class InvestigationModel(Record):
    """A case."""

    id: UUID = Field(examples=[EXAMPLE])
    name: str = Field(examples=["Harbour"])
    description: str | None
    investigation_type: str = Field(examples=["infrastructure"])
    priority: str = Field(examples=["normal"])
    status: str = Field(examples=["running"])
    stage: int = Field(ge=1, le=8)
    lawful_basis: str | None
    classification_level: str | None
    owner_id: UUID | None
    risk_score: int
    threat_level: str | None
    compliance_status: str | None
    started_at: AwareDatetime | None
    completed_at: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class InvestigationQuery(ListQuery):
    """Which cases."""

    sort: Literal["created_at", "-created_at", "updated_at", "-updated_at", "name", "-name"] | None = "-created_at"
    status: Status | None = None
    priority: Priority | None = None
    investigation_type: InvestigationType | None = None
    owner_id: UUID | None = None


class NewInvestigation(Given):
    """What a case is opened with. Whoever opens it owns it."""

    name: Name
    description: LongText | None = None
    investigation_type: InvestigationType = "comprehensive"
    priority: Priority = "normal"
    lawful_basis: LongText | None = None


class InvestigationChangesModel(Given):
    """What about a case is to be different. What is left out stays."""

    name: Name = ""
    description: LongText | None = None
    investigation_type: InvestigationType = "comprehensive"
    priority: Priority = "normal"
    status: Status = "pending"
    stage: int = Field(1, ge=1, le=8)
    lawful_basis: LongText | None = None
    classification_level: LongText | None = None


class TargetModel(Record):
    """What a case is about. `entity_id` is its entity where the record has exactly that one."""

    id: UUID
    target_type: str = Field(examples=["domain"])
    value: str = Field(examples=["c2.example.net"])
    normalized_value: str
    entity_id: UUID | None
    status: str
    notes: str | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class NewTarget(Given):
    """A value that a case is about. Its type is guessed from its form unless given."""

    value: Annotated[Text, Field(min_length=1, max_length=2000, examples=["c2.example.net"])]
    target_type: EntityTypeName | None = None
    notes: LongText | None = None


class TargetChangesModel(Given):
    """What about a target is to be different. What is left out stays."""

    status: TargetStatus = "pending"
    notes: LongText | None = None


class CaseFileModel(Record):
    """A file of a case."""

    item_id: UUID
    file_name: str
    sources: list[str]
    status: str
    records: int
    rejected: int
    events: int


class OverviewModel(Record):
    """A case at a glance: its targets, its first 1,000 files, and how many of what they told."""

    investigation: InvestigationModel
    targets: list[TargetModel]
    files: list[CaseFileModel]
    file_count: int
    items: int
    entities: dict[str, int]
    events: int
    posts: int


class Attachment(Given):
    """What becomes part of a case: files and single results by id, or all of a collection's."""

    item_ids: list[UUID] = Field(default=[], max_length=10_000)
    collection_id: UUID | None = None


class Attached(Record):
    """How many items were not part of the case before."""

    attached: int
