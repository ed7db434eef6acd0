"""Jobs as the API shows them."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from clew.domains.jobs.service import Job

JobStatus = Literal["pending", "running", "completed", "failed", "cancelled"]
JobQueue = Literal["celery", "analysis", "enrichment", "projections", "reports"]


class JobError(BaseModel):
    """Why the last attempt failed."""

    code: str = Field(examples=["input"])
    message: str = Field(examples=["no source recognises its content; name one with --source"])
    where: str | None = None
    remedy: str | None = None


class JobModel(BaseModel):
    """Work that is done beside requests."""

    model_config = ConfigDict(json_schema_extra={"title": "Job"})

    id: UUID = Field(examples=["0190c6a1-7f3e-7b2a-9c4d-2f1e8a6b5c4d"])
    kind: str = Field(examples=["ingest"])
    queue: JobQueue
    priority: int = Field(examples=[5], description="1 to 10; the higher goes first.")
    status: JobStatus
    user_id: UUID | None = Field(description="For whom it is done.")
    parameters: dict[str, Any] = Field(examples=[{"file_name": "cowrie.json"}])
    step: str | None = Field(examples=["loading"])
    bytes_done: int
    bytes_total: int | None = Field(description="Null while nobody knows.")
    records_done: int
    records_total: int | None
    result: dict[str, Any] | None = Field(description="Of a load: its report, every record in exactly one count.")
    error: JobError | None
    attempts: int
    max_attempts: int
    run_after: datetime
    cancel_requested_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime

    @classmethod
    def of(cls, job: Job) -> "JobModel":
        """As the domain has it."""
        return cls.model_validate(job, from_attributes=True)
