"""`clew mcp`: the record for assistants, by the Model Context Protocol."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clew.cli.commands.serve import BehindProxyOption, CertificateKeyOption, CertificateOption
from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

if TYPE_CHECKING:
    import threading
    from contextlib import AbstractContextManager

    from clew.cli.options import Invocation
    from clew.mcp.server import Desk

_STOPPING = "ending; press Ctrl-C again to end at once"


def mcp(  # noqa: PLR0913, PLR0917  each option is an argument
    context: typer.Context,
    http: Annotated[
        bool, typer.Option("--http", help="Listen for requests (streamable HTTP), not on standard input.")
    ] = False,
    allow_write: Annotated[
        bool,
        typer.Option("--allow-write", help="Let assistants run analyses, write reports and open cases, as they may."),
    ] = False,
    reports: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", exists=True, file_okay=False, help="Where write_report saves; needs --allow-write."
        ),
    ] = None,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="With --http: address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="With --http: port to listen on; 0: any that is free.")
    ] = 8765,
    certificate: CertificateOption = None,
    key: CertificateKeyOption = None,
    behind_proxy: BehindProxyOption = False,
    host_name: Annotated[
        list[str] | None,
        typer.Option("--host-name", metavar="NAME[:PORT]", help="A name by which this is reached; may be repeated."),
    ] = None,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve the record to assistants (MCP).

    By the Model Context Protocol: on standard input as the operator of the organization or the owner of a key; over
    HTTP as the owner of the API key or access token of each request. With --server it asks a server elsewhere.
    """
    from clew.cli.interruption import stop_on_interrupt

    call = invocation(context, as_json, organization, data_dir)
    if reports is not None and not allow_write:
        raise typer.BadParameter("reports are only written with --allow-write", param_hint="--reports")
    if not http and call.key_file == "-":
        raise typer.BadParameter("standard input brings the messages; name a file", param_hint="--key-file")
    with stop_on_interrupt(_STOPPING) as stop:
        if http:
            _serve_http(call, stop, allow_write, reports, (host, port, certificate, key, behind_proxy, host_name or ()))
        else:
            _serve_stdio(call, stop, allow_write, reports)


def _serve_stdio(call: "Invocation", stop: "threading.Event", allow_write: bool, reports: Path | None) -> None:
    from clew.mcp.rights import operator_rights
    from clew.mcp.stdio import serve_stdio  # not before: its threads would take the signals otherwise

    is_operator = call.address is None and call.key is None and call.key_file is None
    rights = operator_rights(allow_write=allow_write) if is_operator else None
    serve_stdio(lambda: _opened(call, stop, allow_write, reports), stop, rights=rights)


def _serve_http(
    call: "Invocation", stop: "threading.Event", allow_write: bool, reports: Path | None, over: tuple[Any, ...]
) -> None:
    from clew.cli.assistants import OverHttp, Serving, serve_over_http

    serve_over_http(Serving(call, stop, allow_write, reports), OverHttp(*over))


def _opened(
    call: "Invocation", stop: "threading.Event", allow_write: bool, reports: Path | None
) -> "AbstractContextManager[Desk]":
    """Loads most of the program, when greetings are being answered already."""
    from clew.cli.assistants import Serving, opened_desk

    return opened_desk(Serving(call, stop, allow_write, reports))
