"""Analyses and campaigns in the record of this machine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

from clew.analysis.coordination import Depth
from clew.cli.desk.analysis_ports import Analysing, Decision
from clew.cli.options import Invocation
from clew.cli.output import json_text
from clew.cli.progress import stepped
from clew.cli.session import changed_record, opened_record
from clew.domains.campaigns import service
from clew.domains.campaigns.applying import apply_decision
from clew.domains.exchange.exporting import exported
from clew.kernel.clock import system_clock
from clew.kernel.transactions import TenantContext, driver_connection
from clew.records import acts


@dataclass(frozen=True, slots=True)
class LocalCampaigns:
    """See `analysis_ports.Campaigns`."""

    call: Invocation

    def analyze(self, asked: Analysing, stop: Event) -> dict[str, Any]:
        """Analyse, with progress on the terminal."""
        with changed_record(self.call) as record, stepped() as observe:
            context = TenantContext(record.organization_id, record.user_id)
            request = service.AnalysisRequest(context, Depth(asked.depth), asked.since, asked.until, asked.sensors)
            return service.run_analysis(record.database, request, observe=observe, stop=stop).as_dict()

    def all(self, *, status: str | None, everything: bool) -> Sequence[service.Campaign]:
        """Campaigns, the one seen last first."""
        with opened_record(self.call) as record, record.transaction() as connection:
            return service.list_campaigns(connection, record.organization_id, status=status, everything=everything)

    def details(self, campaign: str) -> service.CampaignDetails:
        """One with all that it rests on."""
        with opened_record(self.call) as record, record.transaction() as connection:
            found = service.find_campaign(connection, record.organization_id, campaign)
            details = service.campaign_details(connection, record.organization_id, found)
            acts.record(connection, acts.Act("campaign_read", "READ", "campaign", found.id, found.name))
        return details

    def explain(self, first: str, second: str) -> dict[str, Any]:
        """Why two addresses are thought to act together."""
        with opened_record(self.call) as record, record.transaction() as connection:
            found = service.explain_pair(
                driver_connection(connection),
                record.organization_id,
                first,
                second,
                enrichment=service.Enrichment.of(record.settings),
                now=system_clock(),
            )
            return service.as_document(found, driver_connection(connection), record.organization_id)

    def decide(self, campaign: str, decision: Decision) -> Sequence[service.Campaign]:
        """Decide about one."""
        with changed_record(self.call) as record, record.transaction() as connection:
            deciding = service.Deciding(connection, record.organization_id)
            return apply_decision(deciding, campaign, decision.kind, parts=decision.parts, name=decision.name)

    def export(self, campaigns: Sequence[str], form: str, sink: Callable[[str], object]) -> None:
        """Give them to the sink."""
        service.require_format(form)
        with opened_record(self.call) as record, record.transaction() as connection:
            where = record.organization_id
            named = [service.find_campaign(connection, where, name) for name in campaigns]
            found = named or service.list_campaigns(connection, where)
            details = [service.campaign_details(connection, where, each) for each in found]
            request = {"campaigns": len(details), "format": form}
            acts.record(connection, acts.Act("campaigns_exported", "READ", "campaign", request=request))
            document = None if form == "csv" else exported(connection, where, details, form, record.settings)
        sink(service.as_csv(details) if form == "csv" else json_text(document) + "\n")
