"""`clew user`: add, list, show, deactivate, activate, set-role, reset-password, mfa-reset."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    import sqlalchemy as sa

    from clew.cli.new_password import NewPassword
    from clew.cli.options import Invocation
    from clew.cli.session import Record
    from clew.domains.identity.one_time_tokens import Link
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
    from clew.cli.session import audited_record
    from clew.domains.identity import account_links, passwords, users

    call = invocation(context, as_json, organization, data_dir)
    password = None if link else _password(password_stdin, generate)
    with audited_record(call) as record:
        hashed = _hashed(record, password, about=(username, email, full_name)) if password else passwords.UNUSABLE
        made_link = None
        with record.transaction() as connection:
            made = users.add_user(
                connection,
                record.organization_id,
                email=email,
                username=username,
                full_name=full_name,
                role=role,
                password_hash=hashed,
                is_verified=not link,
            )
            if link:
                made_link = account_links.reset_link(
                    connection, record.organization_id, made.id, lifetime=_link_lifetime(record)
                )
        shown = _delivered(record, made_link)
    _tell(call, made, f"user {made.username} is added", password, shown)


def list_users(
    context: typer.Context,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the users of the organization."""
    from clew.cli.output import print_json, table
    from clew.cli.session import opened_record
    from clew.domains.identity import users

    call = invocation(context, as_json, organization, data_dir)
    with opened_record(call) as record, record.transaction() as connection:
        found = users.list_users(connection, record.organization_id, limit=100_000)
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
    from clew.cli.output import pairs, print_json
    from clew.cli.session import opened_record
    from clew.domains.identity import api_keys, roles, sessions, users

    call = invocation(context, as_json, organization, data_dir)
    with opened_record(call) as record, record.transaction() as connection:
        found = users.find_user(connection, record.organization_id, user)
        limits = sessions.SessionLimits.of(record.settings)
        document = found.as_dict() | {
            "custom_roles": roles.custom_roles_of(connection, record.organization_id, found.id),
            "sessions": [
                session.as_dict()
                for session in sessions.list_sessions(connection, record.organization_id, found.id, limits=limits)
            ],
            "api_keys": [key.as_dict() for key in api_keys.list_keys(connection, record.organization_id, found.id)],
        }
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
    from clew.domains.identity.users import set_active

    _change(
        invocation(context, as_json, organization, data_dir),
        user,
        lambda connection, where, who: set_active(connection, where, who, active=False),
        "is deactivated",
    )


def activate(
    context: typer.Context,
    user: UserArgument,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a user in again who was shut out."""
    from clew.domains.identity.users import set_active

    _change(
        invocation(context, as_json, organization, data_dir),
        user,
        lambda connection, where, who: set_active(connection, where, who, active=True),
        "is active",
    )


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
    from clew.domains.identity import roles, users
    from clew.domains.identity.permissions import BUILT_IN

    def change(connection: "sa.Connection", where: "UUID", who: "UUID") -> "User":
        if remove:
            roles.remove_role(connection, where, who, role)
        elif role in BUILT_IN:
            return users.set_built_in_role(connection, where, who, role)
        else:
            roles.add_role(connection, where, who, role)
        return users.find_user(connection, where, who)

    done = f"does not have the role {role} any more" if remove else f"has the role {role}"
    _change(invocation(context, as_json, organization, data_dir), user, change, done)


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
    from clew.cli.session import audited_record
    from clew.domains.identity import account_links, users

    call = invocation(context, as_json, organization, data_dir)
    password = None if link else _password(password_stdin, generate)
    with audited_record(call) as record:
        where, made_link = record.organization_id, None
        with record.transaction() as connection:
            found = users.find_user(connection, where, user)
            if password is None:
                made_link = account_links.reset_link(connection, where, found.id, lifetime=_link_lifetime(record))
            else:
                hashed = _hashed(record, password, about=(found.username, found.email, found.full_name))
                users.set_password(connection, where, found.id, hashed)
        if password is not None:
            _forget_failures(record, found)
        shown = _delivered(record, made_link)
    done = "gets a link to choose a password" if link else "has a new password"
    _tell(call, found, f"user {found.username} {done}", password, shown)


def reset_second_factor(
    context: typer.Context,
    user: UserArgument,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a user's second factor away, as when the device and the recovery codes are lost. Their sessions end."""
    from clew.domains.identity import second_factor, sessions, users

    def change(connection: "sa.Connection", where: "UUID", who: "UUID") -> "User":
        second_factor.remove_second_factor(connection, where, who)
        sessions.revoke_sessions(connection, where, who, reason="second factor removed")
        return users.find_user(connection, where, who)

    _change(invocation(context, as_json, organization, data_dir), user, change, "has no second factor any more")


def _change(call: "Invocation", user: str, change: "Callable[[sa.Connection, UUID, UUID], User]", done: str) -> None:
    from clew.cli.session import audited_record
    from clew.domains.identity import users

    with audited_record(call) as record, record.transaction() as connection:
        found = users.find_user(connection, record.organization_id, user)
        changed = change(connection, record.organization_id, found.id)
    _tell(call, changed, f"user {changed.username} {done}")


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


def _hashed(record: "Record", password: "NewPassword", *, about: tuple[str | None, ...]) -> str:
    from clew.domains.identity.passwords import PasswordHasher, PasswordPolicy

    PasswordPolicy.of(record.settings).require(password.text, about=about)
    return PasswordHasher.of(record.settings).hash(password.text)


def _forget_failures(record: "Record", user: "User") -> None:
    from clew.domains.identity.failed_sign_ins import SignInLimits, forget_account
    from clew.kernel.installation_secret import InstallationSecret
    from clew.kernel.roles import AUTHENTICATOR

    limits = SignInLimits.of(record.settings, InstallationSecret.of(record.settings))
    with record.database.transaction(None, role=AUTHENTICATOR) as connection:
        forget_account(connection, limits, str(user.id))


def _link_lifetime(record: "Record") -> Any:
    from datetime import timedelta

    return timedelta(minutes=record.settings.password_reset_minutes)


def _delivered(record: "Record", link: "Link | None") -> str | None:
    """The address of a link that could not be mailed, to be shown."""
    from clew.domains.identity.delivery import delivery_of

    addresses: list[str] = []
    if link is not None:
        delivery_of(record.settings, addresses.append)(link)
    return addresses[0] if addresses else None
