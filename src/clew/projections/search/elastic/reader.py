"""The reader: a request in, an answer out. Whatever is asked, the organization's filter is put around it last."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Self
from uuid import UUID

from clew.projections.search.answers import hit_of, suggestion
from clew.projections.search.counting import EXACT, counted_aggregations, too_many, wanted_aggregations
from clew.projections.search.elastic.connection import Answer, quoted
from clew.projections.search.elastic.documents import document_of, language_of_source
from clew.projections.search.elastic.expressions import (
    ElasticExpressions,
    Query,
    inner,
    number_place,
    whole_place,
)
from clew.projections.search.elastic.generations import Generations
from clew.projections.search.elastic.mappings import ORGANIZATION
from clew.projections.search.elastic.spatial import within
from clew.projections.search.elastic.stored import organizations_in, stored_in
from clew.projections.search.errors import SearchQueryError, SearchViewError, SearchViewMissingError
from clew.projections.search.fields import SETS, DocumentSet, FieldKind, SearchIndex, SetFields
from clew.projections.search.highlighting import Highlighter
from clew.projections.search.languages import STEMMED
from clew.projections.search.locks import Lock
from clew.projections.search.matching import Matcher
from clew.projections.search.physical.analysis import stems_of
from clew.projections.search.port import (
    MAXIMUM_RANKED,
    Document,
    Hit,
    SearchRequest,
    SearchResult,
    Sort,
    Suggestion,
)
from clew.projections.search.query import Node, parse
from clew.projections.search.requests import check, opened_cursor, sealed_cursor

_GOT_AT_ONCE: Final = 1_000
_LANGUAGES: Final = tuple(STEMMED)
_BY_RANK: Final[tuple[dict[str, Any], ...]] = ({"_score": "desc"}, {"id": "asc"})
_TOO_MUCH: Final = ("too_many_clauses", "too_many_nested_clauses", "nested depth", "max_clause_count", "maxClauseCount")


class _Places:
    """Where the engine counts."""

    exactly: Mapping[str, int] = {"shard_size": EXACT}

    def __init__(self, fields: SetFields) -> None:
        self._fields = fields.by_name

    def facet(self, name: str) -> str:
        field = self._fields[name]
        return inner(name) if field.kind is FieldKind.IP else whole_place(field)

    def number(self, name: str) -> str:
        return number_place(self._fields[name])


class ElasticReader:
    """Reads one generation; of each document the newest committed state."""

    def __init__(self, generations: Generations, generation: str, lock: Lock) -> None:
        self._connection = generations.connection
        self._names = generations.names
        self._generation = generation
        self._lock = lock
        self._closed = False

    @property
    def generation(self) -> str:
        """The generation it reads."""
        return self._generation

    def search(self, organization_id: UUID, request: SearchRequest) -> SearchResult:
        """Find documents. Raises SearchQueryError and SearchCursorError."""
        began = time.perf_counter()
        fields = check(request)
        node = parse(request.text, fields, int(request.fuzzy))
        after = opened_cursor(request, organization_id, self.generation)
        by_rank = node is not None and (not request.sort or request.sort[0].field == "score")
        body = _body(organization_id, request, fields, node, by_rank=by_rank)
        number = 0
        if after is not None:
            number, body["search_after"] = after[0], after[1:]
        found = self._search(request.index.document_set, body, request)
        hits = found["hits"]["hits"]
        page = hits[: request.limit]
        number += len(page)
        cursor = None
        if len(hits) > request.limit > 0 and (not by_rank or number < MAXIMUM_RANKED):
            cursor = sealed_cursor([number, *page[-1]["sort"]], request, organization_id, self.generation)
        counted = counted_aggregations(found.get("aggregations", {}), request)
        return SearchResult(
            found["hits"]["total"]["value"],
            _since(began),
            _hits(page, request, fields, node, by_rank=by_rank),
            counted.facets,
            counted.histogram,
            counted.stats,
            cursor,
        )

    def suggest(
        self,
        organization_id: UUID,
        prefix: str,
        *,
        index: SearchIndex = SearchIndex.OSINT_ENTITIES,
        limit: int = 10,
        entity_types: tuple[str, ...] = (),
    ) -> tuple[Suggestion, ...]:
        """Names and user names with words that begin as typed, best first."""
        fields = SETS[index.document_set]
        matcher = _matcher(fields)
        query = matcher.suggested(prefix)
        if query is None or limit < 1:
            return ()
        body = {
            "query": _of(organization_id, query, matcher.scope(index, entity_types)),
            "size": min(limit, 100),
            "sort": list(_BY_RANK),
        }
        hits = self._search(index.document_set, body)["hits"]["hits"]
        return tuple(suggestion(fields, document_of(hit["_source"]), hit["sort"][0], prefix) for hit in hits)

    def get(self, organization_id: UUID, index: SearchIndex, ids: Sequence[str]) -> dict[str, Document]:
        """The documents of these ids that are there, by id."""
        conditions = _matcher(SETS[index.document_set]).scope(index)
        found: dict[str, Document] = {}
        for start in range(0, len(ids), _GOT_AT_ONCE):
            some = list(ids[start : start + _GOT_AT_ONCE])
            query = _of(organization_id, {"terms": {"id": some}}, conditions)
            body = {"query": query, "size": len(some), "track_total_hits": False}
            for hit in self._search(index.document_set, body)["hits"]["hits"]:
                document = document_of(hit["_source"])
                found[document["id"]] = document
        return found

    def stored(self, organization_id: UUID, document_set: DocumentSet) -> Iterator[tuple[str, bytes]]:
        """Id and JSON of everything stored, each document once, all of one moment, in the order of the engine.

        What stands beside a document in the engine is compared with what its text makes of it: where somebody changed
        that, the JSON is not the document's.
        """
        self._check_open()
        return stored_in(
            self._connection, self._names.alias(document_set, self.generation), organization_id, document_set
        )

    def count(self, organization_id: UUID, document_set: DocumentSet) -> int:
        """How many documents are stored."""
        body = {"query": _of(organization_id, None, []), "size": 0, "track_total_hits": True}
        return int(self._search(document_set, body)["hits"]["total"]["value"])

    def organizations(self) -> tuple[UUID, ...]:
        """Every organization that has documents, in ascending order."""
        self._check_open()
        return organizations_in(self._connection, self._names.aliases(self.generation))

    def close(self) -> None:
        """Let go of the generation."""
        self._closed = True
        self._lock.close()

    def __enter__(self) -> Self:
        """The reader itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _search(
        self, document_set: DocumentSet, body: dict[str, Any], request: SearchRequest | None = None
    ) -> dict[str, Any]:
        self._check_open()
        alias = quoted(self._names.alias(document_set, self.generation))
        # Part of the answer would be a wrong one.
        answer = self._connection.request("POST", f"/{alias}/_search?allow_partial_search_results=false", body)
        if not answer.well:
            raise self._refused(answer, request)
        found: dict[str, Any] = answer.body
        return found

    def _refused(self, answer: Answer, request: SearchRequest | None) -> Exception:
        if request is not None and request.histogram is not None and "too_many_buckets" in answer.reason:
            return too_many()
        if any(sign in answer.reason for sign in _TOO_MUCH):
            where = "text" if request is not None and request.text else "filters"
            message = "the search engine takes no request of so many parts"
            return SearchQueryError(message, where=where, remedy="ask for what matters, or in parts")
        if answer.status == 404:
            return SearchViewMissingError(
                "what was read is gone from the search engine",
                where=self._connection.address.place,
                remedy="it was rebuilt or deleted: search again",
            )
        return self._connection.failed(answer, "the search")

    def _check_open(self) -> None:
        if self._closed:
            raise SearchViewError("this reader is closed", where=self.generation, remedy="open another one")


