"""Writing documents to one generation."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from pymongo import InsertOne, ReplaceOne
from pymongo.errors import BulkWriteError

from clew.projections.documents.mongo.connection import Mongo
from clew.projections.documents.mongo.encoding import TooLargeForMongoError, encode, key_of
from clew.projections.documents.mongo.generations import Generation, Generations
from clew.projections.documents.parts import parts, while_next_is_made
from clew.projections.documents.port import Document, DocumentCollection

if TYPE_CHECKING:
    from bson.raw_bson import RawBSONDocument

_AT_ONCE: Final = 1000
_IDS_AT_ONCE: Final = 5000


@dataclass(frozen=True, slots=True)
class Refused:
    """A document that was not taken, and why."""

    id: str
    reason: str


class MongoWriter:
    """Changes one generation. One thread; one writer at a time, in all processes.

    fresh: nothing is in the generation yet, and each document comes once.
    """

    def __init__(self, generations: Generations, generation: Generation, *, fresh: bool) -> None:
        self._generations = generations
        self._fresh = fresh
        self.generation = generation

    def put(
        self, organization_id: UUID, collection: DocumentCollection, documents: Iterable[Document]
    ) -> Iterator[Refused]:
        """Add documents or replace those of the same id; gives those that were refused.

        Of what is refused nothing stays: what was there under its id is removed. The next documents are read and
        encoded while the server writes.
        """
        encoded = (_encoded(organization_id, collection, some) for some in parts(documents, _AT_ONCE))
        for refused in while_next_is_made(lambda part: self._written(organization_id, collection, part), encoded):
            if refused and not self._fresh:
                self.remove(organization_id, collection, [each.id for each in refused])
            yield from refused

    def remove(self, organization_id: UUID, collection: DocumentCollection, ids: Iterable[str]) -> None:
        """Remove documents; unknown ids are no error."""
        name = self.generation.collections[collection]
        for some in parts((key_of(organization_id, identifier) for identifier in ids), _IDS_AT_ONCE):

            def remove(mongo: Mongo, keys: list[str] = some) -> None:
                mongo[name].delete_many({"_id": {"$in": keys}})

            self._generations.connection.run(remove)

    def remove_stray(self, organization_id: UUID, collection: DocumentCollection, identifier: UUID) -> None:
        """Remove what was put there by hand as this organization's: of that id, but under another key, or of no id."""
        name, organization = self.generation.collections[collection], str(organization_id)
        of_no_id = identifier.int == 0

        def remove(mongo: Mongo) -> None:
            kept = mongo[name]
            if not of_no_id:
                kept.delete_many({"organization_id": organization, "id": str(identifier)})
                return
            for stored in kept.find({"organization_id": organization}, {"id": 1}):
                if not _is_id(stored.get("id")):
                    kept.delete_one({"_id": stored["_id"]})

        self._generations.connection.run(remove)

    def commit(self, position: str) -> None:
        """Make everything durable, then the position. A generation that was filled gets its indexes now."""
        self.generation = self._generations.migrate(self.generation)
        self.generation = self._generations.write_position(self.generation, position)

    def _written(self, organization_id: UUID, collection: DocumentCollection, part: "_Encoded") -> list[Refused]:
        """Write what is ready. All that was refused."""
        if not part.ready:
            return part.refused
        name = self.generation.collections[collection]
        operations: list[Any] = [
            InsertOne(stored)
            if self._fresh
            else ReplaceOne({"_id": key_of(organization_id, identifier)}, stored, upsert=True)
            for identifier, stored in part.ready
        ]

        def write(mongo: Mongo) -> list[dict[str, Any]]:
            try:
                mongo[name].bulk_write(operations, ordered=False)
            except BulkWriteError as error:
                return _row_errors(error)
            return []

        told = self._generations.connection.run(write)
        return part.refused + [
            Refused(part.ready[each["index"]][0], f"MongoDB: {each.get('errmsg', 'refused')}"[:500]) for each in told
        ]


@dataclass(frozen=True, slots=True)
class _Encoded:
    """Some documents: those that can be written, with their ids, and the others."""

    ready: list[tuple[str, "RawBSONDocument"]]
    refused: list[Refused]


def _encoded(organization_id: UUID, collection: DocumentCollection, documents: Sequence[Document]) -> _Encoded:
    found = _Encoded([], [])
    for document in documents:
        try:
            found.ready.append((document["id"], encode(organization_id, collection, document)))
        except (TooLargeForMongoError, ValueError, OverflowError) as error:
            found.refused.append(Refused(document["id"], f"{type(error).__name__}: {error}"))
    return found


def _is_id(value: object) -> bool:
    try:
        return str(UUID(str(value))) == value
    except ValueError:
        return False


def _row_errors(error: BulkWriteError) -> list[dict[str, Any]]:
    """What was wrong with single documents. Raises the error where it is about more."""
    told = error.details.get("writeErrors", [])
    if (
        not told
        or error.details.get("writeConcernErrors")
        or not all(each.get("code") in _ABOUT_A_ROW for each in told)
    ):
        raise error
    return list(told)


# BadValue, FailedToParse, Overflow, DocumentValidationFailure, DuplicateKey, BSONObjectTooLarge, nesting, key names
_ABOUT_A_ROW: Final = frozenset({2, 9, 15, 52, 57, 121, 11000, 10334, 17280, 17419, 22})
