"""Campaigns as they are shown: listed, and one with all that it rests on."""

import contextlib
from dataclasses import asdict, dataclass
from datetime import datetime
from operator import eq
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from clew.domains.campaigns.log_lines import with_lines
from clew.domains.campaigns.tables import (
    analysis_sessions,
    campaign_activity,
    campaign_analytics,
    campaign_decisions,
    campaign_indicators,
    campaign_members,
    campaigns,
)
from clew.kernel.errors import NotFoundError
from clew.kernel.transactions import driver_connection
from clew.records.lookup import is_storable
from clew.records.paging import Listing, Page, PageRequest, given, read_page

MOST_ACTIVITY: Final = 200


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign at a glance."""

    id: UUID
    name: str
    status: str
    confidence: float
    sources: int
    sessions: int
    first_seen: datetime | None
    last_seen: datetime | None
    is_pinned: bool
    is_rejected: bool
    threat_actor: str | None
    merged_into: UUID | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return _plain(asdict(self))


@dataclass(frozen=True, slots=True)
class CampaignIndicator:
    """Something by which a campaign may be known elsewhere."""

    type: str
    value: str
    confidence: float
    count: int
    first_seen: datetime | None
    last_seen: datetime | None


@dataclass(frozen=True, slots=True)
class CampaignMember:
    """A source of a campaign."""

    source_ip: str
    confidence: float
    sessions: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class CampaignEvent:
    """What became of a campaign at some time."""

    event: str
    source_ip: str | None
    confidence: float | None
    details: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CampaignDecision:
    """What an analyst decided about a campaign."""

    id: UUID
    decision: str
    user_id: UUID | None
    created_at: datetime
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class CampaignDetails:
    """A campaign with all that it rests on."""

    campaign: Campaign
    description: str | None
    split_from: UUID | None
    scores: dict[str, float]
    source_ips: list[str]
    session_ids: list[UUID]
    members: list[CampaignMember]
    indicators: list[CampaignIndicator]
    techniques: list[dict[str, Any]]
    evidence: list[dict[str, Any]]
    activity: list[CampaignEvent]
    analytics: list[dict[str, Any]]
    decisions: list[CampaignDecision]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        rest = {name: getattr(self, name) for name in self.__slots__ if name != "campaign"}
        shown = {
            name: [asdict(each) for each in value] if value and not isinstance(value[0], str | UUID | dict) else value
            for name, value in rest.items()
            if isinstance(value, list)
        }
        return self.campaign.as_dict() | _plain(rest | shown)


@dataclass(frozen=True, slots=True)
class CampaignFilter:
    """Which campaigns: those to which everything given applies."""

    status: str | None = None


@dataclass(frozen=True, slots=True)
class AnalysisView:
    """An analysis, and what came of it."""

    id: UUID
    status: str
    analysis_depth: str
    user_id: UUID | None
    created_at: datetime
    completed_at: datetime | None
    seconds: float | None
    confidence: float | None
    result: dict[str, Any]


_COLUMNS: Final = (
    campaigns.c.id,
    campaigns.c.name,
    campaigns.c.status,
    sa.cast(campaigns.c.confidence, sa.Double).label("confidence"),
    campaigns.c.unique_sources.label("sources"),
    campaigns.c.attack_count.label("sessions"),
    campaigns.c.first_seen,
    campaigns.c.last_seen,
    campaigns.c.is_pinned,
    campaigns.c.is_rejected,
    campaigns.c.threat_actor_attribution.label("threat_actor"),
    campaigns.c.merged_into,
)
_STANDS: Final = (
    campaigns.c.merged_into.is_(None),
    campaigns.c.is_rejected.is_(False),
    sa.not_(campaigns.c.metadata.has_key("dissolved_by")),
)
"""What a list shows unless asked for everything: neither rejected, nor merged, nor found to be none after all."""

_LISTING: Final = Listing(
    "campaigns",
    campaigns,
    _COLUMNS,
    {"created_at": (campaigns.c.created_at, campaigns.c.id)},
    "-created_at",
)
_ANALYSES: Final = Listing(
    "analyses",
    analysis_sessions,
    (
        analysis_sessions.c.id,
        analysis_sessions.c.status,
        analysis_sessions.c.analysis_depth,
        analysis_sessions.c.user_id,
        analysis_sessions.c.created_at,
        analysis_sessions.c.completed_at,
        sa.cast(analysis_sessions.c.processing_time_seconds, sa.Double).label("seconds"),
        sa.cast(analysis_sessions.c.coordination_confidence, sa.Double).label("confidence"),
        analysis_sessions.c.final_assessment.label("result"),
    ),
    {"created_at": (analysis_sessions.c.created_at, analysis_sessions.c.id)},
    "-created_at",
)


def page_of_campaigns(
    connection: sa.Connection,
    organization_id: UUID,
    wanted: CampaignFilter,
    request: PageRequest,
    *,
    everything: bool = False,
) -> Page[Campaign]:
    """One page of campaigns, the newest first. `everything`: also those that were rejected, merged or dissolved."""
    walked = [*given((campaigns.c.status, eq, wanted.status)), *(() if everything else _STANDS)]
    page = read_page(connection, _LISTING, organization_id, request, filters=(wanted, everything), walked=walked)
    return page.mapped(_mapped)


def list_campaigns(
    connection: sa.Connection, organization_id: UUID, *, status: str | None = None, everything: bool = False
) -> list[Campaign]:
    """Every campaign, the one seen last first."""
    query = sa.select(*_COLUMNS).where(campaigns.c.organization_id == organization_id)
    query = query if everything else query.where(*_STANDS)
    query = query if status is None else query.where(campaigns.c.status == status)
    rows = connection.execute(query.order_by(campaigns.c.last_seen.desc(), campaigns.c.id)).mappings()
    return [_mapped(row) for row in rows]


def _mapped(row: sa.RowMapping) -> Campaign:
    return Campaign(**{name: row[name] for name in Campaign.__slots__})


def find_campaign(connection: sa.Connection, organization_id: UUID, name_or_id: str | UUID) -> Campaign:
    """The campaign of that id or name. Raises NotFoundError, also where several have the name."""
    wanted = str(name_or_id).strip()
    conditions = [campaigns.c.name == wanted]
    with contextlib.suppress(ValueError):
        conditions.insert(0, campaigns.c.id == UUID(wanted))
    for condition in conditions if is_storable(wanted) else ():
        query = sa.select(*_COLUMNS).where(campaigns.c.organization_id == organization_id, condition)
        rows = connection.execute(query.limit(2)).mappings().all()
        if len(rows) == 1:
            return _mapped(rows[0])
        if rows:
            raise NotFoundError(f"several campaigns are called {wanted!r}", remedy="name one by its id")
    raise NotFoundError(f"no campaign {wanted!r}", remedy="`clew campaign list` lists them")


def campaign_details(connection: sa.Connection, organization_id: UUID, campaign: Campaign) -> CampaignDetails:
    """All that a campaign rests on."""
    table = campaigns.c
    query = sa.select(table.description, table.split_from, table.scores, table.ttps, table.evidence)
    row = connection.execute(query.where(table.organization_id == organization_id, table.id == campaign.id)).one()
    members, sessions = _members(connection, organization_id, campaign.id)
    return CampaignDetails(
        campaign=campaign,
        description=row.description,
        split_from=row.split_from,
        scores=row.scores,
        source_ips=[member.source_ip for member in members],
        session_ids=sessions,
        members=members,
        indicators=indicators_of(connection, organization_id, campaign.id),
        techniques=row.ttps.get("techniques", []),
        evidence=with_lines(driver_connection(connection), organization_id, row.evidence),
        activity=activity_of(connection, organization_id, campaign.id),
        analytics=_analytics(connection, organization_id, campaign.id),
        decisions=_decisions(connection, organization_id, campaign.id),
    )


def _members(
    connection: sa.Connection, organization_id: UUID, campaign: UUID
) -> tuple[list[CampaignMember], list[UUID]]:
    table = campaign_members.c
    query = (
        sa.select(
            sa.func.host(table.source_ip),
            sa.cast(table.confidence, sa.Double),
            table.first_seen,
            table.last_seen,
            table.session_ids,
        )
        .where(table.organization_id == organization_id, table.campaign_id == campaign)
        .order_by(table.source_ip)
    )
    rows = connection.execute(query).all()
    members = [CampaignMember(row[0], row[1], len(row[4]), row[2], row[3]) for row in rows]
    return members, sorted({session for row in rows for session in row[4]})


def indicators_of(connection: sa.Connection, organization_id: UUID, campaign: UUID) -> list[CampaignIndicator]:
    """Indicators, the surest first."""
    table = campaign_indicators.c
    query = (
        sa.select(
            table.indicator_type,
            table.indicator_value,
            sa.cast(table.confidence, sa.Double),
            table.occurrence_count,
            table.first_seen,
            table.last_seen,
        )
        .where(table.organization_id == organization_id, table.campaign_id == campaign)
        .order_by(table.confidence.desc(), table.indicator_type, table.indicator_value)
    )
    return [CampaignIndicator(*row) for row in connection.execute(query)]


def activity_of(
    connection: sa.Connection, organization_id: UUID, campaign: UUID, *, limit: int = MOST_ACTIVITY
) -> list[CampaignEvent]:
    """What became of it, newest first."""
    table = campaign_activity.c
    query = (
        sa.select(
            table.event,
            sa.func.host(table.source_ip),
            sa.cast(table.confidence, sa.Double),
            table.details,
            table.created_at,
        )
        .where(table.organization_id == organization_id, table.campaign_id == campaign)
        .order_by(table.id.desc())
        .limit(limit)
    )
    return [CampaignEvent(*row) for row in connection.execute(query)]


def _analytics(connection: sa.Connection, organization_id: UUID, campaign: UUID) -> list[dict[str, Any]]:
    table = campaign_analytics.c
    query = (
        sa.select(table.timestamp, table.metric_type, table.metrics)
        .where(table.organization_id == organization_id, table.campaign_id == campaign)
        .order_by(table.timestamp.desc())
        .limit(MOST_ACTIVITY)
    )
    return [
        {"timestamp": row[0].isoformat(), "metric_type": row[1], "metrics": row[2]} for row in connection.execute(query)
    ]


def _decisions(connection: sa.Connection, organization_id: UUID, campaign: UUID) -> list[CampaignDecision]:
    table = campaign_decisions.c
    query = (
        sa.select(table.id, table.decision, table.user_id, table.created_at, table.undone_at)
        .where(table.organization_id == organization_id, table.campaign_id == campaign)
        .order_by(table.id)
    )
    return [CampaignDecision(*row) for row in connection.execute(query)]


def page_of_analyses(connection: sa.Connection, organization_id: UUID, request: PageRequest) -> Page[AnalysisView]:
    """One page of analyses, the newest first."""
    return read_page(connection, _ANALYSES, organization_id, request).mapped(_analysis)


def find_analysis(connection: sa.Connection, organization_id: UUID, analysis_id: UUID) -> AnalysisView:
    """One analysis. Raises NotFoundError."""
    query = sa.select(*_ANALYSES.columns).where(
        analysis_sessions.c.organization_id == organization_id, analysis_sessions.c.id == analysis_id
    )
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"no analysis {analysis_id}", remedy="take the id from the list of analyses")
    return _analysis(row)


def _analysis(row: sa.RowMapping) -> AnalysisView:
    return AnalysisView(**{name: row[name] for name in AnalysisView.__slots__})


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain_value(value) for name, value in values.items()}


def _plain_value(value: Any) -> Any:
    match value:
        case UUID():
            return str(value)
        case datetime():
            return value.isoformat()
        case dict():
            return _plain(value)
        case list():
            return [_plain_value(each) for each in value]
    return value
