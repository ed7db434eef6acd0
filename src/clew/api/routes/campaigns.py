"""Campaigns: what analyses of attack sessions find."""

from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

import orjson
import sqlalchemy as sa
from fastapi import Query
from starlette.responses import Response

from clew.api import examples
from clew.api.cached import campaign_body, name_and_body
from clew.api.callers import Call, needs
from clew.api.models.campaigns import (
    CampaignDetailsModel,
    CampaignModel,
    CampaignQuery,
    CoordinationExplanation,
    DecidedModel,
    NewDecision,
)
from clew.api.models.listing import page_shown
from clew.api.paging import Page
from clew.api.problems import MISSING
from clew.api.repeating import IdempotencyKey, once
from clew.api.representations import shown, tagged_bytes
from clew.api.routing import router as routes
from clew.domains.campaigns import reading
from clew.domains.exchange.exporting import exported
from clew.kernel.cache.keys import CAMPAIGN
from clew.kernel.lazily import lazily
from clew.kernel.transactions import driver_connection
from clew.records.acts import Act

if TYPE_CHECKING:
    from clew.domains.campaigns import applying, service
else:
    applying = lazily("clew.domains.campaigns.applying")
    service = lazily("clew.domains.campaigns.service")

router = routes("campaigns")

Reader = Annotated[Call, needs("analysis:read")]
Writer = Annotated[Call, needs("analysis:write")]
Address = Annotated[str, Query(max_length=100, examples=["198.51.100.7"])]


@router.get("/campaigns", response_model=Page[CampaignModel], summary="List campaigns")
def list_campaigns(call: Reader, query: Annotated[CampaignQuery, Query()]) -> Response:
    """Campaigns page by page, the newest first."""
    wanted = reading.CampaignFilter(query.status)
    with call.transaction() as connection:
        page = reading.page_of_campaigns(
            connection, call.principal.organization_id, wanted, query.page, everything=query.everything
        )
    call.tell_read(Act("campaigns_listed", "READ", "campaign", request=query.asked()))
    return shown(page_shown(page, CampaignModel))


@router.get(
    "/coordination",
    response_model=CoordinationExplanation,
    summary="Explain whether two addresses act together",
    responses=MISSING,
)
def explain_pair(call: Reader, first: Address, second: Address) -> Response:
    """How probably they do, and why. 404 where the record has no session of one of them."""
    with call.transaction() as connection:
        found = service.explain_pair(
            driver_connection(connection),
            call.principal.organization_id,
            first,
            second,
            enrichment=service.Enrichment.of(call.serving.database.settings),
            now=call.serving.clock(),
        )
        document = service.as_document(found, driver_connection(connection), call.principal.organization_id)
    return shown(CoordinationExplanation.model_validate(document))


@router.get("/campaigns/{campaign_id}", response_model=CampaignDetailsModel, summary="Read a campaign")
def get_campaign(call: Reader, campaign_id: UUID) -> Response:
    """Who acts in it, when, and how they are linked; with its ETag."""

    def make() -> bytes:
        return campaign_body(call.serving.database, call.context, campaign_id)

    name, body = name_and_body(call.serving.memo.remembered(_campaign_key(call, campaign_id), CAMPAIGN.span, make))
    call.tell_read(Act("campaign_read", "READ", "campaign", campaign_id, name))
    return tagged_bytes(call.request, body)


@router.get(
    "/campaigns/{campaign_id}/export",
    response_class=Response,
    responses={
        200: {
            "description": "The campaign, as an attachment.",
            "content": {
                "text/csv": {"schema": {"type": "string"}, "example": examples.CAMPAIGNS["text/csv"]},
                "application/json": {
                    "schema": {"type": "object"},
                    "example": examples.CAMPAIGNS["application/json"],
                },
            },
        }
    },
    summary="Export a campaign",
)
def export_campaign(
    call: Reader,
    campaign_id: UUID,
    form: Annotated[
        Literal["csv", "json", "misp", "stix"],
        Query(alias="format", description="A row for each indicator, everything, an event of MISP, a STIX bundle."),
    ] = "csv",
) -> Response:
    """Its indicators for other programs. In CSV, what would be a formula begins with an apostrophe."""
    organization = call.principal.organization_id
    with call.transaction() as connection:
        found = reading.find_campaign(connection, organization, campaign_id)
        details = reading.campaign_details(connection, organization, found)
        settings = call.serving.database.settings
        others = form in {"misp", "stix"}
        document = exported(connection, organization, [details], form, settings) if others else None
    call.tell_read(Act("campaigns_exported", "READ", "campaign", found.id, found.name, request={"format": form}))
    ending = f"{form}.json" if others else form
    name = {"Content-Disposition": f'attachment; filename="campaign-{found.id}.{ending}"'}
    if others:
        return Response(orjson.dumps(document, default=str), 200, name, media_type="application/json")
    if form == "csv":
        return Response(service.as_csv([details]), 200, name, media_type="text/csv; charset=utf-8")
    return shown(CampaignDetailsModel.of(details), headers=name)


@router.post("/campaigns/{campaign_id}/decisions", response_model=DecidedModel, summary="Decide about a campaign")
def decide_campaign(call: Writer, campaign_id: UUID, new: NewDecision, key: IdempotencyKey = None) -> Response:
    """Pin, reject, merge, split, rename, attribute it, or undo the last of these. It binds every later analysis."""
    changed = {campaign_id}

    def make(connection: sa.Connection) -> Response:
        deciding = service.Deciding(connection, call.principal.organization_id)
        concerned = applying.apply_decision(deciding, str(campaign_id), new.decision, parts=new.parts, name=new.name)
        changed.update(each.id for each in concerned)
        return shown(DecidedModel(items=[CampaignModel.model_validate(each) for each in concerned]))

    response = once(call, key, make)
    # What the database tells reaches the cache a moment later; whoever decided looks at once.
    call.serving.memo.forget(*(_campaign_key(call, each) for each in changed))
    return response


def _campaign_key(call: Call, campaign_id: UUID) -> str:
    return CAMPAIGN.key(organization_id=call.principal.organization_id, campaign_id=campaign_id)
