"""What is cached of analyses and campaigns, as they are shown: how it is made of the record."""

from typing import Final
from uuid import UUID

from clew.api.models.analyses import AnalysisDetailsModel
from clew.api.models.campaigns import CampaignDetailsModel
from clew.api.representations import encoded
from clew.domains.analyses import reading as analyses
from clew.domains.campaigns import reading as campaigns
from clew.kernel.database import Database
from clew.kernel.transactions import TenantContext

_BEHIND_NAME: Final = b"\0"  # stands in no name and in no JSON


class NotOverError(Exception):
    """An analysis of which more is to come, which is not to be cached."""

    def __init__(self, model: AnalysisDetailsModel) -> None:
        self.model = model


def analysis_body(database: Database, context: TenantContext, analysis_id: UUID) -> bytes:
    """An analysis as it is shown. Raises NotFoundError, and NotOverError where it is none that is over."""
    with database.transaction(context) as connection:
        found = analyses.find_session(connection, context.organization_id, analysis_id)
    model = AnalysisDetailsModel.model_validate(found)
    if not found.is_over:
        raise NotOverError(model)
    return encoded(model)


def campaign_body(database: Database, context: TenantContext, campaign_id: UUID) -> bytes:
    """A campaign as it is shown, behind its name: see `name_and_body`. Raises NotFoundError."""
    with database.transaction(context) as connection:
        found = campaigns.find_campaign(connection, context.organization_id, campaign_id)
        details = campaigns.campaign_details(connection, context.organization_id, found)
    return found.name.encode() + _BEHIND_NAME + encoded(CampaignDetailsModel.of(details))


def name_and_body(kept: bytes) -> tuple[str, bytes]:
    """The name, which the audit trail is told, and what is shown."""
    name, _, body = kept.partition(_BEHIND_NAME)
    return name.decode(), body
