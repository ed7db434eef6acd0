"""Search by words and by likeness at once: both rankings become one, above both ports.

Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009): a hit counts 1 / (60 + rank) in each ranking that has it.
It needs no common scale, which scores of words and cosines do not have. Whatever else the request asks (types, filters,
places, times) holds for both: what is found by likeness is looked up in the search view under the same conditions.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from clew.projections.search.errors import SearchQueryError
from clew.projections.search.fields import SearchIndex
from clew.projections.search.port import AnyOf, Hit, SearchReader, SearchRequest, SearchResult

CONSTANT: Final = 60
RANKED: Final = 200
"""So many of each ranking are fused."""


def hybrid_search(
    reader: SearchReader,
    organization_id: UUID,
    request: SearchRequest,
    likeness: Callable[[str, int], Sequence[str]],
) -> SearchResult:
    """What words or likeness find, best first; `total` is how many hits the two rankings hold together.

    `likeness` gives the ids of what is most like a text, best first, at most so many. Facets, histograms and statistics
    are of what the words find. Raises SearchQueryError for what cannot be ranked so.
    """
    if not request.text.strip():
        raise SearchQueryError("there are no words to rank by", where="text", remedy="give some, or leave hybrid out")
    if request.sort or request.cursor or request.limit > RANKED:
        raise SearchQueryError(
            f"a search by words and likeness gives its best {RANKED} at most, in its own order",
            where="sort" if request.sort else "cursor" if request.cursor else "limit",
            remedy="leave it out, or leave hybrid out",
        )
    if request.index is SearchIndex.ATTACKS:
        raise SearchQueryError("attacks have no vectors", where="index", remedy="leave hybrid out")
    by_words = reader.search(organization_id, replace(request, limit=RANKED))
    alike = list(likeness(request.text, RANKED))
    hits: dict[str, Hit] = {hit.id: hit for hit in by_words.hits}
    missing = [identifier for identifier in alike if identifier not in hits]
    if missing:
        condition = AnyOf("id", tuple(missing))
        known = replace(
            request, text="", fuzzy=0, highlight=False, facets=(), histogram=None, stats=(), limit=len(missing),
            filters=(*request.filters, condition),
        )  # fmt: skip
        hits |= {hit.id: hit for hit in reader.search(organization_id, known).hits}
    words = [hit.id for hit in by_words.hits]
    scores = fused(words, [each for each in alike if each in hits])
    best = sorted(scores, key=lambda identifier: (-scores[identifier], identifier))
    shown = tuple(replace(hits[each], score=scores[each]) for each in best[: request.limit])
    return replace(by_words, total=len(best), hits=shown, next_cursor=None)


def fused(*rankings: Sequence[str]) -> dict[str, float]:
    """The sum of 1 / (CONSTANT + rank) of each that any ranking names; ranks begin with 1."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, identifier in enumerate(ranking, 1):
            scores[identifier] = scores.get(identifier, 0.0) + 1 / (CONSTANT + rank)
    return scores
