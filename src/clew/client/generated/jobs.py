"""Operations of the API on: jobs.

Written by `make docs` from the API's description; edit that instead.
"""

from collections.abc import Iterator
from typing import Any, Literal
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

    def list_schedules(self) -> models.SchedulePage:
        """List schedules.

        What is done again and again, by name. All on one page: there are as many as people wrote.
        """
        return self._transport.fetch(models.SchedulePage, asked("GET", "/api/v1/schedules"))

    def create_schedule(self, body: Any, *, idempotency_key: str | None = None) -> models.Schedule:
        """Have a job done again and again.

        The first time at once; never beside the job of the last time. It takes what doing it once takes.
        """
        return self._transport.fetch_resource(
            models.Schedule, asked("POST", "/api/v1/schedules", body=body, once=idempotency_key or True)
        )

    def get_schedule(self, schedule_id: UUID) -> models.Schedule:
        """Read a schedule.

        One schedule with its ETag.
        """
        return self._transport.fetch_resource(
            models.Schedule, asked("GET", path_of("/api/v1/schedules/{schedule_id}", schedule_id=schedule_id))
        )

    def change_schedule(
        self, schedule_id: UUID, body: models.ScheduleChanges, *, if_match: str | None = None
    ) -> models.Schedule:
        """Change a schedule.

        Let it come more or less often, rest, or go on: then it is due at once if its time has passed.
        """
        return self._transport.fetch_resource(
            models.Schedule,
            asked(
                "PATCH",
                path_of("/api/v1/schedules/{schedule_id}", schedule_id=schedule_id),
                body=body,
                if_match=if_match,
            ),
        )

    def remove_schedule(self, schedule_id: UUID, *, if_match: str | None = None) -> None:
        """Remove a schedule.

        Have it done no more. Jobs that are enqueued stay.
        """
        self._transport.send(
            asked("DELETE", path_of("/api/v1/schedules/{schedule_id}", schedule_id=schedule_id), if_match=if_match)
        )
