"""The reader: a request in, an answer out, from one organization's own indexes."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, Self
from uuid import UUID

import orjson
from tantivy import DocAddress, Query, Searcher

from clew.projections.search.answers import hit_of, nothing_found, suggestion
from clew.projections.search.errors import SearchViewError
from clew.projections.search.fields import SETS, DocumentSet, SearchIndex, SetFields
from clew.projections.search.highlighting import Highlighter
from clew.projections.search.locks import Lock
from clew.projections.search.matching import Matcher
from clew.projections.search.physical.analysis import stems_of
from clew.projections.search.physical.rows import key_of, number_of
from clew.projections.search.port import Document, Hit, SearchRequest, SearchResult, Sort, Suggestion
from clew.projections.search.query import Node, parse
from clew.projections.search.requests import changed_since, check, opened_cursor, sealed_cursor
from clew.projections.search.tantivy.aggregates import aggregate
from clew.projections.search.tantivy.engine import count_of, engine
from clew.projections.search.tantivy.expressions import TantivyExpressions
from clew.projections.search.tantivy.opened import Moment, OpenIndexes
from clew.projections.search.tantivy.ordering import Page, Whole, keys_of, page_by_fields, page_by_rank
from clew.projections.search.tantivy.places import Generation
from clew.projections.search.tantivy.spatial import within

_BATCH: Final = 50_000
_ID_FIRST: Final = b'{"id":"'
_UUID_LENGTH: Final = 36


class TantivyReader:
    """Reads one generation; of each document the newest committed state."""

    def __init__(self, generation: Generation) -> None:
        """Raises FileNotFoundError if the generation is gone."""
        self._generation = generation
        self._lock = Lock(generation.used)
        self._lock.share()
        if not (generation.directory / "state.json").exists():
            self._lock.close()
            raise FileNotFoundError(generation.directory)
        self._indexes = OpenIndexes(generation)
        self._closed = False

    @property
    def generation(self) -> str:
        """The generation it reads."""
        return self._generation.name

    def search(self, organization_id: UUID, request: SearchRequest) -> SearchResult:
        """Find documents. Raises SearchQueryError and SearchCursorError."""
        began = time.perf_counter()
        fields = check(request)
        node = parse(request.text, fields, int(request.fuzzy))
        after = opened_cursor(request, organization_id, self.generation)
        by_rank = node is not None and (not request.sort or request.sort[0].field == "score")
        stamp, after = (after[0], after[1:]) if after is not None else (None, None)
        moment = self._moment(organization_id, request.index.document_set, stamp if by_rank else None)
        if moment is None and stamp is not None and by_rank:
            raise changed_since()
        if moment is None:
            return nothing_found(request, _since(began))
        with engine(moment.directory):
            query, everything = _query(moment, request, fields, node)
            whole = moment.whole if everything else None
            page = _page(moment, query, request, fields, after, by_rank=by_rank, whole=whole)
            counted = aggregate(moment.searcher, query, request, fields)
            hits = self._hits(moment, request, fields, node, page)
        cursor = None
        if page.after is not None:
            cursor = sealed_cursor([moment.stamp, *page.after], request, organization_id, self.generation)
        return SearchResult(page.total, _since(began), hits, counted.facets, counted.histogram, counted.stats, cursor)

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
        moment = self._moment(organization_id, index.document_set)
        if moment is None or limit < 1:
            return ()
        matcher = _matcher(moment, fields)
        with engine(moment.directory):
            query = matcher.suggested(prefix)
            if query is None:
                return ()
            query = matcher.filtered(query, matcher.scope(index, entity_types))
            page = page_by_rank(moment.searcher, query, min(limit, 100), None)
            documents = [(score, _document(moment.searcher, place)) for score, place in page.hits]
        return tuple(suggestion(fields, document, score, prefix) for score, document in documents)

    def get(self, organization_id: UUID, index: SearchIndex, ids: Sequence[str]) -> dict[str, Document]:
        """The documents of these ids that are there, by id."""
        moment = self._moment(organization_id, index.document_set)
        keys = []
        for identifier in ids:
            try:
                keys.append(key_of(number_of({"id": identifier})))
            except ValueError:
                continue
        if moment is None or not keys:
            return {}
        with engine(moment.directory):
            fields = SETS[index.document_set]
            matcher = _matcher(moment, fields)
            wanted = Query.term_set_query(moment.schema, "_id", keys)
            query = matcher.filtered(wanted, matcher.scope(index))
            hits = moment.searcher.search(query, limit=len(keys), count=False).hits
            documents = [_document(moment.searcher, place) for _, place in hits]
        return {document["id"]: document for document in documents}

    def stored(self, organization_id: UUID, document_set: DocumentSet) -> Iterator[tuple[str, bytes]]:
        """Id and JSON of everything stored, each document once, all of one moment, in the order it lies on disk."""
        moment = self._moment(organization_id, document_set)
        if moment is None:
            return
        searcher, total = moment.searcher, moment.searcher.num_docs
        for offset in range(0, total, _BATCH):
            with engine(moment.directory):
                # All ranks are equal, and equal ranks are ordered by place on disk.
                hits = searcher.search(Query.all_query(), limit=_BATCH, offset=offset, count=False).hits
            for _, place in hits:
                with engine(moment.directory):
                    text: Any = searcher.doc(place).get_first("_doc")
                yield _id_within(text), text

    def count(self, organization_id: UUID, document_set: DocumentSet) -> int:
        """How many documents are stored."""
        moment = self._moment(organization_id, document_set)
        return moment.searcher.num_docs if moment is not None else 0

    def organizations(self) -> tuple[UUID, ...]:
        """Every organization that has documents, in ascending order."""
        return tuple(
            organization_id
            for organization_id in self._generation.organizations()
            if any(self.count(organization_id, document_set) for document_set in DocumentSet)
        )

    def close(self) -> None:
        """Let go of the generation."""
        self._closed = True
        self._indexes.close()
        self._lock.close()

    def __enter__(self) -> Self:
        """The reader itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _moment(self, organization_id: UUID, document_set: DocumentSet, stamp: str | None = None) -> Moment | None:
        if self._closed:
            raise SearchViewError("this reader is closed", where=self.generation, remedy="open another one")
        return self._indexes.moment(organization_id, document_set, stamp)

    def _hits(
        self, moment: Moment, request: SearchRequest, fields: SetFields, node: Node | None, page: Page
    ) -> tuple[Hit, ...]:
        highlighter = None
        if request.highlight and node is not None:
            known: dict[str, frozenset[str]] = {}

            def stems(word: str) -> frozenset[str]:
                if word not in known:
                    known[word] = frozenset(stems_of(word, moment.languages).values())
                return known[word]

            highlighter = Highlighter(node, fields, stems)
        documents = [(score, _document(moment.searcher, place)) for score, place in page.hits]
        return tuple(hit_of(request.index, fields, document, score, highlighter) for score, document in documents)


