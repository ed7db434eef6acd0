"""Quarantine, projections and what the server can do, as the API shows them."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from clew.api.models.listing import Given, ListQuery, Record, Text
from clew.records.tables.operations import QUARANTINE_STATES

MAXIMUM_AT_ONCE = 200

HeldStatus = Annotated[str, Field(json_schema_extra={"enum": list(QUARANTINE_STATES)})]


class HeldModel(Record):
    """A record that could not be loaded, or (`record` null) a broken place between records. Its bytes are separate."""

    id: UUID
    item_id: UUID = Field(description="The file it stands in.")
    file: str = Field(examples=["cowrie.json"])
    source: str = Field(examples=["cowrie"])
    record: int | None
    line: int | None
    byte_offset: int | None
    byte_length: int | None
    reason: str = Field(examples=["bad_json"])
    detail: str
    status: str = Field(examples=["held"])
    attempts: int
    created_at: AwareDatetime


class HeldQuery(ListQuery):
    """Which records of the quarantine."""

    sort: Literal["created_at", "-created_at"] | None = None
    status: HeldStatus = "held"
    reason: str | None = Field(None, max_length=200)
    file: str | None = Field(None, max_length=4000)
    source: str | None = Field(None, max_length=200)


class RetryWanted(Given):
    """Which held records are read again: by id, or all of a reason or of a file."""

    ids: list[UUID] = Field(default=[], max_length=MAXIMUM_AT_ONCE)
    reason: Text | None = Field(None, max_length=200)
    file: Text | None = Field(None, max_length=4000)


class DropWanted(Given):
    """Which held records are given up."""

    ids: list[UUID] = Field(min_length=1, max_length=MAXIMUM_AT_ONCE)


class RetriedModel(Record):
    """What a retry came to: `tried` = `recovered` + `rejected`."""

    tried: int
    recovered: int
    rejected: int
    by_reason: dict[str, int]


class DroppedModel(Record):
    """How many records were given up."""

    dropped: int


class ProjectionModel(Record):
    """How a view fares. `lag_seconds` is the age of the oldest change that it does not hold."""

    projection: str = Field(examples=["search"])
    adapter: str = Field(examples=["tantivy"])
    state: str = Field(description="building, ready, rebuild or missing", examples=["ready"])
    reason: str | None
    lag_seconds: float
    caught_up_at: AwareDatetime | None
    set_aside: int = Field(description="The organization's rows that the view would not take.")


class ProjectionsModel(BaseModel):
    """Every view that is kept."""

    items: list[ProjectionModel]


class VerifyWanted(Given):
    """Whether what differs is taken over anew."""

    repair: bool = False


class ReaderModel(BaseModel):
    """A kind of file that can be loaded."""

    name: str = Field(examples=["cowrie"])
    reads: str


class CapabilitiesModel(BaseModel):
    """What this server is and can do."""

    version: str = Field(examples=["0.5.0"])
    api: str = Field(examples=["v1"])
    entity_types: list[str]
    relationship_types: list[str]
    readers: list[ReaderModel]
    search_adapter: str = Field(description='"none" where search is switched off.', examples=["tantivy"])
    search_indices: list[str]
