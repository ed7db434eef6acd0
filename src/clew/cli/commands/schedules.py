"""`clew jobs schedule` and its like: what is done again and again."""

from typing import TYPE_CHECKING, Annotated

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

if TYPE_CHECKING:
    from clew.domains.jobs.schedules import ScheduleChanges

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the schedule.")]


def schedule(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the schedule is called.")],
    kind: Annotated[str, typer.Argument(metavar="KIND", help="analyze or projection_verify.")],
    every: Annotated[str, typer.Option("--every", metavar="SPAN", help="How often, such as 30m, 6h or 1d.")],
    parameters: Annotated[
        str, typer.Option("--parameters", metavar="JSON", help='What the job is told, such as {"depth": "deep"}.')
    ] = "{}",
    priority: Annotated[int, typer.Option(min=1, max=10, help="10 goes first.")] = 5,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have a job done again and again; the first time at once, and never beside the last one."""
    from clew.cli.desk.opening import schedules_of
    from clew.cli.schedules import described, parsed_parameters, parsed_span

    call = invocation(context, as_json, organization, data_dir)
    told, seconds = parsed_parameters(parameters), parsed_span(every)
    made = schedules_of(call).add(name, kind, every_seconds=seconds, priority=priority, parameters=told)
    described(call, made)


def schedules(
    context: typer.Context,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what is done again and again."""
    from clew.cli.desk.opening import schedules_of
    from clew.cli.output import note, print_json, table

    call = invocation(context, as_json, organization, data_dir)
    found = schedules_of(call).all()
    if call.json:
        print_json({"schedules": [each.as_dict() for each in found]})
    elif not found:
        note("No schedules.")
    else:
        rows = [
            (
                each.name,
                each.kind,
                f"{each.every_seconds:,} s",
                each.next_at if each.is_active else "rests",
                each.last_job_id,
            )
            for each in found
        ]
        table(("Name", "Kind", "Every", "Next", "Last job"), rows)


def reschedule(
    context: typer.Context,
    name: NameArgument,
    every: Annotated[
        str | None, typer.Option("--every", metavar="SPAN", help="How often from now on, such as 30m, 6h or 1d.")
    ] = None,
    priority: Annotated[int | None, typer.Option(min=1, max=10, help="10 goes first.")] = None,
    active: Annotated[
        bool | None, typer.Option("--resume/--pause", help="Let it go on, or rest until it is resumed.")
    ] = None,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let it come more or less often, rest, or go on: then at once if its time has passed."""
    from clew.cli.desk.opening import schedules_of
    from clew.cli.schedules import described, parsed_span
    from clew.kernel.errors import InputError

    call = invocation(context, as_json, organization, data_dir)
    changes: ScheduleChanges = {}
    if every is not None:
        changes["every_seconds"] = parsed_span(every)
    if priority is not None:
        changes["priority"] = priority
    if active is not None:
        changes["is_active"] = active
    if not changes:
        raise InputError(
            "nothing is to be different", where=name, remedy="give --every, --priority, --pause or --resume"
        )
    described(call, schedules_of(call).change(name, changes))


def unschedule(
    context: typer.Context,
    name: NameArgument,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have it done no more. Jobs that are enqueued stay."""
    from clew.cli.desk.opening import schedules_of
    from clew.cli.schedules import described

    call = invocation(context, as_json, organization, data_dir)
    described(call, schedules_of(call).remove(name))
