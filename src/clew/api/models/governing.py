"""The organization, its configuration and its audit trail as the API takes and shows them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

_FORBID = ConfigDict(extra="forbid")


class OrganizationChange(BaseModel):
    """What to change; what is not named stays."""

    model_config = _FORBID

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Harbour Office"])] = ""


class ConfigurationEntry(BaseModel):
    """One thing that the organization configured."""

    key: str = Field(examples=["retention.days"])
    value: Any = Field(examples=[30])


class ConfigurationValue(BaseModel):
    """The value to configure: any JSON of at most 64 KiB. Values of keys that end in url lead to the internet only."""

    model_config = _FORBID

    value: Any = Field(examples=[30])


class ConfigurationList(BaseModel):
    """Everything that is configured, by key."""

    items: list[ConfigurationEntry]
    next_cursor: None = None


class AuditEvent(BaseModel):
    """What somebody did."""

    model_config = ConfigDict(title="AuditEvent")

    id: int
    event_uuid: UUID
    timestamp: datetime
    event_type: str = Field(examples=["investigation_created"])
    user_id: UUID | None
    user_name: str | None
    source_ip: str | None
    user_agent: str | None
    session_id: UUID | None
    action: str = Field(examples=["CREATE"])
    resource_type: str = Field(examples=["investigation"])
    resource_id: str | None
    resource_name: str | None
    success: bool
    error_message: str | None
    request_data: Any
    response_data: Any
    processing_time_ms: float | None


class FindingModel(BaseModel):
    """The first thing that is not as it was sealed."""

    problem: str = Field(examples=["removed"])
    organization: str | None
    seal: int | None
    table: str | None
    row: int | None
    detail: str


class VerifiedModel(BaseModel):
    """What a proof of the organization's trail found. `unsealed` rows came after the last seal."""

    model_config = ConfigDict(title="Verification")

    ok: bool
    rows: int
    unsealed: int
    seals: int
    expired: int
    first_bad: FindingModel | None


class SealedModel(BaseModel):
    """How far the trail is sealed, and what an export is checked with."""

    model_config = ConfigDict(title="SealedState", from_attributes=True)

    seals: int
    rows: int
    sealed_at: datetime | None
    public_key: str = Field(examples=["d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"])
