"""`clew key`: create, list, revoke."""

from typing import Annotated
from uuid import UUID

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

UserOption = Annotated[
    str | None, typer.Option("--user", metavar="USER", help="User name or e-mail address of the key's owner.")
]


def create(
    context: typer.Context,
    user: UserOption = None,
    name: Annotated[str | None, typer.Option("--name", help="What the key is for.")] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help="read, write, admin, or a permission such as entity:read. [default: read, write]"),
    ] = None,
    expires_days: Annotated[int | None, typer.Option("--expires-days", min=1, max=3650, help="Days it lasts.")] = None,
    per_minute: Annotated[int, typer.Option("--per-minute", min=0, help="Requests a minute; 0: no limit.")] = 10,
    per_hour: Annotated[int, typer.Option("--per-hour", min=0, help="Requests an hour; 0: no limit.")] = 100,
    per_day: Annotated[int, typer.Option("--per-day", min=0, help="Requests a day; 0: no limit.")] = 1000,
    analyses: Annotated[int, typer.Option("--analyses", min=0, help="Analyses a month; 0: no limit.")] = 10_000,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an API key and show it once. Without --user it acts for the organization's operator."""
    from datetime import UTC, datetime, timedelta

    from clew.cli.desk.opening import keys_of
    from clew.cli.output import line, print_json
    from clew.domains.identity.api_keys import KeyLimits

    call = invocation(context, as_json, organization, data_dir)
    made = keys_of(call).create(
        user,
        name=name,
        scopes=scope,
        limits=KeyLimits(per_minute, per_hour, per_day, analyses),
        expires_at=datetime.now(UTC) + timedelta(days=expires_days) if expires_days else None,
    )
    if call.json:
        print_json({"id": made.id, "key": made.key})
    else:
        line(f"API key {made.id}, shown this once:")
        line(made.key)


def list_keys(
    context: typer.Context,
    user: UserOption = None,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List API keys, newest first, revoked ones included."""
    from clew.cli.desk.opening import keys_of
    from clew.cli.output import print_json, table

    call = invocation(context, as_json, organization, data_dir)
    found = keys_of(call).all(user)
    if call.json:
        print_json({"keys": [key.as_dict() | {"username": username} for key, username in found]})
        return
    table(
        ("Id", "Key", "Name", "Owner", "Scopes", "Active", "Expires", "Last used"),
        [
            (
                key.id,
                f"{key.prefix}…",
                key.name,
                username,
                key.scopes,
                key.is_active,
                key.expires_at,
                key.last_used_at,
            )
            for key, username in found
        ],
        whole=(0,),
    )


def revoke(
    context: typer.Context,
    identifier: Annotated[UUID, typer.Argument(metavar="ID", help="The key's id, from `clew key list`.")],
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let an API key be taken no more, for good."""
    from clew.cli.desk.opening import keys_of
    from clew.cli.output import line, print_json

    call = invocation(context, as_json, organization, data_dir)
    revoked = keys_of(call).revoke(identifier)
    if call.json:
        print_json(revoked.as_dict())
    else:
        line(f"API key {identifier} is revoked")
