"""Asking for an analysis, and taking that back. Everything happens in the caller's transaction.

The row, the job that does it and the count of the caller's quota are there together or not at all.
"""

import ipaddress
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.analysis.coordination import Depth
from clew.domains.analyses.ending import end
from clew.domains.analyses.request import USUAL, NewAnalysisSession
from clew.domains.analyses.webhook_secrets import has_secret
from clew.domains.campaigns.service import AnalysisRequest, find_campaign
from clew.domains.campaigns.tables import analysis_sessions
from clew.domains.identity.quotas import take_analyses
from clew.domains.jobs.service import NewJob, cancel_job, enqueue
from clew.kernel.clock import Clock, system_clock
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from clew.kernel.ids import IdMaker, new_id
from clew.kernel.outbound import Outbound
from clew.kernel.transactions import TenantContext, driver_connection
from clew.records.acts import Act, record

KIND: Final = "analyze"
QUEUE: Final = "analysis"
MOST_NAMED: Final = 10_000
LOWEST, HIGHEST = 1, 10


def start(
    connection: sa.Connection,
    context: TenantContext,
    new: NewAnalysisSession,
    *,
    outbound: Outbound,
    clock: Clock = system_clock,
    ids: IdMaker = new_id,
) -> UUID:
    """Have an analysis done; its id. One analysis is counted to the API key that the context names, if it does.

    Raises InputError, OutboundRefusedError, NotFoundError for the campaign, LimitError where the quota is used up.
    """
    request = _request(connection, context, new)
    callback = _callback(connection, context.organization_id, new.callback_url, outbound)
    if context.api_key_id is not None:
        take_analyses(connection, context.organization_id, context.api_key_id, clock=clock)
    identifier = ids()
    job = NewJob(KIND, {"analysis_session_id": str(identifier)}, queue=QUEUE, priority=new.priority)
    job_id = enqueue(connection, context.organization_id, job, ids=ids).id
    _insert(connection, context, identifier, request.as_dict(), job_id, priority=new.priority, callback_url=callback)
    asked = request.as_dict() | {"priority": new.priority, "has_callback": callback is not None}
    named = {name: len(asked[name]) for name in ("source_ips", "session_ids") if name in asked}
    record(connection, Act("analysis_requested", "CREATE", "analysis", identifier, request=asked | named))
    return identifier


def adopt(connection: sa.Connection, context: TenantContext, job_id: UUID, told: Mapping[str, Any]) -> UUID:
    """The analysis of a job that came without one, as schedules make them: of the same id, made at the first attempt.

    Raises InputError for parameters that are none.
    """
    known = sa.select(sa.literal(1)).where(
        analysis_sessions.c.organization_id == context.organization_id, analysis_sessions.c.id == job_id
    )
    if connection.scalar(known) is None:
        try:
            request = AnalysisRequest.of(context, told)
        except (ValueError, TypeError) as error:
            raise InputError(f"these parameters are no analysis: {error}", where=f"job {job_id}") from error
        _insert(connection, context, job_id, request.as_dict(), job_id, priority=USUAL, callback_url=None)
    return job_id


def cancel(connection: sa.Connection, organization_id: UUID, analysis_id: UUID, *, ids: IdMaker = new_id) -> None:
    """Cancel an analysis: at once if it waits, else behind the node it is at. One that is cancelled stays so.

    What it told of campaigns already stays. Raises NotFoundError, ConflictError if it is completed or failed.
    """
    query = sa.select(analysis_sessions.c.status, analysis_sessions.c.job_id).where(
        analysis_sessions.c.organization_id == organization_id, analysis_sessions.c.id == analysis_id
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(f"no analysis {analysis_id}", remedy="take the id from the list of analyses")
    if row.status == "cancelled":
        return
    if row.status in {"completed", "failed"} or row.job_id is None:
        how = row.status if row.job_id is not None else "carried out by a command, which Ctrl-C cancels"
        raise ConflictError(f"this analysis is {how}", where=f"analysis {analysis_id}")
    job = cancel_job(connection, organization_id, row.job_id)
    if job.status == "cancelled":
        end(driver_connection(connection), organization_id, analysis_id, "cancelled", {}, ids=ids)


def _request(connection: sa.Connection, context: TenantContext, new: NewAnalysisSession) -> AnalysisRequest:
    if new.since is not None and new.until is not None and new.since >= new.until:
        raise InputError("there is nothing between these times", where="since", remedy="let since be before until")
    if not LOWEST <= new.priority <= HIGHEST:
        raise InputError(f"no priority {new.priority}", where="priority", remedy=f"write {LOWEST} to {HIGHEST}")
    for name in ("source_ips", "session_ids", "sensors"):
        given = getattr(new, name)
        if given is not None and not 1 <= len(given) <= MOST_NAMED:
            raise InputError(f"{len(given)} are named", where=name, remedy=f"name 1 to {MOST_NAMED}, or leave it out")
    campaign = None if new.campaign is None else find_campaign(connection, context.organization_id, new.campaign).id
    addresses = None if new.source_ips is None else tuple(sorted({_address(each) for each in new.source_ips}))
    return AnalysisRequest(
        context, Depth(new.depth), new.since, new.until, new.sensors, None, addresses, new.session_ids, campaign
    )


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError:
        raise InputError(
            f"{text[:60]!r} is no address", where="source_ips", remedy="write IPv4 or IPv6 addresses"
        ) from None


def _callback(connection: sa.Connection, organization_id: UUID, url: str | None, outbound: Outbound) -> str | None:
    if url is None:
        return None
    allowed = outbound.require(url, "callback_url")
    if not has_secret(connection, organization_id):
        raise InputError(
            "the organization has no secret to sign callbacks with",
            where="callback_url",
            remedy="make one: `clew org webhook-secret --renew`, or POST /api/v1/organization/webhook-secret",
        )
    return allowed


def _insert(
    connection: sa.Connection,
    context: TenantContext,
    identifier: UUID,
    request: Mapping[str, Any],
    job_id: UUID,
    *,
    priority: int,
    callback_url: str | None,
) -> None:
    made = pg.insert(analysis_sessions).values(
        organization_id=context.organization_id,
        id=identifier,
        user_id=context.user_id,
        status="queued",
        analysis_depth=request["depth"],
        metadata={"request": dict(request)},
        callback_url=callback_url,
        priority=priority,
        job_id=job_id,
    )
    connection.execute(made)
