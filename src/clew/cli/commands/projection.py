"""`clew projection`: whether the views agree with the record, and making them agree."""

from typing import TYPE_CHECKING, Annotated

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clew.cli.desk.ports import Compared, Following

NameArgument = Annotated[str | None, typer.Argument(metavar="[NAME]", help="The projection; all if none is named.")]


def show_status(
    context: typer.Context,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how far every view follows the record, and what holds it back."""
    from clew.cli.desk.opening import projections_of
    from clew.cli.output import print_json

    call = invocation(context, as_json, organization, data_dir)
    found = projections_of(call).status()
    if call.json:
        print_json([each.document for each in found])
    else:
        _print_status(found)


def verify(
    context: typer.Context,
    name: NameArgument = None,
    repair: Annotated[bool, typer.Option("--repair", help="Take over anew what differs.")] = False,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare every document of a view, as its engine gives it back, with the record.

    Ends with 9 if they differ (with --repair: if they still differ afterwards).
    """
    from clew.cli.desk.opening import projections_of
    from clew.cli.output import print_json
    from clew.projections.keeping import ProjectionDiffersError

    call = invocation(context, as_json, organization, data_dir)
    found = projections_of(call).verify(name, repair=repair)
    if call.json:
        print_json([each.document for each in found])
    else:
        _print_verified(found)
    wrong = [each.projection for each in found if not each.equal]
    if wrong:
        raise ProjectionDiffersError(
            "view and record differ",
            where=", ".join(wrong),
            remedy="run it again with --repair, or `clew projection rebuild`" if not repair else "rebuild the view",
        )


def rebuild(
    context: typer.Context,
    name: NameArgument = None,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a view anew from the record. The old one is read until the new one takes its place."""
    from clew.cli.desk.opening import projections_of
    from clew.cli.output import line, print_json

    call = invocation(context, as_json, organization, data_dir)
    built = projections_of(call).rebuild(name)
    if call.json:
        print_json([{"projection": made.projection, "rebuilt_rows": made.rows} for made in built])
    else:
        for made in built:
            line(f"{made.projection}: rebuilt" + (f" with {made.rows:,} rows" if made.rows is not None else ""))


def drill(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The projection.")],
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that a view can be lost: rebuild a copy from the record and compare. The one in use is not touched."""
    from clew.cli.output import line, print_json
    from clew.cli.progress import counted
    from clew.cli.session import opened_current_database
    from clew.projections.in_place import refuse
    from clew.projections.keeping import ProjectionDiffersError, projecting
    from clew.projections.keeping import drill as run
    from clew.projections.registry import in_place, projections

    call = invocation(context, as_json, organization, data_dir)
    with opened_current_database(call) as database:
        for each in in_place(database.settings):
            if each.name == name:
                raise refuse(each, "drill")
        known = projections(database.settings)
        with projecting(database, known) as projector, counted("rebuilding a copy") as observe:
            done = run(projector, name, observe)
    if call.json:
        print_json(done.as_dict())
    else:
        answer = "equal to the record" if done.equal else "NOT equal to the record"
        line(f"{done.projection}: a copy rebuilt with {done.rebuilt_rows:,} rows in {done.seconds:.1f} s is {answer}")
    if not done.equal:
        raise ProjectionDiffersError("the rebuilt copy differs from the record", where=done.projection)


def follow(
    context: typer.Context,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep the views up to date until Ctrl-C, a moment behind the record."""
    from clew.cli.interruption import stop_on_interrupt
    from clew.cli.output import note
    from clew.cli.session import opened_current_database
    from clew.projections.keeping import projecting
    from clew.projections.registry import projections

    call = invocation(context, as_json, organization, data_dir)
    with (
        opened_current_database(call) as database,
        stop_on_interrupt() as stop,
        projecting(database, projections(database.settings), patience_seconds=0) as projector,
    ):
        note("following the record; Ctrl-C ends it")
        projector.follow(stop)


def _print_status(found: "Sequence[Following]") -> None:
    from clew.cli.output import line, table

    table(
        ("Projection", "Adapter", "State", "Lag", "Changes", "Rows", "Errors", "Set aside"),
        [
            (
                each.projection,
                each.adapter,
                each.state,
                f"{each.lag_seconds:.1f} s",
                _number(each.lag_changes),
                _number(each.rows),
                each.errors,
                each.set_aside,
            )
            for each in found
        ],
        right=(3, 4, 5, 6, 7),
    )
    for each in found:
        if each.reason:
            line(f"{each.projection}: {each.reason}")
        if each.last_error:
            line(f"{each.projection}: the last error was: {each.last_error}")
    for holder in found[0].held_back_by if found else ():
        age = f" for {holder.seconds:.0f} s" if holder.seconds is not None else ""
        who = f"process {holder.pid}" if holder.pid else "a prepared transaction"
        line(f"{who} ({holder.application}) has had a transaction open{age}: its changes show when it commits")


def _print_verified(found: "Sequence[Compared]") -> None:
    from clew.cli.output import line, table

    table(
        ("Projection", "In the record", "In the view", "Missing", "Extra", "Different", "Set aside"),
        [
            (
                each.projection,
                _number(each.record_rows),
                _number(each.view_rows),
                each.missing,
                each.extra,
                each.different,
                each.set_aside,
            )
            for each in found
        ],
        right=(1, 2, 3, 4, 5, 6),
    )
    for each in found:
        if each.repaired:
            line(f"{each.projection}: repaired, and {'equal now' if each.equal else 'still different'}")


def _number(count: int | None) -> str | None:
    return None if count is None else f"{count:,}"
