"""Analyses as the API shows them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from clew.api.models.entities import EXAMPLE
from clew.api.models.listing import Given, ListQuery, Record, Text

DepthName = Literal["minimal", "standard", "deep", "forensic"]
AnalysisStatus = Literal["queued", "processing", "completed", "failed", "cancelled"]
StepStatus = Literal["running", "completed", "failed", "interrupted"]
CallbackStatus = Literal["pending", "delivered", "failed"]
Name = Annotated[Text, Field(min_length=1, max_length=200)]
MOST_NAMED = 10_000


class AnalysedPart(Given):
    """What is to be analysed: the sessions to which all that is given applies.

    Without any limit it is the whole record, from where the last analysis of it ended.
    """

    depth: DepthName = "standard"
    since: AwareDatetime | None = Field(None, description="Only sessions that began from then on.")
    until: AwareDatetime | None = Field(None, description="Only sessions that began before.")
    sensors: list[Name] | None = Field(None, min_length=1, max_length=100, examples=[["east"]])
    source_ips: list[Annotated[Text, Field(max_length=60)]] | None = Field(
        None, min_length=1, max_length=MOST_NAMED, examples=[["198.51.100.7"]], description="Only sessions of these."
    )
    session_ids: list[UUID] | None = Field(
        None, min_length=1, max_length=MOST_NAMED, description="Only these sessions.", examples=[[EXAMPLE]]
    )


class NewAnalysis(AnalysedPart):
    """What is to be analysed, how soon, and who is told."""

    campaign: Name | None = Field(
        None, description="Only sessions of the members of this campaign, by id or name.", examples=[EXAMPLE]
    )
    priority: int = Field(5, ge=1, le=10, description="Of an organization's analyses those with more go first.")
    callback_url: Annotated[Text, Field(max_length=2048)] | None = Field(
        None,
        description="Address that is told of the end, once, signed as Standard Webhooks say.",
        examples=["https://hooks.example.com/clew"],
    )


class AnalysisModel(Record):
    """An analysis, and what came of it."""

    id: UUID = Field(examples=[EXAMPLE])
    status: AnalysisStatus = Field(examples=["completed"])
    analysis_depth: str = Field(examples=["standard"])
    priority: int = Field(examples=[5])
    user_id: UUID | None
    job_id: UUID | None = Field(description="The job that does it; null for one that a command carried out itself.")
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    completed_at: AwareDatetime | None
    seconds: float | None = Field(examples=[1.8])
    confidence: float | None = Field(examples=[0.93])
    callback_url: str | None
    request: dict[str, Any] = Field(description="What was asked for.")
    result: dict[str, Any] = Field(
        description="sessions, confidence, scores, campaigns, assessment, seconds and more, once it is completed; "
        "error and code of one that failed."
    )


class AnalysisStepModel(Record):
    """One time that a node was begun. `interrupted`: its process ended, and it was begun again."""

    step: str = Field(examples=["evidence"])
    status: StepStatus
    started_at: AwareDatetime
    completed_at: AwareDatetime | None
    output: dict[str, Any] = Field(examples=[{"pairs": 812}])
    error: dict[str, Any] | None


class AnalysisCallbackModel(Record):
    """What became of telling the end of an analysis; `reason` says why it was not taken."""

    id: UUID = Field(description="The webhook-id of every attempt, behind `msg_`.")
    url: str
    status: CallbackStatus
    attempts: int
    response_status: int | None
    reason: str | None
    delivered_at: AwareDatetime | None


class AnalysisDetailsModel(AnalysisModel):
    """An analysis with its steps and its callback."""

    current_step: str | None = Field(None, description="What it is at while it is worked on.")
    progress: float | None = Field(None, ge=0, le=1, description="How much of it is done then.", examples=[0.4])
    steps: list[AnalysisStepModel]
    callback: AnalysisCallbackModel | None


class AnalysisQuery(ListQuery):
    """Which analyses."""

    status: AnalysisStatus | None = None


class WebhookSecretModel(Record):
    """What is known of the secret that callbacks are signed with."""

    id: UUID
    created_at: AwareDatetime
    fingerprint: str = Field(description="By which it is known again.", examples=["9f2c61d0a4b7e583"])


class NewWebhookSecretModel(Record):
    """A secret, which is shown this once."""

    secret: str = Field(examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])
