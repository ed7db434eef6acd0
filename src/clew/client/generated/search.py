"""Operations of the API on: search.

Written by `make docs` from the API's description; edit that instead.
"""

from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked


class SearchOperations(Calls):
    """Operations on: search."""

    def search(
        self,
        *,
        q: str | None = None,
        index: models.SearchIndex | None = None,
        type: list[str] | None = None,
        where: list[str] | None = None,
        from_: str | None = None,
        to: str | None = None,
        near: str | None = None,
        facet: list[str] | None = None,
        facet_size: int | None = None,
        histogram: models.Interval | None = None,
        stats: list[str] | None = None,
        sort: list[str] | None = None,
        fuzzy: int | None = None,
        highlight: bool | None = None,
        hybrid: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.SearchResult:
        """Search the record.

        Find things by words, place and time. The view is a moment behind the record: see projections.
        """
        return self._transport.fetch(
            models.SearchResult,
            asked(
                "GET",
                "/api/v1/search",
                query={
                    "q": q,
                    "index": index,
                    "type": type,
                    "where": where,
                    "from": from_,
                    "to": to,
                    "near": near,
                    "facet": facet,
                    "facet_size": facet_size,
                    "histogram": histogram,
                    "stats": stats,
                    "sort": sort,
                    "fuzzy": fuzzy,
                    "highlight": highlight,
                    "hybrid": hybrid,
                    "limit": limit,
                    "cursor": cursor,
                },
            ),
        )

    def suggest(
        self,
        *,
        q: str,
        index: models.SearchIndex | None = None,
        type: list[str] | None = None,
        limit: int | None = None,
    ) -> models.Suggestions:
        """Complete a name.

        Names with words that begin with the last typed word and hold the ones before, best first.
        """
        return self._transport.fetch_resource(
            models.Suggestions,
            asked("GET", "/api/v1/suggest", query={"q": q, "index": index, "type": type, "limit": limit}),
        )

    def similar(
        self,
        *,
        value: str | None = None,
        type: str | None = None,
        q: str | None = None,
        like: list[str] | None = None,
        unlike: list[str] | None = None,
        collection: str | None = None,
        kind: list[str] | None = None,
        platform: list[str] | None = None,
        from_: str | None = None,
        to: str | None = None,
        limit: int | None = None,
    ) -> models.Similar:
        """Find what is alike.

        What is like an entity, a case, a text, or examples. The view is a moment behind the record: see projections.
        """
        return self._transport.fetch_resource(
            models.Similar,
            asked(
                "GET",
                "/api/v1/similar",
                query={
                    "value": value,
                    "type": type,
                    "q": q,
                    "like": like,
                    "unlike": unlike,
                    "collection": collection,
                    "kind": kind,
                    "platform": platform,
                    "from": from_,
                    "to": to,
                    "limit": limit,
                },
            ),
        )

    def clusters(self, *, collection: str | None = None, limit: int | None = None) -> models.Clusters:
        """Group what is alike.

        Groups among the vectors of a collection, called by the words that tell them apart. Takes seconds.
        """
        return self._transport.fetch_resource(
            models.Clusters, asked("GET", "/api/v1/similar/clusters", query={"collection": collection, "limit": limit})
        )
