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
    from clew.cli.output import print_json
    from clew.cli.session import opened_record
    from clew.records import acts
    from clew.records.cards import card
    from clew.records.finding import found_entities

    call = invocation(context, as_json, organization, data_dir)
    with opened_record(call) as record, record.transaction() as connection:
        first, *others = found_entities(connection, record.organization_id, value, kind)
        shown = card(connection, record.organization_id, first.id, limit=limit, alternatives=others)
        acts.record(connection, acts.Act("entity_read", "READ", "entity", first.id, first.name))
    if call.json:
        print_json(shown.as_dict())
    else:
        print_card(shown)
