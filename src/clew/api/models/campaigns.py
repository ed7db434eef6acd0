"""Analyses and campaigns as the API shows them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from clew.api.models.entities import EXAMPLE, Confidence
from clew.api.models.listing import Given, ListQuery, Record, Text
from clew.domains.campaigns.reading import CampaignDetails

MOST_PARTS = 10_000
CampaignStatus = Literal["active", "dormant", "concluded", "monitoring"]
DecisionName = Literal["pin", "reject", "merge", "split", "rename", "attribute", "undo"]
Part = Annotated[Text, Field(min_length=1, max_length=200, examples=["198.51.100.7"])]


class CampaignModel(Record):
    """Sources that act together."""

    id: UUID = Field(examples=[EXAMPLE])
    name: str = Field(examples=["Campaign 8b35e2 of 2025-03-09"])
    status: CampaignStatus
    confidence: Confidence
    sources: int = Field(examples=[14])
    sessions: int = Field(examples=[54])
    first_seen: AwareDatetime | None
    last_seen: AwareDatetime | None
    is_pinned: bool
    is_rejected: bool
    threat_actor: str | None
    merged_into: UUID | None


class CampaignIndicatorModel(Record):
    """Something by which a campaign may be known elsewhere."""

    type: str = Field(examples=["hash"])
    value: str
    confidence: Confidence
    count: int
    first_seen: AwareDatetime | None
    last_seen: AwareDatetime | None


class CampaignMemberModel(Record):
    """A source of a campaign."""

    source_ip: str = Field(examples=["198.51.100.7"])
    confidence: Confidence
    sessions: int
    first_seen: AwareDatetime
    last_seen: AwareDatetime


class CampaignEventModel(Record):
    """What became of a campaign at some time."""

    event: str = Field(examples=["grew"])
    source_ip: str | None
    confidence: float | None
    details: dict[str, Any]
    created_at: AwareDatetime


class CampaignDecisionModel(Record):
    """What an analyst decided."""

    id: UUID
    decision: str = Field(examples=["pin"])
    user_id: UUID | None
    created_at: AwareDatetime
    undone_at: AwareDatetime | None


class EvidenceLines(Record):
    """Where a session is in a file that was loaded; `events` counts the lines that are of it."""

    session_id: UUID
    file: str | None
    first_line: int
    last_line: int
    events: int


class CoordinationEvidence(Record):
    """One reason. `refs` are ids of sessions, then values; `lines` say where those sessions are in the logs."""

    kind: str = Field(examples=["download"])
    version: str = Field(examples=["download-v1"])
    score: Confidence
    text: str
    refs: list[str]
    lines: list[EvidenceLines]


class CampaignDetailsModel(CampaignModel):
    """A campaign with all that it rests on."""

    description: str | None
    split_from: UUID | None
    scores: dict[str, float]
    source_ips: list[str]
    session_ids: list[UUID]
    members: list[CampaignMemberModel]
    indicators: list[CampaignIndicatorModel]
    techniques: list[dict[str, Any]]
    evidence: list[CoordinationEvidence]
    activity: list[CampaignEventModel] = Field(description="The newest first, at most 200.")
    analytics: list[dict[str, Any]]
    decisions: list[CampaignDecisionModel]

    @classmethod
    def of(cls, details: CampaignDetails) -> "CampaignDetailsModel":
        """As the domain has it."""
        return cls.model_validate(details.as_dict())


class CampaignQuery(ListQuery):
    """Which campaigns."""

    status: CampaignStatus | None = None
    everything: bool = Field(
        default=False, alias="all", description="Also those that were rejected, merged, or found to be none."
    )


class NewDecision(Given):
    """A decision about a campaign."""

    decision: DecisionName
    parts: list[Part] = Field(
        [],
        max_length=MOST_PARTS,
        description="merge: ids or names of campaigns; split: sources, or campaigns that were merged into it.",
    )
    name: Annotated[Text, Field(max_length=200)] | None = Field(
        None, description="rename: what it is to be called; attribute: who is behind it."
    )


class DecidedModel(Record):
    """The campaigns that a decision concerned, the one that was decided about first."""

    items: list[CampaignModel]


class CoordinationExplanation(Record):
    """How probably two addresses act together, and why."""

    probability: Confidence
    evidence: list[CoordinationEvidence]
