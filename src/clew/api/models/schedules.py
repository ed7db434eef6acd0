"""What is done again and again, as the API takes and shows it."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from clew.api.models.analyses import AnalysedPart
from clew.api.models.entities import EXAMPLE
from clew.api.models.jobs import JobQueue
from clew.api.models.listing import Given, Record, Text
from clew.domains.jobs.schedules import LONGEST_EVERY_SECONDS
from clew.domains.jobs.tables import LEAST_EVERY_SECONDS

Interval = Annotated[
    int, Field(ge=LEAST_EVERY_SECONDS, le=LONGEST_EVERY_SECONDS, description="Seconds from one time to the next.")
]
Priority = Annotated[int, Field(ge=1, le=10, description="The higher goes first.")]
Name = Annotated[Text, Field(min_length=1, max_length=200)]


class VerificationAsked(Given):
    """What is to be compared with the record."""

    projection: Annotated[Text, Field(max_length=100, examples=["search"])] = "search"
    repair: bool = Field(default=False, description="Whether what differs is taken over anew.")


class ScheduledAnalysis(Given):
    """An analysis again and again. Takes the permission analysis:write."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "nightly", "kind": "analyze", "every_seconds": 86_400}]},
    )

    name: Name
    kind: Literal["analyze"]
    every_seconds: Interval
    priority: Priority = 5
    parameters: AnalysedPart = Field(default_factory=AnalysedPart)


class ScheduledVerification(Given):
    """A comparison of a view with the record again and again. Takes the permission projection:write."""

    name: Name
    kind: Literal["projection_verify"]
    every_seconds: Interval
    priority: Priority = 5
    parameters: VerificationAsked = Field(default_factory=VerificationAsked)


NewSchedule = Annotated[ScheduledAnalysis | ScheduledVerification, Field(discriminator="kind")]


class ScheduleChangesModel(Given):
    """What is to be different; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"title": "ScheduleChanges"})

    every_seconds: Interval = Field(default=3600)
    priority: Priority = Field(default=5)
    is_active: bool = Field(default=True, description="False lets it rest.", examples=[False])


class ScheduleModel(Record):
    """A job that comes again by itself."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"title": "Schedule"})

    id: UUID = Field(examples=[EXAMPLE])
    name: str = Field(examples=["nightly"])
    kind: str = Field(examples=["analyze"])
    every_seconds: int = Field(examples=[86_400])
    parameters: dict[str, Any] = Field(examples=[{"depth": "standard"}])
    queue: JobQueue
    priority: int
    is_active: bool
    next_at: datetime = Field(description="When it is due next.")
    last_job_id: UUID | None = Field(description="The job of the last time.")
