"""`clew quarantine`: list, show, retry, drop."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clew.records.held import HeldRecord

ReasonOption = Annotated[str | None, typer.Option("--reason", help="Only records rejected for this reason.")]
FileOption = Annotated[str | None, typer.Option("--file", help="Only records of this file, as `list` names it.")]
SHOWN_CHARACTERS = 2000


def list_records(
    context: typer.Context,
    reason: ReasonOption = None,
    file: FileOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 100,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the records that were rejected and wait, oldest first."""
    from clew.cli.desk.opening import quarantine_of
    from clew.cli.output import line, print_json

    call = invocation(context, as_json, organization, data_dir)
    held = quarantine_of(call).held(reason=reason, file=file, limit=limit)
    if call.json:
        print_json({"held": [each.as_dict() for each in held]})
    elif not held:
        line("nothing is held in quarantine")
    else:
        print_held(held)
        if len(held) == limit:
            line(f"there may be more; see --limit (now {limit})")


def print_held(held: "Sequence[HeldRecord]") -> None:
    """A table of held records."""
    from clew.cli.output import table

    table(
        ("Id", "Source", "Reason", "What was wrong", "File", "Line"),
        [(each.id, each.source, each.reason, each.detail, each.file, each.line) for each in held],
        right=(5,),
        whole=(0,),
    )


def show_record(
    context: typer.Context,
    identifier: Annotated[UUID, typer.Argument(metavar="ID", help="The record's id, from `clew quarantine list`.")],
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one rejected record with its bytes and what was wrong with it."""
    from clew.cli.desk.opening import quarantine_of
    from clew.cli.output import heading, line, pairs, print_json

    call = invocation(context, as_json, organization, data_dir)
    held = quarantine_of(call).find(identifier)
    if call.json:
        print_json(held.as_dict())
        return
    described = held.as_dict()
    content = str(described.pop("content"))
    pairs({name.replace("_", " "): value for name, value in described.items()})
    heading("Content")
    line(content[:SHOWN_CHARACTERS])
    if len(content) > SHOWN_CHARACTERS:
        line(f"… and {len(content) - SHOWN_CHARACTERS} characters more; --json shows all that is kept")


def retry_records(
    context: typer.Context,
    identifiers: Annotated[
        list[UUID] | None, typer.Argument(metavar="[ID]…", help="Records to try; all that are held if none is named.")
    ] = None,
    reason: ReasonOption = None,
    file: FileOption = None,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read rejected records again, as after an upgrade of Clew that reads more."""
    from clew.cli.desk.opening import quarantine_of
    from clew.cli.output import line, pairs, print_json

    call = invocation(context, as_json, organization, data_dir)
    report = quarantine_of(call).retry(identifiers, reason=reason, file=file)
    if call.json:
        print_json(report.as_dict())
        return
    line(f"tried {report.tried} = recovered {report.recovered} + still rejected {report.rejected}")
    pairs(dict(sorted(report.by_reason.items())))


def drop_records(
    context: typer.Context,
    identifiers: Annotated[list[UUID], typer.Argument(metavar="ID…", help="Records to give up.")],
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give rejected records up. They stay counted as rejected, and their file stays as it is."""
    from clew.cli.desk.opening import quarantine_of
    from clew.cli.output import line, print_json

    call = invocation(context, as_json, organization, data_dir)
    dropped = quarantine_of(call).drop(identifiers)
    if call.json:
        print_json({"dropped": dropped})
    else:
        line(f"dropped {dropped}")
