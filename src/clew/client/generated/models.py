"""What requests and answers of the API hold.

Written by `make docs` from the API's description; edit that instead.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from clew.client.answers import Resource


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what travels."""


class Acceptance(Model, frozen=True, kw_only=True):
    """The invitation's token, and the account to make of it."""

    token: str
    username: str
    password: str
    full_name: str | UnsetType | None = UNSET


class AddedUser(Resource, frozen=True, kw_only=True):
    """Somebody who was added."""

    id: UUID
    email: str
    username: str
    full_name: str | None
    role: str
    is_active: bool
    is_verified: bool
    mfa_enabled: bool
    last_login: datetime | None
    created_at: datetime
    custom_roles: list[str]
    permissions: list[str]
    link: str | None = None


class Alias(Model, frozen=True, kw_only=True):
    """What was merged into an entity, and on whose judgement."""

    id: UUID
    reason: str | None
    judged_by: str | None


class Alive(Resource, frozen=True, kw_only=True):
    """The process answers."""

    status: Literal["ok"] = "ok"


class AnalysedPart(Model, frozen=True, kw_only=True):
    """What is to be analysed: the sessions to which all that is given applies.

    Without any limit it is the whole record, from where the last analysis of it ended.
    """

    depth: Literal["minimal", "standard", "deep", "forensic"] = "standard"
    since: datetime | None = None
    until: datetime | None = None
    sensors: list[str] | None = None
    source_ips: list[str] | None = None
    session_ids: list[UUID] | None = None


class AnalysisCallback(Model, frozen=True, kw_only=True):
    """What became of telling the end of an analysis; `reason` says why it was not taken."""

    id: UUID
    url: str
    status: Literal["pending", "delivered", "failed"]
    attempts: int
    response_status: int | None
    reason: str | None
    delivered_at: datetime | None


class AnalysisStep(Model, frozen=True, kw_only=True):
    """One time that a node was begun. `interrupted`: its process ended, and it was begun again."""

    step: str
    status: Literal["running", "completed", "failed", "interrupted"]
    started_at: datetime
    completed_at: datetime | None
    output: dict[str, Any]
    error: dict[str, Any] | None


class AnalysisDetails(Resource, frozen=True, kw_only=True):
    """An analysis with its steps and its callback."""

    id: UUID
    status: Literal["queued", "processing", "completed", "failed", "cancelled"]
    analysis_depth: str
    priority: int
    user_id: UUID | None
    job_id: UUID | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    seconds: float | None
    confidence: float | None
    callback_url: str | None
    request: dict[str, Any]
    result: dict[str, Any]
    current_step: str | None = None
    progress: float | None = None
    steps: list[AnalysisStep]
    callback: AnalysisCallback | None


class Analysis(Resource, frozen=True, kw_only=True):
    """An analysis, and what came of it."""

    id: UUID
    status: Literal["queued", "processing", "completed", "failed", "cancelled"]
    analysis_depth: str
    priority: int
    user_id: UUID | None
    job_id: UUID | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    seconds: float | None
    confidence: float | None
    callback_url: str | None
    request: dict[str, Any]
    result: dict[str, Any]


class Line(Model, frozen=True, kw_only=True):
    """What is answered for one field and one set of tags: each column of `values` is as long as `times`."""

    field: str
    tags: dict[str, str]
    times: list[datetime]
    values: dict[str, list[float | None]]


class Answer(Resource, frozen=True, kw_only=True):
    """The answer: its span, widened to whole stretches, and which resolution it was worked out from."""

    measurement: str
    begin: datetime
    end: datetime
    resolution: str
    truncated: bool
    lines: list[Line]


class Attached(Resource, frozen=True, kw_only=True):
    """How many items were not part of the case before."""

    attached: int


class Attachment(Model, frozen=True, kw_only=True):
    """What becomes part of a case: files and single results by id, or all of a collection's."""

    item_ids: list[UUID] | UnsetType = UNSET
    collection_id: UUID | UnsetType | None = UNSET


class Attack(Model, frozen=True, kw_only=True):
    """A session in which somebody attacked a honeypot."""

    id: UUID
    timestamp: datetime
    ended_at: datetime
    source: str
    sensor: str | None
    source_ip: str | None
    source_port: int | None
    destination_ip: str | None
    target_port: int | None
    protocol: str | None
    attack_type: str | None
    client: str | None
    fingerprint: str | None
    event_count: int
    login_failures: int
    login_successes: int
    session_key: str
    payload_hash: str


class AttackWithPayload(Resource, frozen=True, kw_only=True):
    """An attack session with what was sent in it; `commands` are its first 1,000 texts."""

    id: UUID
    timestamp: datetime
    ended_at: datetime
    source: str
    sensor: str | None
    source_ip: str | None
    source_port: int | None
    destination_ip: str | None
    target_port: int | None
    protocol: str | None
    attack_type: str | None
    client: str | None
    fingerprint: str | None
    event_count: int
    login_failures: int
    login_successes: int
    session_key: str
    payload_hash: str
    payload: str
    commands: list[Any]


class AuditEvent(Model, frozen=True, kw_only=True):
    """What somebody did."""

    id: int
    event_uuid: UUID
    timestamp: datetime
    event_type: str
    user_id: UUID | None
    user_name: str | None
    source_ip: str | None
    user_agent: str | None
    session_id: UUID | None
    action: str
    resource_type: str
    resource_id: str | None
    resource_name: str | None
    success: bool
    error_message: str | None
    request_data: Any
    response_data: Any
    processing_time_ms: float | None


class Bucket(Model, frozen=True, kw_only=True):
    """A value, or the beginning of an interval, and how many results have it."""

    value: str
    count: int


class Caller(Resource, frozen=True, kw_only=True):
    """Who is calling, and what they may do."""

    organization_id: UUID
    user_id: UUID
    username: str
    session_id: UUID | None
    api_key_id: UUID | None
    permissions: list[str]
    must_enrol: bool = False
    csrf_token: str | None


class CampaignDecision(Model, frozen=True, kw_only=True):
    """What an analyst decided."""

    id: UUID
    decision: str
    user_id: UUID | None
    created_at: datetime
    undone_at: datetime | None


