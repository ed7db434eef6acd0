"""API keys and their use as the API takes and shows them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

_FORBID = ConfigDict(extra="forbid")
_MOST = 2_000_000_000

Scopes = Annotated[
    list[Annotated[str, Field(max_length=100)]],
    Field(min_length=1, max_length=200, description="read, write, admin, or permissions.", examples=[["read"]]),
]
Bound = Annotated[int, Field(ge=0, le=_MOST, description="0: no limit.")]


class KeyModel(BaseModel):
    """An API key, without what it is shown by: that was told once."""

    model_config = ConfigDict(title="ApiKey", from_attributes=True)

    id: UUID
    user_id: UUID = Field(description="The owner: the key never does more than they may.")
    prefix: str = Field(examples=["clew_live_4f9a"])
    name: str | None = Field(examples=["nightly export"])
    description: str | None
    scopes: list[str] = Field(examples=[["read"]])
    rate_limit_per_minute: int
    rate_limit_per_hour: int
    rate_limit_per_day: int
    quota_analyses_per_month: int
    analyses_used_this_month: int
    is_active: bool
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_ip: str | None
    revoked_at: datetime | None
    created_at: datetime


class KeyBounds(BaseModel):
    """Requests per minute, hour and day, and analyses per month."""

    model_config = _FORBID

    per_minute: Bound = 10
    per_hour: Bound = 100
    per_day: Bound = 1000
    analyses_per_month: Bound = 10_000


class NewKeyRequest(BaseModel):
    """A key to make. For somebody else, or with limits of its own, it takes the permission key:admin."""

    model_config = ConfigDict(extra="forbid", title="NewApiKey")

    name: Annotated[str, Field(max_length=200, examples=["nightly export"])] | None = None
    description: Annotated[str, Field(max_length=200)] | None = None
    scopes: Scopes = Field(default_factory=lambda: ["read"])
    user_id: UUID | None = Field(None, description="The owner; the caller if not given.")
    limits: KeyBounds | None = None
    expires_at: AwareDatetime | None = None


class MadeKey(KeyModel):
    """A key that was just made, with its text."""

    model_config = ConfigDict(title="MadeApiKey", from_attributes=True)

    key: str = Field(description="Shown this once.", examples=["clew_live_…"])


class UsageModel(BaseModel):
    """A request that was made with an API key."""

    model_config = ConfigDict(title="Usage", from_attributes=True)

    id: UUID
    api_key_id: UUID
    endpoint: str = Field(description="Pattern of the route.", examples=["/api/v1/entities/{entity_id}"])
    method: str = Field(examples=["GET"])
    request_timestamp: datetime
    response_status: int = Field(examples=[200])
    response_time_ms: int
    request_size_bytes: int
    response_size_bytes: int
    client_ip: str | None
    user_agent: str | None
