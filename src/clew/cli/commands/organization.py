"""`clew org`: new, list, show, webhook-secret."""

from typing import TYPE_CHECKING, Annotated

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

if TYPE_CHECKING:
    from clew.cli.options import Invocation


def new(
    context: typer.Context,
    slug: Annotated[str, typer.Argument(help="Short name for --org: lower-case letters, digits, hyphens.")],
    name: Annotated[str | None, typer.Option("--name", help="Full name; the slug if not given.")] = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an organization. Nothing that one has loaded is ever seen by another."""
    from clew.cli.output import line, print_json
    from clew.cli.session import opened_current_database
    from clew.domains.audit.service import sealed
    from clew.domains.identity.service import create_organization

    call = invocation(context, as_json, None, data_dir)
    with opened_current_database(call) as database, sealed(database):
        made = create_organization(database, slug, name or slug)
    if call.json:
        print_json(made.as_dict())
    else:
        line(f"organization {made.slug} is ready; work in it with `--org {made.slug}`")


def list_organizations(
    context: typer.Context, data_dir: DataDirectoryOption = None, as_json: JsonOption = False
) -> None:
    """List the organizations of this installation."""
    from clew.cli.output import print_json, table
    from clew.cli.session import opened_current_database
    from clew.domains.identity import service

    call = invocation(context, as_json, None, data_dir)
    with opened_current_database(call) as database:
        service.ensure_default_organization(database)
        found = service.list_organizations(database)
    if call.json:
        print_json({"organizations": [each.as_dict() for each in found]})
    else:
        table(("Slug", "Name", "Since"), [(each.slug, each.name, each.created_at) for each in found])


def show(
    context: typer.Context,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the organization that is worked in."""
    from clew.cli.desk.opening import organizations_of
    from clew.cli.output import pairs, print_json

    call = invocation(context, as_json, organization, data_dir)
    found = organizations_of(call).own().as_dict()
    if call.json:
        print_json(found)
    else:
        pairs({name.replace("_", " "): value for name, value in found.items()})


def webhook_secret(
    context: typer.Context,
    renew: Annotated[bool, typer.Option("--renew", help="Make a new one, which is shown this once.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Keep none: nothing is told to callbacks.")] = False,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show, renew or remove the secret that callbacks are signed with.

    What was renewed signs beside the new one for another day.
    """
    from dataclasses import asdict

    from clew.cli.desk.opening import organizations_of
    from clew.cli.output import pairs, print_json
    from clew.kernel.errors import InputError

    call = invocation(context, as_json, organization, data_dir)
    if renew and remove:
        raise InputError("--renew and --remove contradict each other", remedy="give one of them")
    organizations = organizations_of(call)
    if renew:
        secret = organizations.renew_webhook_secret()
        _tell(call, {"secret": secret}, f"{secret}\ngive it to whoever receives callbacks; it is not shown again")
    elif remove:
        organizations.remove_webhook_secret()
        _tell(call, {"secret": None}, "callbacks have no secret any more")
    else:
        found = asdict(organizations.webhook_secret())
        if call.json:
            print_json(found)
        else:
            pairs({name.replace("_", " "): value for name, value in found.items()})


def _tell(call: "Invocation", document: dict[str, str | None], text: str) -> None:
    from clew.cli.output import line, print_json

    if call.json:
        print_json(document)
    else:
        line(text)