class CampaignEvent(Model, frozen=True, kw_only=True):
    """What became of a campaign at some time."""

    event: str
    source_ip: str | None
    confidence: float | None
    details: dict[str, Any]
    created_at: datetime


class CampaignIndicator(Model, frozen=True, kw_only=True):
    """Something by which a campaign may be known elsewhere."""

    type: str
    value: str
    confidence: float
    count: int
    first_seen: datetime | None
    last_seen: datetime | None


class CampaignMember(Model, frozen=True, kw_only=True):
    """A source of a campaign."""

    source_ip: str
    confidence: float
    sessions: int
    first_seen: datetime
    last_seen: datetime


class EvidenceLines(Model, frozen=True, kw_only=True):
    """Where a session is in a file that was loaded; `events` counts the lines that are of it."""

    session_id: UUID
    file: str | None
    first_line: int
    last_line: int
    events: int


class CoordinationEvidence(Model, frozen=True, kw_only=True):
    """One reason. `refs` are ids of sessions, then values; `lines` say where those sessions are in the logs."""

    kind: str
    version: str
    score: float
    text: str
    refs: list[str]
    lines: list[EvidenceLines]


class CampaignDetails(Resource, frozen=True, kw_only=True):
    """A campaign with all that it rests on."""

    id: UUID
    name: str
    status: Literal["active", "dormant", "concluded", "monitoring"]
    confidence: float
    sources: int
    sessions: int
    first_seen: datetime | None
    last_seen: datetime | None
    is_pinned: bool
    is_rejected: bool
    threat_actor: str | None
    merged_into: UUID | None
    description: str | None
    split_from: UUID | None
    scores: dict[str, float]
    source_ips: list[str]
    session_ids: list[UUID]
    members: list[CampaignMember]
    indicators: list[CampaignIndicator]
    techniques: list[dict[str, Any]]
    evidence: list[CoordinationEvidence]
    activity: list[CampaignEvent]
    analytics: list[dict[str, Any]]
    decisions: list[CampaignDecision]


class Campaign(Model, frozen=True, kw_only=True):
    """Sources that act together."""

    id: UUID
    name: str
    status: Literal["active", "dormant", "concluded", "monitoring"]
    confidence: float
    sources: int
    sessions: int
    first_seen: datetime | None
    last_seen: datetime | None
    is_pinned: bool
    is_rejected: bool
    threat_actor: str | None
    merged_into: UUID | None


class Reader(Model, frozen=True, kw_only=True):
    """A kind of file that can be loaded."""

    name: str
    reads: str


class Capabilities(Resource, frozen=True, kw_only=True):
    """What this server is and can do."""

    version: str
    api: str
    entity_types: list[str]
    relationship_types: list[str]
    readers: list[Reader]
    search_adapter: str
    search_indices: list[str]


class EntityBrief(Model, frozen=True, kw_only=True):
    """An entity in brief. `platform` is that of an account."""

    id: UUID
    type: str
    name: str
    normalized_name: str
    platform: str | None


class Neighbour(Model, frozen=True, kw_only=True):
    """An entity at the other end of a relationship; `direction` is "out" where the card's entity is the source."""

    id: UUID
    type: str
    name: str
    platform: str | None
    relationship_type: str
    relationship_id: UUID
    direction: str
    confidence: float
    first_seen: datetime | None
    last_seen: datetime | None


class SourceLine(Model, frozen=True, kw_only=True):
    """Where an entity was seen: the tool, the item, and the place in its file."""

    source: str | None
    item_id: UUID
    file: str | None
    line: int | None
    confidence: float
    method: str | None


class Card(Resource, frozen=True, kw_only=True):
    """All that is worth knowing of one entity. The lists may be cut; the counts say how much there is."""

    id: UUID
    type: str
    name: str
    normalized_name: str
    properties: dict[str, Any]
    confidence: float
    first_seen: datetime | None
    last_seen: datetime | None
    flags: list[str]
    tags: list[str]
    risk_score: int
    is_verified: bool
    sources: list[SourceLine]
    source_count: int
    neighbours: list[Neighbour]
    neighbour_count: int
    aliases: list[Alias]
    alternatives: list[EntityBrief]
    timeline: list[dict[str, Any]]
    post_count: int


class CaseFile(Model, frozen=True, kw_only=True):
    """A file of a case."""

    item_id: UUID
    file_name: str
    sources: list[str]
    status: str
    records: int
    rejected: int
    events: int


class Likeness(Model, frozen=True, kw_only=True):
    """A subject that was found. `score` is the cosine of the two vectors, -1 to 1; compare it within one model only."""

    collection: str
    model: str
    id: str
    kind: str
    name: str
    platform: str | None
    excerpt: str
    score: float


class Cluster(Model, frozen=True, kw_only=True):
    """Subjects that are alike, the words that tell them from others, and those nearest to the middle."""

    size: int
    terms: list[str]
    examples: list[Likeness]


class Clusters(Resource, frozen=True, kw_only=True):
    """Groups of a collection, the largest first. `apart`: subjects that are in none."""

    collection: str
    method: str
    subjects: int
    apart: int
    groups: list[Cluster]


