"""`clew schema`: how what Clew keeps elsewhere is laid out."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, invocation


class Exported(StrEnum):
    """What can be exported."""

    SEARCH = "search"
    GRAPH = "graph"


def export(
    context: typer.Context,
    what: Annotated[
        Exported,
        typer.Argument(
            help="search: indices, templates and policies of a search engine. graph: constraints and indexes of Neo4j."
        ),
    ],
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print how an engine of yours keeps what Clew puts there.

    Mappings and settings as JSON, as Elasticsearch and OpenSearch take them, with the prefix, shards and copies that
    the settings say; for Neo4j its versioned migrations as Cypher, for cypher-shell. Asks no engine.
    """
    from clew.cli.output import print_json
    from clew.cli.refusal import require_local
    from clew.kernel.settings import load_settings
    from clew.projections.search.elastic.address import address_of
    from clew.projections.search.elastic.catalogue import exported

    call = invocation(context, as_json, None, data_dir)
    require_local(call)
    if what is Exported.GRAPH:
        _print_cypher(as_json=call.json)
        return
    settings = load_settings(**({"data_dir": call.data_dir} if call.data_dir else {}))
    prefix = address_of(settings).prefix if settings.search_url is not None else ""
    print_json({what.value: exported(prefix, settings.search_shards, settings.search_replicas)})


def _print_cypher(*, as_json: bool) -> None:
    from clew.cli.output import print_json
    from clew.projections.graph.neo4j.migrations import migrations

    if as_json:
        print_json({"graph": dict(migrations())})
        return
    for name, text in migrations():
        sys.stdout.write(f"// {name}\n{text}\n")
