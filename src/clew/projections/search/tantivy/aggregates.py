"""Facets, histograms and statistics: one pass of Tantivy over the results for all of them."""

from collections.abc import Mapping
from typing import Final

from tantivy import Query, Searcher

from clew.projections.search.counting import EXACT, Aggregates, counted_aggregations, too_many, wanted_aggregations
from clew.projections.search.fields import SetFields
from clew.projections.search.port import SearchRequest


class _Places:
    exactly: Mapping[str, int] = {"segment_size": EXACT}

    def facet(self, name: str) -> str:
        return name

    def number(self, name: str) -> str:
        return name


_PLACES: Final = _Places()


def aggregate(searcher: Searcher, query: Query, request: SearchRequest, fields: SetFields) -> Aggregates:
    """Everything the request counts. Raises SearchQueryError for a histogram of too many buckets."""
    wanted = wanted_aggregations(request, fields, _PLACES)
    if not wanted:
        return Aggregates({}, (), {})
    try:
        found = searcher.aggregate(query, wanted)
    except ValueError as error:
        if request.histogram is not None and "bucket" in str(error).lower():
            raise too_many() from error
        raise
    return counted_aggregations(found, request)
