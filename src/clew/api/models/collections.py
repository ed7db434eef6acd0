"""Sources and collections as the API shows them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from clew.api.models.investigations import LongText, Name
from clew.api.models.listing import Given, ListQuery, Record, Text
from clew.records.tables.items import COLLECTOR_TYPES, RUN_STATES

CollectorType = Annotated[str, Field(json_schema_extra={"enum": list(COLLECTOR_TYPES)})]
RunState = Annotated[str, Field(json_schema_extra={"enum": list(RUN_STATES)})]
Address = Annotated[Text, Field(max_length=2000, examples=["https://feed.example.net/v1"])]
Rate = Annotated[int, Field(ge=1, le=1_000_000, description="Requests a minute.")]
Reliability = Annotated[float, Field(ge=0, le=1, description="From 0 to 1.", examples=[0.9])]


class SourceModel(Record):
    """What the record is told by. Its credentials are never shown; `has_credentials` says whether there are any."""

    id: UUID
    name: str = Field(examples=["cowrie"])
    source_type: str = Field(examples=["honeypot"])
    base_url: str | None
    config: dict[str, Any]
    rate_limit: int
    is_active: bool
    reliability_score: float | None
    has_credentials: bool
    created_at: AwareDatetime
    updated_at: AwareDatetime


class SourceQuery(ListQuery):
    """Which sources."""

    sort: Literal["name", "-name"] | None = None
    source_type: str | None = Field(None, max_length=200)
    is_active: bool | None = None


class SourceChangesModel(Given):
    """What about a source is to be different. What is left out stays. A source keeps its name."""

    source_type: Name = "custom"
    base_url: Address | None = None
    config: dict[str, Any] = Field(default={}, description="Holds no secrets: those are refused, not kept.")
    rate_limit: Rate = 60
    is_active: bool = True
    reliability_score: Reliability | None = None


class NewSource(SourceChangesModel):
    """What a source is made with."""

    name: Name


class CollectionModel(Record):
    """What is to be collected, and how far it is. `progress` is in per cent."""

    id: UUID
    user_id: UUID
    name: str = Field(examples=["Forum posts"])
    description: str | None
    collector_type: str = Field(examples=["social_media"])
    config: dict[str, Any]
    schedule: dict[str, Any] | None
    status: str = Field(examples=["pending"])
    progress: float
    items_collected: int
    error_message: str | None
    started_at: AwareDatetime | None
    completed_at: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class CollectionQuery(ListQuery):
    """Which collections."""

    sort: Literal["created_at", "-created_at"] | None = None
    status: RunState | None = None
    collector_type: CollectorType | None = None
    user_id: UUID | None = None


class CollectionChangesModel(Given):
    """What about a collection is to be different. What is left out stays."""

    name: Name = ""
    description: LongText | None = None
    config: dict[str, Any] = Field(default={}, description="Holds no secrets: those are refused, not kept.")
    schedule: dict[str, Any] | None = None


class NewCollection(Given):
    """What a collection is defined with. It belongs to the caller, and waits to be run."""

    name: Name
    collector_type: CollectorType
    description: LongText | None = None
    config: dict[str, Any] = Field(default={}, description="Holds no secrets: those are refused, not kept.")
    schedule: dict[str, Any] | None = None