class CollectionChanges(Model, frozen=True, kw_only=True):
    """What about a collection is to be different. What is left out stays."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    config: dict[str, Any] | UnsetType = UNSET
    schedule: dict[str, Any] | UnsetType | None = UNSET


class Collection(Resource, frozen=True, kw_only=True):
    """What is to be collected, and how far it is. `progress` is in per cent."""

    id: UUID
    user_id: UUID
    name: str
    description: str | None
    collector_type: str
    config: dict[str, Any]
    schedule: dict[str, Any] | None
    status: str
    progress: float
    items_collected: int
    error_message: str | None
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ConfigurationEntry(Resource, frozen=True, kw_only=True):
    """One thing that the organization configured."""

    key: str
    value: Any


class ConfigurationList(Model, frozen=True, kw_only=True):
    """Everything that is configured, by key."""

    items: list[ConfigurationEntry]
    next_cursor: None = None


class ConfigurationValue(Model, frozen=True, kw_only=True):
    """The value to configure: any JSON of at most 64 KiB. Values of keys that end in url lead to the internet only."""

    value: Any


class Tokens(Resource, frozen=True, kw_only=True):
    """An access token and what it is exchanged for when it has expired (RFC 6749, section 5.1)."""

    access_token: str
    token_type: str = "Bearer"
    expires_in: int
    refresh_token: str


class Confirmed(Resource, frozen=True, kw_only=True):
    """A second factor came in force, and the session goes on under a new id: as Renewed says."""

    recovery_codes: list[str]
    session_id: UUID
    csrf_token: str | None = None
    tokens: Tokens | None = None


class Conflict(Resource, frozen=True, kw_only=True):
    """A place where a peer and we contradict each other."""

    id: UUID
    peer_id: UUID
    form: Literal["misp", "stix", "bundle"]
    external_id: str
    place: str
    rule: str
    base: Any = None
    ours: Any = None
    theirs: Any = None
    resolution: str | None
    created_at: datetime
    resolved_at: datetime | None


class ConflictList(Resource, frozen=True, kw_only=True):
    """Conflicts, the newest first."""

    items: list[Conflict]


class CoordinationExplanation(Resource, frozen=True, kw_only=True):
    """How probably two addresses act together, and why."""

    probability: float
    evidence: list[CoordinationEvidence]


class Credentials(Model, frozen=True, kw_only=True):
    """What a person signs in with."""

    name: str
    password: str
    code: str | UnsetType | None = UNSET


class Decided(Resource, frozen=True, kw_only=True):
    """The campaigns that a decision concerned, the one that was decided about first."""

    items: list[Campaign]


class Deleted(Resource, frozen=True, kw_only=True):
    """How many hours of series had points deleted."""

    hours: int


Direction = Literal["any", "out", "in"]
"""Which relationships of an entity are looked at, from where it stands."""


DocumentCollection = Literal["raw_documents", "enriched_data", "analysis_results"]
"""The collections, by the names of the tables that the record keeps them in."""


class Document(Resource, frozen=True, kw_only=True):
    """A document: its fields depend on its collection (see how-to/read-documents)."""

    collection: DocumentCollection
    id: str
    created_at: str
    document: dict[str, Any]


class DropWanted(Model, frozen=True, kw_only=True):
    """Which held records are given up."""

    ids: list[UUID]


class Dropped(Resource, frozen=True, kw_only=True):
    """How many records were given up."""

    dropped: int


class End(Model, frozen=True, kw_only=True):
    """An entity at an end of a relationship."""

    id: UUID
    type: str
    name: str
    platform: str | None


class Enrolment(Resource, frozen=True, kw_only=True):
    """What goes into the authenticator, shown this once."""

    secret: str
    uri: str


class Entered(Resource, frozen=True, kw_only=True):
    """A session began; its cookie came with this answer."""

    user_id: UUID
    session_id: UUID
    expires_at: datetime
    csrf_token: str


class EntityChanges(Model, frozen=True, kw_only=True):
    """What about an entity a person corrects. What is left out stays."""

    tags: list[str] | UnsetType = UNSET
    is_verified: bool | UnsetType = UNSET


class Entity(Resource, frozen=True, kw_only=True):
    """Something that the record knows: a person, an address, an account, and so on."""

    id: UUID
    type: str
    name: str
    normalized_name: str
    properties: dict[str, Any]
    tags: list[str]
    flags: list[str]
    risk_score: int
    confidence: float
    is_verified: bool
    first_seen: datetime | None
    last_seen: datetime | None
    created_at: datetime
    updated_at: datetime


class Event(Resource, frozen=True, kw_only=True):
    """Something that happened, as a log tells it. Its key is its id together with its time."""

    id: UUID
    occurred_at: datetime
    source: str
    kind: str
    item_id: UUID
    line: int | None
    session_id: UUID | None
    source_ip: str | None
    source_port: int | None
    destination_ip: str | None
    target_port: int | None
    protocol: str | None
    sensor: str | None
    payload: str | None
    properties: dict[str, Any] | None
    impossible_time: bool


class Finding(Model, frozen=True, kw_only=True):
    """The first thing that is not as it was sealed."""

    problem: str
    organization: str | None
    seal: int | None
    table: str | None
    row: int | None
    detail: str


Format = Literal["graphml", "gexf", "json", "csv", "csv-entities"]
"""Of files. csv: relationships; csv-entities: entities."""


class GraphEntity(Model, frozen=True, kw_only=True):
    """An entity. The last three are null until the graph was measured."""

    id: UUID
    type: str
    name: str
    risk_score: int
    first_seen: str | None
    last_seen: str | None
    pagerank: float | None
    betweenness: float | None
    community: UUID | None


class GraphMeasurement(Resource, frozen=True, kw_only=True):
    """One measuring of the graph: by what, of how much, and when."""

    id: UUID
    algorithms: str
    parameters: dict[str, Any]
    entities: int
    relationships: int
    communities: int
    modularity: float | None
    started_at: datetime
    completed_at: datetime


class GraphCentral(Resource, frozen=True, kw_only=True):
    """The most central entities, and the newest measuring; null where there was none."""

    entities: list[GraphEntity]
    measurement: GraphMeasurement | None


class GraphCommunity(Model, frozen=True, kw_only=True):
    """A community, called after its most central member."""

    id: UUID
    size: int
    members: list[GraphEntity]


class GraphCommunities(Resource, frozen=True, kw_only=True):
    """The largest communities, and the newest measuring; null where there was none."""

    communities: list[GraphCommunity]
    measurement: GraphMeasurement | None


class GraphRelationship(Model, frozen=True, kw_only=True):
    """A relationship, in its own direction."""

    id: UUID
    type: str
    source: UUID
    target: UUID
    confidence: float
    first_seen: str | None
    last_seen: str | None


class GraphNeighbour(Model, frozen=True, kw_only=True):
    """An entity next to another, and what is between them, surest first."""

    entity: GraphEntity
    relationships: list[GraphRelationship]


class GraphNeighbours(Resource, frozen=True, kw_only=True):
    """Those next to an entity, surest first. `total` counts all that are wanted, `degree` all its relationships."""

    entity: GraphEntity
    degree: int
    total: int
    truncated: bool
    neighbours: list[GraphNeighbour]


class GraphReached(Model, frozen=True, kw_only=True):
    """An entity some steps away. `is_hub`: nothing was looked for beyond it."""

    entity: GraphEntity
    distance: int
    degree: int
    is_hub: bool


class GraphSurroundings(Resource, frozen=True, kw_only=True):
    """What is around an entity, which comes first. `truncated`: there is more than was asked for, or may be shown."""

    entities: list[GraphReached]
    relationships: list[GraphRelationship]
    truncated: bool
    hub_count: int


class GraphWay(Model, frozen=True, kw_only=True):
    """A path; its confidence is the product of its relationships'."""

    length: int
    confidence: float
    entities: list[GraphEntity]
    relationships: list[GraphRelationship]


