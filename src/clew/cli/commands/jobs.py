"""`clew jobs`: what is done beside commands and requests, such as loads of uploaded files."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

if TYPE_CHECKING:
    from clew.cli.options import Invocation
    from clew.domains.jobs.service import Job

JobArgument = Annotated[UUID, typer.Argument(metavar="JOB", help="Id of the job.")]


def list_jobs(
    context: typer.Context,
    status: Annotated[
        str | None,
        typer.Option("--status", metavar="STATE", help="Only pending, running, completed, failed or cancelled ones."),
    ] = None,
    kind: Annotated[str | None, typer.Option("--kind", metavar="KIND", help="Only those, such as ingest.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Show at most so many.")] = 50,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the organization's jobs, newest first."""
    from clew.cli.desk.opening import jobs_of
    from clew.cli.output import note, print_json, table

    call = invocation(context, as_json, organization, data_dir)
    found = jobs_of(call).all(status=status, kind=kind, limit=limit)
    if call.json:
        print_json({"jobs": [job.as_dict() for job in found]})
        return
    if not found:
        note("No jobs.")
        return
    headings = ("Id", "Kind", "Status", "Attempts", "Records", "File", "Since")
    table(headings, [_row(job) for job in found], whole=(0,))


def show_job(
    context: typer.Context,
    job: JobArgument,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how far a job is, and what came of it."""
    from clew.cli.desk.opening import jobs_of

    call = invocation(context, as_json, organization, data_dir)
    _tell(call, jobs_of(call).find(job))


def retry(
    context: typer.Context,
    job: JobArgument,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have a failed or cancelled job done again; `clew serve` does it, and does nothing twice."""
    from clew.cli.desk.opening import jobs_of

    call = invocation(context, as_json, organization, data_dir)
    _tell(call, jobs_of(call).retry(job))


def cancel(
    context: typer.Context,
    job: JobArgument,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cancel a job: at once if it waits, else after the step it is at. What it did stays."""
    from clew.cli.desk.opening import jobs_of

    call = invocation(context, as_json, organization, data_dir)
    _tell(call, jobs_of(call).cancel(job))


def _tell(call: "Invocation", job: "Job") -> None:
    from clew.cli.output import print_json

    if call.json:
        print_json(job.as_dict())
    else:
        _print(job)


def _print(job: "Job") -> None:
    from clew.cli.output import pairs, print_json

    ending = " (to be cancelled)" if job.status == "running" and job.cancel_requested_at else ""
    rows: dict[str, object] = {
        "Job": job.id,
        "Kind": job.kind,
        "Status": f"{job.status}{ending}",
        "Step": job.step,
        "Bytes": _of(job.bytes_done, job.bytes_total),
        "Records": _of(job.records_done, job.records_total),
        "Attempts": _of(job.attempts, job.max_attempts),
    }
    if job.error is not None:
        rows["Error"] = f"{job.error['code']}: {job.error['message']}"
    pairs(rows)
    if job.result is not None:
        print_json(job.result)


def _row(job: "Job") -> tuple[object, ...]:
    file = job.parameters.get("file_name")
    return (job.id, job.kind, job.status, job.attempts, job.records_done, file, job.created_at)


def _of(done: int, total: int | None) -> str:
    return f"{done:,}" if total is None else f"{done:,} of {total:,}"
