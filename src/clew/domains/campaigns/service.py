"""What the rest of the program asks of analyses and campaigns."""

from clew.domains.campaigns.connection import only_analysis, working_connection
from clew.domains.campaigns.deciding import Deciding
from clew.domains.campaigns.enrichment import Enrichment
from clew.domains.campaigns.explaining import as_document, explain_pair
from clew.domains.campaigns.export import FORMATS, as_csv, as_documents, require_format
from clew.domains.campaigns.live import Live, live_state, told_live
from clew.domains.campaigns.pipeline import Fetched, OvertakenError, Pipeline
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
from clew.domains.campaigns.running import MOST_ROUNDS, breakdown_of, run_analysis, save_result
from clew.domains.campaigns.tables import CAMPAIGN_STATES, DEPTHS

__all__ = [
    "CAMPAIGN_STATES", "DEPTHS", "FORMATS", "MOST_ROUNDS", "AnalysisReport", "AnalysisRequest", "AnalysisView",
    "Campaign", "CampaignDetails", "CampaignFilter", "Deciding", "Enrichment", "Fetched", "Live", "OvertakenError",
    "Pipeline", "as_csv", "as_document", "as_documents", "breakdown_of", "campaign_details", "explain_pair",
    "find_analysis", "find_campaign", "list_campaigns", "live_state", "only_analysis", "page_of_analyses",
    "page_of_campaigns", "require_format", "run_analysis", "save_result", "told_live", "working_connection",
]  # fmt: skip