class GraphWays(Resource, frozen=True, kw_only=True):
    """Paths, best first. `truncated`: a bound ended the search, so there may be (more). `hubs`: not gone through."""

    ways: list[GraphWay]
    truncated: bool
    hubs: list[GraphEntity]
    hub_count: int
    visited: int


class Held(Resource, frozen=True, kw_only=True):
    """A record that could not be loaded, or (`record` null) a broken place between records. Its bytes are separate."""

    id: UUID
    item_id: UUID
    file: str
    source: str
    record: int | None
    line: int | None
    byte_offset: int | None
    byte_length: int | None
    reason: str
    detail: str
    status: str
    attempts: int
    created_at: datetime


class Hit(Model, frozen=True, kw_only=True):
    """One document found. Highlights are HTML-escaped text with <mark> around what was found."""

    id: str
    type: str
    name: str
    score: float
    index: str
    highlights: dict[str, list[str]]
    document: dict[str, Any]


Interval = Literal["minute", "hour", "day", "week", "month", "year"]
"""The width of a histogram's buckets, in UTC; weeks begin on Monday."""


class InvestigationChanges(Model, frozen=True, kw_only=True):
    """What about a case is to be different. What is left out stays."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    investigation_type: (
        Literal["comprehensive", "corporate", "infrastructure", "social_media", "threat_assessment", "person"]
        | UnsetType
    ) = UNSET
    priority: Literal["low", "normal", "high", "urgent", "critical"] | UnsetType = UNSET
    status: Literal["pending", "running", "completed", "failed", "cancelled", "archived"] | UnsetType = UNSET
    stage: int | UnsetType = UNSET
    lawful_basis: str | UnsetType | None = UNSET
    classification_level: str | UnsetType | None = UNSET


class Investigation(Resource, frozen=True, kw_only=True):
    """A case."""

    id: UUID
    name: str
    description: str | None
    investigation_type: str
    priority: str
    status: str
    stage: int
    lawful_basis: str | None
    classification_level: str | None
    owner_id: UUID | None
    risk_score: int
    threat_level: str | None
    compliance_status: str | None
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Invitation(Model, frozen=True, kw_only=True):
    """Who was asked in, and what came of it."""

    id: UUID
    email: str
    role: str
    invited_by: UUID | None
    expires_at: datetime
    accepted_at: datetime | None
    accepted_by: UUID | None
    revoked_at: datetime | None
    created_at: datetime


class JobError(Model, frozen=True, kw_only=True):
    """Why the last attempt failed."""

    code: str
    message: str
    where: str | None = None
    remedy: str | None = None


class Job(Resource, frozen=True, kw_only=True):
    """Work that is done beside requests."""

    id: UUID
    kind: str
    queue: Literal["celery", "analysis", "enrichment", "projections", "reports"]
    priority: int
    status: Literal["pending", "running", "completed", "failed", "cancelled"]
    user_id: UUID | None
    parameters: dict[str, Any]
    step: str | None
    bytes_done: int
    bytes_total: int | None
    records_done: int
    records_total: int | None
    result: dict[str, Any] | None
    error: JobError | None
    attempts: int
    max_attempts: int
    run_after: datetime
    cancel_requested_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime


class JsonWebKeys(Resource, frozen=True, kw_only=True):
    """The public keys that access tokens are signed with (RFC 7517)."""

    keys: list[dict[str, Any]]


class KeyBounds(Model, frozen=True, kw_only=True):
    """Requests per minute, hour and day, and analyses per month."""

    per_minute: int | UnsetType = UNSET
    per_hour: int | UnsetType = UNSET
    per_day: int | UnsetType = UNSET
    analyses_per_month: int | UnsetType = UNSET


class Key(Resource, frozen=True, kw_only=True):
    """An API key, without what it is shown by: that was told once."""

    id: UUID
    user_id: UUID
    prefix: str
    name: str | None
    description: str | None
    scopes: list[str]
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


class Lookup(Resource, frozen=True, kw_only=True):
    """What a text may mean, likeliest first."""

    items: list[EntityBrief]


class MadeInvitation(Resource, frozen=True, kw_only=True):
    """An invitation that was just made."""

    id: UUID
    email: str
    role: str
    invited_by: UUID | None
    expires_at: datetime
    accepted_at: datetime | None
    accepted_by: UUID | None
    revoked_at: datetime | None
    created_at: datetime
    link: str | None = None


class MadeKey(Resource, frozen=True, kw_only=True):
    """A key that was just made, with its text."""

    id: UUID
    user_id: UUID
    prefix: str
    name: str | None
    description: str | None
    scopes: list[str]
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
    key: str


Measure = Literal["pagerank", "betweenness"]
"""What ranks entities."""


class Measurement(Model, frozen=True, kw_only=True):
    """A measurement that there are series of; `first` and `last` are the days that anything is kept of."""

    measurement: str
    series: int
    first: datetime | None
    last: datetime | None


class Measurements(Resource, frozen=True, kw_only=True):
    """All of them."""

    items: list[Measurement]


class NewAnalysis(Model, frozen=True, kw_only=True):
    """What is to be analysed, how soon, and who is told."""

    depth: Literal["minimal", "standard", "deep", "forensic"] | UnsetType = UNSET
    since: datetime | UnsetType | None = UNSET
    until: datetime | UnsetType | None = UNSET
    sensors: list[str] | UnsetType | None = UNSET
    source_ips: list[str] | UnsetType | None = UNSET
    session_ids: list[UUID] | UnsetType | None = UNSET
    campaign: str | UnsetType | None = UNSET
    priority: int | UnsetType = UNSET
    callback_url: str | UnsetType | None = UNSET


class NewCollection(Model, frozen=True, kw_only=True):
    """What a collection is defined with. It belongs to the caller, and waits to be run."""

    name: str
    collector_type: Literal["social_media", "domain_intel", "public_db", "news", "dark_web", "custom"]
    description: str | UnsetType | None = UNSET
    config: dict[str, Any] | UnsetType = UNSET
    schedule: dict[str, Any] | UnsetType | None = UNSET


class NewDecision(Model, frozen=True, kw_only=True):
    """A decision about a campaign."""

    decision: Literal["pin", "reject", "merge", "split", "rename", "attribute", "undo"]
    parts: list[str] | UnsetType = UNSET
    name: str | UnsetType | None = UNSET


class NewInvestigation(Model, frozen=True, kw_only=True):
    """What a case is opened with. Whoever opens it owns it."""

    name: str
    description: str | UnsetType | None = UNSET
    investigation_type: (
        Literal["comprehensive", "corporate", "infrastructure", "social_media", "threat_assessment", "person"]
        | UnsetType
    ) = UNSET
    priority: Literal["low", "normal", "high", "urgent", "critical"] | UnsetType = UNSET
    lawful_basis: str | UnsetType | None = UNSET


class NewInvitation(Model, frozen=True, kw_only=True):
    """Somebody to ask in."""

    email: str
    role: str | UnsetType = UNSET


class NewKeyRequest(Model, frozen=True, kw_only=True):
    """A key to make. For somebody else, or with limits of its own, it takes the permission key:admin."""

    name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    scopes: list[str] | UnsetType = UNSET
    user_id: UUID | UnsetType | None = UNSET
    limits: KeyBounds | UnsetType | None = UNSET
    expires_at: datetime | UnsetType | None = UNSET


class PeerSettings(Model, frozen=True, kw_only=True):
    """How is exchanged with a peer. Nothing is sent unless `push`."""

    pull: bool | UnsetType = UNSET
    push: bool | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    days: int | UnsetType = UNSET
    campaigns: bool | UnsetType = UNSET
    push_tags: list[str] | UnsetType = UNSET
    maximum_tlp: str | UnsetType = UNSET
    internal: bool | UnsetType = UNSET
    sharing_groups: list[str] | UnsetType = UNSET
    feed: bool | UnsetType = UNSET
    collection: str | UnsetType | None = UNSET


class NewPeer(Model, frozen=True, kw_only=True):
    """A peer to be."""

    name: str
    kind: Literal["misp", "taxii"] | UnsetType = UNSET
    base_url: str
    key: str | UnsetType | None = UNSET
    settings: PeerSettings | UnsetType = UNSET


class NewRole(Model, frozen=True, kw_only=True):
    """A custom role to make."""

    name: str
    description: str | UnsetType | None = UNSET
    permissions: list[str] | UnsetType = UNSET


class NewSharedCollection(Model, frozen=True, kw_only=True):
    """A collection to be."""

    title: str
    description: str | UnsetType | None = UNSET
    maximum_tlp: Literal["clear", "green", "amber"] | UnsetType = UNSET


class NewShares(Model, frozen=True, kw_only=True):
    """What is put into a collection."""

    ids: list[str] | UnsetType = UNSET
    campaigns: list[UUID] | UnsetType = UNSET


class NewSource(Model, frozen=True, kw_only=True):
    """What a source is made with."""

    source_type: str | UnsetType = UNSET
    base_url: str | UnsetType | None = UNSET
    config: dict[str, Any] | UnsetType = UNSET
    rate_limit: int | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    reliability_score: float | UnsetType | None = UNSET
    name: str


class NewSync(Model, frozen=True, kw_only=True):
    """An exchange to be."""

    dry_run: bool | UnsetType = UNSET


class NewTarget(Model, frozen=True, kw_only=True):
    """A value that a case is about. Its type is guessed from its form unless given."""

    value: str
    target_type: (
        Literal[
            "person",
            "organization",
            "location",
            "domain",
            "ip_address",
            "email",
            "phone",
            "cryptocurrency_address",
            "username",
            "document",
            "social_profile",
            "url",
            "file_hash",
            "asn",
            "ssh_key",
            "software",
            "vulnerability",
            "malware",
            "threat_actor",
            "attack_pattern",
            "campaign",
            "credential",
            "user_agent",
        ]
        | UnsetType
        | None
    ) = UNSET
    notes: str | UnsetType | None = UNSET


class NewUser(Model, frozen=True, kw_only=True):
    """Somebody to add. Without a password they get a link to choose one."""

    username: str
    email: str
    full_name: str | UnsetType | None = UNSET
    role: str | UnsetType = UNSET
    password: str | UnsetType | None = UNSET


class NewWebhookSecret(Resource, frozen=True, kw_only=True):
    """A secret, which is shown this once."""

    secret: str


class OrganizationChange(Model, frozen=True, kw_only=True):
    """What to change; what is not named stays."""

    name: str | UnsetType = UNSET


class Organization(Resource, frozen=True, kw_only=True):
    """The organization that the caller belongs to."""

    id: UUID
    slug: str
    name: str
    is_active: bool
    created_at: datetime


class Target(Resource, frozen=True, kw_only=True):
    """What a case is about. `entity_id` is its entity where the record has exactly that one."""

    id: UUID
    target_type: str
    value: str
    normalized_value: str
    entity_id: UUID | None
    status: str
    notes: str | None
    created_at: datetime
    updated_at: datetime


class Overview(Resource, frozen=True, kw_only=True):
    """A case at a glance: its targets, its first 1,000 files, and how many of what they told."""

    investigation: Investigation
    targets: list[Target]
    files: list[CaseFile]
    file_count: int
    items: int
    entities: dict[str, int]
    events: int
    posts: int


class AnalysisPage(Model, frozen=True, kw_only=True):
    """Page[AnalysisModel]"""

    items: list[Analysis]
    next_cursor: str | None


class AttackPage(Model, frozen=True, kw_only=True):
    """Page[AttackModel]"""

    items: list[Attack]
    next_cursor: str | None


class AuditEventPage(Model, frozen=True, kw_only=True):
    """Page[AuditEvent]"""

    items: list[AuditEvent]
    next_cursor: str | None


class CampaignPage(Model, frozen=True, kw_only=True):
    """Page[CampaignModel]"""

    items: list[Campaign]
    next_cursor: str | None


class CollectionPage(Model, frozen=True, kw_only=True):
    """Page[CollectionModel]"""

    items: list[Collection]
    next_cursor: str | None


class DocumentPage(Model, frozen=True, kw_only=True):
    """Page[DocumentModel]"""

    items: list[Document]
    next_cursor: str | None


class EntityPage(Model, frozen=True, kw_only=True):
    """Page[EntityModel]"""

    items: list[Entity]
    next_cursor: str | None


class EventPage(Model, frozen=True, kw_only=True):
    """Page[EventModel]"""

    items: list[Event]
    next_cursor: str | None


class HeldPage(Model, frozen=True, kw_only=True):
    """Page[HeldModel]"""

    items: list[Held]
    next_cursor: str | None


class InvestigationPage(Model, frozen=True, kw_only=True):
    """Page[InvestigationModel]"""

    items: list[Investigation]
    next_cursor: str | None


class InvitationPage(Model, frozen=True, kw_only=True):
    """Page[InvitationModel]"""

    items: list[Invitation]
    next_cursor: str | None


class JobPage(Model, frozen=True, kw_only=True):
    """Page[JobModel]"""

    items: list[Job]
    next_cursor: str | None


class KeyPage(Model, frozen=True, kw_only=True):
    """Page[KeyModel]"""

    items: list[Key]
    next_cursor: str | None


class Relationship(Model, frozen=True, kw_only=True):
    """How two entities hang together."""

    id: UUID
    type: str
    source: End
    target: End
    confidence: float
    told_by: str | None
    properties: dict[str, Any]
    first_seen: datetime | None
    last_seen: datetime | None
    created_at: datetime
    updated_at: datetime


class RelationshipPage(Model, frozen=True, kw_only=True):
    """Page[RelationshipModel]"""

    items: list[Relationship]
    next_cursor: str | None


class Schedule(Resource, frozen=True, kw_only=True):
    """A job that comes again by itself."""

    id: UUID
    name: str
    kind: str
    every_seconds: int
    parameters: dict[str, Any]
    queue: Literal["celery", "analysis", "enrichment", "projections", "reports"]
    priority: int
    is_active: bool
    next_at: datetime
    last_job_id: UUID | None


class SchedulePage(Model, frozen=True, kw_only=True):
    """Page[ScheduleModel]"""

    items: list[Schedule]
    next_cursor: str | None


class Session(Model, frozen=True, kw_only=True):
    """One of the caller's sessions."""

    id: UUID
    created_at: datetime
    last_activity: datetime
    expires_at: datetime
    second_factor: bool
    client_ip: str | None
    user_agent: str | None
    current: bool


