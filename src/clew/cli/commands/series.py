"""`clew series`: measured values over time, asked for, written and deleted."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

if TYPE_CHECKING:
    from clew.projections.series.port import SeriesAnswer

_SHOWN_REFUSALS = 20

MeasurementArgument = Annotated[str, typer.Argument(metavar="MEASUREMENT", help="Such as system_metrics.")]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="Such as 2026-03-01, or -7d; else a day before the end.")
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Before this time; else now.")]
WhereOption = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="TAG=VALUE", help="Only of this tag; several of one tag: any of them."),
]


def list_series(
    context: typer.Context,
    measurement: Annotated[
        str | None, typer.Argument(metavar="[MEASUREMENT]", help="List its series, not the measurements.")
    ] = None,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the measurements that there are values of, or the series of one of them."""
    from clew.cli.desk.opening import series_of
    from clew.cli.output import line, print_json, table

    call = invocation(context, as_json, organization, data_dir)
    if measurement is not None:
        found = series_of(call).series(measurement)
        if call.json:
            print_json([{"field": field, "tags": tags} for field, tags in found])
        else:
            table(("Field", "Tags"), found)
        return
    measured = series_of(call).measurements()
    if call.json:
        names = ("measurement", "series", "first", "last")
        print_json([{name: getattr(each, name) for name in names} for each in measured])
    elif measured:
        rows = [(each.measurement, each.series, each.first, each.last) for each in measured]
        table(("Measurement", "Series", "First day", "Last day"), rows, right=(1,))
    else:
        line("nothing was measured yet")


def query(  # noqa: PLR0913, PLR0917  an option each, which Typer gives by name
    context: typer.Context,
    measurement: MeasurementArgument,
    since: FromOption = None,
    until: ToOption = None,
    every: Annotated[
        str | None, typer.Option("--every", metavar="LENGTH", help="By stretches of 30s, 5m, 1h, 1d; else the points.")
    ] = None,
    aggregate: Annotated[
        list[str] | None,
        typer.Option(
            "--aggregate",
            metavar="NAME[,NAME…]",
            help="count, sum, mean, min, max, first, last, stddev, or a percentile such as p95.",
        ),
    ] = None,
    field: Annotated[
        list[str] | None, typer.Option("--field", metavar="FIELD", help="Only this field; may be given several times.")
    ] = None,
    by: Annotated[
        list[str] | None, typer.Option("--by", metavar="TAG", help="A line for each value of this tag.")
    ] = None,
    where: WhereOption = None,
    fill: Annotated[
        str, typer.Option("--fill", metavar="HOW", help="What gaps become: none, null, zero, previous, linear.")
    ] = "none",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="Points at most.")] = 10_000,
    form: Annotated[str, typer.Option("--format", metavar="FORM", help="table, csv or json.")] = "table",
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show measured values over time: points, or what they come to by stretches of time."""
    from clew.cli.desk.opening import series_of
    from clew.cli.output import print_json
    from clew.projections.series.wording import Question, answer_as_dict

    call = invocation(context, as_json, organization, data_dir)
    if form not in {"table", "csv", "json"}:
        raise typer.BadParameter("table, csv or json", param_hint="--format")
    question = Question(
        since=since,
        until=until,
        every=every,
        aggregates=tuple(aggregate or ()),
        fields=tuple(field or ()),
        by=tuple(by or ()),
        where=tuple(where or ()),
        fill=fill,
        limit=limit,
    )
    with _as_options():
        answer = series_of(call).ask(measurement, question)
    if call.json or form == "json":
        print_json(answer_as_dict(answer))
    elif form == "csv":
        _print_csv(answer)
    else:
        _print_answer(answer)


def write(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="CSV, JSON lines or line protocol; “-”: standard input.")],
    form: Annotated[
        str | None, typer.Option("--format", metavar="FORM", help="csv, jsonl or line; else by the file's ending.")
    ] = None,
    measurement: Annotated[
        str | None, typer.Option("--measurement", metavar="NAME", help="Of lines that do not name one.")
    ] = None,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write points from a file. Lines that are wrong are told with their reason, and the others are written.

    Ends with 4 if nothing of the file could be written.
    """
    from clew.cli.desk.opening import series_of
    from clew.cli.output import line, note, print_json
    from clew.kernel.errors import InputError
    from clew.records.series.formats import PointReader

    call = invocation(context, as_json, organization, data_dir)
    with _as_options():
        reader = PointReader(form or _form_of(file), measurement)
    with _opened(file) as lines:
        values = series_of(call).write(reader, lines)
    refused = sorted(reader.refused, key=lambda each: each.line)
    if call.json:
        print_json({"values": values, "refused": [{"line": each.line, "reason": each.reason} for each in refused]})
    else:
        line(f"{values:,} values of {len(reader.series):,} series were written, {len(refused):,} lines were not")
        for each in refused[:_SHOWN_REFUSALS]:
            note(f"line {each.line}: {each.reason}")
    if refused and not values:
        raise InputError("no line could be written", where=file, remedy=f"line {refused[0].line}: {refused[0].reason}")


