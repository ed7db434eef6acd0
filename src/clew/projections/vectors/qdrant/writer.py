"""Writing a generation to Qdrant: what changed first, then the position, so that dying between only repeats work."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Self
from uuid import UUID

from qdrant_client import models as q

from clew.projections.place import never
from clew.projections.search.locks import Lock
from clew.projections.vectors.checks import require_model, sound
from clew.projections.vectors.port import Collection, Model, Point, Refusal, ViewState
from clew.projections.vectors.qdrant.generations import Generations
from clew.projections.vectors.qdrant.points import only, point_id, stored_point

_FLUSHED: Final = 500


class QdrantWriter:
    """Changes one generation; the lock is given back when it is closed. `published`: whether readers see it already."""

    def __init__(self, generations: Generations, state: ViewState, lock: Lock, *, published: bool) -> None:
        self._generations = generations
        self._state = state
        self._lock = lock
        self._published = published
        self._waiting: dict[Collection, dict[tuple[UUID, UUID], Point]] = {}

    @property
    def generation(self) -> str:
        """The generation it writes."""
        return self._state.generation

    @property
    def models(self) -> Mapping[Collection, Model]:
        """What has to have made the vectors that are put."""
        return self._state.models

    @property
    def state(self) -> ViewState:
        """What is committed."""
        return self._state

    def put(
        self, organization_id: UUID, collection: Collection, points: Iterable[Point], *, model: Model
    ) -> tuple[Refusal, ...]:
        """Add points or replace those of the same id."""
        require_model(collection, self._state.models[collection], model)
        kept, refused = sound(points, model)
        if refused:
            self.remove(organization_id, collection, [each.id for each in refused])
        waiting = self._waiting.setdefault(collection, {})
        for point in kept:
            waiting[organization_id, point.subject.id] = point
            if len(waiting) >= _FLUSHED:
                self._flush(collection)
        return refused

    def remove(self, organization_id: UUID, collection: Collection, ids: Iterable[UUID]) -> None:
        """Remove points."""
        listed = list(ids)
        waiting = self._waiting.get(collection, {})
        for identifier in listed:
            waiting.pop((organization_id, identifier), None)
        names = [point_id(organization_id, each) for each in listed]
        for start in range(0, len(names), _FLUSHED):
            some = q.PointIdsList(points=list(names[start : start + _FLUSHED]))
            self._call(collection, lambda client, name, some=some: client.delete(name, some, wait=True))

    def drop_organization(self, organization_id: UUID) -> None:
        """Remove everything of an organization."""
        for collection in Collection:
            waiting = self._waiting.get(collection, {})
            for key in [key for key in waiting if key[0] == organization_id]:
                del waiting[key]
            selector = q.FilterSelector(filter=only(organization_id))
            self._call(collection, lambda client, name, selector=selector: client.delete(name, selector, wait=True))

    def commit(self, position: str, _given_up: Callable[[], bool] = never) -> None:
        """Write what waits, then the position. The engine makes its indexes by itself: nobody waits for them here."""
        for collection in list(self._waiting):
            self._flush(collection)
        state = self._state
        self._state = ViewState(state.generation, state.schema_version, position, state.models)
        if self._published:
            self._generations.publish(self._state)

    def close(self) -> None:
        """Let go, without what was not committed."""
        self._waiting.clear()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _flush(self, collection: Collection) -> None:
        points = self._waiting.get(collection, {})
        listed = [stored_point(organization_id, point) for (organization_id, _), point in points.items()]
        for start in range(0, len(listed), _FLUSHED):
            some = listed[start : start + _FLUSHED]
            self._call(collection, lambda client, name, some=some: client.upsert(name, some, wait=True))
        points.clear()

    def _call(self, collection: Collection, do: Callable[..., Any]) -> None:
        name = self._generations.name(self.generation, collection)
        self._generations.connection.call(lambda client: do(client, name))
