"""`clew sync`: exchange with MISP servers and TAXII collections, and settle what contradicts."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

if TYPE_CHECKING:
    from clew.cli.options import Invocation

STOPPING = "stopping after what is at work; press Ctrl-C again to end at once"
STOPPED = 130

PeerArgument = Annotated[str, typer.Argument(metavar="PEER", help="Name or id of the peer.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


def misp(
    context: typer.Context,
    peer: PeerArgument,
    dry_run: DryRunOption = False,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Exchange with a MISP server, or read a MISP feed.

    What they changed comes here; what was changed here goes there, if the peer's settings say `push`.
    """
    _synchronize(invocation(context, as_json, organization, data_dir), "misp", peer, dry_run=dry_run)


def taxii(
    context: typer.Context,
    peer: PeerArgument,
    dry_run: DryRunOption = False,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Exchange with a collection of a TAXII 2.1 server."""
    _synchronize(invocation(context, as_json, organization, data_dir), "taxii", peer, dry_run=dry_run)


def peers(
    context: typer.Context,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the peers."""
    from clew.cli.desk.opening import exchange_of
    from clew.cli.output import note, print_json, table

    call = invocation(context, as_json, organization, data_dir)
    found = exchange_of(call).peers()
    if call.json:
        print_json(found)
    elif not found:
        note("No peers; `clew sync add NAME ADDRESS` adds one.")
    else:
        rows = [
            (each["name"], each["kind"], each["base_url"], each["settings"]["push"], each["synced_at"], each["id"])
            for each in found
        ]
        table(("Name", "Kind", "Address", "Sends", "Last exchange", "Id"), rows, whole=(5,))


def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What the peer is to be called.")],
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Its address, as https://host/.")],
    kind: Annotated[str, typer.Option("--kind", metavar="misp|taxii", help="What it speaks.")] = "misp",
    key: Annotated[
        str | None, typer.Option("--peer-key", metavar="FILE", help="File with the key it made for you; - reads it.")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting, its value as JSON or text; may be repeated."),
    ] = None,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a peer. Nothing is exchanged yet.

    For TAXII the key may be user:password. Settings: pull, push, tags, days, campaigns, push_tags, maximum_tlp,
    internal, sharing_groups, collection; feed=true for the folder of a MISP feed.
    """
    from clew.cli.desk.opening import exchange_of

    call = invocation(context, as_json, organization, data_dir)
    told = dict(map(_setting, setting or ()))
    _tell(call, exchange_of(call).add(name, kind, address, _key(key), told), "added")


def remove(
    context: typer.Context,
    peer: PeerArgument,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget a peer and its key. What came from it stays."""
    from clew.cli.desk.opening import exchange_of

    call = invocation(context, as_json, organization, data_dir)
    _tell(call, exchange_of(call).remove(peer), "removed")


def conflicts(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also settled ones.")] = False,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List where peers and we contradict each other."""
    from clew.cli.desk.opening import exchange_of
    from clew.cli.output import note, print_json, table

    call = invocation(context, as_json, organization, data_dir)
    found = exchange_of(call).conflicts(everything=everything)
    if call.json:
        print_json(found)
    elif not found:
        note("No conflicts.")
    else:
        rows = [
            (each["external_id"], each["place"], each["rule"], each["resolution"], each["created_at"], each["id"])
            for each in found
        ]
        table(("What", "Place", "Rule", "Settled", "Since", "Id"), rows, whole=(5,))


def settle(
    context: typer.Context,
    conflict: Annotated[UUID, typer.Argument(metavar="CONFLICT", help="Id of the conflict.")],
    side: Annotated[str, typer.Argument(metavar="ours|theirs", help="Which side holds.")],
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take one side of a conflict; the next exchange carries it over."""
    from clew.cli.desk.opening import exchange_of
    from clew.cli.output import line, print_json

    call = invocation(context, as_json, organization, data_dir)
    found = exchange_of(call).settle(conflict, side)
    if call.json:
        print_json(found)
    else:
        line(f"settled: {found['resolution']} at {found['place']} of {found['external_id']}")


def _synchronize(call: "Invocation", kind: str, peer: str, *, dry_run: bool) -> None:
    from clew.cli.desk.opening import exchange_of
    from clew.cli.interruption import stop_on_interrupt
    from clew.cli.output import heading, line, print_json, table

    with stop_on_interrupt(STOPPING) as stop:
        report = exchange_of(call).synchronize(kind, peer, stop, dry_run=dry_run)
    if call.json:
        print_json(report)
    else:
        line(f"{report['peer']}: {'nothing was done; this would be' if dry_run else 'done'}")
        rows = [
            (name, *(report[name][each] for each in ("new", "changed", "deleted"))) for name in ("pulled", "pushed")
        ]
        table(("", "New", "Changed", "Deleted"), rows, right=(1, 2, 3))
        line(f"{report['unchanged']} unchanged, {report['withheld']} withheld, {report['conflicts']} conflicts")
        if report.get("quarantined"):
            line(f"{report['quarantined']} of what came gave no facts and lie in quarantine: `clew quarantine list`")
        if report["told"]:
            heading("What")
            told = [(each["direction"], each["what"], each["id"], each["detail"]) for each in report["told"][:200]]
            table(("Direction", "What", "Id", ""), told, whole=(2,))
    if stop.is_set():
        raise typer.Exit(STOPPED)


def _tell(call: "Invocation", peer: dict[str, Any], done: str) -> None:
    from clew.cli.output import line, print_json

    if call.json:
        print_json(peer)
    else:
        line(f"{done}: {peer['name']} ({peer['kind']}, {peer['base_url']})")


def _key(file: str | None) -> str | None:
    import sys
    from pathlib import Path

    from clew.kernel.errors import InputError

    if file is None:
        return None
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", where=file, remedy="name a file with the key") from error
    return text.strip()


def _setting(text: str) -> tuple[str, Any]:
    import json

    from clew.kernel.errors import InputError

    name, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"{text!r} is no setting", where="--set", remedy="write NAME=VALUE, as push=true")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value
