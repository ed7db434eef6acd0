"""`clew path`: how two entities hang together."""

from typing import TYPE_CHECKING, Annotated

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

if TYPE_CHECKING:
    from clew.records.paths import PathResult

DEFAULT_LENGTH = 8  # as in clew.records.paths, which --help is too quick to load
LONGEST = 20


def path(
    context: typer.Context,
    start: Annotated[str, typer.Argument(metavar="A", help="Where to begin: a value or id.")],
    goal: Annotated[str, typer.Argument(metavar="B", help="Where to arrive: a value or id.")],
    max_length: Annotated[
        int, typer.Option("--max-length", min=1, max=LONGEST, help="Most relationships on the way.")
    ] = DEFAULT_LENGTH,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how two things hang together.

    The shortest way by relationships from one entity to another. Finding none is an answer, not an error.
    """
    from clew.cli.desk.opening import entities_of
    from clew.cli.output import print_json

    call = invocation(context, as_json, organization, data_dir)
    result = entities_of(call).path(start, goal, max_length=max_length)
    if call.json:
        print_json(result.as_dict())
    else:
        print_path(result, max_length)


def print_path(result: "PathResult", max_length: int) -> None:
    """The way, one entity a line, with the relationships between them."""
    from clew.cli.output import line

    if not result.found:
        line(f"no way of at most {max_length} relationships was found")
        if result.truncated:
            line("a longer one may exist: see --max-length")
    for number, node in enumerate(result.nodes):
        if number:
            step = result.relationships[number - 1]
            forwards = step.source == result.nodes[number - 1].id
            line(f"{'↓' if forwards else '↑'} {step.type}  {step.confidence:.2f}", indent=2, style="dim")
        line(f"{node.name}  ({node.type})")
    if result.hub_count:
        names = ", ".join(hub.name for hub in result.hubs_skipped[:5])
        line(f"not gone through, because too much is related to them: {result.hub_count}, such as {names}")
