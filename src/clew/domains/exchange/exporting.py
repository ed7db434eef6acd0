"""Campaigns in the words of others: as JSON of Clew's own, as events of MISP, as a bundle of STIX."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from clew.domains.campaigns.export import as_documents
from clew.domains.campaigns.reading import CampaignDetails
from clew.domains.exchange import keeping
from clew.domains.exchange.campaign_bundles import bundle_of_campaigns
from clew.domains.exchange.campaign_events import event_of, event_uuid
from clew.kernel.clock import Clock, system_clock
from clew.kernel.settings import Settings


def exported(
    connection: sa.Connection,
    organization_id: UUID,
    campaigns: Sequence[CampaignDetails],
    form: str,
    settings: Settings,
    *,
    clock: Clock = system_clock,
) -> Any:
    """The JSON of an export; `form` is json, misp or stix.

    One campaign as MISP is `{"Event": …}`, several are `{"response": […]}`, as MISP's own exports are. An event that
    was changed here, or by a peer, is exported as it stands.
    """
    if form == "json":
        return as_documents(campaigns)
    now = clock()
    if form == "stix":
        return bundle_of_campaigns(list(campaigns), now, tlp=settings.misp_tlp)
    events = []
    for each in campaigns:
        kept = keeping.find(connection, organization_id, "misp", event_uuid(each.campaign.id))
        made = event_of(each, now, distribution=settings.misp_distribution, tlp=settings.misp_tlp)
        events.append({"Event": made if kept is None or kept.content is None else kept.document})
    return joined(events, form)


def joined(documents: Sequence[Any], form: str) -> Any:
    """Exports of one campaign each as one: a list, a `response` of events, a bundle of all objects."""
    if form == "json":
        return list(documents)
    if len(documents) == 1:
        return documents[0]
    if form == "misp":
        return {"response": list(documents)}
    objects = {each["id"]: each for one in documents for each in one["objects"]}
    return {"type": "bundle", "id": documents[0]["id"] if documents else None, "objects": list(objects.values())}
