"""Commands that work on the machine of the record, and cannot be asked of a server elsewhere."""

from typing import Final

from clew.cli.options import SERVER_VARIABLE, Invocation
from clew.kernel.errors import ClewError

_REASONS: Final = {
    "clew init": "a server sets its own record up when it starts",
    "clew demo": "it makes a record of its own to show, here",
    "clew serve": "it is what answers at such an address",
    "clew db": "the database is the server's own, and is started, stopped and upgraded on its machine",
    "clew backup": "it copies the database and the secrets beside it, which is for whoever runs the server's machine",
    "clew restore": "it makes a record from a backup on this machine",
    "clew projection drill": "it rebuilds a copy of the whole view, which is for whoever runs the server's machine",
    "clew projection follow": "the views of a server follow by themselves",
    "clew org new": "a key belongs to one organization; new ones are made on the server's machine",
    "clew org list": "a key belongs to one organization, and does not see whether there are others",
    "clew audit verify": "it needs the checkpoints beside the server's database, which are no part of the API",
    "clew audit search": "what is of no organization is for whoever runs the server's machine",
    "clew ingest": "a dry run reads files here, and asks no server",
}


class NotRemoteError(ClewError):
    """This command works on the machine where the record is, not with a server elsewhere."""

    code = "not_remote"
    exit_code = 16


def require_local(call: Invocation) -> None:
    """Raises NotRemoteError, which says why, if the call is about a server elsewhere."""
    if call.address is not None:
        reason = next((text for name, text in _REASONS.items() if f"{call.command} ".startswith(f"{name} ")), None)
        raise NotRemoteError(
            f"`{call.command}` does not work with a server elsewhere: "
            + (reason or "the API has nothing that does it"),
            where="--server" if call.server else SERVER_VARIABLE,
            remedy=f"run it on the server's machine, or without --server and {SERVER_VARIABLE}",
        )
