"""`clew similar`: to a value, a text or examples; and `clew similar clusters`."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

if TYPE_CHECKING:
    from clew.domains.similarity.questions import Answer, Grouping

CollectionOption = Annotated[
    str | None, typer.Option("--collection", metavar="NAME", help="cases, profiles, content, domains or knowledge.")
]


def to(  # noqa: PLR0913, PLR0917  an option each, which Typer gives by name
    context: typer.Context,
    value: Annotated[
        str | None, typer.Argument(metavar="ENTITY|CASE", help="What others are compared with: by name, value or id.")
    ] = None,
    kind: Annotated[str | None, typer.Option("--type", metavar="TYPE", help="The type of the entity meant.")] = None,
    text: Annotated[str | None, typer.Option("--text", help="Compare with this text instead.")] = None,
    like: Annotated[list[str] | None, typer.Option("--like", metavar="ID", help="Compare with examples.")] = None,
    unlike: Annotated[list[str] | None, typer.Option("--unlike", metavar="ID", help="Away from these.")] = None,
    collection: CollectionOption = None,
    only: Annotated[
        list[str] | None, typer.Option("--filter", metavar="kind=…|platform=…", help="Only these; may be repeated.")
    ] = None,
    since: Annotated[str | None, typer.Option("--from", metavar="TIME", help="Seen at this time or later.")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Seen before this time.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")] = 10,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find what is like an entity, a case, a text, or examples.

    `clew similar VALUE` is short for `clew similar to VALUE`.
    """
    from clew.cli.desk.opening import similarity_of
    from clew.cli.output import print_json
    from clew.domains.similarity.questions import Question, collection_of

    call = invocation(context, as_json, organization, data_dir)
    kinds, platforms = _filters(only or ())
    with _as_options():
        question = Question(
            value=value,
            kind=kind,
            text=text,
            like=tuple(like or ()),
            unlike=tuple(unlike or ()),
            collection=collection_of(collection),
            kinds=kinds,
            platforms=platforms,
            since=since,
            until=until,
            limit=limit,
        ).checked()
        answer = similarity_of(call).similar(question)
    if call.json:
        print_json(answer.as_dict())
    else:
        _print_answer(answer)


def clusters(
    context: typer.Context,
    collection: CollectionOption = "profiles",
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="At most so many groups.")] = 20,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Group what is alike, and name each group by its most telling words."""
    from clew.cli.desk.opening import similarity_of
    from clew.cli.output import print_json
    from clew.domains.similarity.questions import collection_of
    from clew.projections.vectors.port import Collection

    call = invocation(context, as_json, organization, data_dir)
    with _as_options():
        chosen = collection_of(collection) or Collection.SOCIAL_PROFILES
    found = similarity_of(call).clusters(chosen, limit=limit)
    if call.json:
        print_json(found.as_dict())
    else:
        _print_groups(found)


def _filters(pairs: "list[str] | tuple[str, ...]") -> tuple[tuple[str, ...], tuple[str, ...]]:
    found: dict[str, list[str]] = {"kind": [], "platform": []}
    for pair in pairs:
        field, _, value = pair.partition("=")
        if field not in found or not value:
            raise typer.BadParameter("write kind=VALUE or platform=VALUE", param_hint="--filter")
        found[field].append(value)
    return tuple(found["kind"]), tuple(found["platform"])


@contextlib.contextmanager
def _as_options() -> Iterator[None]:
    """What is wrong with a part of the question is told as what is wrong with the option of that name."""
    from clew.projections.search.errors import SearchQueryError
    from clew.projections.vectors.errors import VectorQueryError

    try:
        yield
    except (SearchQueryError, VectorQueryError) as error:
        hint = "ENTITY|CASE" if error.where == "value" else f"--{error.where}"
        raise typer.BadParameter(f"{error.message}; {error.remedy}", param_hint=hint) from error


def _print_answer(answer: "Answer") -> None:
    from clew.cli.output import line, table

    if answer.asked is not None:
        line(f"like {answer.asked}:")
    if not answer.items:
        line("nothing is there to compare")
        return
    table(
        ("Name", "Kind", "Platform", "Likeness", "Id"),
        [(each.name, each.kind, each.platform or "", f"{each.score:.3f}", each.id) for each in answer.items],
        right=(3,),
        whole=(4,),
    )


def _print_groups(found: "Grouping") -> None:
    from clew.cli.output import line, table

    if found.groups:
        table(
            ("Size", "Words", "Nearest to the middle"),
            [
                (each.size, ", ".join(each.terms), ", ".join(example.name for example in each.examples[:3]))
                for each in found.groups
            ],
            right=(0,),
        )
    line(f"{found.subjects:,} compared ({found.method}), {found.apart:,} of them in no group")
