"""Analyses: asked for, watched, cancelled, read."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import sqlalchemy as sa
from fastapi import Query
from starlette.responses import Response

from clew.api.cached import NotOverError, analysis_body
from clew.api.callers import Call, needs
from clew.api.models.analyses import (
    AnalysisDetailsModel,
    AnalysisModel,
    AnalysisQuery,
    NewAnalysis,
    NewWebhookSecretModel,
    WebhookSecretModel,
)
from clew.api.models.listing import page_shown
from clew.api.paging import Page
from clew.api.problems import MISSING
from clew.api.repeating import IdempotencyKey, once
from clew.api.representations import CHECKED, encoded, require_match, shown, tagged, tagged_bytes
from clew.api.routing import router as routes
from clew.domains.analyses import reading
from clew.kernel.cache.keys import ANALYSIS
from clew.kernel.lazily import lazily
from clew.kernel.outbound import Outbound
from clew.records.acts import Act

if TYPE_CHECKING:
    from clew.domains.analyses import service
    from clew.domains.campaigns import live
else:
    service = lazily("clew.domains.analyses.service")
    live = lazily("clew.domains.campaigns.live")

router = routes("analyses")

Reader = Annotated[Call, needs("analysis:read")]
Writer = Annotated[Call, needs("analysis:write")]


@router.post("/analyses", status_code=202, response_model=AnalysisModel, summary="Start an analysis", responses=MISSING)
def start_analysis(call: Writer, new: NewAnalysis, key: IdempotencyKey = None) -> Response:
    """It waits for a worker; its place is the Location. An API key's quota of analyses is counted down by one."""

    def make(connection: sa.Connection) -> Response:
        organization = call.principal.organization_id
        asked = service.NewAnalysisSession(
            depth=new.depth,
            since=new.since,
            until=new.until,
            sensors=None if new.sensors is None else tuple(new.sensors),
            source_ips=None if new.source_ips is None else tuple(new.source_ips),
            session_ids=None if new.session_ids is None else tuple(new.session_ids),
            campaign=new.campaign,
            priority=new.priority,
            callback_url=new.callback_url,
        )
        outbound = Outbound.of(call.serving.database.settings)
        made = service.start(connection, call.context, asked, outbound=outbound, clock=call.serving.clock)
        found = reading.find_session(connection, organization, made)
        return shown(AnalysisModel.model_validate(found), 202, headers={"Location": f"/api/v1/analyses/{made}"})

    return once(call, key, make)


@router.get("/analyses", response_model=Page[AnalysisModel], summary="List analyses")
def list_analyses(call: Reader, query: Annotated[AnalysisQuery, Query()]) -> Response:
    """Analyses page by page, the newest first."""
    with call.transaction() as connection:
        page = reading.page_of_sessions(connection, call.principal.organization_id, query.page, status=query.status)
    call.tell_read(Act("analyses_listed", "READ", "analysis", request=query.asked()))
    return shown(page_shown(page, AnalysisModel))


@router.get("/analyses/{analysis_id}", response_model=AnalysisDetailsModel, summary="Read an analysis")
def get_analysis(call: Reader, analysis_id: UUID) -> Response:
    """How far it is, by which steps, and what came of it; with its ETag."""
    organization = call.principal.organization_id

    def make() -> bytes:
        return analysis_body(call.serving.database, call.context, analysis_id)

    key = ANALYSIS.key(organization_id=organization, session_id=analysis_id)
    try:
        body = call.serving.memo.remembered(key, ANALYSIS.span, make)
    except NotOverError as working:
        state = live.live_state(call.serving.cache, organization, analysis_id)
        told = {} if state is None else {"current_step": state.current_step, "progress": state.progress}
        body = encoded(working.model.model_copy(update=told))
    call.tell_read(Act("analysis_read", "READ", "analysis", analysis_id))
    return tagged_bytes(call.request, body)


@router.post(
    "/analyses/{analysis_id}/cancel",
    response_model=AnalysisDetailsModel,
    summary="Cancel an analysis",
    openapi_extra=CHECKED,
)
def cancel_analysis(call: Writer, analysis_id: UUID) -> Response:
    """At once if it waits, else behind the node it is at. 409 if it is completed or failed."""
    organization = call.principal.organization_id
    with call.transaction() as connection:
        known = reading.find_session(connection, organization, analysis_id)
        require_match(call.request, AnalysisDetailsModel.model_validate(known))
        service.cancel(connection, organization, analysis_id)
        found = reading.find_session(connection, organization, analysis_id)
    call.serving.memo.forget(ANALYSIS.key(organization_id=organization, session_id=analysis_id))
    return shown(AnalysisDetailsModel.model_validate(found))


@router.get(
    "/organization/webhook-secret",
    response_model=WebhookSecretModel,
    responses=MISSING,
    summary="The secret that callbacks are signed with",
)
def get_webhook_secret(call: Annotated[Call, needs("organization:read")]) -> Response:
    """Since when, and its fingerprint; never the secret itself. 404 if there is none."""
    sealer = service.sealer_of(call.serving.database.settings)
    with call.reading() as connection:
        found = service.read_secret(connection, call.principal.organization_id, sealer)
    return tagged(call.request, WebhookSecretModel.model_validate(found))


@router.post(
    "/organization/webhook-secret",
    status_code=201,
    response_model=NewWebhookSecretModel,
    summary="Renew the secret that callbacks are signed with",
)
def renew_webhook_secret(call: Annotated[Call, needs("organization:write")], key: IdempotencyKey = None) -> Response:
    """The new one is shown this once. The one before signs beside it for another day."""

    def make(connection: sa.Connection) -> Response:
        sealer = service.sealer_of(call.serving.database.settings)
        made = service.renew_secret(connection, call.principal.organization_id, sealer, clock=call.serving.clock)
        return shown(NewWebhookSecretModel(secret=made), 201)

    return once(call, key, make)


@router.delete(
    "/organization/webhook-secret", status_code=204, responses=MISSING, summary="Remove the secret of callbacks"
)
def remove_webhook_secret(call: Annotated[Call, needs("organization:write")]) -> Response:
    """Callbacks that wait then fail, and no analysis may name an address to be told."""
    with call.transaction() as connection:
        service.remove_secrets(connection, call.principal.organization_id)
    return Response(status_code=204)