class SessionPage(Model, frozen=True, kw_only=True):
    """Page[SessionModel]"""

    items: list[Session]
    next_cursor: str | None


class Source(Resource, frozen=True, kw_only=True):
    """What the record is told by. Its credentials are never shown; `has_credentials` says whether there are any."""

    id: UUID
    name: str
    source_type: str
    base_url: str | None
    config: dict[str, Any]
    rate_limit: int
    is_active: bool
    reliability_score: float | None
    has_credentials: bool
    created_at: datetime
    updated_at: datetime


class SourcePage(Model, frozen=True, kw_only=True):
    """Page[SourceModel]"""

    items: list[Source]
    next_cursor: str | None


class TargetPage(Model, frozen=True, kw_only=True):
    """Page[TargetModel]"""

    items: list[Target]
    next_cursor: str | None


class UploadOptions(Model, frozen=True, kw_only=True):
    """What the file does not say itself."""

    source: str | UnsetType | None = UNSET
    time_zone: str | UnsetType | None = UNSET
    region: str | UnsetType | None = UNSET
    mapping: str | UnsetType | None = UNSET
    case: str | UnsetType | None = UNSET


class Upload(Resource, frozen=True, kw_only=True):
    """A file on its way into the record."""

    id: UUID
    user_id: UUID | None
    file_name: str
    status: Literal["receiving", "completed", "cancelled", "expired"]
    size_bytes: int | None
    received_bytes: int
    sha256: str | None
    options: UploadOptions
    job_id: UUID | None
    expires_at: datetime
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime


