"""`clew case`: new, list, show, add-target."""

from typing import TYPE_CHECKING, Annotated

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

if TYPE_CHECKING:
    from clew.domains.investigations.overview import Overview

CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="Name or id of the case.")]


def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What the case is called.")],
    description: Annotated[str | None, typer.Option("--description", help="What it is about.")] = None,
    kind: Annotated[str, typer.Option("--type", help="Such as person, corporate or infrastructure.")] = "comprehensive",
    priority: Annotated[str, typer.Option("--priority", help="low, normal, high, urgent or critical.")] = "normal",
    lawful_basis: Annotated[str | None, typer.Option("--lawful-basis", help="Why the data may be processed.")] = None,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open a case."""
    from clew.cli.desk.opening import cases_of
    from clew.cli.output import line, print_json

    call = invocation(context, as_json, organization, data_dir)
    made = cases_of(call).open(name, description=description, kind=kind, priority=priority, lawful_basis=lawful_basis)
    if call.json:
        print_json(made.as_dict())
    else:
        line(f"opened case {made.name} ({made.id})")


def list_cases(
    context: typer.Context,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the cases, the newest first."""
    from clew.cli.desk.opening import cases_of
    from clew.cli.output import line, print_json, table

    call = invocation(context, as_json, organization, data_dir)
    cases = cases_of(call).all()
    if call.json:
        print_json({"cases": [case.as_dict() for case in cases]})
    elif not cases:
        line("there are no cases; open one with `clew case new NAME`")
    else:
        table(
            ("Name", "Type", "Priority", "Status", "Since", "Id"),
            [
                (each.name, each.investigation_type, each.priority, each.status, each.created_at, each.id)
                for each in cases
            ],
            whole=(5,),
        )


def show_case(
    context: typer.Context,
    case: CaseArgument,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a case is about, which files belong to it, and what they told."""
    from clew.cli.desk.opening import cases_of
    from clew.cli.output import print_json

    call = invocation(context, as_json, organization, data_dir)
    overview = cases_of(call).overview(case)
    if call.json:
        print_json(overview.as_dict())
    else:
        _print_overview(overview)


def add_target(
    context: typer.Context,
    case: CaseArgument,
    value: Annotated[str, typer.Argument(help="What the case is about: a handle, address, domain, …")],
    kind: Annotated[str | None, typer.Option("--type", help="Its type, if its form does not say.")] = None,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a value a target of a case, whether the record knows it yet or not."""
    from clew.cli.desk.opening import cases_of
    from clew.cli.output import line, print_json

    call = invocation(context, as_json, organization, data_dir)
    target = cases_of(call).add_target(case, value, kind)
    if call.json:
        print_json(target.as_dict())
        return
    known = "it is in the record" if target.entity_id else "the record does not know it yet"
    state = "is a target now" if target.added else "was a target already"
    line(f"{target.target_type} {target.value} {state}; {known}")


def _print_overview(overview: "Overview") -> None:
    from clew.cli.output import heading, line, pairs, table

    case = overview.investigation
    line(case.name, style="bold")
    described = {
        "description": case.description,
        "type": case.investigation_type,
        "priority": case.priority,
        "status": case.status,
        "lawful basis": case.lawful_basis,
        "since": case.created_at,
        "id": case.id,
    }
    pairs({name: value for name, value in described.items() if value is not None})
    heading("Targets")
    if overview.targets:
        table(
            ("Type", "Value", "In the record as"),
            [(each.target_type, each.value, each.entity_id) for each in overview.targets],
            whole=(2,),
        )
    else:
        line("none; add one with `clew case add-target CASE VALUE`", indent=2)
    posts = f", {overview.posts} posts" if overview.posts else ""
    heading(f"Files ({overview.file_count}), with {overview.items} items{posts} and {overview.events} events")
    table(
        ("File", "From", "Status", "Records", "Rejected", "Events"),
        [
            (each.file_name, each.sources, each.status, each.records, each.rejected, each.events)
            for each in overview.files
        ],
        right=(3, 4, 5),
    )
    heading("Entities")
    pairs(overview.entities)
