"""`clew role`: list, new, grant."""

from typing import TYPE_CHECKING, Annotated

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

if TYPE_CHECKING:
    from clew.cli.options import Invocation
    from clew.domains.identity.roles import Role


def list_roles(
    context: typer.Context,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the built-in roles and those of the organization, with what they allow."""
    from clew.cli.desk.opening import roles_of
    from clew.cli.output import print_json, table

    call = invocation(context, as_json, organization, data_dir)
    found = roles_of(call).all()
    if call.json:
        print_json({"roles": [role.as_dict() for role in found]})
    else:
        table(
            ("Name", "Built in", "Description", "Allows"),
            [(role.name, role.is_builtin, role.description, role.permissions) for role in found],
        )


def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the role.")],
    permissions: Annotated[
        list[str] | None, typer.Argument(metavar="[PERMISSION]…", help="What it allows, such as entity:write.")
    ] = None,
    description: Annotated[str | None, typer.Option("--description", help="What it is for.")] = None,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a custom role; `clew user set-role` gives it."""
    from clew.cli.desk.opening import roles_of

    call = invocation(context, as_json, organization, data_dir)
    made = roles_of(call).new(name, description=description, permissions=permissions or ())
    _tell(call, made)


def grant(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of a custom role.")],
    permissions: Annotated[list[str], typer.Argument(metavar="PERMISSION…", help="What it is to allow.")],
    remove: Annotated[bool, typer.Option("--remove", help="What it is to allow no more.")] = False,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a custom role allow more, or less. It counts from the next request on."""
    from clew.cli.desk.opening import roles_of

    call = invocation(context, as_json, organization, data_dir)
    add, taken = ((), permissions) if remove else (permissions, ())
    changed = roles_of(call).grant(name, add=add, remove=taken)
    _tell(call, changed)


def _tell(call: "Invocation", role: "Role") -> None:
    from clew.cli.output import line, print_json

    if call.json:
        print_json(role.as_dict())
    else:
        line(f"role {role.name} allows: {', '.join(role.permissions) or 'nothing'}")