class UploadPage(Model, frozen=True, kw_only=True):
    """Page[UploadModel]"""

    items: list[Upload]
    next_cursor: str | None


class Usage(Model, frozen=True, kw_only=True):
    """A request that was made with an API key."""

    id: UUID
    api_key_id: UUID
    endpoint: str
    method: str
    request_timestamp: datetime
    response_status: int
    response_time_ms: int
    request_size_bytes: int
    response_size_bytes: int
    client_ip: str | None
    user_agent: str | None


class UsagePage(Model, frozen=True, kw_only=True):
    """Page[UsageModel]"""

    items: list[Usage]
    next_cursor: str | None


class User(Model, frozen=True, kw_only=True):
    """A person of the caller's organization."""

    id: UUID
    email: str
    username: str
    full_name: str | None
    role: str
    is_active: bool
    is_verified: bool
    mfa_enabled: bool
    last_login: datetime | None
    created_at: datetime


class UserPage(Model, frozen=True, kw_only=True):
    """Page[UserModel]"""

    items: list[User]
    next_cursor: str | None


class PasswordChange(Model, frozen=True, kw_only=True):
    """The present password and the one to come."""

    present: str
    new: str


class PasswordProof(Model, frozen=True, kw_only=True):
    """The present password: a session left open is not enough."""

    password: str


class PathNode(Model, frozen=True, kw_only=True):
    """An entity on the way."""

    id: UUID
    type: str
    name: str


