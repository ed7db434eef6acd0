"""What of a server elsewhere can be looked at from here: the connection, the server's own opinion, and the key."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from clew import __version__
from clew.cli.diagnosis.finding import Finding, Status, checked
from clew.kernel.errors import AuthenticationError, ClewError, ForbiddenError

if TYPE_CHECKING:
    from clew.cli.options import Invocation
    from clew.client import Client


def examine_remote(call: "Invocation") -> Iterator[Finding]:
    """Every finding about the server that the call names."""
    from clew.cli.desk.remote.connection import connected
    from clew.client.address import is_exposed

    try:
        with connected(call) as client:
            yield checked(
                "connection",
                client.server,
                Status.WARN,
                "serve https: the key crosses the network in the clear",
                well=not is_exposed(client.server),
            )
            yield from _server(client)
    except ClewError as error:
        place = f"{error.where}: " if error.where else ""
        yield Finding("connection", f"{place}{error.message}", Status.FAIL, error.remedy)


def _server(client: "Client") -> Iterator[Finding]:
    client.get_health()
    yield Finding("server", "answers")
    try:
        reasons = client.get_readiness().reasons
    except ClewError as error:
        reasons = [error.message]
    yield checked("readiness", "; ".join(reasons) or "ready", Status.WARN, "see the server's log", well=not reasons)
    try:
        organization = client.get_organization()
        yield Finding("key", f"is accepted; it works in {organization.slug} ({organization.name})")
        version = client.get_capabilities().version
        yield checked(
            "version",
            f"{version} there, {__version__} here",
            Status.WARN,
            "use the same release here and there",
            well=version == __version__,
        )
    except ForbiddenError as error:
        yield Finding("key", f"is accepted, but may do little: {error.message}", Status.WARN, error.remedy)
    except AuthenticationError as error:
        yield Finding("key", error.message, Status.FAIL, "make a new one with `clew key create`, or ask for one")
