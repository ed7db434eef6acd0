"""What is like what: read from the view of vectors, which is a moment behind the record."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from clew.api.callers import Call, needs
from clew.api.models.similar import ClusterQuery, ClustersModel, SimilarModel, SimilarQuery
from clew.api.problems import MISSING
from clew.api.representations import shown
from clew.api.routing import router as routes
from clew.domains.similarity.questions import collection_of
from clew.projections.vectors.port import Collection
from clew.records.acts import Act

router = routes("search")

Reader = Annotated[Call, needs("search:read")]


@router.get("/similar", response_model=SimilarModel, summary="Find what is alike", responses=MISSING)
def similar(call: Reader, query: Annotated[SimilarQuery, Query()]) -> Response:
    """What is like an entity, a case, a text, or examples. The view is a moment behind the record: see projections."""
    from clew.domains.similarity.service import similar as answered  # noqa: PLC0415  loads arrays

    question = query.question()
    answer = answered(call.serving.database, call.context, question)
    found = {"ids": [each.id for each in answer.items]}
    call.tell_read(Act("similar_read", "READ", "search", request=question.told(), response=found))
    return shown(SimilarModel.model_validate(answer.as_dict()))


@router.get("/similar/clusters", response_model=ClustersModel, summary="Group what is alike", responses=MISSING)
def clusters(call: Reader, query: Annotated[ClusterQuery, Query()]) -> Response:
    """Groups among the vectors of a collection, called by the words that tell them apart. Takes seconds."""
    from clew.domains.similarity.groups import grouped  # noqa: PLC0415  as above
    from clew.domains.similarity.service import opened_vectors  # noqa: PLC0415  as above

    collection = collection_of(query.collection) or Collection.SOCIAL_PROFILES
    with opened_vectors(call.serving.database) as reader:
        found = grouped(reader, call.principal.organization_id, collection, limit=query.limit)
    call.tell_read(Act("clusters_read", "READ", "search", request={"collection": collection.value}))
    return shown(ClustersModel.model_validate(found.as_dict()))