def delete(
    context: typer.Context,
    measurement: MeasurementArgument,
    since: Annotated[str, typer.Option("--from", metavar="TIME", help="From this time on.")],
    until: Annotated[str, typer.Option("--to", metavar="TIME", help="Before this time.")],
    where: WhereOption = None,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete the points of a span, and what was rolled up from them, wherever they lie."""
    from clew.cli.desk.opening import series_of
    from clew.cli.output import line, print_json
    from clew.projections.series.wording import Question

    call = invocation(context, as_json, organization, data_dir)
    with _as_options():
        question = Question(since=since, until=until, where=tuple(where or ()))
        hours = series_of(call).delete(measurement, question)
    if call.json:
        print_json({"hours": hours})
    else:
        line(f"{hours:,} hours of series lost points")


def age(
    context: typer.Context,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put old days into files, and give up what is too old, as a server does every hour."""
    from clew.cli.desk.opening import series_of
    from clew.cli.output import line, print_json

    call = invocation(context, as_json, organization, data_dir)
    done = series_of(call).age()
    if call.json:
        print_json({"archived": done.archived, "expired": done.expired, "swept": done.swept})
    else:
        line(f"{done.archived:,} days went to files, {done.expired:,} files were given up")


@contextlib.contextmanager
def _as_options() -> Iterator[None]:
    """What is wrong with a part of the question is told as what is wrong with the option of that name."""
    from clew.records.series.model import SeriesError

    try:
        yield
    except SeriesError as error:
        if error.where not in {"from", "to", "every", "where", "fill", "aggregate", "field", "format"}:
            raise
        hint = f"--{error.where}"
        raise typer.BadParameter(f"{error.message}; {error.remedy or 'correct it'}", param_hint=hint) from error


def _form_of(file: str) -> str:
    if file == "-":
        raise typer.BadParameter("say what comes: csv, jsonl or line", param_hint="--format")
    ending = Path(file).suffix.lower()
    forms = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".line": "line", ".lp": "line"}
    if ending in forms:
        return forms[ending]
    with _opened(file) as lines:
        first = next(lines, "").strip()
    if first.startswith("{"):
        return "jsonl"
    return "csv" if "time" in first.split(",") else "line"


@contextlib.contextmanager
def _opened(file: str) -> Iterator[Iterator[str]]:
    from clew.kernel.errors import InputError

    if file == "-":
        yield iter(sys.stdin)
        return
    try:
        with Path(file).open(encoding="utf-8", errors="replace", newline="") as lines:
            yield iter(lines)
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}", where=file, remedy="check the path") from error


def _print_answer(answer: "SeriesAnswer") -> None:
    from clew.cli.output import heading, line, table
    from clew.projections.series.wording import written

    for each in answer.lines:
        tags = ", ".join(f"{tag}={value}" for tag, value in each.tags.items())
        heading(f"{each.field} {tags}".strip())
        rows = zip(map(written, each.times), *each.columns.values(), strict=True)
        table(("Time", *each.columns), rows, right=range(1, len(each.columns) + 1), whole=(0,))
    if not answer.lines:
        line("there are no values")
    if answer.truncated:
        line("there are more points: --limit, or --every to see what they come to")


def _print_csv(answer: "SeriesAnswer") -> None:
    import csv

    from clew.projections.series.wording import written

    tags = sorted({tag for each in answer.lines for tag in each.tags})
    names = list(dict.fromkeys(name for each in answer.lines for name in each.columns))
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["time", "field", *(f"tag:{tag}" for tag in tags), *names])
    for each in answer.lines:
        own = [each.field, *(each.tags.get(tag, "") for tag in tags)]
        for time, *values in zip(each.times, *(each.columns[name] for name in names), strict=True):
            out.writerow([written(time), *own, *("" if value is None else value for value in values)])
