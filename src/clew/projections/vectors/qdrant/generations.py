"""Which generations a place of Qdrant has, and what is published there.

A generation is a Qdrant collection for each of ours, called PREFIX-PLACE-GENERATION-NAME. What is published, how far it
is, and its models stand in one point of the collection PREFIX-state, so that all of it changes at once.
"""

import secrets
from collections.abc import Mapping
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

from qdrant_client import models as q

from clew.projections.vectors.port import Collection, Model, ViewState
from clew.projections.vectors.qdrant.connection import QdrantConnection
from clew.projections.vectors.qdrant.points import INDEXED

_LEAST_GRAPH: Final = 16


class Generations:
    """Those of one place."""

    def __init__(self, connection: QdrantConnection, prefix: str, place: str) -> None:
        self.connection = connection
        self._prefix = prefix
        self._place = place
        self._id = str(uuid5(NAMESPACE_OID, f"clew vectors {prefix} {place}"))

    def name(self, generation: str, collection: Collection) -> str:
        """The Qdrant collection of a generation's collection."""
        return f"{self._beginning}{generation}-{collection.value}"

    def published(self) -> ViewState | None:
        """What is published."""
        state = self._state_collection
        if not self.connection.call(lambda client: client.collection_exists(state)):
            return None
        found = self.connection.call(lambda client: client.retrieve(state, [self._id]))
        if not found:
            return None
        told: dict[str, Any] = found[0].payload or {}
        kept = {Collection(name): Model(*values) for name, values in told["models"].items()}
        return ViewState(told["generation"], told["schema_version"], told["position"], kept)

    def publish(self, state: ViewState) -> None:
        """Let this be what is published, and how far it is."""
        name = self._state_collection
        if not self.connection.call(lambda client: client.collection_exists(name)):
            self._make(name, 1, indexed=False)
        models = {each.value: [model.name, model.dimension, model.version] for each, model in state.models.items()}
        payload = {
            "generation": state.generation,
            "schema_version": state.schema_version,
            "position": state.position,
            "models": models,
        }
        point = q.PointStruct(id=self._id, vector=[1.0], payload=payload)
        self.connection.call(lambda client: client.upsert(name, [point], wait=True))

    def make(self, models: Mapping[Collection, Model]) -> str:
        """Make the collections of a new generation that nobody sees; its name."""
        generation = secrets.token_hex(5)
        for collection, model in models.items():
            self._make(self.name(generation, collection), model.dimension)
        return generation

    def count(self, generation: str) -> int:
        """How many points a generation has."""
        names = [self.name(generation, collection) for collection in Collection]
        return sum(self.connection.call(lambda client, name=name: client.count(name)).count for name in names)  # type: ignore[misc]

    def drop(self, generation: str) -> None:
        """Remove a generation."""
        for collection in Collection:
            name = self.name(generation, collection)
            self.connection.call(lambda client, name=name: client.delete_collection(name))  # type: ignore[misc]

    def drop_all(self, *, but: str | None = None) -> None:
        """Remove every generation of the place but one."""
        listed = self.connection.call(lambda client: client.get_collections())
        for name in sorted(each.name for each in listed.collections):
            rest = name.removeprefix(self._beginning)
            if rest != name and rest.partition("-")[0] != but:
                self.connection.call(lambda client, name=name: client.delete_collection(name))  # type: ignore[misc]

    def forget(self) -> None:
        """Let nothing be published."""
        name = self._state_collection
        if self.connection.call(lambda client: client.collection_exists(name)):
            self.connection.call(lambda client: client.delete(name, [self._id], wait=True))

    @property
    def _beginning(self) -> str:
        return f"{self._prefix}-{self._place}-"

    @property
    def _state_collection(self) -> str:
        return f"{self._prefix}-state"

    def _make(self, name: str, dimension: int, *, indexed: bool = True) -> None:
        """A collection whose vectors are compared within an organization only: a graph for each, none over all."""
        graphs = q.HnswConfigDiff(m=0, payload_m=_LEAST_GRAPH, ef_construct=128) if indexed else None
        vectors = q.VectorParams(size=dimension, distance=q.Distance.DOT, datatype=q.Datatype.FLOAT16)
        if not self.connection.call(lambda client: client.collection_exists(name)):
            self.connection.call(lambda client: client.create_collection(name, vectors, hnsw_config=graphs))
        if indexed and not self.connection.is_local:  # the client's own engine has no indexes
            for key, kind in INDEXED.items():
                self.connection.call(
                    lambda client, key=key, kind=kind: client.create_payload_index(  # type: ignore[misc]
                        name, key, kind, wait=True
                    )
                )
