"""The search view of a server."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from clew.cli.desk.remote.connection import connected, shaped
from clew.cli.options import Invocation
from clew.client import models
from clew.projections.search.fields import SearchIndex
from clew.projections.search.port import (
    AnyOf,
    Bucket,
    Filter,
    GeoRadius,
    Highlight,
    Hit,
    SearchRequest,
    SearchResult,
    Statistics,
    Suggestion,
)

_MARKED: Final = re.compile(r"<mark>(.*?)</mark>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RemoteSearching:
    """See `view_ports.Searching`."""

    call: Invocation

    def search(self, request: SearchRequest, *, hybrid: bool = False) -> SearchResult:
        """What is found."""
        place, histogram = request.within, request.histogram
        if not isinstance(place, GeoRadius | None):
            raise TypeError("no option of the command line asks for a box")
        with connected(self.call) as client:
            found = client.search(
                q=request.text,
                index=request.index.value,
                type=list(request.entity_types),
                where=[condition for each in request.filters for condition in _conditions(each)],
                from_=request.since.isoformat() if request.since else None,
                to=request.until.isoformat() if request.until else None,
                near=None if place is None else f"{place.latitude},{place.longitude},{place.kilometres}",
                facet=list(request.facets),
                facet_size=request.facet_size,
                histogram=histogram.interval.value if histogram else None,
                stats=list(request.stats),
                sort=[f"{'' if each.descending else '-'}{each.field}" for each in request.sort],
                fuzzy=request.fuzzy,
                highlight=request.highlight,
                hybrid=hybrid,
                limit=request.limit,
                cursor=request.cursor,
            )
        return SearchResult(
            hits=tuple(map(_hit, found.hits)),
            total=found.total,
            facets={name: tuple(_bucket(each) for each in buckets) for name, buckets in found.facets.items()},
            histogram=tuple(map(_bucket, found.histogram)),
            stats={name: shaped(each, Statistics) for name, each in found.stats.items()},
            next_cursor=found.next_cursor,
            took_ms=found.took_ms,
        )

    def suggest(self, prefix: str, *, index: SearchIndex, types: Sequence[str], limit: int) -> Sequence[Suggestion]:
        """Names that begin like that."""
        with connected(self.call) as client:
            found = client.suggest(q=prefix, index=index.value, type=list(types), limit=limit)
        return [shaped(each, Suggestion) for each in found.items]


def _conditions(condition: Filter) -> Iterator[str]:
    if not isinstance(condition, AnyOf):
        raise TypeError(f"no condition of the command line is a {type(condition).__name__}")
    for value in condition.values:
        yield f"{condition.field}={str(value).lower() if isinstance(value, bool) else value}"


def _hit(found: models.Hit) -> Hit:
    highlights = {field: tuple(map(_highlight, pieces)) for field, pieces in found.highlights.items()}
    return Hit(found.id, SearchIndex(found.index), found.type, found.name, found.score, highlights, found.document)


def _highlight(marked: str) -> Highlight:
    """The text without its marks, and where they were. Whatever looks like a mark in the text itself is escaped."""
    text, marks, end = "", [], 0
    for match in _MARKED.finditer(marked):
        text += html.unescape(marked[end : match.start()])
        begin = len(text)
        text += html.unescape(match[1])
        marks.append((begin, len(text)))
        end = match.end()
    return Highlight(text + html.unescape(marked[end:]), tuple(marks))


def _bucket(found: models.Bucket) -> Bucket:
    return Bucket(found.value, found.count)
