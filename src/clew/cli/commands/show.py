"""`clew show`: the card of an entity."""

from typing import Annotated

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation


def show(
    context: typer.Context,
    value: Annotated[str, typer.Argument(metavar="VALUE_OR_ID", help="A value in any spelling, platform:name, or id.")],
    kind: Annotated[str | None, typer.Option("--type", help="Its type, if it could be several things.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many sources and neighbours.")] = 50,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is known about something, and from where.

    From which line of which file each fact comes, what it is related to, and when things happened.
    """
    from clew.cli.cards import print_card
    from clew.cli.desk.opening import entities_of
    from clew.cli.output import print_json

    call = invocation(context, as_json, organization, data_dir)
    shown = entities_of(call).card(value, kind, limit=limit)
    if call.json:
        print_json(shown.as_dict())
    else:
        print_card(shown)