class PathStep(Model, frozen=True, kw_only=True):
    """A relationship on the way, in its own direction."""

    id: UUID
    type: str
    source: UUID
    target: UUID
    confidence: float


class Path(Resource, frozen=True, kw_only=True):
    """The way found, or that there is none. `truncated`: none was found within the bounds, so one may exist.

    `hubs_skipped` names up to 20 entities that the search did not go through.
    """

    found: bool
    length: int | None
    nodes: list[PathNode]
    relationships: list[PathStep]
    truncated: bool
    hubs_skipped: list[PathNode]
    hub_count: int
    visited: int


class PeerChange(Model, frozen=True, kw_only=True):
    """What is to be different about a peer; settings that are not named stay."""

    settings: dict[str, Any] | UnsetType = UNSET
    is_active: bool | UnsetType | None = UNSET


class Peer(Resource, frozen=True, kw_only=True):
    """A server with which is exchanged. What it knows us by is never shown."""

    id: UUID
    name: str
    kind: Literal["misp", "taxii"]
    base_url: str
    settings: PeerSettings
    is_active: bool
    has_credentials: bool
    synced_at: datetime | None
    report: dict[str, Any]
    created_at: datetime


class PeerList(Resource, frozen=True, kw_only=True):
    """Every peer."""

    items: list[Peer]


class PointsWanted(Model, frozen=True, kw_only=True):
    """Points to write."""

    points: list[dict[str, Any]]


class Profile(Resource, frozen=True, kw_only=True):
    """A person's own account."""

    id: UUID
    organization_id: UUID
    email: str
    username: str
    full_name: str | None
    role: str
    is_active: bool
    is_verified: bool
    mfa_enabled: bool
    last_login: datetime | None
    created_at: datetime


class ProfileChange(Model, frozen=True, kw_only=True):
    """What is to be changed; what is left out stays."""

    full_name: str | UnsetType | None = UNSET
    email: str | UnsetType | None = UNSET
    password: str | UnsetType | None = UNSET


class Projection(Model, frozen=True, kw_only=True):
    """How a view fares. `lag_seconds` is the age of the oldest change that it does not hold."""

    projection: str
    adapter: str
    state: str
    reason: str | None
    lag_seconds: float
    caught_up_at: datetime | None
    set_aside: int


class Projections(Resource, frozen=True, kw_only=True):
    """Every view that is kept."""

    items: list[Projection]


class Readiness(Resource, frozen=True, kw_only=True):
    """Whether requests can be answered as they should be."""

    status: Literal["ready", "not_ready"]
    reasons: list[str]


class RecoveryCodes(Resource, frozen=True, kw_only=True):
    """Codes for whoever lost the device; each counts once, and they are shown this once."""

    recovery_codes: list[str]


class Refresh(Model, frozen=True, kw_only=True):
    """A refresh token, which counts once."""

    refresh_token: str


class RefusedPoint(Model, frozen=True, kw_only=True):
    """A point that was not taken: its place in the list, from 1, and why."""

    line: int
    reason: str


class Sighting(Model, frozen=True, kw_only=True):
    """An item that tells of a relationship."""

    item_id: UUID
    line: int | None
    confidence: float


class RelationshipWithSources(Resource, frozen=True, kw_only=True):
    """A relationship, and the items that tell of it, the surest first, at most 200."""

    id: UUID
    type: str
    source: End
    target: End
    confidence: float
    told_by: str | None
    properties: dict[str, Any]
    first_seen: datetime | None
    last_seen: datetime | None
    created_at: datetime
    updated_at: datetime
    sightings: list[Sighting]


class Renewed(Resource, frozen=True, kw_only=True):
    """What goes on in place of the session that was: by cookie its new proof, by token new tokens."""

    session_id: UUID
    csrf_token: str | None = None
    tokens: Tokens | None = None


class Reset(Model, frozen=True, kw_only=True):
    """The link's token and the new password."""

    token: str
    password: str


class ResetLink(Resource, frozen=True, kw_only=True):
    """A link by which somebody chooses a password."""

    expires_at: datetime
    link: str | None


class ResetRequest(Model, frozen=True, kw_only=True):
    """The address of the account whose password was forgotten."""

    email: str


class Retried(Resource, frozen=True, kw_only=True):
    """What a retry came to: `tried` = `recovered` + `rejected`."""

    tried: int
    recovered: int
    rejected: int
    by_reason: dict[str, int]


class RetryWanted(Model, frozen=True, kw_only=True):
    """Which held records are read again: by id, or all of a reason or of a file."""

    ids: list[UUID] | UnsetType = UNSET
    reason: str | UnsetType | None = UNSET
    file: str | UnsetType | None = UNSET


class RoleChange(Model, frozen=True, kw_only=True):
    """What a custom role is to allow from now on, and what no more."""

    add: list[str] | UnsetType = UNSET
    remove: list[str] | UnsetType = UNSET


class RoleChoice(Model, frozen=True, kw_only=True):
    """A built-in role in place of the present one."""

    role: str


class Role(Resource, frozen=True, kw_only=True):
    """What a role allows."""

    id: UUID
    name: str
    description: str | None
    is_builtin: bool
    permissions: list[str]


class RoleList(Model, frozen=True, kw_only=True):
    """The built-in roles and those of the organization."""

    items: list[Role]
    next_cursor: None = None


class ScheduleChanges(Model, frozen=True, kw_only=True):
    """What is to be different; what is left out stays."""

    every_seconds: int | UnsetType = UNSET
    priority: int | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class ScheduledAnalysis(Model, frozen=True, kw_only=True):
    """An analysis again and again. Takes the permission analysis:write."""

    name: str
    kind: Literal["analyze"]
    every_seconds: int
    priority: int = 5
    parameters: AnalysedPart | None = None


class VerificationAsked(Model, frozen=True, kw_only=True):
    """What is to be compared with the record."""

    projection: str = "search"
    repair: bool = False


class ScheduledVerification(Model, frozen=True, kw_only=True):
    """A comparison of a view with the record again and again. Takes the permission projection:write."""

    name: str
    kind: Literal["projection_verify"]
    every_seconds: int
    priority: int = 5
    parameters: VerificationAsked | None = None


