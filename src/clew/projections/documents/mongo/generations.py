"""Generations: a whole set of collections each, of which a document in `clew_state` names the published one.

Changing that one document swaps all collections at once, with no transaction. Each collection of a generation holds a
marker: one that was dropped or emptied by hand has none, and the generation counts as damaged. The position of a
generation is written after its documents, in the journal that holds these.
"""

import secrets
from dataclasses import dataclass, replace
from typing import Any, Final

from pymongo.write_concern import WriteConcern

from clew.kernel.errors import ConflictError
from clew.projections.documents.fields import SCHEMA_VERSION
from clew.projections.documents.mongo import indexes
from clew.projections.documents.mongo.connection import Mongo, MongoConnection
from clew.projections.documents.port import DocumentCollection

STATE: Final = "clew_state"
COPIES: Final = "drill_"
"""Before the names of what a copy is made of: what is left of one goes when the view is next built."""

_POINTER: Final = "published"
_MARKER: Final = "generation"
_DURABLE: Final = WriteConcern(w="majority", j=True)


class DocumentViewBusyError(ConflictError):
    """Another process, or another installation, writes this view."""

    code = "document_view_busy"
    transient = True


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation as the state names it: its name, schema, position, and the number of its indexes."""

    name: str
    schema_version: int
    position: str
    indexes: int
    prefix: str = ""

    @property
    def collections(self) -> dict[DocumentCollection, str]:
        """The names of its collections."""
        return {collection: f"{self.prefix}{collection.value}_{self.name}" for collection in DocumentCollection}


class Generations:
    """The generations of one installation; those of a copy beside it have a prefix before all names."""

    def __init__(self, connection: MongoConnection, prefix: str = "") -> None:
        self.connection = connection
        self.prefix = prefix
        self._state = f"{prefix}{STATE}"

    def published(self) -> Generation | None:
        """The published generation, whether it is whole or not."""
        return self.connection.run(self._published)

    def whole(self) -> Generation | None:
        """The published generation if it is of this schema and every collection of it is there."""
        return self.connection.run(self._whole)

    def create(self) -> Generation:
        """A new, empty one."""
        made = Generation(f"g{secrets.token_hex(8)}", SCHEMA_VERSION, "", 0, self.prefix)

        def make(mongo: Mongo) -> None:
            mongo[self._state].insert_one(_state_of(made))
            for name in made.collections.values():
                mongo[name].insert_one({"_id": _MARKER, "generation": made.name})

        self.connection.run(make)
        return made

    def migrate(self, generation: Generation) -> Generation:
        """Bring its indexes up to the newest number."""
        if generation.indexes >= indexes.NEWEST:
            return generation

        def bring_up(mongo: Mongo) -> None:
            indexes.migrate(mongo, generation.collections, generation.indexes)
            mongo[self._state].update_one({"_id": generation.name}, {"$set": {"indexes": indexes.NEWEST}})

        self.connection.run(bring_up)
        return replace(generation, indexes=indexes.NEWEST)

    def write_position(self, generation: Generation, position: str) -> Generation:
        """Store a position, durably, after all that was written before. Raises DocumentViewBusyError."""

        def store(mongo: Mongo) -> bool:
            state = mongo[self._state].with_options(write_concern=_DURABLE)
            known = {"_id": generation.name, "position": {"$in": [generation.position, position]}}
            return state.update_one(known, {"$set": {"position": position}}).matched_count == 1

        if not self.connection.run(store):
            raise DocumentViewBusyError(
                "another process has written these documents meanwhile",
                where=self.connection.address.place,
                remedy="let one process keep the views; give every installation a database of its own",
            )
        return replace(generation, position=position)

    def publish(self, generation: Generation) -> None:
        """Let a generation take the place of the published one: one document changes."""

        def point(mongo: Mongo) -> None:
            state = mongo[self._state].with_options(write_concern=_DURABLE)
            state.replace_one({"_id": _POINTER}, {"_id": _POINTER, "generation": generation.name}, upsert=True)

        self.connection.run(point)
        self.clean()

    def clean(self) -> None:
        """Remove every generation but the published one. Only who writes may."""

        def sweep(mongo: Mongo) -> None:
            published = self._published(mongo)
            kept = set() if published is None else set(published.collections.values())
            for name in mongo.list_collection_names():
                of_a_copy = not self.prefix and name.startswith(COPIES)
                if of_a_copy or (self._is_own(name) and name not in kept):
                    mongo.drop_collection(name)
            left = [_POINTER] if published is None else [_POINTER, published.name]
            mongo[self._state].delete_many({"_id": {"$nin": left}})

        self.connection.run(sweep)

    def remove_all(self) -> None:
        """Remove every generation, and the state."""

        def drop(mongo: Mongo) -> None:
            for name in mongo.list_collection_names():
                if name == self._state or self._is_own(name):
                    mongo.drop_collection(name)

        self.connection.run(drop)

    def remove(self, generation: Generation) -> None:
        """Remove one with all that it holds."""

        def drop(mongo: Mongo) -> None:
            for name in generation.collections.values():
                mongo.drop_collection(name)
            mongo[self._state].delete_one({"_id": generation.name})

        self.connection.run(drop)

    def _is_own(self, name: str) -> bool:
        """Whether a collection is of one of these generations: of those without a prefix, none with one is."""
        return name.startswith(self.prefix) and _is_of_a_generation(name[len(self.prefix) :])

    def _published(self, mongo: Mongo) -> Generation | None:
        pointer = mongo[self._state].find_one({"_id": _POINTER})
        found = mongo[self._state].find_one({"_id": str(pointer.get("generation"))}) if pointer else None
        if found is None or not isinstance(found.get("position"), str):
            return None
        return Generation(
            str(found["_id"]),
            int(found.get("schema_version", 0)),
            found["position"],
            int(found.get("indexes", 0)),
            self.prefix,
        )

    def _whole(self, mongo: Mongo) -> Generation | None:
        found = self._published(mongo)
        if found is None or found.schema_version != SCHEMA_VERSION:
            return None
        marks = [mongo[name].find_one({"_id": _MARKER}) for name in found.collections.values()]
        return found if all(mark and mark.get("generation") == found.name for mark in marks) else None


def _state_of(generation: Generation) -> dict[str, Any]:
    return {
        "_id": generation.name,
        "schema_version": generation.schema_version,
        "position": generation.position,
        "indexes": generation.indexes,
    }


def _is_of_a_generation(name: str) -> bool:
    stem, _, generation = name.rpartition("_g")
    hexadecimal = len(generation) == 16 and set(generation) <= set("0123456789abcdef")
    return hexadecimal and stem in {collection.value for collection in DocumentCollection}
