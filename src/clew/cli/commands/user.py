"""`clew user`: add, list, show, deactivate, activate, set-role, reset-password, mfa-reset."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

if TYPE_CHECKING:
    from clew.cli.new_password import NewPassword
    from clew.cli.options import Invocation
    from clew.domains.identity.users import User

UserArgument = Annotated[str, typer.Argument(metavar="USER", help="User name or e-mail address.")]
StdinOption = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
GenerateOption = Annotated[bool, typer.Option("--generate", help="Make a password up and show it once.")]
LinkOption = Annotated[
    bool, typer.Option("--link", help="Let them choose it: mail a link (print it without a mail server).")
]


def add(
    context: typer.Context,
    username: Annotated[str, typer.Argument(metavar="USERNAME", help="Name to sign in with.")],
    email: Annotated[str, typer.Option("--email", metavar="ADDRESS", help="E-mail address.")],
    full_name: Annotated[str | None, typer.Option("--name", help="Full name.")] = None,
    role: Annotated[str, typer.Option("--role", help="admin, analyst, user or readonly.")] = "user",
    password_stdin: StdinOption = False,
    generate: GenerateOption = False,
    link: LinkOption = False,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a user. Without a terminal to type a password at, one is made up and shown once."""
    from clew.cli.desk.opening import users_of

    call = invocation(context, as_json, organization, data_dir)
    password = None if link else _password(password_stdin, generate)
    made = users_of(call).add(username, email=email, full_name=full_name, role=role, password=password)
    _tell(call, made.user, f"user {made.user.username} is added", password, made.link)


def list_users(
    context: typer.Context,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the users of the organization."""
    from clew.cli.desk.opening import users_of
    from clew.cli.output import print_json, table

    call = invocation(context, as_json, organization, data_dir)
    found = users_of(call).all()
    if call.json:
        print_json({"users": [user.as_dict() for user in found]})
    else:
        table(
            ("User name", "E-mail", "Role", "Active", "Second factor", "Last sign-in"),
            [(one.username, one.email, one.role, one.is_active, one.mfa_enabled, one.last_login) for one in found],
        )


def show(
    context: typer.Context,
    user: UserArgument,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a user, with custom roles, live sessions and API keys."""
    from clew.cli.desk.opening import users_of
    from clew.cli.output import pairs, print_json

    call = invocation(context, as_json, organization, data_dir)
    document = users_of(call).find(user).as_dict()
    if call.json:
        print_json(document)
        return
    counted = {name: len(document[name]) for name in ("sessions", "api_keys")}
    pairs({name.replace("_", " "): value for name, value in (document | counted).items()})


def deactivate(
    context: typer.Context,
    user: UserArgument,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Shut a user out: sessions end at once, API keys rest. What they did stays."""
    from clew.cli.desk.opening import users_of

    call = invocation(context, as_json, organization, data_dir)
    changed = users_of(call).set_active(user, active=False)
    _tell(call, changed, f"user {changed.username} is deactivated")


def activate(
    context: typer.Context,
    user: UserArgument,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a user in again who was shut out."""
    from clew.cli.desk.opening import users_of

    call = invocation(context, as_json, organization, data_dir)
    changed = users_of(call).set_active(user, active=True)
    _tell(call, changed, f"user {changed.username} is active")


def set_role(
    context: typer.Context,
    user: UserArgument,
    role: Annotated[str, typer.Argument(help="A built-in role, in place of the present one; or a custom one besides.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take this custom role away.")] = False,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a user a role. Their sessions end: they sign in again with what they may do now."""
    from clew.cli.desk.opening import users_of

    call = invocation(context, as_json, organization, data_dir)
    changed = users_of(call).set_role(user, role, remove=remove)
    done = f"does not have the role {role} any more" if remove else f"has the role {role}"
    _tell(call, changed, f"user {changed.username} {done}")


def reset_password(
    context: typer.Context,
    user: UserArgument,
    password_stdin: StdinOption = False,
    generate: GenerateOption = False,
    link: LinkOption = False,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a user a new password, or a link to choose one. With a new password all sessions end."""
    from clew.cli.desk.opening import users_of

    call = invocation(context, as_json, organization, data_dir)
    password = None if link else _password(password_stdin, generate)
    changed = users_of(call).reset_password(user, password)
    done = "gets a link to choose a password" if link else "has a new password"
    _tell(call, changed.user, f"user {changed.user.username} {done}", password, changed.link)


def reset_second_factor(
    context: typer.Context,
    user: UserArgument,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a user's second factor away, as when the device and the recovery codes are lost. Their sessions end."""
    from clew.cli.desk.opening import users_of

    call = invocation(context, as_json, organization, data_dir)
    changed = users_of(call).reset_second_factor(user)
    _tell(call, changed, f"user {changed.username} has no second factor any more")


def _tell(
    call: "Invocation", user: "User", done: str, password: "NewPassword | None" = None, link: str | None = None
) -> None:
    from clew.cli.output import line, print_json

    generated = password.text if password and password.generated else None
    if call.json:
        document: dict[str, Any] = user.as_dict()
        document |= {"password": generated} if generated else {}
        print_json(document | ({"link": link} if link else {}))
        return
    line(done)
    if generated:
        line(f"password, shown this once: {generated}")
    if link:
        line(f"link, shown this once: {link}")


def _password(from_stdin: bool, generate: bool) -> "NewPassword":
    from clew.cli.new_password import obtain_password

    return obtain_password(from_stdin=from_stdin, generate=generate)
