"""`clew schema`: how what Clew keeps elsewhere is laid out."""

from enum import StrEnum
from typing import Annotated

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, invocation


class Exported(StrEnum):
    """What can be exported."""

    SEARCH = "search"


def export(
    context: typer.Context,
    what: Annotated[Exported, typer.Argument(help="search: indices, templates and policies of a search engine.")],
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print as JSON how an engine of yours keeps what Clew puts there.

    Mappings and settings as Elasticsearch and OpenSearch take them, with the prefix, shards and copies that the
    settings say. Asks no engine.
    """
    from clew.cli.output import print_json
    from clew.cli.refusal import require_local
    from clew.kernel.settings import load_settings
    from clew.projections.search.elastic.address import address_of
    from clew.projections.search.elastic.catalogue import exported

    call = invocation(context, as_json, None, data_dir)
    require_local(call)
    settings = load_settings(**({"data_dir": call.data_dir} if call.data_dir else {}))
    prefix = address_of(settings).prefix if settings.search_url is not None else ""
    print_json({what.value: exported(prefix, settings.search_shards, settings.search_replicas)})
