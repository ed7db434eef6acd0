"""Search, and what the beginning of a name could become: read from the search view, not from the database."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from clew.api.callers import Call, needs
from clew.api.models.search import (
    SearchQuery,
    SearchResultModel,
    SuggestionModel,
    SuggestionsModel,
    SuggestQuery,
)
from clew.api.problems import MISSING
from clew.api.representations import shown
from clew.api.routing import router as routes
from clew.projections.search.wording import result_as_dict
from clew.records.acts import Act

router = routes("search")

Reader = Annotated[Call, needs("search:read")]


@router.get("/search", response_model=SearchResultModel, summary="Search the record", responses=MISSING)
def search(call: Reader, query: Annotated[SearchQuery, Query()]) -> Response:
    """Find things by words, place and time. The view is a moment behind the record: see projections."""
    request = query.request()
    with call.serving.search.reader() as reader:
        if query.hybrid:
            from clew.domains.similarity.hybrid import by_words_and_likeness  # noqa: PLC0415  loads arrays

            result = by_words_and_likeness(call.serving.database, reader, call.principal.organization_id, request)
        else:
            result = reader.search(call.principal.organization_id, request)
    asked = query.model_dump(mode="json", exclude_defaults=True, exclude={"cursor"})
    found = {"total": result.total, "ids": [hit.id for hit in result.hits]}
    call.tell_read(Act("searched", "READ", "search", request=asked, response=found))
    return shown(SearchResultModel.model_validate(result_as_dict(result)))


@router.get("/suggest", response_model=SuggestionsModel, summary="Complete a name", responses=MISSING)
def suggest(call: Reader, query: Annotated[SuggestQuery, Query()]) -> Response:
    """Names with words that begin with the last typed word and hold the ones before, best first."""
    with call.serving.search.reader() as reader:
        found = reader.suggest(
            call.principal.organization_id,
            query.text,
            index=query.index,
            limit=query.limit,
            entity_types=tuple(query.entity_type),
        )
    call.tell_read(Act("suggested", "READ", "search", request={"q": query.text}))
    items = [SuggestionModel(text=each.text, type=each.type, id=each.id, score=each.score) for each in found]
    return shown(SuggestionsModel(items=items))
