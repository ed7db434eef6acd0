"""Reading a generation from Qdrant."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Self
from uuid import UUID

from qdrant_client import models as q
from qdrant_client.http.exceptions import UnexpectedResponse

from clew.projections.vectors.checks import require_askable, require_model
from clew.projections.vectors.errors import VectorViewMissingError
from clew.projections.vectors.port import (
    EVERYTHING,
    Collection,
    Conditions,
    Model,
    Neighbour,
    Point,
    Vector,
    ViewState,
)
from clew.projections.vectors.qdrant.generations import Generations
from clew.projections.vectors.qdrant.points import ORGANIZATION, only, point_id, point_of, subject_of

_PAGE: Final = 1_000
_CANDIDATES: Final = 128
_MOST_ORGANIZATIONS: Final = 1_000_000


class QdrantReader:
    """Reads one generation."""

    def __init__(self, generations: Generations, state: ViewState) -> None:
        self._generations = generations
        self._state = state

    @property
    def generation(self) -> str:
        """The generation it reads."""
        return self._state.generation

    @property
    def models(self) -> Mapping[Collection, Model]:
        """What made the vectors of each collection."""
        return self._state.models

    def nearest(
        self,
        organization_id: UUID,
        collection: Collection,
        vector: Vector,
        *,
        model: Model,
        conditions: Conditions = EVERYTHING,
        limit: int = 10,
    ) -> tuple[Neighbour, ...]:
        """The most alike: see the port."""
        require_model(collection, self._state.models[collection], model)
        asked = require_askable(vector, model, limit).tolist()
        # The client's own engine compares all there is, and warns of parameters.
        local = self._generations.connection.is_local
        parameters = None if local else q.SearchParams(hnsw_ef=max(_CANDIDATES, 2 * limit))
        found = self._call(
            collection,
            lambda client, name: client.query_points(
                name,
                query=asked,
                query_filter=only(organization_id, conditions),
                search_params=parameters,
                limit=limit,
                with_payload=True,
            ),
        )
        neighbours = [Neighbour(subject_of(each.payload), float(each.score)) for each in found.points]
        return tuple(sorted(neighbours, key=lambda each: (-each.score, each.subject.id)))

    def get(self, organization_id: UUID, collection: Collection, ids: Sequence[UUID]) -> dict[UUID, Point]:
        """The points of these ids that are there."""
        wanted = [point_id(organization_id, each) for each in ids]
        own = str(organization_id)
        found = self._call(
            collection,
            lambda client, name: client.retrieve(name, wanted, with_payload=True, with_vectors=True),
        )
        points = [point_of(each) for each in found if (each.payload or {}).get(ORGANIZATION) == own]
        return {each.subject.id: each for each in points}

    def stored(self, organization_id: UUID, collection: Collection) -> Iterator[Point]:
        """Everything stored."""
        offset: Any = None
        while True:
            page, offset = self._call(
                collection,
                lambda client, name, begin=offset: client.scroll(
                    name,
                    scroll_filter=only(organization_id),
                    limit=_PAGE,
                    offset=begin,
                    with_payload=True,
                    with_vectors=True,
                ),
            )
            for each in page:
                yield point_of(each)
            if offset is None:
                return

    def count(self, organization_id: UUID, collection: Collection) -> int:
        """How many points are stored."""
        found = self._call(
            collection, lambda client, name: client.count(name, count_filter=only(organization_id), exact=True)
        )
        return int(found.count)

    def organizations(self) -> tuple[UUID, ...]:
        """Every organization that has points."""
        found: set[UUID] = set()
        for collection in Collection:
            told = self._call(
                collection,
                lambda client, name: client.facet(name, ORGANIZATION, limit=_MOST_ORGANIZATIONS, exact=True),
            )
            found |= {UUID(str(each.value)) for each in told.hits if each.count}
        return tuple(sorted(found))

    def close(self) -> None:
        """Nothing is held between calls."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, collection: Collection, do: Any) -> Any:
        name = self._generations.name(self.generation, collection)
        try:
            return self._generations.connection.call(lambda client: do(client, name))
        except (UnexpectedResponse, ValueError) as error:
            gone = isinstance(error, ValueError) and f"{name} not found" in str(error)
            if gone or getattr(error, "status_code", None) == 404:
                raise VectorViewMissingError(
                    "the vectors were made anew meanwhile", remedy="ask again: the new ones are there"
                ) from None
            raise
