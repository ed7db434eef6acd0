"""What the rest of the program asks of analyses and campaigns."""

from clew.domains.campaigns.deciding import Deciding
from clew.domains.campaigns.enrichment import Enrichment
from clew.domains.campaigns.explaining import as_document, explain_pair
from clew.domains.campaigns.export import FORMATS, as_csv, as_documents, require_format
from clew.domains.campaigns.live import live_state
from clew.domains.campaigns.reading import (
    AnalysisView,
    Campaign,
    CampaignDetails,
    CampaignFilter,
    campaign_details,
    find_analysis,
    find_campaign,
    list_campaigns,
    page_of_analyses,
    page_of_campaigns,
)
from clew.domains.campaigns.reporting import AnalysisReport, AnalysisRequest
from clew.domains.campaigns.running import run_analysis
from clew.domains.campaigns.tables import CAMPAIGN_STATES, DEPTHS

__all__ = [
    "CAMPAIGN_STATES", "DEPTHS", "FORMATS", "AnalysisReport", "AnalysisRequest", "AnalysisView", "Campaign",
    "CampaignDetails", "CampaignFilter", "Deciding", "Enrichment", "as_csv", "as_document", "as_documents",
    "campaign_details", "explain_pair", "find_analysis", "find_campaign", "list_campaigns", "live_state",
    "page_of_analyses", "page_of_campaigns", "require_format", "run_analysis",
]  # fmt: skip
