"""The options that every command has, before or behind its name, and what they come to."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import typer

ORGANIZATION_VARIABLE = "CLEW_ORG"
DEBUG_VARIABLE = "CLEW_DEBUG"
SERVER_VARIABLE = "CLEW_SERVER"
KEY_VARIABLE = "CLEW_KEY"
KEY_FILE_VARIABLE = "CLEW_KEY_FILE"
AUTHORITY_VARIABLE = "CLEW_SERVER_CA"
DEFAULT_ORGANIZATION = "default"

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.")]
OrganizationOption = Annotated[
    str | None,
    typer.Option(
        "--org", metavar="SLUG", help=f"Organization to work in (else {ORGANIZATION_VARIABLE}, else “default”)."
    ),
]
DataDirectoryOption = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="DIR", help="Where Clew keeps everything (else CLEW_DATA_DIR)."),
]
ServerOption = Annotated[
    str | None,
    typer.Option("--server", metavar="URL", help=f"Work with a server's record (else {SERVER_VARIABLE}, else here)."),
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        help="API key for the server. Everybody on this machine sees it in the list of processes: better use "
        f"--key-file or {KEY_VARIABLE}.",
    ),
]
KeyFileOption = Annotated[
    str | None,
    typer.Option(
        "--key-file", metavar="FILE", help=f"Read the key from here; “-”: standard input (else {KEY_FILE_VARIABLE})."
    ),
]


@dataclass(frozen=True, slots=True)
class Invocation:
    """How a command was called, whatever it does. `command` is its whole name, such as "clew case new"."""

    json: bool = False
    organization: str | None = None
    data_dir: Path | None = None
    server: str | None = None
    key: str | None = field(default=None, repr=False)
    key_file: str | None = None
    command: str = "clew"

    @property
    def slug(self) -> str:
        """The organization to work in."""
        return self.organization or os.environ.get(ORGANIZATION_VARIABLE) or DEFAULT_ORGANIZATION

    @property
    def address(self) -> str | None:
        """The server to work with; None: the record of this machine."""
        given = os.environ.get(SERVER_VARIABLE) if self.server is None else self.server
        return given or None


def invocation(context: typer.Context, json: bool, organization: str | None, data_dir: Path | None) -> Invocation:
    """The options of the command together with those given before its name; the command's own win."""
    outer = context.find_object(Invocation) or Invocation()
    return replace(
        outer,
        json=json or outer.json,
        organization=organization or outer.organization,
        data_dir=data_dir or outer.data_dir,
        command=context.command_path,
    )