def _matcher(fields: SetFields) -> Matcher[Query]:
    return Matcher(ElasticExpressions(fields), fields, _LANGUAGES)


def _of(organization_id: UUID, query: Query | None, conditions: Sequence[Query]) -> Query:
    """What of the organization's own a query finds where the conditions hold. Nothing gets around this filter."""
    own = {"term": {ORGANIZATION: str(organization_id)}}
    asked = {"must": [query]} if query is not None else {}
    return {"bool": {**asked, "filter": [own, *conditions]}}


def _body(
    organization_id: UUID, request: SearchRequest, fields: SetFields, node: Node | None, *, by_rank: bool
) -> dict[str, Any]:
    matcher = _matcher(fields)
    conditions = matcher.conditions(request)
    if request.within is not None:
        (place,) = (field.name for field in fields.fields if field.kind is FieldKind.GEO)
        conditions.append(within(request.within, place))
    text = None if node is None else matcher.text(node, request.text)
    body: dict[str, Any] = {
        "query": _of(organization_id, text, conditions),
        "size": request.limit + 1 if request.limit else 0,  # one more tells whether there is another page
        "track_total_hits": True,
        "sort": list(_BY_RANK) if by_rank else _order(request, fields),
    }
    wanted = wanted_aggregations(request, fields, _Places(fields))
    return {**body, "aggs": wanted} if wanted else body


def _order(request: SearchRequest, fields: SetFields) -> list[dict[str, Any]]:
    sort = tuple(each for each in request.sort if each.field != "score") or (Sort(fields.time_field),)
    order: list[dict[str, Any]] = []
    for each in sort:
        direction = "desc" if each.descending else "asc"
        if each.field == "id":
            return [*order, {"id": direction}]
        place = number_place(fields.by_name[each.field])
        order.append({place: {"order": direction, "missing": "_last"}})
    return [*order, {"id": "asc"}]


def _hits(
    page: Sequence[Mapping[str, Any]], request: SearchRequest, fields: SetFields, node: Node | None, *, by_rank: bool
) -> tuple[Hit, ...]:
    highlighter = None
    if request.highlight and node is not None:
        languages = {language_of_source(hit["_source"]) for hit in page}
        present = tuple(language for language in _LANGUAGES if language in languages)
        known: dict[str, frozenset[str]] = {}

        def stems(word: str) -> frozenset[str]:
            if word not in known:
                known[word] = frozenset(stems_of(word, present).values())
            return known[word]

        highlighter = Highlighter(node, fields, stems)
    return tuple(
        hit_of(request.index, fields, document_of(hit["_source"]), hit["sort"][0] if by_rank else 0.0, highlighter)
        for hit in page
    )


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
