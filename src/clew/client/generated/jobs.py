"""Operations of the API on: jobs.

Written by `make docs` from the API's description; edit that instead.
"""

from collections.abc import Iterator
from typing import Literal
from uuid import UUID

from clew.client import paging
from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked, path_of


class JobsOperations(Calls):
    """Operations on: jobs."""

    def list_jobs(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: Literal["pending", "running", "completed", "failed", "cancelled"] | None = None,
        kind: str | None = None,
        queue: Literal["celery", "analysis", "enrichment", "projections", "reports"] | None = None,
    ) -> models.JobPage:
        """Jobs, newest first.

        The organization's jobs, those that are over included.
        """
        return self._transport.fetch(
            models.JobPage,
            asked(
                "GET",
                "/api/v1/jobs",
                query={"limit": limit, "cursor": cursor, "status": status, "kind": kind, "queue": queue},
            ),
        )

    def iterate_jobs(
        self,
        *,
        limit: int | None = None,
        status: Literal["pending", "running", "completed", "failed", "cancelled"] | None = None,
        kind: str | None = None,
        queue: Literal["celery", "analysis", "enrichment", "projections", "reports"] | None = None,
    ) -> Iterator[models.Job]:
        """Every item of `list_jobs`, page after page; `limit` is the size of a page."""
        return paging.each(
            lambda cursor: self.list_jobs(limit=limit, status=status, kind=kind, queue=queue, cursor=cursor)
        )

    def get_job(self, job_id: UUID) -> models.Job:
        """One job.

        How far it is, and what came of it.
        """
        return self._transport.fetch_resource(models.Job, asked("GET", path_of("/api/v1/jobs/{job_id}", job_id=job_id)))

    def cancel_job(self, job_id: UUID, *, if_match: str | None = None) -> models.Job:
        """Cancel a job.

        At once if it waits, else after the step it is at; what it did stays. 409 if it is over.
        """
        return self._transport.fetch_resource(
            models.Job, asked("POST", path_of("/api/v1/jobs/{job_id}/cancel", job_id=job_id), if_match=if_match)
        )

    def retry_job(self, job_id: UUID, *, if_match: str | None = None) -> models.Job:
        """Retry a job.

        Have a failed or cancelled job done again; what it has done already is not done twice. 409 for others.
        """
        return self._transport.fetch_resource(
            models.Job, asked("POST", path_of("/api/v1/jobs/{job_id}/retry", job_id=job_id), if_match=if_match)
        )
