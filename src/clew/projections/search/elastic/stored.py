"""All that an engine keeps of an organization, read through once."""

from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import islice
from typing import Any, Final
from uuid import UUID

from clew.projections.search.elastic.connection import EngineConnection, quoted
from clew.projections.search.elastic.documents import SourceBuilder, document_of, untouched
from clew.projections.search.elastic.mappings import ORGANIZATION
from clew.projections.search.errors import SearchViewError
from clew.projections.search.fields import DocumentSet
from clew.projections.search.port import document_text

_PAGE: Final = 1_000
_BUILT_AT_ONCE: Final = 250
_KEPT: Final = "10m"
_READING_SECONDS: Final = 300.0
_TOUCHED: Final = b"changed in the engine: "
_COUNTED: Final = 1_000


def stored_in(
    connection: EngineConnection, alias: str, organization_id: UUID, document_set: DocumentSet
) -> Iterator[tuple[str, bytes]]:
    """Id and JSON of every document of the organization, all of one moment."""
    builder = SourceBuilder(document_set)
    coming = _scrolled(connection, alias, organization_id)
    with closing(coming):
        while hits := [(hit["_id"], hit["_source"]) for hit in islice(coming, _BUILT_AT_ONCE)]:
            for (_, source), well in zip(hits, untouched(builder, organization_id, hits), strict=True):
                document = document_of(source)
                text = document_text(document)
                yield str(document.get("id")), text if well else _TOUCHED + text


def organizations_in(connection: EngineConnection, aliases: str) -> tuple[UUID, ...]:
    """Every organization that has documents behind the aliases, in ascending order."""
    found: set[UUID] = set()
    composite: dict[str, Any] = {"size": _COUNTED, "sources": [{"id": {"terms": {"field": ORGANIZATION}}}]}
    while True:
        body = {"size": 0, "aggs": {"organizations": {"composite": composite}}}
        told = connection.succeed("POST", f"/{quoted(aliases)}/_search?allow_partial_search_results=false", body)
        counted = told["aggregations"]["organizations"]
        for bucket in counted["buckets"]:
            try:
                found.add(UUID(bucket["key"]["id"]))
            except ValueError:
                continue  # put by hand, of no organization
        if "after_key" not in counted:
            return tuple(sorted(found))
        composite["after"] = counted["after_key"]


def _scrolled(connection: EngineConnection, alias: str, organization_id: UUID) -> Generator[dict[str, Any], None, None]:
    body = {
        "query": {"bool": {"filter": [{"term": {ORGANIZATION: str(organization_id)}}]}},
        "size": _PAGE,
        "sort": ["_doc"],
    }
    target = f"/{quoted(alias)}/_search?scroll={_KEPT}&allow_partial_search_results=false"
    page = connection.succeed("POST", target, body, timeout_seconds=_READING_SECONDS)
    try:
        while True:
            if page["_shards"]["failed"]:
                raise SearchViewError(
                    "the search engine could not read all that it holds",
                    where=connection.address.place,
                    remedy="see the engine's log, and try again",
                )
            hits = page["hits"]["hits"]
            if not hits:
                return
            yield from hits
            next_page = {"scroll": _KEPT, "scroll_id": page["_scroll_id"]}
            page = connection.succeed("POST", "/_search/scroll", next_page, timeout_seconds=_READING_SECONDS)
    finally:
        connection.request("DELETE", "/_search/scroll", {"scroll_id": [page["_scroll_id"]]})
