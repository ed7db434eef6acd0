"""`clew graph`: what is around an entity, ways between two, who is central, who belongs together, and the whole."""

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clew.cli.options import DataDirectoryOption, Invocation, JsonOption, OrganizationOption, invocation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clew.projections.graph.answers import GraphEntity, GraphRelationship, GraphSurroundings, GraphWays, Question
    from clew.records.graph import Measurement

TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
MAX_DEGREE = 200


class Toward(StrEnum):
    """Which relationships, from where one stands."""

    ANY = "any"
    OUT = "out"
    IN = "in"


class RankedBy(StrEnum):
    """What ranks entities."""

    PAGERANK = "pagerank"
    BETWEENNESS = "betweenness"


class FileFormat(StrEnum):
    """Of an export."""

    GRAPHML = "graphml"
    GEXF = "gexf"
    JSON = "json"
    CSV = "csv"
    CSV_ENTITIES = "csv-entities"


TypeOption = Annotated[
    list[str] | None,
    typer.Option("--type", metavar="TYPE", help="Only relationships of this type; may be given several times."),
]
EntityTypeOption = Annotated[
    list[str] | None,
    typer.Option("--entity-type", metavar="TYPE", help="Only entities of this type; may be given several times."),
]
SinceOption = Annotated[
    datetime | None, typer.Option("--from", formats=TIMES, help="Relationships seen then or later (UTC).")
]
UntilOption = Annotated[
    datetime | None, typer.Option("--to", formats=TIMES, help="Relationships seen before then (UTC).")
]
ConfidenceOption = Annotated[
    float, typer.Option("--confidence", min=0.0, max=1.0, help="Relationships at least as sure as that.")
]
TowardOption = Annotated[Toward, typer.Option("--direction", help="Relationships that go out, come in, or any.")]
DegreeOption = Annotated[
    int, typer.Option("--max-degree", min=1, help="Relationships above which an entity is a hub and not gone through.")
]
EntityArgument = Annotated[str, typer.Argument(metavar="ENTITY", help="A value or id.")]
StartArgument = Annotated[str, typer.Argument(metavar="A", help="Where to begin: a value or id.")]
GoalArgument = Annotated[str, typer.Argument(metavar="B", help="Where to arrive: a value or id.")]