class Sealed(Resource, frozen=True, kw_only=True):
    """How far the trail is sealed, and what an export is checked with."""

    seals: int
    rows: int
    sealed_at: datetime | None
    public_key: str


SearchIndex = Literal["osint_entities", "entities", "attacks", "documents"]
"""What readers read. `entities` is exactly the part of `osint_entities` that is an entity or a social profile."""


class Statistics(Model, frozen=True, kw_only=True):
    """Of a number over all results."""

    count: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    total: float | None


class SearchResult(Model, frozen=True, kw_only=True):
    """What was found. `total` counts all results, exactly; `took_ms` is what the view needed."""

    total: int
    took_ms: float
    hits: list[Hit]
    facets: dict[str, list[Bucket]]
    histogram: list[Bucket]
    stats: dict[str, Statistics]
    next_cursor: str | None


class SecondFactorCode(Model, frozen=True, kw_only=True):
    """A code from the device that was just set up."""

    code: str


class SecondFactorRemoval(Model, frozen=True, kw_only=True):
    """Password and a code, or a recovery code."""

    password: str
    code: str


class SecondFactorState(Resource, frozen=True, kw_only=True):
    """Whether a second factor is in force."""

    enabled: bool
    recovery_codes_left: int


class Series(Model, frozen=True, kw_only=True):
    """One field under one set of tags."""

    field: str
    tags: dict[str, str]


class SeriesList(Resource, frozen=True, kw_only=True):
    """The series of a measurement."""

    measurement: str
    items: list[Series]


class SettingValue(Model, frozen=True, kw_only=True):
    """A value of JSON."""

    value: Any


class Settings(Resource, frozen=True, kw_only=True):
    """What the caller set, by key."""

    settings: dict[str, Any]


class Settlement(Model, frozen=True, kw_only=True):
    """Which side holds."""

    side: Literal["ours", "theirs"]


class SharedCollection(Resource, frozen=True, kw_only=True):
    """A collection that others may read by TAXII."""

    id: UUID
    title: str
    description: str | None
    maximum_tlp: Literal["clear", "green", "amber"]


class SharedCollectionList(Resource, frozen=True, kw_only=True):
    """Every shared collection, by title."""

    items: list[SharedCollection]


class Shared(Resource, frozen=True, kw_only=True):
    """What came of sharing."""

    added: int


class Similar(Resource, frozen=True, kw_only=True):
    """What is like what was asked about, best first. `asked` is its name."""

    asked: str | None
    items: list[Likeness]


class SourceChanges(Model, frozen=True, kw_only=True):
    """What about a source is to be different. What is left out stays. A source keeps its name."""

    source_type: str | UnsetType = UNSET
    base_url: str | UnsetType | None = UNSET
    config: dict[str, Any] | UnsetType = UNSET
    rate_limit: int | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    reliability_score: float | UnsetType | None = UNSET


class Suggestion(Model, frozen=True, kw_only=True):
    """A name that what was typed could become."""

    text: str
    type: str
    id: str
    score: float


class Suggestions(Resource, frozen=True, kw_only=True):
    """Names, best first."""

    items: list[Suggestion]


class TargetChanges(Model, frozen=True, kw_only=True):
    """What about a target is to be different. What is left out stays."""

    status: Literal["pending", "running", "completed", "failed", "cancelled"] | UnsetType = UNSET
    notes: str | UnsetType | None = UNSET


class Technique(Model, frozen=True, kw_only=True):
    """A technique of ATT&CK, as the newest bundle that was loaded describes it."""

    technique: str
    name: str
    description: str | None
    url: str | None
    version: str | None
    attack_version: str | None
    tactics: list[str]
    is_revoked: bool
    is_deprecated: bool
    stix_id: str


class TechniqueChain(Resource, frozen=True, kw_only=True):
    """A technique, and what it was revoked by, step by step; the last is the one in force."""

    items: list[Technique]


class UploadRequest(Model, frozen=True, kw_only=True):
    """A file that is going to be sent."""

    file_name: str
    size_bytes: int | UnsetType | None = UNSET
    sha256: str | UnsetType | None = UNSET
    options: UploadOptions | UnsetType = UNSET


class UserChange(Model, frozen=True, kw_only=True):
    """What to change; what is not named stays. `full_name` may be null: no name."""

    email: str | UnsetType = UNSET
    full_name: str | UnsetType | None = UNSET


class UserDetail(Resource, frozen=True, kw_only=True):
    """A person with all that they may do."""

    id: UUID
    email: str
    username: str
    full_name: str | None
    role: str
    is_active: bool
    is_verified: bool
    mfa_enabled: bool
    last_login: datetime | None
    created_at: datetime
    custom_roles: list[str]
    permissions: list[str]


class UserSession(Model, frozen=True, kw_only=True):
    """A session of somebody, while it lives."""

    id: UUID
    user_id: UUID
    created_at: datetime
    last_activity: datetime
    expires_at: datetime
    second_factor: bool
    client_ip: str | None
    user_agent: str | None


class UserSessionList(Model, frozen=True, kw_only=True):
    """The live sessions of a user, newest first."""

    items: list[UserSession]
    next_cursor: None = None


UserSort = Literal["username", "-username", "email", "-email", "created_at", "-created_at"]
"""What users are sorted by; - for the other way round."""


class Verification(Model, frozen=True, kw_only=True):
    """The link's token."""

    token: str


class Verified(Resource, frozen=True, kw_only=True):
    """What a proof of the organization's trail found. `unsealed` rows came after the last seal."""

    ok: bool
    rows: int
    unsealed: int
    seals: int
    expired: int
    first_bad: Finding | None


class VerifyWanted(Model, frozen=True, kw_only=True):
    """Whether what differs is taken over anew."""

    repair: bool | UnsetType = UNSET


class WebhookSecret(Resource, frozen=True, kw_only=True):
    """What is known of the secret that callbacks are signed with."""

    id: UUID
    created_at: datetime
    fingerprint: str


class Written(Resource, frozen=True, kw_only=True):
    """How many values were written, and which points were not."""

    values: int
    refused: list[RefusedPoint]
