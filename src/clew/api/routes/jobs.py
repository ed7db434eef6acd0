"""Jobs: what is done beside requests, how far it is, and what came of it."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from clew.api.callers import Call, needs
from clew.api.models.jobs import JobModel, JobQueue, JobStatus
from clew.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, page_of
from clew.api.representations import CHECKED, require_match, shown, tagged
from clew.api.routing import router as routes
from clew.domains.jobs import service as jobs

router = routes("jobs")


@router.get("/jobs", response_model=Page[JobModel], summary="Jobs, newest first")
def list_jobs(
    call: Annotated[Call, needs("job:read")],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    status: Annotated[JobStatus | None, Query(description="Only those.")] = None,
    kind: Annotated[str | None, Query(max_length=100, examples=["ingest"], description="Only those.")] = None,
    queue: Annotated[JobQueue | None, Query(description="Only those.")] = None,
) -> Response:
    """The organization's jobs, those that are over included."""
    place = decode_cursor(cursor, UUID)
    before = place[0] if place else None
    with call.reading() as connection:
        found = jobs.list_jobs(
            connection,
            call.principal.organization_id,
            status=status,
            kind=kind,
            queue=queue,
            before=before,
            limit=limit + 1,
        )
    items, following = page_of(found, limit, lambda job: (job.id,))
    return shown(Page[JobModel](items=[JobModel.of(job) for job in items], next_cursor=following))


@router.get("/jobs/{job_id}", response_model=JobModel, summary="One job")
def get_job(call: Annotated[Call, needs("job:read")], job_id: UUID) -> Response:
    """How far it is, and what came of it."""
    with call.reading() as connection:
        found = jobs.find_job(connection, call.principal.organization_id, job_id)
    return tagged(call.request, JobModel.of(found))


@router.post("/jobs/{job_id}/cancel", response_model=JobModel, summary="Cancel a job", openapi_extra=CHECKED)
def cancel_job(call: Annotated[Call, needs("job:write")], job_id: UUID) -> Response:
    """At once if it waits, else after the step it is at; what it did stays. 409 if it is over."""
    with call.transaction() as connection:
        organization = call.principal.organization_id
        require_match(call.request, JobModel.of(jobs.find_job(connection, organization, job_id)))
        cancelled = jobs.cancel_job(connection, organization, job_id)
    return shown(JobModel.of(cancelled))


@router.post("/jobs/{job_id}/retry", response_model=JobModel, summary="Retry a job", openapi_extra=CHECKED)
def retry_job(call: Annotated[Call, needs("job:write")], job_id: UUID) -> Response:
    """Have a failed or cancelled job done again; what it has done already is not done twice. 409 for others."""
    with call.transaction() as connection:
        organization = call.principal.organization_id
        require_match(call.request, JobModel.of(jobs.find_job(connection, organization, job_id)))
        again = jobs.retry_job(connection, organization, job_id)
    return shown(JobModel.of(again))
