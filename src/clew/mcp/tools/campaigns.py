"""Campaigns, why addresses are thought to act together, and analyses."""

from typing import Any, Final
from uuid import UUID

from pydantic import Field

from clew.api.models.analyses import AnalysisDetailsModel, AnalysisModel
from clew.api.models.campaigns import (
    CampaignDetailsModel,
    CampaignModel,
    CampaignQuery,
    CoordinationEvidence,
    CoordinationExplanation,
)
from clew.api.models.listing import Given, ListQuery
from clew.api.paging import Page
from clew.mcp.asking import Asking
from clew.mcp.tool import Few, Tool, query_of

_Address: Any = Field(min_length=1, max_length=100, examples=["198.51.100.7"])


class ListCampaigns(CampaignQuery):
    """Which campaigns."""

    limit: int = Few


class NamedCampaign(Given):
    """Which campaign."""

    campaign: str = Field(min_length=1, max_length=200, description="Its id or its whole name.")


class TwoAddresses(Given):
    """Two source addresses of attacks."""

    first: str = _Address
    second: str = _Address


class ListAnalyses(ListQuery):
    """Which page."""

    limit: int = Few


class NamedAnalysis(Given):
    """Which analysis."""

    analysis_id: UUID


class CampaignExplanation(CampaignModel):
    """Why a campaign is thought to be one: scores, techniques, and every reason with the log lines it rests on."""

    scores: dict[str, float]
    techniques: list[dict[str, Any]]
    evidence: list[CoordinationEvidence]


async def _list(asking: Asking, wanted: ListCampaigns) -> Page[CampaignModel]:
    return await asking.page(Page[CampaignModel], "/campaigns", query_of(wanted))


async def _get(asking: Asking, wanted: NamedCampaign) -> CampaignDetailsModel:
    return await _details(asking, wanted.campaign)


async def _explain(asking: Asking, wanted: NamedCampaign) -> CampaignExplanation:
    found = await _details(asking, wanted.campaign)
    return CampaignExplanation.model_validate(found.model_dump(include=set(CampaignExplanation.model_fields)))


async def _details(asking: Asking, campaign: str) -> CampaignDetailsModel:
    found = await asking.campaign_id(campaign)
    return await asking.get(CampaignDetailsModel, "/campaigns/{campaign_id}", campaign_id=found)


async def _explain_addresses(asking: Asking, wanted: TwoAddresses) -> CoordinationExplanation:
    return await asking.get(CoordinationExplanation, "/coordination", query_of(wanted))


async def _analyses(asking: Asking, wanted: ListAnalyses) -> Page[AnalysisModel]:
    return await asking.page(Page[AnalysisModel], "/analyses", query_of(wanted))


async def _analysis(asking: Asking, wanted: NamedAnalysis) -> AnalysisDetailsModel:
    return await asking.get(AnalysisDetailsModel, "/analyses/{analysis_id}", analysis_id=wanted.analysis_id)


TOOLS: Final = (
    Tool(
        "list_campaigns",
        "List campaigns",
        "Campaigns – sources that act together – page by page, the newest first, with how probable each is.",
        ListCampaigns,
        Page[CampaignModel],
        _list,
        ("analysis:read",),
    ),
    Tool(
        "get_campaign",
        "Read a campaign",
        "Who acts in a campaign, when, with which techniques and indicators, what became of it, what analysts decided.",
        NamedCampaign,
        CampaignDetailsModel,
        _get,
        ("analysis:read",),
    ),
    Tool(
        "explain_campaign",
        "Explain a campaign",
        "Why its sources are thought to act together: every reason with its score, and the files and lines of the "
        "logs that it rests on. Say how probable it is, not that it is certain.",
        NamedCampaign,
        CampaignExplanation,
        _explain,
        ("analysis:read",),
    ),
    Tool(
        "explain_addresses",
        "Explain whether two addresses act together",
        "How probably two source addresses act together, and why, with log lines. Works for any two that attacked, "
        "in a campaign or not.",
        TwoAddresses,
        CoordinationExplanation,
        _explain_addresses,
        ("analysis:read",),
    ),
    Tool(
        "list_analyses",
        "List analyses",
        "Analyses that were run, page by page, the newest first, with what came of each.",
        ListAnalyses,
        Page[AnalysisModel],
        _analyses,
        ("analysis:read",),
    ),
    Tool(
        "get_analysis",
        "Read an analysis",
        "One analysis: how far it is, and what came of it.",
        NamedAnalysis,
        AnalysisDetailsModel,
        _analysis,
        ("analysis:read",),
    ),
)
