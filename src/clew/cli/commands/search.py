"""`clew search` and `clew suggest`: found in a moment, read from the search view without asking the database."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

if TYPE_CHECKING:
    from clew.projections.search.port import Hit, SearchResult

IndexOption = Annotated[
    str, typer.Option("--index", help="osint_entities (the default), entities, attacks or documents.")
]
TypeOption = Annotated[
    list[str] | None, typer.Option("--type", metavar="TYPE", help="Only of this type; may be given several times.")
]


def search(  # noqa: PLR0913, PLR0917  an option each, which Typer gives by name
    context: typer.Context,
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help='Words; also "a phrase", begin*, wrong~, -without, field:value, OR.')
    ] = "",
    kind: TypeOption = None,
    facet: Annotated[
        list[str] | None, typer.Option("--facet", metavar="FIELD", help="Count the values of a field.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where", metavar="FIELD=VALUE", help="Only with this value; several for one field: any of them."
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Seen at this time or later, such as 2025-03-01.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Seen before this time.")] = None,
    near: Annotated[
        str | None, typer.Option("--near", metavar="LAT,LON,KM", help="At most so many kilometres from a place.")
    ] = None,
    highlight: Annotated[bool, typer.Option("--highlight", help="Show the text that was found.")] = False,
    hybrid: Annotated[bool, typer.Option("--hybrid", help="Rank by likeness, too: see `clew similar`.")] = False,
    fuzzy: Annotated[int, typer.Option("--fuzzy", min=0, max=2, help="Letters by which words may differ.")] = 0,
    sort: Annotated[
        list[str] | None, typer.Option("--sort", metavar="FIELD", help="Highest first; -FIELD for lowest first.")
    ] = None,
    histogram: Annotated[
        str | None,
        typer.Option("--histogram", metavar="INTERVAL", help="Count by minute, hour, day, week, month, year."),
    ] = None,
    stats: Annotated[
        list[str] | None, typer.Option("--stats", metavar="FIELD", help="Least, greatest and mean of a number.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=0, max=1000, help="Hits a page.")] = 20,
    cursor: Annotated[str | None, typer.Option("--cursor", help="The next page, as the page before names it.")] = None,
    index: IndexOption = "osint_entities",
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find things by words, place and time.

    Entities, cases and posts; attacks and collected items by --index.
    """
    from clew.cli.desk.opening import searching_of, similarity_of
    from clew.cli.output import print_json
    from clew.projections.search.port import SearchRequest
    from clew.projections.search.wording import (
        filters_of,
        histogram_of,
        index_of,
        moment_of,
        place_of,
        result_as_dict,
        sorts_of,
    )

    call = invocation(context, as_json, organization, data_dir)
    with _as_options():
        request = SearchRequest(
            text=text,
            index=index_of(index),
            entity_types=tuple(kind or ()),
            filters=filters_of(index_of(index), where or ()),
            within=place_of(near),
            since=moment_of(since, "from"),
            until=moment_of(until, "to"),
            facets=tuple(facet or ()),
            histogram=histogram_of(histogram),
            stats=tuple(stats or ()),
            sort=sorts_of(sort or ()),
            fuzzy=fuzzy,
            highlight=highlight,
            limit=limit,
            cursor=cursor,
        )
    result = similarity_of(call).hybrid(request) if hybrid else searching_of(call).search(request)
    if call.json:
        print_json(result_as_dict(result))
    else:
        _print_result(result)


def suggest(
    context: typer.Context,
    prefix: Annotated[str, typer.Argument(metavar="TEXT", help="What was typed so far.")],
    kind: TypeOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100, help="At most so many.")] = 10,
    index: IndexOption = "osint_entities",
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Name what the beginning of a name could become."""
    from clew.cli.desk.opening import searching_of
    from clew.cli.output import line, print_json, table
    from clew.projections.search.wording import index_of

    call = invocation(context, as_json, organization, data_dir)
    with _as_options():
        chosen = index_of(index)
    names = searching_of(call).suggest(prefix, index=chosen, types=kind or (), limit=limit)
    if call.json:
        suggestions = [{"text": each.text, "type": each.type, "id": each.id, "score": each.score} for each in names]
        print_json({"suggestions": suggestions})
    elif names:
        table(("Name", "Type", "Id"), [(each.text, each.type, each.id) for each in names], whole=(2,))
    else:
        line("no name begins like that")


@contextlib.contextmanager
def _as_options() -> Iterator[None]:
    """What is wrong with a part of the request is told as what is wrong with the option of that name."""
    from clew.projections.search.errors import SearchQueryError

    try:
        yield
    except SearchQueryError as error:
        raise typer.BadParameter(f"{error.message}; {error.remedy}", param_hint=f"--{error.where}") from error


def _print_result(result: "SearchResult") -> None:
    from clew.cli.output import heading, line, pairs, table

    if result.hits:
        table(
            ("Name", "Type", "Last seen", "Score", "Id"),
            [(hit.name, hit.type, _seen(hit), f"{hit.score:.2f}", hit.id) for hit in result.hits],
            right=(3,),
            whole=(4,),
        )
    for hit in result.hits:
        for field, pieces in hit.highlights.items():
            for piece in pieces:
                line(f"{hit.name}, {field}: {piece.marked('»', '«')}", indent=2)
    for name, buckets in result.facets.items():
        heading(name)
        table(("Value", "Count"), [(bucket.value, bucket.count) for bucket in buckets], right=(1,))
    if result.histogram:
        heading("By time")
        table(("From", "Count"), [(bucket.value, bucket.count) for bucket in result.histogram], right=(1,))
    for name, found in result.stats.items():
        heading(name)
        pairs({"count": found.count, "least": found.minimum, "greatest": found.maximum, "mean": found.mean})
    line(f"{result.total:,} found in {result.took_ms:.1f} ms, {len(result.hits)} shown")
    if result.next_cursor:
        line(f"the next page: --cursor {result.next_cursor}")


def _seen(hit: "Hit") -> str:
    stated = [str(value) for name in ("last_seen", "timestamp", "created_at") if (value := hit.document.get(name))]
    return stated[0][:19].replace("T", " ") if stated else ""