def _query(moment: Moment, request: SearchRequest, fields: SetFields, node: Node | None) -> tuple[Query, bool]:
    """What is asked for, and whether that is every document of the set."""
    matcher = _matcher(moment, fields)
    query = Query.all_query() if node is None else matcher.text(node, request.text)
    conditions = matcher.conditions(request)
    if request.within is not None:
        conditions.append(within(moment.searcher, moment.schema, request.within))
    return matcher.filtered(query, conditions), node is None and not conditions


def _matcher(moment: Moment, fields: SetFields) -> Matcher[Query]:
    return Matcher(TantivyExpressions(moment.schema), fields, moment.languages)


def _page(
    moment: Moment,
    query: Query,
    request: SearchRequest,
    fields: SetFields,
    after: list[Any] | None,
    *,
    by_rank: bool,
    whole: Whole | None,
) -> Page:
    if request.limit == 0:
        return Page([], None, count_of(moment.searcher.search(query, limit=1)) if whole is None else whole.total)
    if by_rank:
        return page_by_rank(moment.searcher, query, request.limit, after)
    sort = tuple(each for each in request.sort if each.field != "score") or (Sort(fields.time_field),)
    keys = keys_of(sort, fields)
    return page_by_fields(moment.searcher, moment.schema, query, keys, request.limit, after, whole=whole)


def _id_within(text: bytes) -> str:
    """The id of a stored document, which mostly comes first: then it is read without all the rest."""
    if text.startswith(_ID_FIRST):
        return text[len(_ID_FIRST) : len(_ID_FIRST) + _UUID_LENGTH].decode()
    identifier: str = orjson.loads(text)["id"]
    return identifier


def _document(searcher: Searcher, place: DocAddress) -> dict[str, Any]:
    stored: Any = searcher.doc(place).get_first("_doc")
    document: dict[str, Any] = orjson.loads(stored)
    return document


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
