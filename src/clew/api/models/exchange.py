"""Peers, what is exchanged with them, and what is shared, as the API shows them."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from clew.domains.exchange.attack import Technique
from clew.domains.exchange.peers import PeerSettings

ID = "0190c6a1-7f3e-7b2a-9c4d-2f1e8a6b5c4d"
Level = Literal["clear", "green", "amber"]


class _Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class PeerModel(_Shown):
    """A server with which is exchanged. What it knows us by is never shown."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"title": "Peer"})

    id: UUID = Field(examples=[ID])
    name: str = Field(examples=["CERT community"])
    kind: Literal["misp", "taxii"]
    base_url: str = Field(examples=["https://misp.example.org/"])
    settings: PeerSettings
    is_active: bool
    has_credentials: bool
    synced_at: datetime | None
    report: dict[str, Any] = Field(description="What the last exchange came to, in numbers.")
    created_at: datetime


class PeerList(BaseModel):
    """Every peer."""

    items: list[PeerModel]


class NewPeerModel(BaseModel):
    """A peer to be."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"title": "NewPeer"})

    name: str = Field(min_length=1, max_length=200, examples=["CERT community"])
    kind: Literal["misp", "taxii"] = "misp"
    base_url: str = Field(max_length=2048, examples=["https://misp.example.org/"])
    key: str | None = Field(
        None, max_length=1000, examples=["0123456789abcdef"], description="API key; for TAXII also user:password."
    )
    settings: PeerSettings = Field(default_factory=PeerSettings)


class PeerChange(BaseModel):
    """What is to be different about a peer; settings that are not named stay."""

    model_config = ConfigDict(extra="forbid")

    settings: dict[str, Any] = Field(default_factory=dict, examples=[{"push": True}])
    is_active: bool | None = None


class NewSync(BaseModel):
    """An exchange to be."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = Field(default=False, description="Only say what would be done.")


class ConflictModel(_Shown):
    """A place where a peer and we contradict each other."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"title": "Conflict"})

    id: UUID = Field(examples=[ID])
    peer_id: UUID
    form: Literal["misp", "stix", "bundle"]
    external_id: str
    place: str = Field(examples=["/Attribute/5acc8902-ab3c-4dfc-b0bf-32b6950d210f/comment"])
    rule: str = Field(examples=["newer_wins"])
    base: Any = None
    ours: Any = None
    theirs: Any = None
    resolution: str | None
    created_at: datetime
    resolved_at: datetime | None


class ConflictList(BaseModel):
    """Conflicts, the newest first."""

    items: list[ConflictModel]


class Settlement(BaseModel):
    """Which side holds."""

    model_config = ConfigDict(extra="forbid")

    side: Literal["ours", "theirs"]


class SharedCollectionModel(_Shown):
    """A collection that others may read by TAXII."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"title": "SharedCollection"})

    id: UUID = Field(examples=[ID])
    title: str = Field(examples=["Campaigns"])
    description: str | None
    maximum_tlp: Level


class SharedCollectionList(BaseModel):
    """Every shared collection, by title."""

    items: list[SharedCollectionModel]


class NewSharedCollection(BaseModel):
    """A collection to be."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=200, examples=["Campaigns"])
    description: str | None = Field(None, max_length=2000)
    maximum_tlp: Level = "green"


class NewShares(BaseModel):
    """What is put into a collection."""

    model_config = ConfigDict(extra="forbid")

    ids: list[str] = Field([], max_length=1000, description="Ids of STIX objects that are here.")
    campaigns: list[UUID] = Field([], max_length=100, description="Campaigns, as they stand now.", examples=[[]])


class SharedModel(BaseModel):
    """What came of sharing."""

    added: int = Field(examples=[12], description="Versions that the collection did not have.")


class TechniqueModel(_Shown):
    """A technique of ATT&CK, as the newest bundle that was loaded describes it."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"title": "Technique"})

    technique: str = Field(examples=["T1059.004"])
    name: str
    description: str | None
    url: str | None
    version: str | None
    attack_version: str | None
    tactics: list[str]
    is_revoked: bool
    is_deprecated: bool
    stix_id: str


class TechniqueChain(BaseModel):
    """A technique, and what it was revoked by, step by step; the last is the one in force."""

    items: list[TechniqueModel]

    @classmethod
    def of(cls, found: list[Technique]) -> "TechniqueChain":
        """As the domain has it."""
        return cls(items=[TechniqueModel.model_validate(each) for each in found])
