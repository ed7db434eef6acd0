"""Search by words and likeness together, for whoever has both views open."""

from uuid import UUID

from clew.domains.similarity.questions import Question
from clew.domains.similarity.service import like_text, opened_vectors
from clew.kernel.database import Database
from clew.projections.hybrid import hybrid_search
from clew.projections.search.fields import SearchIndex
from clew.projections.search.port import SearchReader, SearchRequest, SearchResult
from clew.projections.vectors.port import Collection

_NOT_ENTITIES = (Collection.CONTENT, Collection.INVESTIGATIONS)


def by_words_and_likeness(
    database: Database, reader: SearchReader, organization_id: UUID, request: SearchRequest
) -> SearchResult:
    """What words and likeness find together: see `hybrid_search`. Raises what that and the view of vectors raise."""
    with opened_vectors(database) as vectors:

        def likeness(text: str, limit: int) -> list[str]:
            found: list[tuple[float, str]] = []
            for collection in Collection:
                if request.index is SearchIndex.ENTITIES and collection in _NOT_ENTITIES:
                    continue
                question = Question(text=text, collection=collection, limit=limit)
                found += [(-each.score, each.id) for each in like_text(database, vectors, organization_id, question)]
            return [identifier for _, identifier in sorted(found)[:limit]]

        return hybrid_search(reader, organization_id, request, likeness)
