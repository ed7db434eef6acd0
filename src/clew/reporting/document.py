"""What a report says, before it is drawn or written: plain data, times in UTC, confidences from 0 to 1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Subject:
    """The case that a report is about, and for whom it is kept."""

    id: UUID
    name: str
    description: str | None
    investigation_type: str
    priority: str
    status: str
    lawful_basis: str | None
    classification_level: str | None
    scope: Mapping[str, Any]
    created_at: datetime
    organization: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Target:
    """What the case is about. `entity_id` is its entity, where the record has exactly that one."""

    type: str
    value: str
    entity_id: UUID | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"type": self.type, "value": self.value, "entity_id": self.entity_id}


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where an entity was seen: a file of the case and the line in it, if the format has lines."""

    file_id: UUID
    line: int | None
    confidence: float
    method: str | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"file_id": self.file_id, "line": self.line, "confidence": self.confidence, "method": self.method}


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity that files of the case tell of. `degree` and `sightings` count the case alone.

    `seen_in` holds the sightings of the greatest confidence; `sightings` says how many there are.
    """

    id: UUID
    type: str
    name: str
    platform: str | None
    risk_score: int
    confidence: float
    first_seen: datetime | None
    last_seen: datetime | None
    flags: tuple[str, ...]
    tags: tuple[str, ...]
    degree: int
    sightings: int
    is_target: bool
    seen_in: tuple[Sighting, ...] = ()
    properties: Mapping[str, Any] | None = None

    @property
    def label(self) -> str:
        """The name; of accounts with the platform, since the same handle may be one on many."""
        return f"{self.name} on {self.platform}" if self.platform else self.name

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "id": self.id,
            "type": self.type,
            "name": self.name,
            "platform": self.platform,
            "properties": self.properties or {},
            "risk_score": self.risk_score,
            "confidence": self.confidence,
            "first_seen": self.first_seen,
            "last_seen": self.last_seen,
            "flags": self.flags,
            "tags": self.tags,
            "is_target": self.is_target,
            "relationship_count": self.degree,
            "source_count": self.sightings,
            "sources": [each.as_dict() for each in self.seen_in],
        }


@dataclass(frozen=True, slots=True)
class Relationship:
    """A relationship that files of the case tell of: "source TYPE target"."""

    id: UUID
    type: str
    source: UUID
    target: UUID
    confidence: float
    first_seen: datetime | None
    last_seen: datetime | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a file: by what, with which settings, and what became of its records."""

    source: str
    variant: str
    reader_version: int
    settings: str
    status: str
    counts: Mapping[str, int]
    by_reason: Mapping[str, int]
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Mention:
    """An entity in a file, at a line if the format has lines."""

    entity_id: UUID
    type: str
    label: str
    line: int | None


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of the case. `number` is how the page refers to it; `mentions` are the first of its `entities`."""

    number: int
    id: UUID
    name: str
    digest: str
    size: int | None
    readings: tuple[Reading, ...]
    entities: int
    mentions: tuple[Mention, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON. Which entities a file told of stands with the entities."""
        return {
            "id": self.id,
            "name": self.name,
            "sha256": self.digest,
            "size_bytes": self.size,
            "entity_count": self.entities,
            "readings": [each.as_dict() for each in self.readings],
        }


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record of the case's files that could not be taken in, and why."""

    id: UUID
    file_id: UUID
    file: str
    source: str
    line: int
    byte_length: int
    reason: str
    detail: str
    status: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Session:
    """An attack session that the case's logs tell of, with the first of its commands."""

    id: UUID
    at: datetime
    until: datetime
    address: str
    source: str
    sensor: str | None
    protocol: str | None
    target_port: int | None
    attack_type: str | None
    login_failures: int
    login_successes: int
    commands: tuple[str, ...]
    command_count: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Bin:
    """How much of one series lies in a stretch of time that starts `at`."""

    at: datetime
    series: str
    count: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"at": self.at, "series": self.series, "count": self.count}


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts over time. `unit` is the length of a bin: minute, hour, day, week, month or year, with how many."""

    unit: str
    step: int
    bins: tuple[Bin, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"unit": self.unit, "step": self.step, "bins": [each.as_dict() for each in self.bins]}


@dataclass(frozen=True, slots=True)
class Place:
    """Where entities are by their own properties: coordinates in degrees, or only a country (ISO 3166 alpha-2)."""

    latitude: float
    longitude: float
    country: str | None
    entities: tuple[tuple[UUID, str], ...]
    count: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The case in numbers. `records` counts records of its files by what became of them."""

    entities: Mapping[str, int]
    relationships: Mapping[str, int]
    files: int
    records: Mapping[str, int]
    events: int
    quarantine: Mapping[str, int]
    first_seen: datetime | None
    last_seen: datetime | None

    @property
    def entity_count(self) -> int:
        """All entities."""
        return sum(self.entities.values())

    @property
    def relationship_count(self) -> int:
        """All relationships."""
        return sum(self.relationships.values())

    @property
    def quarantine_count(self) -> int:
        """All records of the case's files that are held in quarantine."""
        return sum(self.quarantine.values())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "entities": dict(self.entities),
            "entity_count": self.entity_count,
            "relationships": dict(self.relationships),
            "relationship_count": self.relationship_count,
            "files": self.files,
            "records": dict(self.records),
            "events": self.events,
            "quarantine": dict(self.quarantine),
            "quarantine_count": self.quarantine_count,
            "first_seen": self.first_seen,
            "last_seen": self.last_seen,
        }


@dataclass(frozen=True, slots=True)
class Origin:
    """When and by what a report was made."""

    generated_at: datetime
    version: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"generated_at": self.generated_at, "generator": f"clew {self.version}"}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why sources are thought to act together: its kind, how much it says (0 to 1), in words, and what they share.

    `shown_by` are the sources that are named as examples of it.
    """

    kind: str
    score: float
    text: str
    values: tuple[str, ...]
    shown_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Campaign:
    """Sources that act together, some of them in the case. `in_case` counts the sources that the case tells of."""

    id: UUID
    name: str
    status: str
    confidence: float
    threat_actor: str | None
    first_seen: datetime
    last_seen: datetime
    sources: int
    sessions: int
    in_case: int
    members: tuple[tuple[str, float, int], ...]
    """Address, confidence, sessions: the surest first, at most as many as a page shows."""
    reasons: tuple[Reason, ...]
    techniques: tuple[tuple[str, str, int], ...]
    """ATT&CK id, name, in how many commands."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        reasons = [{name: getattr(each, name) for name in Reason.__slots__} for each in self.reasons]
        return plain | {"reasons": reasons}


@dataclass(frozen=True, slots=True)
class Report:
    """All that a page shows. Its lists are bounded, chosen by weight; `figures` say how much there is."""

    origin: Origin
    subject: Subject
    figures: Figures
    targets: Sequence[Target]
    entities: Sequence[Entity]
    drawn: Sequence[Entity]
    drawn_relationships: Sequence[Relationship]
    events: Histogram | None
    appearances: Histogram | None
    sessions: Sequence[Session]
    session_count: int
    places: Sequence[Place]
    placed: int
    files: Sequence[SourceFile]
    rejected: Sequence[RejectedRecord]
    campaigns: Sequence[Campaign] = ()
    campaign_count: int = 0
    campaign_sessions: Histogram | None = None
