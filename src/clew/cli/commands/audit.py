"""`clew audit`: whether the trail is whole, a copy for others, and what it says."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

if TYPE_CHECKING:
    from clew.cli.options import Invocation
    from clew.domains.audit.findings import Verified
    from clew.domains.audit.search import AuditPage, AuditQuery

TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


def verify(
    context: typer.Context,
    export: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Check this exported file, without the database.")
    ] = None,
    public_key: Annotated[
        str | None, typer.Option("--public-key", help="With --export: the key you were told, in hexadecimal digits.")
    ] = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the audit trail of every organization: each row, each seal, and the checkpoints beside the database.

    Ends with 13 and names the first thing that was removed, changed, reordered or cut off.
    """
    from clew.cli.output import line, print_json

    call = invocation(context, as_json, None, data_dir)
    if export is not None:
        from clew.domains.audit.export import verify_export

        found = verify_export(export, public_key)
    else:
        from clew.cli.session import opened_current_database
        from clew.domains.audit import service

        with opened_current_database(call) as database:
            service.hand_over_reads(database)
            service.seal_now(database)
            found = service.verify(database)
    if call.json:
        print_json(found.as_dict())
    else:
        chains = "1 organization" if found.organizations == 1 else f"{found.organizations} organizations"
        line(f"{found.rows:,} rows of {chains} in {found.seals:,} seals, {found.unsealed:,} rows not sealed yet")
        if found.expired:
            line(f"{found.expired:,} rows were given up when their time was over")
    _raise_if_bad(found)


def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the lines of JSON.")],
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write an organization's audit trail, with its seals, to a file that others can check."""
    from clew.cli.desk.opening import audit_of
    from clew.cli.output import line, print_json
    from clew.kernel.errors import InputError

    call = invocation(context, as_json, organization, data_dir)
    try:
        with file.open("wb") as written:
            done = audit_of(call).export(file.name, written.write)
    except OSError as error:
        raise InputError(
            f"cannot be written: {error.strerror}", where=str(file), remedy="choose another place"
        ) from error
    if call.json:
        print_json(done.as_dict())
        return
    line(f"{done.rows:,} rows in {done.seals:,} seals written to {file}")
    line(f"others check it with: clew audit verify --export {file} --public-key {done.public_key}")


def search(  # noqa: PLR0913, PLR0917  each option is one argument
    context: typer.Context,
    text: Annotated[str | None, typer.Argument(help="Any part of names, messages and data.")] = None,
    user: Annotated[str | None, typer.Option("--user", help="Name or id of who acted.")] = None,
    action: Annotated[str | None, typer.Option("--action", help="CREATE, READ, UPDATE, DELETE or EXECUTE.")] = None,
    resource: Annotated[str | None, typer.Option("--resource", help="Kind of thing, such as investigation.")] = None,
    resource_id: Annotated[str | None, typer.Option("--id", help="Id of the thing.")] = None,
    since: Annotated[datetime | None, typer.Option("--since", formats=TIMES, help="From then on (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option("--until", formats=TIMES, help="Before then (UTC).")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")] = 100,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Where the page before ended.")] = None,
    installation: Annotated[
        bool, typer.Option("--installation", help="What is of no organization: names that nobody has, tried.")
    ] = False,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find what was done, the newest first."""
    from clew.cli.desk.opening import audit_of
    from clew.cli.output import line, print_json, table
    from clew.domains.audit.search import AuditQuery

    call = invocation(context, as_json, organization, data_dir)
    query = AuditQuery(
        user=user,
        action=action,
        resource_type=resource,
        resource_id=resource_id,
        since=_in_utc(since),
        until=_in_utc(until),
        text=text,
        limit=limit,
        cursor=cursor,
    )
    page = _of_installation(call, query) if installation else audit_of(call).search(query)
    if call.json:
        print_json(page.as_dict())
        return
    names = ("timestamp", "user_name", "action", "resource_type", "resource_name", "event_type", "success")
    table(
        ("When", "Who", "Action", "On", "Name", "What", "Done"),
        [tuple(each[name] for name in names) for each in page.events],
    )
    if page.cursor:
        line(f"there is more: --cursor {page.cursor}")


def _of_installation(call: "Invocation", query: "AuditQuery") -> "AuditPage":
    from clew.cli.desk.local.audit import search_installation

    return search_installation(call, query)


def _in_utc(moment: datetime | None) -> datetime | None:
    from datetime import UTC

    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _raise_if_bad(found: "Verified") -> None:
    from clew.domains.audit.service import AuditChainError

    if found.first_bad is not None:
        bad = found.first_bad
        raise AuditChainError(
            f"{bad.problem}: {bad.detail}",
            where=bad.place,
            remedy="keep the database and the file of checkpoints as they are, and look into who could write them",
        )
