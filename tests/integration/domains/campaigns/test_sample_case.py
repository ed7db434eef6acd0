"""What is told of the shipped case: its campaign, and nothing of the noise around it."""

from clew.domains.campaigns.reading import campaign_details, list_campaigns
from clew.domains.campaigns.reporting import AnalysisRequest
from clew.domains.campaigns.running import run_analysis
from clew.ingest.service import IngestRequest, ingest
from clew.kernel.database import Database
from clew.samples import sample_case_path
from tests.support.record import Tenant

MEMBERS = {f"198.51.100.{host}" for host in (21, 34, 58, 77, 103, 140, 166, 201)}


def test_the_planted_campaign_is_found_and_the_noise_is_none(database: Database, tenant: Tenant) -> None:
    with sample_case_path() as folder:
        ingest(database, database.settings, IngestRequest(tenant.id, tenant.operator, (folder,)))
    run_analysis(database, AnalysisRequest(tenant.context))
    with database.transaction(tenant.context) as connection:
        (campaign,) = list_campaigns(connection, tenant.id)
        told = campaign_details(connection, tenant.id, campaign)
    assert set(told.source_ips) == MEMBERS
    assert campaign.confidence > 0.95
    assert {"credential", "command"} <= {evidence["kind"] for evidence in told.evidence}
