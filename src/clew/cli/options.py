"""The options that every command has, before or behind its name, and what they come to."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

ORGANIZATION_VARIABLE = "CLEW_ORG"
DEBUG_VARIABLE = "CLEW_DEBUG"
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


@dataclass(frozen=True, slots=True)
class Invocation:
    """How a command was called, whatever it does."""

    json: bool = False
    organization: str | None = None
    data_dir: Path | None = None

    @property
    def slug(self) -> str:
        """The organization to work in."""
        return self.organization or os.environ.get(ORGANIZATION_VARIABLE) or DEFAULT_ORGANIZATION


def invocation(context: typer.Context, json: bool, organization: str | None, data_dir: Path | None) -> Invocation:
    """The options of the command together with those given before its name; the command's own win."""
    outer = context.find_object(Invocation) or Invocation()
    return Invocation(json or outer.json, organization or outer.organization, data_dir or outer.data_dir)