def neighbours(
    context: typer.Context,
    entity: EntityArgument,
    kind: TypeOption = None,
    entity_type: EntityTypeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    confidence: ConfidenceOption = 0.0,
    direction: TowardOption = Toward.ANY,
    limit: Annotated[int, typer.Option("--limit", min=1, max=2_000, help="At most so many.")] = 50,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the entities next to one, those of the surest relationships first."""
    from clew.cli.desk.opening import graph_of
    from clew.cli.output import line, print_json, table

    call = invocation(context, as_json, organization, data_dir)
    question = _question(kind, since, until, confidence, direction, entity_types=tuple(entity_type or ()), limit=limit)
    found = graph_of(call).neighbours(entity, question)
    if call.json:
        print_json(asdict(found))
        return
    line(f"{found.entity.name}  ({found.entity.type}), {found.degree:,} relationships")
    rows = [
        (each.entity.name, each.entity.type, _told(each.relationships, found.entity), str(each.entity.id))
        for each in found.neighbours
    ]
    table(("Name", "Type", "By", "Id"), rows, whole=(3,))
    line(f"{found.total:,} neighbours, {len(found.neighbours)} shown")


def ego(  # noqa: PLR0913, PLR0917  an option each, which Typer gives by name
    context: typer.Context,
    entity: EntityArgument,
    depth: Annotated[int, typer.Option("--depth", min=1, max=6, help="Steps from the entity.")] = 2,
    kind: TypeOption = None,
    entity_type: EntityTypeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    confidence: ConfidenceOption = 0.0,
    direction: TowardOption = Toward.ANY,
    max_degree: DegreeOption = MAX_DEGREE,
    between: Annotated[bool, typer.Option("--between", help="Also what is between the outermost entities.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=2_000, help="At most so many.")] = 1_000,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show all within some steps of an entity, and the relationships between them."""
    from clew.cli.desk.opening import graph_of
    from clew.cli.output import print_json

    call = invocation(context, as_json, organization, data_dir)
    question = _question(
        kind,
        since,
        until,
        confidence,
        direction,
        entity_types=tuple(entity_type or ()),
        limit=limit,
        depth=depth,
        max_degree=max_degree,
        between=between,
    )
    found = graph_of(call).around(entity, question)
    if call.json:
        print_json(asdict(found))
        return
    _print_surroundings(found)


def path(  # noqa: PLR0913, PLR0917  an option each, which Typer gives by name
    context: typer.Context,
    start: StartArgument,
    goal: GoalArgument,
    max_length: Annotated[int, typer.Option("--max-length", min=1, max=20, help="Most relationships.")] = 8,
    surest: Annotated[
        bool, typer.Option("--surest", help="The path of the greatest confidence in place of the shortest.")
    ] = False,
    kind: TypeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    confidence: ConfidenceOption = 0.0,
    direction: TowardOption = Toward.ANY,
    max_degree: DegreeOption = MAX_DEGREE,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the shortest path between two entities, or the surest."""
    from clew.cli.desk.opening import graph_of

    call = invocation(context, as_json, organization, data_dir)
    question = _question(
        kind, since, until, confidence, direction, max_length=max_length, surest=surest, max_degree=max_degree
    )
    _print_ways(call, graph_of(call).path(start, goal, question), max_length)


def paths(  # noqa: PLR0913, PLR0917  an option each, which Typer gives by name
    context: typer.Context,
    start: StartArgument,
    goal: GoalArgument,
    max_length: Annotated[int, typer.Option("--max-length", min=1, max=8, help="Most relationships.")] = 4,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000, help="At most so many.")] = 100,
    kind: TypeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    confidence: ConfidenceOption = 0.0,
    direction: TowardOption = Toward.ANY,
    max_degree: DegreeOption = MAX_DEGREE,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find all simple paths between two entities, up to a length."""
    from clew.cli.desk.opening import graph_of

    call = invocation(context, as_json, organization, data_dir)
    question = _question(
        kind, since, until, confidence, direction, max_length=max_length, limit=limit, max_degree=max_degree
    )
    _print_ways(call, graph_of(call).paths(start, goal, question), max_length)


def central(
    context: typer.Context,
    by: Annotated[RankedBy, typer.Option("--by", help="What ranks.")] = RankedBy.PAGERANK,
    kind: Annotated[str | None, typer.Option("--entity-type", metavar="TYPE", help="Only of this type.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=2_000, help="At most so many.")] = 20,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the most central entities, as last measured."""
    from clew.cli.desk.opening import graph_of
    from clew.cli.output import print_json, table
    from clew.projections.graph.port import Measure

    call = invocation(context, as_json, organization, data_dir)
    found, measurement = graph_of(call).central(Measure(by.value), limit=limit, type_=kind)
    if call.json:
        print_json({"entities": [asdict(each) for each in found], "measurement": _as_dict(measurement)})
        return
    rows = [(each.name, each.type, f"{getattr(each, by.value) or 0:.6f}", each.id) for each in found]
    table(("Name", "Type", by.value, "Id"), rows, right=(2,), whole=(3,))
    _print_measurement(measurement)


def communities(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="At most so many.")] = 20,
    members: Annotated[int, typer.Option("--members", min=0, max=100, help="Members shown of each.")] = 5,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the largest communities with their most central members, as last measured."""
    from clew.cli.desk.opening import graph_of
    from clew.cli.output import print_json, table

    call = invocation(context, as_json, organization, data_dir)
    found, measurement = graph_of(call).communities(limit=limit, members=members)
    if call.json:
        print_json({"communities": [asdict(each) for each in found], "measurement": _as_dict(measurement)})
        return
    rows = [(each.size, ", ".join(member.name for member in each.members), each.id) for each in found]
    table(("Entities", "Most central", "Id"), rows, right=(0,), whole=(2,))
    _print_measurement(measurement)


def measure(
    context: typer.Context,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure PageRank, betweenness and communities of all that is there, and keep them as facts."""
    from clew.cli.desk.opening import graph_of
    from clew.cli.output import print_json

    call = invocation(context, as_json, organization, data_dir)
    found = graph_of(call).measure()
    if call.json:
        print_json(_as_dict(found))
    else:
        _print_measurement(found)


def export(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to write; “-”: standard output.")],
    form: Annotated[FileFormat, typer.Option("--format", help="Of the file.")] = FileFormat.GRAPHML,
    entity: Annotated[
        str | None, typer.Option("--around", metavar="ENTITY", help="Only what is around this value or id.")
    ] = None,
    depth: Annotated[int, typer.Option("--depth", min=1, max=6, help="With --around: steps from it.")] = 2,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="With --around: at most so many.")] = 10_000,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the graph, or what is around an entity, to a file for Gephi, Cytoscape, networkx or a spreadsheet."""
    from clew.cli.desk.opening import graph_of
    from clew.cli.output import line, print_json
    from clew.kernel.errors import InputError
    from clew.projections.graph.answers import Question
    from clew.projections.graph.formats import Format

    call = invocation(context, as_json, organization, data_dir)
    question = Question(depth=depth, limit=limit, between=True)
    if file == "-":
        graph_of(call).export(Format(form.value), sys.stdout.buffer.write, value=entity, question=question)
        return
    try:
        with Path(file).open("wb") as written:
            graph_of(call).export(Format(form.value), written.write, value=entity, question=question)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=file, remedy="choose another place") from error
    size = Path(file).stat().st_size
    if call.json:
        print_json({"file": file, "format": form.value, "bytes": size})
    else:
        line(f"{size:,} bytes written to {file}")


def _question(
    kind: list[str] | None,
    since: datetime | None,
    until: datetime | None,
    confidence: float,
    direction: Toward,
    **rest: Any,
) -> "Question":
    from clew.projections.graph.answers import Question
    from clew.projections.graph.port import Direction

    return Question(
        relationship_types=tuple(kind or ()),
        since=_written(since),
        until=_written(until),
        minimum_confidence=confidence,
        direction=Direction(direction.value),
        **rest,
    )


def _written(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def _print_ways(call: Invocation, found: "GraphWays", max_length: int) -> None:
    from clew.cli.output import line, print_json

    if call.json:
        print_json(asdict(found))
        return
    for number, way in enumerate(found.ways):
        if number:
            line()
        for at, entity in enumerate(way.entities):
            if at:
                step = way.relationships[at - 1]
                forwards = step.source == way.entities[at - 1].id
                line(f"{'↓' if forwards else '↑'} {step.type}  {step.confidence:.2f}", indent=2, style="dim")
            line(f"{entity.name}  ({entity.type})")
    if not found.ways:
        line(f"no way of at most {max_length} relationships was found")
    if found.truncated:
        line("there may be more: a bound ended the search")
    if found.hub_count:
        names = ", ".join(hub.name for hub in found.hubs[:5])
        line(f"not gone through, because too much is related to them: {found.hub_count}, such as {names}")


def _print_surroundings(found: "GraphSurroundings") -> None:
    from clew.cli.output import line, table

    rows = [
        (each.distance, each.entity.name, each.entity.type, each.degree, "hub" if each.is_hub else "", each.entity.id)
        for each in found.entities
    ]
    table(("Steps", "Name", "Type", "Degree", "", "Id"), rows, right=(0, 3), whole=(5,))
    line(f"{len(found.entities):,} entities, {len(found.relationships):,} relationships: see --json")
    if found.hub_count:
        line(f"{found.hub_count:,} hubs were not looked beyond: see --max-degree")
    if found.truncated:
        line("there is more than that: see --limit and --max-degree")


def _told(relationships: "Sequence[GraphRelationship]", here: "GraphEntity") -> str:
    return ", ".join(f"{'→' if each.source == here.id else '←'} {each.type}" for each in relationships[:3])


def _print_measurement(found: "Measurement | None") -> None:
    from clew.cli.output import line

    if found is None:
        line("nothing was measured yet: clew graph measure")
        return
    line(
        f"measured {found.completed_at:%Y-%m-%d %H:%M} UTC: {found.entities:,} entities,"
        f" {found.relationships:,} relationships, {found.communities:,} communities"
    )


def _as_dict(found: "Measurement | None") -> dict[str, Any] | None:
    return None if found is None else asdict(found)
